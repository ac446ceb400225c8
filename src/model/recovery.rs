//! The database key as something to write down: four lines of digits, each with a check of its own.
//!
//! A key is 64 hexadecimal digits. On paper they stand in four lines of four groups, and behind each line four digits that
//! are a hash of it and of its number: whoever types it in learns which line is wrong, and lines cannot change places.
//! Borg's paper keys do the same (<https://borgbackup.readthedocs.io/en/stable/usage/key.html>, read 2026-11).

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::secret::{DatabaseKey, Secret};

/// How many lines there are.
pub const LINES: usize = 4;
/// Bytes of the key in one line.
const LINE_BYTES: usize = 8;
/// Bytes of a line's check.
const CHECK_BYTES: usize = 2;
/// Bytes between two blanks.
const GROUP_BYTES: usize = 2;
const CONTEXT: &str = "banksyncd 2026-11 recovery key line";

/// Why a text is no recovery key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARecoveryKey {
    /// One line is mistyped.
    #[error("line {number} is not as it was printed")]
    Line {
        /// From 1.
        number: usize,
    },
    /// It has another number of lines.
    #[error("a recovery key has {LINES} lines, or is 64 hexadecimal digits")]
    Length,
}

/// The lines to write down, without line breaks.
pub fn written(key: &DatabaseKey) -> Vec<Secret> {
    let lines = key.expose().chunks_exact(LINE_BYTES).zip(1_u8..);
    lines
        .map(|(bytes, number)| {
            // Room for all of it from the start: a growing text would leave copies behind.
            let mut text = String::with_capacity(64);
            // Writing to a String cannot fail.
            write!(text, "{number}:").unwrap_or_default();
            let mut put = |bytes: &[u8]| {
                for group in bytes.chunks(GROUP_BYTES) {
                    text.push(' ');
                    for byte in group {
                        write!(text, "{byte:02x}").unwrap_or_default();
                    }
                }
            };
            put(bytes);
            put(&check(number, bytes));
            Secret::new(text)
        })
        .collect()
}

fn check(number: u8, bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&[number]).update(bytes);
    let mut check = [0; CHECK_BYTES];
    hasher.finalize_xof().fill(&mut check);
    check
}

/// Reads what was written down, in any spacing and case, with or without the numbers of the lines; or the 64 digits alone.
///
/// # Errors
/// Which line is wrong.
pub fn read(text: &str) -> Result<DatabaseKey, NotARecoveryKey> {
    if let Some(key) = DatabaseKey::from_hex(text) {
        return Ok(key);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut key = Zeroizing::new([0; LINES * LINE_BYTES]);
    for (part, number) in key.chunks_exact_mut(LINE_BYTES).zip(1..) {
        let line = lines.next().ok_or(NotARecoveryKey::Length)?;
        part.copy_from_slice(&*read_line(number, line)?);
    }
    if lines.next().is_some() {
        return Err(NotARecoveryKey::Length);
    }
    Ok(DatabaseKey::from_bytes(*key))
}

/// Reads one line and checks it.
///
/// # Errors
/// It is not line `number` as it was printed.
pub fn read_line(
    number: usize,
    line: &str,
) -> Result<Zeroizing<[u8; LINE_BYTES]>, NotARecoveryKey> {
    let wrong = NotARecoveryKey::Line { number };
    let digits = match line.split_once(':') {
        Some((said, digits)) if said.trim().parse() == Ok(number) => digits,
        Some(_) => return Err(wrong),
        None => line,
    };
    let mut found = Zeroizing::new([0_u8; LINE_BYTES + CHECK_BYTES]);
    let mut letters = digits.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    for byte in found.iter_mut() {
        for _ in 0..2 {
            let digit = letters.next().and_then(|letter| letter.to_digit(16)).ok_or(wrong)?;
            *byte = (*byte << 4) | u8::try_from(digit).unwrap_or_default();
        }
    }
    let (bytes, said) = found.split_at(LINE_BYTES);
    let number_byte = u8::try_from(number).map_err(|_large| wrong)?;
    if letters.next().is_some() || said != check(number_byte, bytes) {
        return Err(wrong);
    }
    let mut line = Zeroizing::new([0; LINE_BYTES]);
    line.copy_from_slice(bytes);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DatabaseKey {
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().zip(7_u8..) {
            *byte = value.wrapping_mul(37);
        }
        DatabaseKey::from_bytes(bytes)
    }

    fn text(key: &DatabaseKey) -> String {
        written(key).iter().flat_map(|line| [line.expose(), "\n"]).collect()
    }

    /// The lines without their numbers.
    fn bare(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| Some(line.split_once(':')?.1)).collect()
    }

    #[test]
    fn what_is_written_down_is_read_in_any_spelling() {
        let written = text(&key());
        insta::assert_snapshot!(written, @r"
        1: 0328 4d72 97bc e106 b647
        2: 2b50 759a bfe4 092e dc87
        3: 5378 9dc2 e70c 3156 031f
        4: 7ba0 c5ea 0f34 597e 5f87
        ");
        for spelling in [
            written.clone(),
            written.to_uppercase(),
            written.replace(' ', ""),
            written.replace(' ', "-").replace(":-", ":"),
            bare(&written).join("\n\n"),
            "03284d7297bce1062b50759abfe4092e53789dc2e70c31567ba0c5ea0f34597e".to_owned(),
        ] {
            assert_eq!(read(&spelling), Ok(key()), "{spelling}");
        }
    }

    #[test]
    fn every_wrong_digit_and_every_exchange_of_lines_is_found() {
        let written = text(&key());
        let wrong = |number| Err(NotARecoveryKey::Line { number });
        let mut number = 1;
        for (place, letter) in written.char_indices() {
            number += usize::from(letter == '\n');
            if letter.is_ascii_hexdigit() {
                let mut typed = written.clone();
                typed.replace_range(place..=place, if letter == '0' { "1" } else { "0" });
                assert_eq!(read(&typed), wrong(number), "{typed}");
            }
        }
        let lines = bare(&written);
        assert_eq!(read(&[lines[1], lines[0], lines[2], lines[3]].join("\n")), wrong(1));
        assert_eq!(read(&[lines[0], lines[1], lines[2]].join("\n")), Err(NotARecoveryKey::Length));
        assert_eq!(read(&format!("{written}{written}")), Err(NotARecoveryKey::Length));
        for garbage in ["", "x", "1: 0", &"g".repeat(64)] {
            assert!(read(garbage).is_err(), "{garbage}");
        }
    }
}
