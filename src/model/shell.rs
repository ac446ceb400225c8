//! Words as a shell takes them, for the commands that people are shown.

use std::path::Path;

/// A word for a shell, quoted if it needs to be (POSIX.1-2024, Shell Command Language, 2.2).
pub fn quoted(word: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%".contains(letter);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A path for a shell.
pub fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("/run/x-1.sock"), "/run/x-1.sock");
        assert_eq!((quoted(""), quoted("a b")), ("''".into(), "'a b'".into()));
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
    }
}
