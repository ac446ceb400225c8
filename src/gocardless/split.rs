//! A transactions body, cut into the spans of its rows without reading them, and recognised when it comes again.
//!
//! The body is walked once. What stands inside the arrays is any JSON value and is left alone, however deep: skipping a
//! value does not recurse. A body is accepted whole or not at all, so that nothing is stored from a truncated one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::wire;
use crate::model::port::Body;
use crate::model::transaction::{Answer, AnswerMark, Span};

/// Most rows of one list: a body of 32 MiB with the smallest rows seen (about 150 bytes) has fewer.
const ROWS_MAX: usize = 400_000;

/// Cuts a body; `None` if it is not UTF-8, not one JSON object, or its `transactions` are not what they should be.
pub(super) fn split(body: Body) -> Option<Answer> {
    let body = body.into_text()?;
    let Members { transactions, last_updated } = Members::<Lists>::read(body.text())?;
    let (value, lists) = transactions?;
    // The rows were found by their addresses; from here on they are places in the text.
    let Lists { booked, pending } = lists.relative_to(body.text().as_ptr().addr());
    let bytes = body.text().as_bytes().get(value.start..value.end)?;
    let mark = AnswerMark {
        start: u32::try_from(value.start).ok()?,
        len: u32::try_from(bytes.len()).ok()?,
        hash: hash(bytes),
    };
    Some(Answer { body, booked, pending, last_updated, mark })
}

/// The known answer, come again.
#[derive(Debug, PartialEq)]
pub(super) struct Again {
    /// When the provider last asked the bank, as given.
    pub(super) last_updated: Option<String>,
}

/// `Some` if the body has, at the same place, the very `transactions` value of the mark, and is otherwise
/// an object such as [`split`] accepts.
///
/// The value need not be read again: the hash says that it was accepted before, and the rest of the body must be valid
/// with a `null` in its place.
pub(super) fn unchanged(body: &[u8], mark: AnswerMark) -> Option<Again> {
    let start = usize::try_from(mark.start).ok()?;
    let end = start.checked_add(usize::try_from(mark.len).ok()?)?;
    if hash(body.get(start..end)?) != mark.hash {
        return None;
    }
    let head = std::str::from_utf8(body.get(..start)?).ok()?;
    let tail = std::str::from_utf8(body.get(end..)?).ok()?;
    let text = format!("{head}null{tail}");
    // A member that comes twice is read as `split` reads it: the last one counts.
    let members = Members::<Option<Lists>>::read(&text)?;
    let (place, value) = members.transactions?;
    let again = Again { last_updated: members.last_updated };
    (place.start == start && value.is_none()).then_some(again)
}

/// The first 16 bytes of BLAKE3.
fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.iter_mut().zip(blake3::hash(bytes).as_bytes()).for_each(|(to, from)| *to = *from);
    short
}

/// The members of a transactions body, its `transactions` read as `T`.
struct Members<T> {
    transactions: Option<(Span, T)>,
    last_updated: Option<String>,
}

impl<'a, T: Deserialize<'a>> Members<T> {
    fn read(text: &'a str) -> Option<Self> {
        let mut walk = Walk::begin(text)?;
        let mut members = Members { transactions: None, last_updated: None };
        loop {
            match walk.key()? {
                Key::End => break,
                Key::Transactions => members.transactions = Some(walk.value()?),
                Key::LastUpdated => {
                    let (_, value) = walk.value::<&RawValue>()?;
                    members.last_updated = wire::string(Some(value.into()));
                }
                Key::Other => {
                    walk.value::<IgnoredAny>()?;
                }
            }
        }
        Some(members)
    }
}

/// Which member comes next.
#[derive(Clone, Copy)]
enum Key {
    Transactions,
    LastUpdated,
    Other,
    /// No member: the end of the object and of the text.
    End,
}

/// Walks the members of one JSON object and knows where each value stands, which serde alone does not tell.
/// Every step answers `None` where the text is not JSON.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    first: bool,
}

impl<'a> Walk<'a> {
    fn begin(text: &'a str) -> Option<Self> {
        let mut walk = Self { text, at: 0, first: true };
        walk.token('{')?;
        Some(walk)
    }

