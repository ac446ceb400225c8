//! Copies of the database, and putting one in its place.
//!
//! A backup is a whole database with the same key, written by SQLite itself from one consistent view while the daemon works,
//! and checked page by page before anybody relies on it. A restored database takes over the call ledger of the one it
//! replaces: the banks' quota does not go back in time. It also gets an identity of its own, so that files that were
//! exported from the other one do not take it for the same. The replaced file is kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::files::{Draft, PRIVATE, beside, folder_of, give_like, sync_folder_of};
use crate::model::secret::DatabaseKey;
use crate::model::time::UtcInstant;

use super::error::{CREATE, Error};
use super::keycheck;
use super::lock::Lock;
use super::open::{self, Place};
use super::rekey;
use super::schema;
use super::verify;

/// What quotas count back.
const LEDGER_HOURS: i64 = 24;
/// Calls that are taken as made where the replaced database cannot say: what banks allow a day (GoCardless knowledge base,
/// article 15807594720412).
const UNKNOWN_CALLS: u32 = 4;

/// What was replaced.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the replaced database is now; `None`: there was none.
    pub kept: Option<PathBuf>,
    /// Whether its ledger of calls could be taken over; else every account rests for a day.
    pub ledger_kept: bool,
}

/// A whole checked copy of the database. The file has no name any more: when it is closed, nothing is left.
#[derive(Debug)]
pub struct Backup {
    /// To be read from its beginning.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// The text that belongs into `NAME.keycheck` beside it, which tells a wrong key from damage.
    pub keycheck: String,
}

impl Backup {
    /// Writes it into a file of its own, whole and durable or not at all; gives its length.
    pub(super) fn save(mut self, path: &Path) -> Result<u64, Error> {
        let failed = Error::file("write", path);
        if path.exists() {
            return Err(Error::Refused("a file of that name is there already"));
        }
        let folder = folder_of(path);
        if !folder.exists() {
            DirBuilder::new().mode(0o700).create(folder).map_err(Error::file(CREATE, folder))?;
        }
        let mut draft = Draft::begin(path, PRIVATE).map_err(Error::file(CREATE, path))?;
        io::copy(&mut self.file, draft.file()).map_err(&failed)?;
        keycheck::put(path, &self.keycheck)?;
        draft.place().map_err(&failed).inspect_err(|_error| {
            fs::remove_file(keycheck::path_of(path)).ok();
        })?;
        Ok(self.bytes)
    }
}

/// Makes a copy beside the database and checks it. Other readers and the writer go on meanwhile.
pub(super) fn copy(place: &Place) -> Result<Backup, Error> {
    let draft = Place { path: beside(&place.path, ".backup"), key: place.key.clone() };
    let file = create(&draft.path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Err(Error::Refused("another backup is being made")),
        Err(errno) => return Err(Error::file("lock", &draft.path)(errno.into())),
        Ok(()) => {}
    }
    let written = write(place, &draft, &file);
    remove(&draft.path);
    written
}

fn write(place: &Place, draft: &Place, lock: &File) -> Result<Backup, Error> {
    // What an interrupted backup has left.
    lock.set_len(0).map_err(Error::file("write", &draft.path))?;
    copy_into(place, &draft.path)?;
    let keycheck = keycheck::text(&place.key, &examine(draft)?);
    let failed = Error::file("read", &draft.path);
    let file = File::open(&draft.path).map_err(&failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok(Backup { file, bytes, keycheck })
}

/// Writes one consistent view of a database, with its key, into a file that is empty or not there.
pub(super) fn copy_into(place: &Place, target: &Path) -> Result<(), Error> {
    drop(create(target)?);
    let path = target.to_str().ok_or(Error::Refused("the database's path is not UTF-8"))?;
    let connection = open::open_copier(place)?;
    connection.execute("VACUUM INTO ?1", [path]).map_err(Error::sql("write a copy"))?;
    Ok(())
}

/// Makes a file that only its owner can read, if there is none.
fn create(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(PRIVATE);
    options.open(path).map_err(Error::file(CREATE, path))
}

/// Removes a draft and what SQLite keeps beside it; what is not there is gone.
pub(super) fn remove(draft: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm", ".keycheck"] {
        fs::remove_file(beside(draft, suffix)).ok();
    }
}

/// Opens a database that nobody else uses, checks every page and the schema, and says who it is.
pub(super) fn examine(place: &Place) -> Result<[u8; 16], Error> {
    let connection = open::open_whole(place)?;
    schema::check(&connection)?;
    verify::pages(&connection)?;
    connection
        .query_row("SELECT id FROM database", [], |row| row.get(0))
        .map_err(Error::sql("read the database's identity"))
}

/// Puts a backup in the place of the database. Everything is checked before anything is replaced. A backup with a key of its
/// own (`backup_key`) gets that of the database.
///
/// # Errors
/// Then the database is as it was. Another process that holds it is [`Error::Busy`].
pub fn restore(
    path: PathBuf,
    key: DatabaseKey,
    (backup, backup_key): (&Path, Option<DatabaseKey>),
    at: UtcInstant,
    random: u128,
) -> Result<Restored, Error> {
    let _lock = Lock::take(&path)?;
    rekey::settle(&path, &key)?;
    let draft =
        Place { path: beside(&path, ".restoring"), key: backup_key.unwrap_or_else(|| key.clone()) };
    let present = Place { path, key };
    let result = replace(&present, &draft, backup, at, random);
    // After success there is nothing left of it.
    remove(&draft.path);
    result
}

