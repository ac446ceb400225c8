//! The schema: numbered SQL files, applied in one transaction; `user_version` is the number of the last one.
//!
//! A released file is never edited: a change is a new file. A version that this program does not know is refused before
//! anything is written.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::model::time::UtcInstant;

use super::codec;
use super::error::Error;

const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_first.sql")];

/// Marks the file as ours (`file(1)` cannot see it, a decrypting tool can): "bnks".
const APPLICATION_ID: i64 = 0x626e_6b73;

/// Bits of the salt in transaction ids.
const SALT_BITS: u32 = 40;

/// Who a database is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// Random.
    pub(super) id: [u8; 16],
    /// In every transaction id: [`SALT_BITS`] bits.
    pub(super) salt: u64,
}

/// The version that this program writes.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Reads the version; refuses newer ones and files that are not ours. Writes nothing.
pub(super) fn check(connection: &Connection) -> Result<i64, Error> {
    let number = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(Error::sql("read the schema"))
    };
    let version = number("user_version")?;
    if version > newest() {
        return Err(Error::NewerSchema { found: version, known: newest() });
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(Error::sql("read the schema"))?;
    if (version == 0) != (tables == 0)
        || version < 0
        || (version > 0 && number("application_id")? != APPLICATION_ID)
    {
        return Err(Error::damaged("a schema that is not one of this program"));
    }
    Ok(version)
}

/// Brings the schema up to date. A new database gets its identity from `random`.
pub(super) fn migrate(
    connection: &mut Connection,
    at: UtcInstant,
    random: u128,
) -> Result<Identity, Error> {
    let failed = || Error::sql("bring the schema up to date");
    let version = check(connection)?;
    if version < newest() {
        let step = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed())?;
        let done = usize::try_from(version).unwrap_or_default();
        for sql in MIGRATIONS.iter().skip(done) {
            step.execute_batch(sql).map_err(failed())?;
        }
        if version == 0 {
            let salt = i64::try_from(random >> (u128::BITS - SALT_BITS)).unwrap_or_default();
            step.execute(
                "INSERT INTO database (one, id, salt, created_at) VALUES (1, ?1, ?2, ?3)",
                params![random.to_be_bytes(), salt, at.ms()],
            )
            .map_err(failed())?;
            step.execute(
                "INSERT INTO dictionary (id, content) VALUES (1, ?1)",
                [codec::dictionary(codec::BUILT_IN.as_bytes())],
            )
            .map_err(failed())?;
            step.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed())?;
        }
        step.pragma_update(None, "user_version", newest()).map_err(failed())?;
        step.commit().map_err(failed())?;
    }
    identity(connection)
}

fn identity(connection: &Connection) -> Result<Identity, Error> {
    connection
        .query_row("SELECT id, salt FROM database", [], |row| {
            Ok(Identity { id: row.get(0)?, salt: row.get::<_, i64>(1)?.unsigned_abs() })
        })
        .map_err(Error::sql("read who the database is"))
}
