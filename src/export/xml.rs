//! XML, as much of it as the two XML forms need: nested elements and texts, written straight into the file.

/// Writes elements into a file.
pub(super) struct Xml<'a>(pub(super) &'a mut String);

impl Xml<'_> {
    /// `<name>`
    pub(super) fn open(&mut self, name: &str) {
        self.put(&["<", name, ">\n"]);
    }

    /// `</name>`
    pub(super) fn close(&mut self, name: &str) {
        self.put(&["</", name, ">\n"]);
    }

    /// `<name>text</name>`
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.put(&["<", name, ">", &escaped(text), "</", name, ">\n"]);
    }

    /// `<name>text</name>` if there is a text.
    pub(super) fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.leaf(name, text);
        }
    }

    fn put(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.0.push_str(piece);
        }
    }
}

/// A text with the characters escaped that XML gives a meaning, and without those that it forbids (XML 1.0 section 2.2).
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if letter.is_control() && letter < '\u{80}' => {}
            _ => safe.push(letter),
        }
    }
    safe
}

/// At most so many characters, cut at the end.
pub(super) fn at_most(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| text.split_at(end).0)
}

/// The text in pieces of at most so many characters.
pub(super) fn pieces(text: &str, characters: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let piece = at_most(rest, characters);
        pieces.push(piece);
        rest = rest.split_at(piece.len()).1;
    }
    pieces
}
