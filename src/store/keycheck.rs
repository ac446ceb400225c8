//! The key check: a small file beside the database that tells a wrong key from a damaged file.
//!
//! SQLCipher says "not a database" to both. The file holds a random id of the database and a keyed BLAKE3 of it, under a
//! key derived from the database key: it reveals nothing of the key and needs no secrecy, but has mode 0600 like the rest.
//! It is evidence, not authority: a database that opens is right, and its key check is written anew where it differs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::files::{Draft, PRIVATE, beside};
use crate::model::secret::DatabaseKey;

use super::error::{CREATE, Error};

const CONTEXT: &str = "banksyncd 2026-11 database key check";
const HEADING: &str = "banksyncd key check 1";

/// What the file says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The database was made with this key.
    RightKey,
    /// It was made with another one.
    WrongKey,
    /// No file, or one that is not a key check.
    Unknown,
}

/// Where the key check of a database is.
pub fn path_of(database: &Path) -> PathBuf {
    beside(database, ".keycheck")
}

/// Asks the file.
pub(super) fn verdict(database: &Path, key: &DatabaseKey) -> Result<Verdict, Error> {
    let path = path_of(database);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Unknown),
        Err(error) => return Err(Error::file("read", &path)(error)),
    };
    let Some((id, mac)) = parse(&String::from_utf8_lossy(&text)) else {
        return Ok(Verdict::Unknown);
    };
    Ok(if mac_of(key, &id) == mac { Verdict::RightKey } else { Verdict::WrongKey })
}

/// What the file says if `key` opens the database `id`; it reveals nothing of the key.
pub(super) fn text(key: &DatabaseKey, id: &[u8; 16]) -> String {
    format!("{HEADING}\n{}\n{}\n", hex(id), mac_of(key, id).to_hex())
}

/// Makes the file say that `key` opens the database `id`; an equal file is left alone.
pub(super) fn write(database: &Path, key: &DatabaseKey, id: &[u8; 16]) -> Result<(), Error> {
    let path = path_of(database);
    let text = text(key, id);
    if fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    put(database, &text)
}

/// Writes the file.
pub(super) fn put(database: &Path, text: &str) -> Result<(), Error> {
    let path = path_of(database);
    let written = Draft::begin(&path, PRIVATE).and_then(|mut draft| {
        draft.file().write_all(text.as_bytes())?;
        draft.place()
    });
    written.map_err(Error::file(CREATE, &path))
}

fn mac_of(key: &DatabaseKey, id: &[u8; 16]) -> blake3::Hash {
    blake3::keyed_hash(&blake3::derive_key(CONTEXT, key.expose()), id)
}

fn parse(text: &str) -> Option<([u8; 16], blake3::Hash)> {
    let mut lines = text.lines();
    (lines.next()? == HEADING).then_some(())?;
    let digits = lines.next()?;
    let mac = blake3::Hash::from_hex(lines.next()?).ok()?;
    let bits = (digits.len() == 32).then(|| u128::from_str_radix(digits, 16).ok())??;
    Some((bits.to_be_bytes(), mac))
}

fn hex(id: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_its_key_and_says_nothing_when_it_is_not_there_or_garbled() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let (right, wrong) = (DatabaseKey::from_bytes([1; 32]), DatabaseKey::from_bytes([2; 32]));
        assert_eq!(verdict(&database, &right).unwrap(), Verdict::Unknown);
        write(&database, &right, &[0xab; 16]).unwrap();
        assert_eq!(verdict(&database, &right).unwrap(), Verdict::RightKey);
        assert_eq!(verdict(&database, &wrong).unwrap(), Verdict::WrongKey);
        fs::write(path_of(&database), "garbled").unwrap();
        assert_eq!(verdict(&database, &right).unwrap(), Verdict::Unknown);
    }
}