fn replace(
    present: &Place,
    draft: &Place,
    backup: &Path,
    at: UtcInstant,
    random: u128,
) -> Result<Restored, Error> {
    take_in(backup, draft)?;
    examine(draft)?;
    let anew;
    let draft = if draft.key == present.key {
        draft
    } else {
        anew = open::encrypt_anew(draft, present.key.clone())?;
        examine(&anew)?;
        &anew
    };
    let calls = recent_calls(present, at);
    let kept_ledger = calls.is_ok();
    let id = random.to_be_bytes();
    let connection = open::reopen(draft)?;
    settle(&connection, calls.ok(), at, &id)?;
    connection.close().map_err(|(_connection, error)| Error::sql("close the database")(error))?;
    keycheck::write(&draft.path, &draft.key, &id)?;
    let keycheck = keycheck::path_of(&draft.path);
    for file in [&draft.path, &keycheck] {
        give_to_owner(file, &present.path)?;
        sync(file)?;
    }
    let kept = set_aside(&present.path, at)?;
    fs::rename(&draft.path, &present.path).map_err(Error::file(CREATE, &present.path))?;
    let target = keycheck::path_of(&present.path);
    fs::rename(&keycheck, &target).map_err(Error::file(CREATE, &target))?;
    sync_folder(&present.path)?;
    Ok(Restored { ledger_kept: kept_ledger || kept.is_none(), kept })
}

/// Copies the backup and its key check beside the database.
fn take_in(backup: &Path, draft: &Place) -> Result<(), Error> {
    open::refuse_plain(backup)?;
    let mut source = File::open(backup).map_err(Error::file("read", backup))?;
    remove(&draft.path);
    let mut target = create(&draft.path)?;
    io::copy(&mut source, &mut target).map_err(Error::file("copy", backup))?;
    let (from, to) = (keycheck::path_of(backup), keycheck::path_of(&draft.path));
    match fs::copy(&from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("read", &from)(error))
        }
        _ => Ok(()),
    }
}

pub(super) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::file("write", path))
}

/// Makes durable which files lie beside a database.
pub(super) fn sync_folder(database: &Path) -> Result<(), Error> {
    sync_folder_of(database).map_err(Error::file("write", database))
}

/// Gives a file to the owner of the database (or of its folder): whoever restores may be root, the daemon is not.
pub(super) fn give_to_owner(file: &Path, database: &Path) -> Result<(), Error> {
    let model = if database.exists() { database } else { folder_of(database) };
    give_like(file, model).map_err(Error::file("give away", file))
}

/// A call that the replaced database knows of.
struct RecentCall {
    account: Vec<u8>,
    scope: String,
    provider_account_id: String,
    reserved_at: i64,
    settled_at: Option<i64>,
    state: String,
}

/// The calls that still count, from the database that is about to be replaced.
fn recent_calls(present: &Place, at: UtcInstant) -> Result<Vec<RecentCall>, Error> {
    let failed = || Error::sql("read the ledger of calls");
    let connection = open::open_whole(present)?;
    let since = at.plus_hours(LEDGER_HOURS.saturating_neg()).ms();
    let mut statement = connection
        .prepare(
            "SELECT account.id, scope, provider_account_id, reserved_at, settled_at, state FROM call
             JOIN account ON account.number = call.account WHERE reserved_at >= ?1 AND state <> 'released'",
        )
        .map_err(failed())?;
    let rows = statement
        .query_map([since], |row| {
            Ok(RecentCall {
                account: row.get(0)?,
                scope: row.get(1)?,
                provider_account_id: row.get(2)?,
                reserved_at: row.get(3)?,
                settled_at: row.get(4)?,
                state: row.get(5)?,
            })
        })
        .map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}

/// Gives the restored database its identity and the ledger of the other one.
fn settle(
    connection: &Connection,
    calls: Option<Vec<RecentCall>>,
    at: UtcInstant,
    id: &[u8; 16],
) -> Result<(), Error> {
    let failed = || Error::sql("settle the restored database");
    let transaction = connection.unchecked_transaction().map_err(failed())?;
    transaction.execute("UPDATE database SET id = ?1", [id]).map_err(failed())?;
    if let Some(calls) = calls {
        let sql = "INSERT INTO call (account, scope, provider_account_id, reserved_at, settled_at, state)
                   SELECT number, ?2, ?3, ?4, ?5, CASE ?6 WHEN 'reserved' THEN 'unanswered' ELSE ?6 END
                   FROM account WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM call WHERE account = number
                   AND scope = ?2 AND reserved_at = ?4)";
        for call in calls {
            let RecentCall { account, scope, provider_account_id, reserved_at, settled_at, state } =
                call;
            transaction
                .execute(
                    sql,
                    params![account, scope, provider_account_id, reserved_at, settled_at, state],
                )
                .map_err(failed())?;
        }
    } else {
        let sql = "INSERT INTO call (account, scope, provider_account_id, reserved_at, settled_at, state)
                   SELECT number, scope, '', ?1, ?1, 'unanswered' FROM account,
                   (SELECT 'details' AS scope UNION ALL SELECT 'balances' UNION ALL SELECT 'transactions')";
        for _ in 0..UNKNOWN_CALLS {
            transaction.execute(sql, [at.ms()]).map_err(failed())?;
        }
    }
    transaction.commit().map_err(failed())
}

/// Keeps the present database under another name. It also stays where it is until it is replaced, so that there is one at
/// every moment; only a log that nobody could copy into it moves at once.
fn set_aside(path: &Path, at: UtcInstant) -> Result<Option<PathBuf>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = beside(path, &format!(".before-{}", at.stamp()));
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&kept, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file(CREATE, &kept)(error));
            }
            _ => {}
        }
    }
    fs::hard_link(path, &kept).map_err(Error::file(CREATE, &kept))?;
    match fs::copy(keycheck::path_of(path), keycheck::path_of(&kept)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file(CREATE, &kept)(error))
        }
        _ => Ok(Some(kept)),
    }
}
