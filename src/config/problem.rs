//! One thing that is wrong with a configuration: where, what, and what to do about it.
//!
//! A problem never carries a text value of the file: whoever mistypes `secret-key` must not find the key in a log. It names
//! the place and the key, says what was expected, and may suggest a word from our own lists.

use std::fmt;

use serde::Serialize;

/// A problem or a warning; also the object that `check-config --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file as it was named to us.
    pub file: String,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    /// From 1, in characters; 0 when the whole file is meant.
    pub column: usize,
    /// Such as `account[1].nickname`, counted from 0; empty when no key is meant.
    pub key: String,
    /// Lower case, no period at the end.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(super) fn of_file(file: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            key: String::new(),
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

impl fmt::Display for Problem {
    /// `file:line:col: key.path: what is wrong`, and on a second line `hint: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Line and column, both from 1, of a byte offset; the column counts characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = match text.get(..offset) {
        Some(before) => before,
        None => text,
    };
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a\nbé = 1\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (2, 1));
        assert_eq!(position(text, text.find('1').unwrap()), (2, 6));
        assert_eq!(position(text, text.len()), (3, 1));
        assert_eq!(position(text, 99), (3, 1));
        assert_eq!(position("", 0), (1, 1));
    }

    #[test]
    fn printed_in_two_lines() {
        let problem = Problem {
            file: "x.toml".into(),
            line: 3,
            column: 7,
            key: "log.level".into(),
            message: "is not a level".into(),
            hint: Some("did you mean `info`?".into()),
        };
        let text = "x.toml:3:7: log.level: is not a level\nhint: did you mean `info`?";
        assert_eq!(problem.to_string(), text);
        assert_eq!(
            Problem::of_file("x", "is missing", "write it").to_string(),
            "x: is missing\nhint: write it"
        );
    }
}
