//! Lines to stderr: for people, or as JSON Lines. A closed pipe is no reason to end, so errors of writing are ignored.

use std::fmt;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::model::port::Clock;

use super::fields::MESSAGE_ID;
use super::layer::Line;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

/// A stream of lines.
pub(super) struct Stream {
    form: Form,
    clock: Arc<dyn Clock>,
    writer: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({:?})", self.form)
    }
}

impl Stream {
    pub(super) fn new(form: Form, clock: Arc<dyn Clock>, writer: Box<dyn Write + Send>) -> Self {
        Self { form, clock, writer: Mutex::new(writer) }
    }

    /// Writes one line in one piece.
    pub(super) fn write(&self, line: &Line) {
        let at = self.clock.now().wall.to_string();
        let text = match self.form {
            Form::Text => text(line, &at),
            Form::Json => json(line, &at),
        };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written has nowhere to say so.
        writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).unwrap_or_default();
    }
}

/// `2026-11-23T06:00:00Z WARNING access ends in 7 days event=access_expiring link=lnk_…`
fn text(line: &Line, at: &str) -> String {
    let level = line.severity.as_str().to_ascii_uppercase();
    let mut text = format!("{at} {level:<7} {}", line.fields.message);
    for (name, value) in &line.fields.pairs {
        if *name == MESSAGE_ID {
            continue;
        }
        let plain = !value.is_empty() && !value.contains([' ', '"', '=']);
        // Writing to a String cannot fail.
        let written =
            if plain { write!(text, " {name}={value}") } else { write!(text, " {name}={value:?}") };
        written.unwrap_or_default();
    }
    text.push('\n');
    text
}

fn json(line: &Line, at: &str) -> String {
    let mut object = Map::new();
    object.insert("at".to_owned(), Value::from(at));
    object.insert("level".to_owned(), Value::from(line.severity.as_str()));
    object.insert("message".to_owned(), Value::from(line.fields.message.as_str()));
    for (name, value) in &line.fields.pairs {
        let name = if object.contains_key(*name) { format!("{name}_") } else { (*name).to_owned() };
        object.insert(name, Value::from(value.as_str()));
    }
    object.insert("target".to_owned(), Value::from(line.target));
    let mut text = Value::Object(object).to_string();
    text.push('\n');
    text
}
