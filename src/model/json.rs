//! JSON text as text: what must be done to it without reading it into values.
//!
//! Number lexemes, member order and duplicate members are kept; only blanks between tokens may go.

use std::borrow::Cow;

/// Valid JSON without the blanks between its tokens (RFC 8259 section 2), so that it fits on one line.
pub fn compact(json: &str) -> Cow<'_, str> {
    let mut blanks = BlankFinder::default();
    if !json.bytes().any(|byte| blanks.is_blank(byte)) {
        return Cow::Borrowed(json);
    }
    let mut blanks = BlankFinder::default();
    // Blanks are ASCII, so that dropping some characters leaves the others whole.
    Cow::Owned(json.chars().filter(|&letter| !blanks.is_blank_char(letter)).collect())
}

/// Knows whether it is inside a string.
#[derive(Default)]
struct BlankFinder {
    in_string: bool,
    escaped: bool,
}

impl BlankFinder {
    fn is_blank(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        self.in_string = byte == b'"';
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    }

    fn is_blank_char(&mut self, letter: char) -> bool {
        // Every character beyond ASCII is the same to the finder: neither blank nor quote nor backslash.
        self.is_blank(u8::try_from(letter).ok().filter(u8::is_ascii).unwrap_or(b'x'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_between_tokens_go_and_blanks_in_strings_stay() {
        let json = "{\n \"a b\": [ 1.50 , \"x \\\" y\\\\\" ,\t{} ], \"é ü\":1e5 }\r\n";
        assert_eq!(compact(json), r#"{"a b":[1.50,"x \" y\\",{}],"é ü":1e5}"#);
        assert!(matches!(compact(r#"{"a b":1}"#), Cow::Borrowed(_)));
    }
}
