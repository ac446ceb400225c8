//! Account numbers as banks write them (ISO 13616 and worse), compared without case and blanks and never printed by accident.
//!
//! What the provider calls `iban` may be a masked card number or a suffix: only [`Iban::is_full`] may pair accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An IBAN-like text, stored as given. `Debug` masks it; [`Iban::as_str`] is the explicit way to the value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Iban(String);

impl Iban {
    /// As the bank wrote it; `None` when blank.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Capitals and digits only: the form to compare.
    pub fn normalised(&self) -> String {
        normalise(&self.0)
    }

    /// Whether this is a whole IBAN (country, two check digits, 15 to 34 characters in all): masked numbers and suffixes
    /// are not. The check digits are not verified, because sandboxes and anonymised data break them.
    pub fn is_full(&self) -> bool {
        let text = self.normalised();
        let bytes = text.as_bytes();
        (15..=34).contains(&bytes.len())
            && bytes.iter().take(2).all(u8::is_ascii_uppercase)
            && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit)
            && !self.0.contains('*')
    }
}

/// Capitals and digits of a text, nothing else.
pub fn normalise(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IBAN(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_ibans_and_the_things_that_pose_as_one() {
        assert!(Iban::new("de89 3704 0044 0532 0130 00").unwrap().is_full());
        for text in ["**4572", "3133", "DE893704******3000", "1234567890123456"] {
            assert!(!Iban::new(text).unwrap().is_full(), "{text}");
        }
        assert!(Iban::new("  ").is_none());
        assert_eq!(format!("{:?}", Iban::new("DE89")), "Some(IBAN(***))");
    }
}
