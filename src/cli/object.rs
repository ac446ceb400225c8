//! One object of the daemon, read leniently: a field that is missing, null or of another kind reads as absent.
//!
//! A client may be older or newer than the daemon, so nothing here insists on a shape beyond "a JSON object".

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::CliError;
use crate::model::time::UtcInstant;

/// A JSON object. What is in it is shared, so that a part of it costs nothing to take out: `status` has hundreds of parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Arc<[(String, Member)]>);

/// What a member of an object is, as far as anybody here asks.
#[derive(Debug, PartialEq)]
enum Member {
    Text(String),
    Number(i64),
    Flag(bool),
    Object(Object),
    List(Vec<Member>),
    /// Null, or a number that is no count.
    Nothing,
}

impl Object {
    /// From one line of an answer.
    pub fn parse(line: &[u8]) -> Result<Self, CliError> {
        match serde_json::from_slice(line) {
            Ok(Member::Object(object)) => Ok(object),
            Ok(_) => Err(Self::strange("a line that is not an object")),
            Err(_not_json) => Err(Self::strange("a line that is not JSON")),
        }
    }

    fn strange(what: &str) -> CliError {
        CliError::NotUnderstood { what: what.to_owned(), hint: None }
    }

    /// The last member of this name, as JSON has it where there are several.
    fn member(&self, field: &str) -> Option<&Member> {
        self.0.iter().rev().find(|(name, _)| name == field).map(|(_, member)| member)
    }

    fn list(&self, field: &str) -> impl Iterator<Item = &Member> {
        let items = match self.member(field) {
            Some(Member::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter()
    }

    /// A text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.member(field)?.text()
    }

    /// A text, empty when absent.
    pub fn text_or_empty(&self, field: &str) -> &str {
        self.text(field).unwrap_or_default()
    }

    /// A count.
    pub fn number(&self, field: &str) -> Option<i64> {
        match self.member(field)? {
            Member::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A yes or no.
    pub fn flag(&self, field: &str) -> Option<bool> {
        match self.member(field)? {
            Member::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// An instant.
    pub fn instant(&self, field: &str) -> Option<UtcInstant> {
        UtcInstant::parse(self.text(field)?)
    }

    /// An object.
    pub fn object(&self, field: &str) -> Option<Self> {
        self.member(field)?.object()
    }

    /// The objects of an array.
    pub fn objects(&self, field: &str) -> Vec<Self> {
        self.list(field).filter_map(Member::object).collect()
    }

    /// The texts of an array.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        self.list(field).filter_map(Member::text).collect()
    }
}

impl Member {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn object(&self) -> Option<Object> {
        match self {
            Self::Object(object) => Some(object.clone()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

/// Takes whatever comes.
struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Nothing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Member, E> {
        Ok(Member::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
        Ok(Member::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(i64::try_from(number).map_or(Member::Nothing, Member::Number))
    }

    #[expect(clippy::disallowed_types, reason = "the signature of the trait; it is dropped")]
    fn visit_f64<E>(self, _number: f64) -> Result<Member, E> {
        Ok(Member::Nothing)
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Member, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Member::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Member, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Member::Object(Object(members.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_of_another_kind_is_absent() {
        let line = r#"{"t":"a","t":"b","n":-3,"f":true,"z":null,"h":1.5,"g":18446744073709551615,"o":{"t":"x"},"l":["p",1,{"t":"y"}]}"#;
        let object = Object::parse(line.as_bytes()).unwrap();
        assert_eq!(object.text("t"), Some("b"));
        assert_eq!((object.number("n"), object.flag("f")), (Some(-3), Some(true)));
        for field in ["z", "h", "g", "o", "l", "nowhere"] {
            assert_eq!(
                (object.text(field), object.number(field), object.flag(field)),
                (None, None, None)
            );
        }
        assert_eq!(object.object("o").unwrap().text("t"), Some("x"));
        assert_eq!((object.texts("l"), object.objects("l").len()), (vec!["p"], 1));
        assert_eq!((object.texts("t").len(), object.objects("nowhere").len()), (0, 0));
        for strange in ["[]", "{} {}", "{", "", "{\"a\":\"\u{0}\"}"] {
            assert!(Object::parse(strange.as_bytes()).is_err(), "{strange}");
        }
    }
}