    /// The next key with its colon.
    fn key(&mut self) -> Option<Key> {
        if self.token('}').is_some() {
            self.blanks();
            return self.rest().is_empty().then_some(Key::End);
        }
        if !std::mem::take(&mut self.first) {
            self.token(',')?;
        }
        self.blanks();
        let (_, key) = self.value::<&RawValue>()?;
        let key = wire::Json::from(key);
        let key = wire::text(key).filter(|_| wire::is_string(key))?;
        let key = match key.as_ref() {
            "transactions" => Key::Transactions,
            "last_updated" => Key::LastUpdated,
            _ => Key::Other,
        };
        self.token(':')?;
        Some(key)
    }

    /// One value of any kind, and its place.
    fn value<T: Deserialize<'a>>(&mut self) -> Option<(Span, T)> {
        self.blanks();
        let start = self.at;
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at = start.checked_add(values.byte_offset())?;
        Some((Span { start, end: self.at }, value))
    }

    fn token(&mut self, token: char) -> Option<()> {
        self.blanks();
        self.rest().strip_prefix(token)?;
        self.at = self.at.checked_add(token.len_utf8())?;
        Some(())
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.at.saturating_add(rest.len().saturating_sub(trimmed.len()));
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// The `transactions` value: rows by their place, first as addresses, then relative to the text.
struct Lists {
    booked: Vec<Span>,
    pending: Option<Vec<Span>>,
}

impl Lists {
    fn relative_to(mut self, base: usize) -> Self {
        for span in self.booked.iter_mut().chain(self.pending.iter_mut().flatten()) {
            span.start = span.start.saturating_sub(base);
            span.end = span.end.saturating_sub(base);
        }
        self
    }
}

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Lists;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with lists of rows")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
                let mut lists = Lists { booked: Vec::new(), pending: None };
                while let Some(wire::Bytes(key)) = map.next_key()? {
                    match key.as_ref() {
                        b"booked" => {
                            let rows: Option<RowSpans> = map.next_value()?;
                            lists.booked = rows.map(|rows| rows.0).unwrap_or_default();
                        }
                        b"pending" => {
                            let rows: Option<RowSpans> = map.next_value()?;
                            lists.pending = rows.map(|rows| rows.0);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(lists)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The addresses of the values of an array.
struct RowSpans(Vec<Span>);

impl<'de> Deserialize<'de> for RowSpans {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = RowSpans;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {ROWS_MAX} rows")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<RowSpans, A::Error> {
                let mut spans = Vec::new();
                while let Some(row) = array.next_element::<&'de RawValue>()? {
                    if spans.len() >= ROWS_MAX {
                        return Err(serde::de::Error::invalid_length(spans.len(), &self));
                    }
                    let start = row.get().as_ptr().addr();
                    spans.push(Span { start, end: start.saturating_add(row.get().len()) });
                }
                Ok(RowSpans(spans))
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(json: &str) -> Option<Answer> {
        split(Body::new(json.as_bytes().to_vec(), None))
    }

    fn rows<'a>(answer: &'a Answer, spans: &[Span]) -> Vec<&'a str> {
        spans.iter().map(|span| answer.row(*span)).collect()
    }

    #[test]
    fn rows_of_any_kind_are_found_where_they_stand() {
        let answer = cut(
            "\n{ \"extra\": [1], \"transactions\" : {\"booked\": [ {\"a\": 1.0} ,null,\"ü\", 7 ],\"x\":{},\n\"pending\":[]} ,\
             \"last_updated\":\"2026-01-05T10:02:31.000000Z\"}\n",
        )
        .unwrap();
        assert_eq!(rows(&answer, &answer.booked), ["{\"a\": 1.0}", "null", "\"ü\"", "7"]);
        assert_eq!(answer.pending, Some(Vec::new()));
        assert_eq!(answer.last_updated.as_deref(), Some("2026-01-05T10:02:31.000000Z"));
    }

    #[test]
    fn missing_and_null_lists() {
        for json in [r#"{"transactions":{}}"#, r#"{"transactions":{"booked":null,"pending":null}}"#]
        {
            let answer = cut(json).unwrap();
            assert!(
                answer.booked.is_empty()
                    && answer.pending.is_none()
                    && answer.last_updated.is_none()
            );
        }
        let twice =
            cut(r#"{"transactions":{"booked":[1]},"transactions":{"booked":[2,3]}}"#).unwrap();
        assert_eq!(rows(&twice, &twice.booked), ["2", "3"]);
    }

    #[test]
    fn what_is_not_a_transactions_body_is_refused() {
        for json in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"transactions":null}"#,
            r#"{"transactions":[]}"#,
            r#"{"transactions":{"booked":{}}}"#,
            r#"{"transactions":{"booked":"[]"}}"#,
            r#"{"transactions":{"booked":[]}"#,
            r#"{"transactions":{"booked":[]}}x"#,
            r#"{"transactions":{"booked":[1,]}}"#,
            r#"{"transactions":{"booked":[]},}"#,
            r#"{,"transactions":{"booked":[]}}"#,
            r#"{1:2,"transactions":{"booked":[]}}"#,
            "\u{feff}{\"transactions\":{\"booked\":[]}}",
            "<!DOCTYPE html><html></html>",
        ] {
            assert!(cut(json).is_none(), "{json}");
        }
        assert!(
            split(Body::new(b"{\"transactions\":{\"booked\":[\"\xe4\"]}}".to_vec(), None))
                .is_none()
        );
    }

    #[test]
    fn a_body_cut_at_any_byte_is_refused() {
        let json = r#"{"transactions":{"booked":[{"a":"b\u00e4"},{"c":-1.5e3}],"pending":[{}]},"last_updated":"2026"}"#;
        assert!(cut(json).is_some());
        for end in 0..json.len() {
            assert!(split(Body::new(json.as_bytes()[..end].to_vec(), None)).is_none(), "{end}");
        }
    }

    #[test]
    fn deep_nesting_neither_overflows_nor_spoils_the_others() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let json = format!(
            r#"{{"x":{deep},"transactions":{{"booked":[{deep},{{"a":{deep}}},1],"y":{deep}}}}}"#
        );
        let answer = cut(&json).unwrap();
        assert_eq!(answer.booked.len(), 3);
        assert_eq!(answer.row(answer.booked[0]), deep);
        assert_eq!(answer.row(answer.booked[2]), "1");
    }

    #[test]
    fn too_many_rows_are_refused() {
        let json = format!(r#"{{"transactions":{{"booked":[{}0]}}}}"#, "0,".repeat(ROWS_MAX));
        assert!(cut(&json).is_none());
    }

    #[test]
    fn the_known_answer_is_recognised_whatever_stands_after_it() {
        let value = r#"{"booked":[{"a":1}],"pending":[]}"#;
        let body = format!(r#"{{"transactions":{value},"last_updated":"one"}}"#);
        let mark = cut(&body).unwrap().mark;
        let known = |body: &str| unchanged(body.as_bytes(), mark);
        assert_eq!(known(&body).unwrap().last_updated.as_deref(), Some("one"));
        let later = known(&body.replace("one", "two, three"));
        assert_eq!(later.unwrap().last_updated.as_deref(), Some("two, three"));
        assert_eq!(
            known(&format!(r#"{{"transactions":{value}}}"#)),
            Some(Again { last_updated: None })
        );
        for other in [
            body.replace("\"a\":1", "\"a\":2"),
            body.replace("}],", "} ],"),
            format!(" {body}"),
            body.replace("\"transactions\"", "\"transactionx\""),
            body.trim_end_matches('}').to_owned(),
            format!(r#"{{"transactions":{value},"transactions":{{"booked":[]}}}}"#),
            format!(r#"{{"transactionx":{value},"transactions":null}}"#),
            String::new(),
        ] {
            assert_eq!(known(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let answer = split(Body::new(bytes, None));
            prop_assert!(answer.is_none());
        }

        #[test]
        fn no_damaged_body_panics(place in 0_usize..90, byte in any::<u8>()) {
            let mut bytes =
                br#"{"transactions":{"booked":[{"a":"b"},{"c":-1.5e3}],"pending":[{}]},"last_updated":"2026"}"#.to_vec();
            let mark = split(Body::new(bytes.clone(), None)).unwrap().mark;
            prop_assume!(place < bytes.len());
            bytes[place] = byte;
            if unchanged(&bytes, mark).is_some() {
                prop_assert!(split(Body::new(bytes, None)).is_some());
            }
        }
    }
}
