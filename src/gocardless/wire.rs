//! Reading the provider's JSON without trusting its schema: members are picked by name, values stay raw until asked for.
//!
//! Strings stand where numbers are promised and the other way round, nulls and blanks stand for absence, objects for
//! arrays, members come twice or are new. So nothing is deserialised into fixed types: a member is looked up, and its
//! value is then read as what the caller needs, or is absent. The last of two equal members wins. Nothing here recurses
//! into values, however deep they are nested; lists and members are bounded.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most items that a list in a small answer may have: the list of all institutions has about 2,500.
const LIST_ITEMS_MAX: usize = 20_000;
/// Most fields of an error body that are looked at.
const MEMBERS_MAX: usize = 64;

/// The values of the named members of a JSON object; `None` for a member that is absent or null.
/// `None` altogether if `text` is not one JSON object.
pub(super) fn pick<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Option<[Option<&'a RawValue>; N]> {
    let mut json = serde_json::Deserializer::from_str(text);
    let picked = json.deserialize_map(Pick { names }).ok()?;
    json.end().ok()?;
    Some(picked)
}

/// The first members of a JSON object in order, whatever they are called; `None` if `text` is not an object.
pub(super) fn members(text: &str) -> Option<Vec<(String, &RawValue)>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(Members).ok()?;
    json.end().ok()?;
    Some(members)
}

/// The items of a JSON array; `None` if it is not one or has too many.
pub(super) fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    json.deserialize_seq(Items).ok()
}

/// Whether a value is a JSON string.
pub(super) fn is_string(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

/// A string's content as given, or a number's lexeme; `None` for every other kind of value.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let lexeme = raw.get();
    if let Some(inner) = lexeme.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        // As bytes, because half a surrogate pair is valid JSON and no valid text.
        let bytes: Bytes<'_> = serde_json::from_str(lexeme).ok()?;
        return Some(Cow::Owned(String::from_utf8_lossy(&bytes.0).into_owned()));
    }
    lexeme
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
        .then_some(lexeme.into())
}

/// Like [`text`], but blanks count as absent. What is not blank keeps its padding.
pub(super) fn filled(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    text(raw?).filter(|text| !is_blank(text))
}

/// Whether there is nothing but blanks; most texts begin with something else.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Like [`filled`], owned.
pub(super) fn string(raw: Option<&RawValue>) -> Option<String> {
    filled(raw).map(Cow::into_owned)
}

/// A whole number, written as number or string; `None` where it is negative, has a fraction or is too large.
pub(super) fn count(raw: Option<&RawValue>) -> Option<u32> {
    filled(raw)?.trim().parse().ok()
}

/// A yes or no, written as such or as a word.
pub(super) fn flag(raw: Option<&RawValue>) -> Option<bool> {
    match raw?.get().trim_matches('"') {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A string's bytes: keys and values may hold half surrogate pairs, which are no UTF-8.
pub(super) struct Bytes<'a>(pub(super) Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Bytes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsBytes;
        impl<'de> Visitor<'de> for AsBytes {
            type Value = Bytes<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Bytes<'de>, E> {
                Ok(Bytes(Cow::Borrowed(bytes)))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes<'de>, E> {
                Ok(Bytes(Cow::Owned(bytes.to_vec())))
            }
        }
        deserializer.deserialize_bytes(AsBytes)
    }
}

struct Pick<'n, const N: usize> {
    names: [&'n str; N],
}

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = [None; N];
        // Members mostly come in the order of the names: the next one is looked for behind the last.
        let mut behind = 0;
        while let Some(Bytes(key)) = map.next_key()? {
            let is_key = |place: &usize| {
                self.names.get(*place).is_some_and(|name| name.as_bytes() == key.as_ref())
            };
            let place = (behind..N).chain(0..behind).find(is_key);
            match place.and_then(|place| picked.get_mut(place)) {
                Some(slot) => {
                    behind = place.map_or(0, |place| place.saturating_add(1));
                    let value: &RawValue = map.next_value()?;
                    *slot = (value.get() != "null").then_some(value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(picked)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Bytes(key)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            if members.len() < MEMBERS_MAX {
                members.push((String::from_utf8_lossy(&key).into_owned(), value));
            }
        }
        Ok(members)
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {LIST_ITEMS_MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            if items.len() >= LIST_ITEMS_MAX {
                return Err(serde::de::Error::invalid_length(items.len(), &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_last_of_equal_members_wins_and_null_is_absence() {
        let [a, b, c] = pick(r#"{"a":1,"b":null,"a":{"x":[2]},"z":[]}"#, ["a", "b", "c"]).unwrap();
        assert_eq!(a.unwrap().get(), r#"{"x":[2]}"#);
        assert!(b.is_none() && c.is_none());
        let [a] = pick(r#"{"a":1,"a":null}"#, ["a"]).unwrap();
        assert!(a.is_none());
        for not_an_object in ["", "[]", "1", "null", "{} {}", "{", "\u{feff}{}"] {
            assert!(pick(not_an_object, ["a"]).is_none(), "{not_an_object}");
        }
    }

    #[test]
    fn escaped_keys_are_the_same_keys_and_broken_surrogates_spoil_nothing() {
        let [a, b] = pick(r#"{"\u0061":1,"\ud800":2,"b":"x\udc00y"}"#, ["a", "b"]).unwrap();
        assert_eq!(a.unwrap().get(), "1");
        let text = text(b.unwrap()).unwrap();
        assert!(
            text.starts_with('x') && text.ends_with('y') && text.contains('\u{fffd}'),
            "{text}"
        );
    }

    #[test]
    fn values_are_read_as_what_is_needed() {
        assert_eq!(text(raw(r#""a\nb""#)).as_deref(), Some("a\nb"));
        assert_eq!(text(raw("-1.50")).as_deref(), Some("-1.50"));
        assert_eq!(text(raw("true")), None);
        assert_eq!(flag(Some(raw("true"))), Some(true));
        assert_eq!(flag(Some(raw(r#""false""#))), Some(false));
        assert_eq!(flag(Some(raw("1"))), None);
        assert_eq!(string(Some(raw(r#""  ""#))), None);
        assert_eq!(string(Some(raw(r#"" a ""#))).as_deref(), Some(" a "));
        assert_eq!(count(Some(raw(r#""90""#))), Some(90));
        assert_eq!(count(Some(raw("90"))), Some(90));
        for odd in ["-1", "1.5", "\"ninety\"", "[]", "99999999999", "\"\""] {
            assert_eq!(count(Some(raw(odd))), None, "{odd}");
        }
    }

    #[test]
    fn lists_and_members_are_bounded() {
        let long = format!("[{}0]", "0,".repeat(LIST_ITEMS_MAX));
        assert!(list(raw(&long)).is_none());
        assert_eq!(list(raw("[1,[2]]")).unwrap().len(), 2);
        assert!(list(raw("{}")).is_none());
        let wide = format!("{{{}\"z\":0}}", "\"a\":0,".repeat(1_000));
        assert_eq!(members(&wide).unwrap().len(), MEMBERS_MAX);
    }
}
