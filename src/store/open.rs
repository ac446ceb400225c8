//! Opening: the one place where a connection is made, keyed, checked and set up.
//!
//! Order matters. Nothing is written before the key, the contents and the schema version are known to be right, so that a
//! refused file keeps every byte: a plain file is never given to SQLite, and no checkpoint may happen on close until then.
//! The key goes through the codec API, never into SQL text (SQLite quotes failing SQL in its errors). Raw keys have
//! the form `x'64 hex digits'` (<https://www.zetetic.net/sqlcipher/sqlcipher-api/#key>, read 2026-11): no key derivation.
//! Every setting is made explicitly and read back; defaults are for other people's builds.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use zeroize::Zeroizing;

use crate::model::secret::DatabaseKey;
use crate::model::time::UtcInstant;

use super::error::{CREATE, Error};
use super::keycheck::{self, Verdict};
use super::lock::Lock;
use super::rekey;
use super::room;
use super::schema::{self, Identity};

/// The cipher's page; part of the file format, since nothing in the clear tells it.
const PAGE_SIZE_BYTES: i64 = 4096;
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: i64 = 2000;
/// Page cache of a reader, in KiB: a listing goes round fifty accounts and finds the pages again where it stopped at each, so
/// that every page is read and decrypted once.
const READER_CACHE_KIB: i64 = 1400;
/// Page cache of a scratch database, in KiB.
const SCRATCH_CACHE_KIB: i64 = 8000;
/// The log is copied into the file at this length: 4 MiB.
const WAL_AUTOCHECKPOINT_PAGES: i64 = 1000;
/// After a checkpoint the log file is cut to this length.
const WAL_SIZE_LIMIT_BYTES: i64 = 4 * 1024 * 1024;
/// Nobody else writes, so this is for the moments of opening and checkpoints only.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Prepared statements kept per connection.
const STATEMENT_CACHE_LEN: usize = 64;
/// With two or more connections, older versions can corrupt a file (<https://sqlite.org/wal.html#walresetbug>).
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// What an unencrypted database begins with (<https://sqlite.org/fileformat.html>).
const PLAIN_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Where the database is and how it is opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file.
    pub(super) path: PathBuf,
    /// Its key.
    pub(super) key: DatabaseKey,
}

/// An open database: the writing connection, the lock and who it is.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) identity: Identity,
    pub(super) lock: Lock,
}

/// Opens for writing, made if it is not there; refuses what is not ours without touching it.
pub(super) fn open(place: &Place, at: UtcInstant, random: u128) -> Result<Opened, Error> {
    let path = &place.path;
    let lock = Lock::take(path)?;
    rekey::settle(path, &place.key)?;
    inspect(place)?;
    let mut connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    keep_file_as_it_is(&connection, true)?;
    probe(&connection, place)?;
    schema::check(&connection)?;
    settle_writer(&connection)?;
    let identity = schema::migrate(&mut connection, at, random)?;
    keycheck::write(path, &place.key, &identity.id)?;
    tighten(path)?;
    keep_file_as_it_is(&connection, false)?;
    Ok(Opened { connection, identity, lock })
}

/// A new writing connection to a database that was opened before, after an error that leaves the old one in doubt.
pub(super) fn reopen(place: &Place) -> Result<Connection, Error> {
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle_writer(&connection)?;
    Ok(connection)
}

