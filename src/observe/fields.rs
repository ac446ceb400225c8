//! What an event or a span says: a message and named values, made harmless for a terminal and a log.
//!
//! Control characters and those that turn the direction of writing are escaped, long values are cut: a text of a bank
//! must not forge a line or move a cursor. (It should not be here in the first place.)

use std::error::Error;
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::chain::Chain;

/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 4_096;

/// The field that carries the 128-bit id of an event.
pub(super) const MESSAGE_ID: &str = "message_id";

/// The field that tells a notice from an information; tracing has no level of its own for it.
const SEVERITY: &str = "severity";

/// How loud a line is: the levels of syslog(3) that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
    Notice,
    Info,
    Debug,
    Trace,
}

impl Severity {
    pub(super) fn of(level: tracing::Level, fields: &Fields) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO if fields.notice => Self::Notice,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A message and its values, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) pairs: Vec<(&'static str, String)>,
    notice: bool,
}

impl Fields {
    /// Puts the values of an enclosing span in front; a value of the same name that is nearer wins.
    pub(super) fn enclosed_by(&mut self, outer: &Self) {
        let missing =
            |(name, _): &&(&'static str, String)| self.pairs.iter().all(|(taken, _)| taken != name);
        let mut pairs: Vec<_> = outer.pairs.iter().filter(missing).cloned().collect();
        pairs.append(&mut self.pairs);
        self.pairs = pairs;
    }

    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let value = harmless(value);
        match field.name() {
            "message" => self.message = value,
            SEVERITY => self.notice = value == Severity::Notice.as_str(),
            name => match self.pairs.iter_mut().find(|(taken, _)| *taken == name) {
                Some((_, old)) => *old = value,
                None => self.pairs.push((name, value)),
            },
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

/// The value as text, cut and escaped.
fn harmless(value: fmt::Arguments<'_>) -> String {
    let mut text = Escaped(String::new());
    if text.write_fmt(value).is_err() {
        text.0.push('…');
    }
    text.0
}

/// Escapes what is written to it, and refuses more when it is full.
struct Escaped(String);

impl fmt::Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if self.0.len() >= VALUE_BYTES_MAX {
                return Err(fmt::Error);
            }
            if letter.is_control() || turns_writing(letter) {
                self.0.extend(letter.escape_unicode());
            } else {
                self.0.push(letter);
            }
        }
        Ok(())
    }
}

/// Line separators and bidirectional controls (Unicode Standard Annex 9), which hide or reorder what follows.
fn turns_writing(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_begins_a_line() {
        let text = harmless(format_args!("a\nPRIORITY=0\u{1b}[2J\u{202e}\0é"));
        assert_eq!(text, "a\\u{a}PRIORITY=0\\u{1b}[2J\\u{202e}\\u{0}é");
        let long = harmless(format_args!("{}", "é".repeat(1_000_000)));
        assert!(long.len() < VALUE_BYTES_MAX + 16 && long.ends_with('…'));
    }
}
