//! Values that must never be printed: API secrets, tokens, the database key.
//!
//! `Debug` shows `***`, there is no `Display` and no `Serialize`, and the memory is wiped on drop. Reading the value takes
//! the explicit word [`Secret::expose`], so that a review finds every place with one search.

use std::fmt::{self, Write as _};

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over; the caller's copy should not outlive this.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: for the wire and the cipher only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The raw 256-bit key of the database.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DatabaseKey([u8; 32]);

impl DatabaseKey {
    /// From 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From 64 hexadecimal digits, blanks around them ignored.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 64 {
            return None;
        }
        let mut key = Self([0; 32]);
        for (byte, pair) in key.0.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(key)
    }

    /// The 64 digits, as a file holds them.
    pub fn to_hex(&self) -> Secret {
        // Room for all of it from the start: a growing text would leave copies behind.
        let mut text = String::with_capacity(64);
        for byte in &self.0 {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
        }
        Secret(text)
    }

    /// The bytes: for the cipher only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new("marker".into())), "***");
        let key = DatabaseKey::from_hex(&"0f".repeat(32)).unwrap();
        assert_eq!(format!("{key:?}"), "***");
        assert_eq!(key.expose(), &[15; 32]);
        assert_eq!(key.to_hex().expose(), "0f".repeat(32));
    }

    #[test]
    fn keys_are_64_hex_digits_and_nothing_else() {
        assert!(DatabaseKey::from_hex(&format!(" {}\n", "aB".repeat(32))).is_some());
        for text in
            ["", "00", &"0g".repeat(32), &"00".repeat(33), &"+1".repeat(32), &"é".repeat(32)]
        {
            assert!(DatabaseKey::from_hex(text).is_none());
        }
    }
}