/// A read-only connection beside the writer.
pub(super) fn open_reader(place: &Place) -> Result<Connection, Error> {
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    set(&connection, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// A database that nobody else uses, for checks and changes outside the daemon; its log is copied into it on close.
pub(super) fn open_whole(place: &Place) -> Result<Connection, Error> {
    fs::metadata(&place.path).map_err(Error::file("read", &place.path))?;
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    keep_file_as_it_is(&connection, true)?;
    probe(&connection, place)?;
    keep_file_as_it_is(&connection, false)?;
    Ok(connection)
}

/// Copies the log of a database that nobody else uses into its file.
pub(super) fn fold(place: &Place) -> Result<(), Error> {
    let connection = open_whole(place)?;
    empty_log(&connection)?;
    let failed = Error::sql("close the database");
    connection.close().map_err(|(_connection, error)| failed(error))
}

/// Writes a database anew from what is in it, so that nothing else is left in the file, while others read.
pub(super) fn rewrite(place: &Place) -> Result<(), Error> {
    let failed = || Error::sql("write the file anew");
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle_writer(&connection)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).map_err(failed())?;
    // Into an unnamed file, which SQLCipher gives the key of the database, and not into memory.
    set(&connection, "temp_store", 1)?;
    connection.execute_batch("VACUUM").map_err(failed())?;
    connection.close().map_err(|(_connection, error)| failed()(error))
}

/// Copies the log into the file and cuts it to nothing; `false` where somebody reads right now and it stays.
pub(super) fn checkpoint(connection: &Connection) -> Result<bool, Error> {
    let failed = Error::sql("empty the write-ahead log");
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
    Ok(busy == 0)
}

/// The same where it must not stay.
pub(super) fn empty_log(connection: &Connection) -> Result<(), Error> {
    let refused = Error::Refused("somebody reads the database right now");
    checkpoint(connection)?.then_some(()).ok_or(refused)
}

/// Encrypts a database that nobody else uses with another key, in place: for copies, which may be lost on the way.
pub(super) fn encrypt_anew(place: &Place, key: DatabaseKey) -> Result<Place, Error> {
    let failed = || Error::sql("encrypt the copy with the new key");
    let connection = open_whole(place)?;
    connection.key(None::<&str>, raw_key(&key).as_bytes(), true).map_err(failed())?;
    connection.close().map_err(|(_connection, error)| failed()(error))?;
    Ok(Place { path: place.path.clone(), key })
}

/// A read-only connection that can write its database into another file: SQLite attaches that for the time being.
pub(super) fn open_copier(place: &Place) -> Result<Connection, Error> {
    let connection = open_reader(place)?;
    let failed = Error::sql("set the database up");
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).map_err(failed)?;
    Ok(connection)
}

/// A new database for work that need not outlast a crash, at a path where nothing is.
pub(super) fn create_scratch(place: &Place) -> Result<Connection, Error> {
    let failed = || Error::sql("set the scratch database up");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(&place.path).map_err(Error::file(CREATE, &place.path))?;
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    connection.pragma_update_and_check(None, "journal_mode", "OFF", mode).map_err(failed())?;
    set(&connection, "synchronous", 0)?;
    set(&connection, "cache_size", -SCRATCH_CACHE_KIB)?;
    Ok(connection)
}

/// Looks at the file without SQLite; makes an empty one if there is none.
fn inspect(place: &Place) -> Result<(), Error> {
    let path = &place.path;
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(_new) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::file(CREATE, path)(error)),
    }
    let failed = Error::file("read", path);
    let facts = fs::metadata(path).map_err(&failed)?;
    if !facts.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    if facts.len() == 0 && keycheck::verdict(path, &place.key)? != Verdict::Unknown {
        return Err(Error::damaged("an empty file"));
    }
    refuse_plain(path)
}

/// Refuses an unencrypted database.
pub(super) fn refuse_plain(path: &Path) -> Result<(), Error> {
    let failed = Error::file("read", path);
    let mut header = Vec::with_capacity(PLAIN_HEADER.len());
    let file = File::open(path).map_err(&failed)?;
    file.take(16).read_to_end(&mut header).map_err(&failed)?;
    if header == PLAIN_HEADER {
        return Err(Error::NotEncrypted { path: path.to_owned() });
    }
    Ok(())
}

