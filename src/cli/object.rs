//! One object of the daemon, read leniently: a field that is missing, null or of another kind reads as absent.
//!
//! A client may be older or newer than the daemon, so nothing here insists on a shape beyond "a JSON object".

use serde_json::{Map, Value};

use super::error::CliError;
use crate::model::time::UtcInstant;

/// A JSON object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Map<String, Value>);

impl Object {
    /// From one line of an answer.
    pub fn parse(line: &[u8]) -> Result<Self, CliError> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Self::strange("a line that is not an object")),
            Err(_not_json) => Err(Self::strange("a line that is not JSON")),
        }
    }

    fn strange(what: &str) -> CliError {
        CliError::NotUnderstood { what: what.to_owned(), hint: None }
    }

    /// The object as JSON, without these members.
    pub fn without(mut self, fields: &[&str]) -> String {
        self.0.retain(|name, _value| !fields.contains(&name.as_str()));
        Value::Object(self.0).to_string()
    }

    /// A text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }

    /// A text, empty when absent.
    pub fn text_or_empty(&self, field: &str) -> &str {
        self.text(field).unwrap_or_default()
    }

    /// A count.
    pub fn number(&self, field: &str) -> Option<i64> {
        self.0.get(field)?.as_i64()
    }

    /// A yes or no.
    pub fn flag(&self, field: &str) -> Option<bool> {
        self.0.get(field)?.as_bool()
    }

    /// An instant.
    pub fn instant(&self, field: &str) -> Option<UtcInstant> {
        UtcInstant::parse(self.text(field)?)
    }

    /// An object.
    pub fn object(&self, field: &str) -> Option<Self> {
        self.0.get(field)?.as_object().cloned().map(Self)
    }

    /// The objects of an array.
    pub fn objects(&self, field: &str) -> Vec<Self> {
        let items = self.0.get(field).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| item.as_object().cloned().map(Self)).collect()
    }

    /// The texts of an array.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        let items = self.0.get(field).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}
