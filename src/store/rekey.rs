//! Another key for a database, and what an interrupted change leaves behind.
//!
//! Database and key are two files, and no system replaces two at once. So the key decides: a whole copy under the new key is
//! made beside the database and checked against it; then the new key takes the old one's place, in one rename; then the
//! copy takes the database's. Whatever is interrupted, the key that is in place opens the database or the finished copy,
//! and who opens it with that key finishes the change or drops what is left of it ([`settle`]). The old file is never
//! written to. Both at once is never possible: the copy counts only once its key check stands beside it, which is written
//! last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::beside;
use crate::model::secret::DatabaseKey;

use super::backup::{copy_into, examine, give_to_owner, remove, sync, sync_folder};
use super::dump;
use super::error::{CREATE, Error};
use super::keycheck::{self, Verdict};
use super::lock::Lock;
use super::open::{self, Place};

/// How far a change of the key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RekeyStep {
    /// The database is closed, and everything is in its file.
    Gathered,
    /// There is a copy, with the old key.
    Copied,
    /// The copy has the new key.
    Encrypted,
    /// It holds the same as the database.
    Compared,
    /// It is durable and says of itself that it is whole.
    Ready,
    /// The new key is in its place: from now on the copy is the database.
    Adopted,
    /// The copy is in the database's place.
    Replaced,
}

/// The copy beside a database.
fn draft_of(database: &Path) -> PathBuf {
    beside(database, ".rekey")
}

/// Encrypts a database with another key. `adopt` puts the new key where the old one is read, durably and in one step; it is
/// called once the copy is whole. `step` hears of each step that is done.
///
/// # Errors
/// Until `adopt` is called everything is as it was; afterwards the next opening finishes what is left to do, or drops it if the
/// old key is still in place. Another process that holds the database is [`Error::Busy`].
pub fn rekey(
    path: PathBuf,
    old: DatabaseKey,
    new: DatabaseKey,
    adopt: impl FnOnce() -> io::Result<()>,
    step: &mut dyn FnMut(RekeyStep),
) -> Result<(), Error> {
    if old == new {
        return Err(Error::Refused("the new key is the old one"));
    }
    let _lock = Lock::take(&path)?;
    settle(&path, &old)?;
    let present = Place { path, key: old };
    let draft = Place { path: draft_of(&present.path), key: present.key.clone() };
    discard(&draft.path);
    let prepared = prepare(&present, &draft, new, step);
    let draft = prepared.inspect_err(|_error| discard(&draft_of(&present.path)))?;
    // If this fails, nobody knows which key is in place: the copy stays until one of them is used.
    adopt().map_err(Error::file("change the key of", &present.path))?;
    step(RekeyStep::Adopted);
    replace(&present.path, &draft.path, step)
}

/// Makes the copy: whole, durable and checked.
fn prepare(
    present: &Place,
    draft: &Place,
    new: DatabaseKey,
    step: &mut dyn FnMut(RekeyStep),
) -> Result<Place, Error> {
    open::fold(present)?;
    examine(present)?;
    step(RekeyStep::Gathered);
    copy_into(present, &draft.path)?;
    step(RekeyStep::Copied);
    let draft = open::encrypt_anew(draft, new)?;
    step(RekeyStep::Encrypted);
    let id = examine(&draft)?;
    if digest(&draft)? != digest(present)? {
        return Err(Error::Internal("the copy with the new key differs from the database"));
    }
    // The digest has opened it again: nothing of it may be left in a log.
    open::fold(present)?;
    step(RekeyStep::Compared);
    give_to_owner(&draft.path, &present.path)?;
    sync(&draft.path)?;
    keycheck::write(&draft.path, &draft.key, &id)?;
    give_to_owner(&keycheck::path_of(&draft.path), &present.path)?;
    sync_folder(&present.path)?;
    step(RekeyStep::Ready);
    Ok(draft)
}

fn digest(place: &Place) -> Result<[u8; 32], Error> {
    dump::digest(&open::open_whole(place)?)
}

/// Puts the copy into the database's place, then its key check.
fn replace(database: &Path, draft: &Path, step: &mut dyn FnMut(RekeyStep)) -> Result<(), Error> {
    fs::rename(draft, database).map_err(Error::file(CREATE, database))?;
    sync_folder(database)?;
    step(RekeyStep::Replaced);
    adopt_keycheck(database, draft)
}

fn adopt_keycheck(database: &Path, draft: &Path) -> Result<(), Error> {
    let target = keycheck::path_of(database);
    fs::rename(keycheck::path_of(draft), &target).map_err(Error::file(CREATE, &target))?;
    sync_folder(database)
}

/// Removes a copy, its key check first: without that it counts for nothing.
fn discard(draft: &Path) {
    fs::remove_file(keycheck::path_of(draft)).ok();
    remove(draft);
}

/// Finishes an interrupted change of the key if `key` is the new one, and drops what is left of it if `key` is the old one.
/// With any other key everything stays. For whoever holds the lock, before the database is opened.
pub(super) fn settle(path: &Path, key: &DatabaseKey) -> Result<(), Error> {
    let draft = draft_of(path);
    let whole = keycheck::path_of(&draft).exists();
    if whole && !draft.exists() {
        // The copy is the database already.
        return adopt_keycheck(path, &draft);
    }
    if !whole && !draft.exists() {
        return Ok(());
    }
    match (keycheck::verdict(path, key)?, keycheck::verdict(&draft, key)?) {
        (Verdict::RightKey, _) => {
            discard(&draft);
            Ok(())
        }
        (_, Verdict::RightKey) if whole && !has_log(path) => replace(path, &draft, &mut |_step| {}),
        _ => Ok(()),
    }
}

/// Whether the database, or the one that is about to replace it, was made with this key, as far as its key check tells.
///
/// # Errors
/// [`Error::WrongKey`] if it says no.
pub fn is_key_of(database: &Path, key: &DatabaseKey) -> Result<(), Error> {
    let right = keycheck::verdict(database, key)? != Verdict::WrongKey
        || keycheck::verdict(&draft_of(database), key)? == Verdict::RightKey;
    right.then_some(()).ok_or_else(|| Error::WrongKey { path: database.to_owned(), checked: true })
}

/// Whether a database has a log that is not in its file: then it was used after the copy was made.
fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}