fn connect(place: &Place, access: OpenFlags) -> Result<Connection, Error> {
    let failed = || Error::sql("open the database");
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(Error::Internal(
            "this program was built with an SQLite that can corrupt its files",
        ));
    }
    make_ready();
    // Without the URI flag, so that a path that begins with `file:` is a path.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(&place.path, flags).map_err(failed())?;
    connection.key(None::<&str>, raw_key(&place.key).as_bytes(), false).map_err(failed())?;
    // The cipher would print its own lines to stderr.
    connection.execute_batch("PRAGMA cipher_log_level = NONE").map_err(failed())?;
    connection.pragma_update(None, "cipher_page_size", PAGE_SIZE_BYTES).map_err(failed())?;
    let cipher: Option<String> =
        connection.pragma_query_value(None, "cipher_version", |row| row.get(0)).map_err(failed())?;
    if cipher.is_none_or(|version| version.is_empty()) {
        return Err(Error::Internal("this program was built without encryption"));
    }
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(failed())?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_LEN);
    // An attached database could be a plain one.
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).map_err(failed())?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(failed())?;
    // Otherwise, once statistics are in the file, every changed parameter makes a statement be prepared again
    // (<https://sqlite.org/c3ref/c_dbconfig_defensive.html>, read 2026-11).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed())?;
    set(&connection, "trusted_schema", 0)?;
    set(&connection, "foreign_keys", 1)?;
    set(&connection, "temp_store", 2)?;
    Ok(connection)
}

/// Lets SQLite and its cipher set themselves up, once and before anything else of them is used.
///
/// SQLite marks itself as ready before it calls the cipher's part (`sqlite3_initialize` and `SQLITE_EXTRA_INIT` of SQLCipher
/// 4.20): a second thread that opens a database in between is refused its key, with "SQL logic error".
pub(super) fn make_ready() {
    static READY: Once = Once::new();
    // A failure shows again, and with its cause, where a database is opened.
    READY.call_once(|| drop(Connection::open_in_memory()));
}

fn raw_key(key: &DatabaseKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(67));
    text.push_str("x'");
    text.push_str(key.to_hex().expose());
    text.push('\'');
    text
}

/// The first read: only now does a wrong key show.
fn probe(connection: &Connection, place: &Place) -> Result<(), Error> {
    let read =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let Err(error) = read else { return Ok(()) };
    if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) {
        return Err(Error::sql("read the database")(error));
    }
    Err(match keycheck::verdict(&place.path, &place.key)? {
        Verdict::RightKey => Error::damaged("its first page"),
        verdict @ (Verdict::WrongKey | Verdict::Unknown) => {
            Error::WrongKey { path: place.path.clone(), checked: verdict == Verdict::WrongKey }
        }
    })
}

fn settle_writer(connection: &Connection) -> Result<(), Error> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(Error::sql("switch the write-ahead log on"))?;
    if mode != "wal" {
        return Err(Error::Internal("the write-ahead log cannot be switched on"));
    }
    set(connection, "synchronous", 2)?;
    set(connection, "cache_size", -WRITER_CACHE_KIB)?;
    set(connection, "wal_autocheckpoint", WAL_AUTOCHECKPOINT_PAGES)?;
    set(connection, "journal_size_limit", WAL_SIZE_LIMIT_BYTES)?;
    set(connection, "secure_delete", 1)?;
    set(connection, "cell_size_check", 1)
}

/// Sets a number and reads it back.
fn set(connection: &Connection, pragma: &'static str, value: i64) -> Result<(), Error> {
    let failed = Error::sql("set the database up");
    connection.pragma_update(None, pragma, value).map_err(&failed)?;
    let got: i64 =
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(&failed)?;
    if got == value {
        Ok(())
    } else {
        Err(Error::Internal("a setting of the database does not hold"))
    }
}

/// While on, closing does not copy the log into the file.
fn keep_file_as_it_is(connection: &Connection, on: bool) -> Result<(), Error> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on)
        .map(|_set| ())
        .map_err(Error::sql("set the database up"))
}

/// Mode 0600, whatever it was, for the database and what stands beside it: SQLite has given its log the mode that it met.
fn tighten(path: &Path) -> Result<(), Error> {
    let failed = Error::file("protect", path);
    for file in room::files(path) {
        let mode = match fs::metadata(&file) {
            Ok(facts) => facts.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if mode & 0o177 != 0 {
            fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(&failed)?;
        }
    }
    Ok(())
}
