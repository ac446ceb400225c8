//! Reading the provider's JSON without trusting its schema: members are picked by name, values stay raw until asked for.
//!
//! Strings stand where numbers are promised and the other way round, nulls and blanks stand for absence, objects for
//! arrays, members come twice or are new. So nothing is deserialised into fixed types: a member is looked up, and its
//! value is then read as what the caller needs, or is absent. The last of two equal members wins. Nothing here recurses
//! into values, however deep they are nested; lists and members are bounded.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr2};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most items that a list in a small answer may have: the list of all institutions has about 2,500.
const LIST_ITEMS_MAX: usize = 20_000;
/// Most fields of an error body that are looked at.
const MEMBERS_MAX: usize = 64;

/// A JSON value that is known to be well-formed, so that its parts are found without being examined anew: a listing looks into
/// a million rows. On a text that is none nothing worse happens than that it has no parts, or strange ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(&'a str);

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl<'a> Json<'a> {
    /// A value of an answer that was taken apart when it came.
    pub(super) const fn of_answer(text: &'a str) -> Self {
        Self(text)
    }

    /// Its text.
    pub(super) const fn get(self) -> &'a str {
        self.0
    }

    /// As [`pick`] of its text.
    pub(super) fn pick<const N: usize>(self, names: [&str; N]) -> Option<[Option<Self>; N]> {
        let mut picked = [None; N];
        // Members mostly come in the order of the names: the next one is looked for behind the last.
        let mut behind = 0;
        self.each_member(|key, value| {
            let find = |wanted: &str| {
                let (before, after) = names.split_at_checked(behind)?;
                let place = |names: &[&str]| names.iter().position(|name| *name == wanted);
                let after = place(after).map(|place| place.saturating_add(behind));
                after.or_else(|| place(before))
            };
            // Keys may be written with escapes, which none of the names needs.
            let place = find(key).or_else(|| match content(key)? {
                Cow::Borrowed(_plain) => None,
                Cow::Owned(key) => find(&key),
            });
            if let Some((place, slot)) =
                place.and_then(|place| Some((place, picked.get_mut(place)?)))
            {
                behind = place.saturating_add(1);
                *slot = (value.0 != "null").then_some(value);
            }
        })?;
        Some(picked)
    }

    /// Shows the members of an object in their order, keys as they are written; `None` if it is not one.
    fn each_member(self, mut show: impl FnMut(&'a str, Self)) -> Option<()> {
        let mut scan = Scan { text: self.0, at: 0 };
        scan.token(b'{').then_some(())?;
        if scan.token(b'}') {
            return Some(());
        }
        loop {
            let key = quoted(scan.value()?)?;
            scan.token(b':').then_some(())?;
            show(key, Self(scan.value()?));
            if !scan.token(b',') {
                return scan.token(b'}').then_some(());
            }
        }
    }
}

/// A place in a text. By bytes: patterns of `str` are built for more than one letter, and a listing looks at a million rows.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// Goes on to what is not a blank, and tells what it is.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at = self.at.saturating_add(1),
                byte => return Some(*byte),
            }
        }
    }

    /// Goes past a token; `false` if something else comes.
    fn token(&mut self, token: u8) -> bool {
        let found = self.peek() == Some(token);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    /// Goes past the value that comes.
    fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let (bytes, start) = (self.text.as_bytes(), self.at);
        self.at = match first {
            b'"' => string_end(bytes, start)?,
            b'{' | b'[' => nested_end(bytes, start)?,
            _ => {
                let is_behind =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let behind = bytes.get(start..)?.iter().position(is_behind);
                behind.map_or(bytes.len(), |len| start.saturating_add(len))
            }
        };
        self.text.get(start..self.at)
    }
}

/// Where the string ends that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start.saturating_add(1);
    loop {
        at = at.saturating_add(memchr2(b'"', b'\\', bytes.get(at..)?)?);
        match bytes.get(at)? {
            b'"' => return Some(at.saturating_add(1)),
            _ => at = at.saturating_add(2),
        }
    }
}

/// Where the object or array ends that begins at `start`, however deep it is.
fn nested_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = at.saturating_add(1);
        if depth == 0 {
            return Some(at);
        }
    }
}

/// What stands between the quotes of a string; `None` for every other kind of value.
fn quoted(lexeme: &str) -> Option<&str> {
    match lexeme.as_bytes() {
        [b'"', .., b'"'] => lexeme.get(1..lexeme.len().saturating_sub(1)),
        _ => None,
    }
}

/// The values of the named members of a JSON object; `None` for a member that is absent or null.
/// `None` altogether if `text` is not one JSON object.
pub(super) fn pick<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Option<[Option<Json<'a>>; N]> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    Json::from(whole).pick(names)
}

/// The first members of a JSON object in order, whatever they are called; `None` if `text` is not an object.
pub(super) fn members(text: &str) -> Option<Vec<(String, Json<'_>)>> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    let mut members = Vec::new();
    Json::from(whole).each_member(|key, value| {
        if members.len() < MEMBERS_MAX {
            members.extend(content(key).map(|key| (key.into_owned(), value)));
        }
    })?;
    Some(members)
}

/// The items of a JSON array; `None` if it is not one or has too many.
pub(super) fn list(raw: Json<'_>) -> Option<Vec<Json<'_>>> {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    json.deserialize_seq(Items).ok()
}

/// Whether a value is a JSON string.
pub(super) fn is_string(raw: Json<'_>) -> bool {
    raw.get().as_bytes().first() == Some(&b'"')
}

/// A string's content as given, or a number's lexeme; `None` for every other kind of value.
pub(super) fn text(raw: Json<'_>) -> Option<Cow<'_, str>> {
    let lexeme = raw.get();
    match lexeme.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => Some(lexeme.into()),
        _ => content(quoted(lexeme)?),
    }
}

/// What stands between the quotes of a string, without escapes.
fn content(inner: &str) -> Option<Cow<'_, str>> {
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    // As bytes, because half a surrogate pair is valid JSON and no valid text.
    let lexeme = format!("\"{inner}\"");
    let Bytes(bytes) = serde_json::from_str(&lexeme).ok()?;
    Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Like [`text`], but blanks count as absent. What is not blank keeps its padding.
pub(super) fn filled(raw: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    text(raw?).filter(|text| !is_blank(text))
}

/// Whether there is nothing but blanks; most texts begin with something else.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// Like [`filled`], owned.
pub(super) fn string(raw: Option<Json<'_>>) -> Option<String> {
    filled(raw).map(Cow::into_owned)
}

/// A whole number, written as number or string; `None` where it is negative, has a fraction or is too large.
pub(super) fn count(raw: Option<Json<'_>>) -> Option<u32> {
    filled(raw)?.trim().parse().ok()
}

/// A yes or no, written as such or as a word.
pub(super) fn flag(raw: Option<Json<'_>>) -> Option<bool> {
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

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Json<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {LIST_ITEMS_MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element::<&'de RawValue>()? {
            if items.len() >= LIST_ITEMS_MAX {
                return Err(serde::de::Error::invalid_length(items.len(), &self));
            }
            items.push(item.into());
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Json<'_> {
        serde_json::from_str::<&RawValue>(json).unwrap().into()
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
