//! Reading what a client sends as strictly as the provider's published rules: JSON objects with
//! known fields of the right types, known query parameters.
//!
//! The provider refuses unknown fields on institutions and requisitions; the world does so
//! everywhere, because a client that sends a field nobody asked for has a fault worth finding.

use serde_json::{Map, Value};

use super::super::wire::{HttpRequest, HttpResponse};
use super::problems::{BLANK, FieldErrors, REQUIRED, flat, unknown_fields};

/// The fields of a JSON body.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads the body; `known` are the fields that the operation has.
    pub(super) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, HttpResponse> {
        let kind = request.header("content-type").unwrap_or("");
        if kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json") {
            let detail = format!("Unsupported media type \"{kind}\" in request.");
            return Err(flat(415, "Unsupported media type", &detail));
        }
        let parsed: Result<Value, _> = serde_json::from_slice(&request.body);
        let fields = match parsed {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(flat(400, "Invalid data", "Invalid data. Expected a dictionary.")),
            Err(error) => {
                return Err(flat(400, "JSON parse error", &format!("JSON parse error - {error}")));
            }
        };
        refuse_unknown(fields.keys(), known, "body")?;
        Ok(Self(fields))
    }

    /// The value, unless it is absent.
    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A text that must be there and not be empty; the empty text after an error.
    pub(super) fn required_text(&self, field: &str, errors: &mut FieldErrors) -> String {
        if self.0.contains_key(field) {
            return self.text(field, errors).unwrap_or_default();
        }
        errors.strings(field, REQUIRED);
        String::new()
    }

    /// A text that may be absent but not empty.
    pub(super) fn text(&self, field: &str, errors: &mut FieldErrors) -> Option<String> {
        match self.0.get(field)? {
            Value::String(text) if text.trim().is_empty() => errors.strings(field, BLANK),
            Value::String(text) => return Some(text.clone()),
            Value::Null => errors.strings(field, "This field may not be null."),
            Value::Number(number) => return Some(number.to_string()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                errors.strings(field, "Not a valid string.");
            }
        }
        None
    }

    /// A whole number; digits in a text pass too.
    pub(super) fn integer(&self, field: &str, default: i64, errors: &mut FieldErrors) -> i64 {
        let number = match self.0.get(field) {
            None => return default,
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        number.unwrap_or_else(|| {
            errors.strings(field, "A valid integer is required.");
            default
        })
    }

    /// A truth value, false if absent.
    pub(super) fn flag(&self, field: &str, errors: &mut FieldErrors) -> bool {
        match self.0.get(field) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                errors.strings(field, "Must be a valid boolean.");
                false
            }
        }
    }
}

/// Query parameters, each of which the operation must know.
pub(super) fn query(
    request: &HttpRequest,
    known: &[&str],
) -> Result<Vec<(String, String)>, HttpResponse> {
    let parameters = request.parameters();
    refuse_unknown(parameters.iter().map(|(name, _)| name), known, "query")?;
    Ok(parameters)
}

/// The last value of a parameter, as the provider's framework takes it.
pub(super) fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn refuse_unknown<'a>(
    names: impl Iterator<Item = &'a String>,
    known: &[&str],
    location: &str,
) -> Result<(), HttpResponse> {
    let unknown: Vec<String> =
        names.filter(|name| !known.contains(&name.as_str())).cloned().collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown_fields(&unknown, location)) }
}
