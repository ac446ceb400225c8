//! Patterns of rules: regular expressions with one group, the text that is meant.

use regex_lite::Regex;

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 512;

/// A regular expression whose first group is the text that is meant. Its time is linear in the text: no bank can stall us.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("is longer than {PATTERN_BYTES_MAX} bytes"));
        }
        let regex =
            Regex::new(text).map_err(|error| format!("is not a regular expression: {error}"))?;
        if regex.captures_len() != 2 {
            return Err("must have exactly one group: the text that is meant".to_owned());
        }
        Ok(Self(regex))
    }

    /// What the group finds.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.captures(text)?.get(1).map(|found| found.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_group_no_more_no_less() {
        assert_eq!(Pattern::parse("^a(.+)c").unwrap().find("abbc"), Some("bb"));
        for bad in ["", "a", "(a)(b)", "(", "(?P<x>a)(b)", &format!("({})", "a".repeat(600))] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
