//! The scratch database of a replay: a file beside the real one, under the same key, gone with the value.
//!
//! A file, because a million rows do not belong into memory; encrypted, because nothing of them may lie on a disk in the
//! clear. A replay that was killed leaves it behind, and the next one removes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::files::beside;
use crate::model::time::UtcInstant;
use crate::store::error::{CREATE, Error};
use crate::store::forget;
use crate::store::open::{self, Place};
use crate::store::schema;

/// The account of the one row that only keeps numbers apart.
const NO_ACCOUNT: i64 = 0;

pub(super) struct Scratch {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Scratch {
    /// Makes one with the accounts and runs of the real database, and no rows.
    pub(super) fn make(place: &Place, stored: &Connection) -> Result<Self, Error> {
        let path = beside(&place.path, ".replay");
        remove(&path)?;
        let place = Place { path: path.clone(), key: place.key.clone() };
        let connection = open::create_scratch(&place)?;
        let mut scratch = Self { connection, path };
        schema::migrate(&mut scratch.connection, UtcInstant::EPOCH, 0)?;
        let failed = || Error::sql("prepare the replay");
        scratch.connection.execute_batch("BEGIN").map_err(failed())?;
        scratch.copy(
            stored,
            "SELECT number, id, doc FROM account",
            "INSERT INTO account (number, id, doc) VALUES (?1, ?2, ?3)",
        )?;
        scratch.copy(
            stored,
            "SELECT number, account, started_at, random FROM run",
            "INSERT INTO run (number, account, started_at, random) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let newest: i64 = stored
            .query_row("SELECT coalesce(max(number), 0) FROM bank_transaction", [], |row| {
                row.get(0)
            })
            .map_err(failed())?;
        let next = forget::next_number(stored, "bank_transaction")?;
        // Rows that were not there before get numbers that no stored row has or had.
        scratch
            .connection
            .execute(
                "INSERT INTO bank_transaction (number, account, first_run, hash, status, state, dictionary, raw)
                 VALUES (?1, ?2, 0, zeroblob(16), 0, 0, 0, x'')",
                params![next.unwrap_or(newest.saturating_add(1)), NO_ACCOUNT],
            )
            .map_err(failed())?;
        Ok(scratch)
    }

    fn copy(&self, stored: &Connection, select: &str, insert: &str) -> Result<(), Error> {
        let failed = || Error::sql("prepare the replay");
        let mut select = stored.prepare(select).map_err(failed())?;
        let columns = select.column_count();
        let mut insert = self.connection.prepare(insert).map_err(failed())?;
        let mut rows = select.query([]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            let values: Vec<rusqlite::types::Value> = (0..columns)
                .map(|column| row.get(column))
                .collect::<Result<_, _>>()
                .map_err(failed())?;
            insert.execute(rusqlite::params_from_iter(values)).map_err(failed())?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next replay tries again.
        remove(&self.path).ok();
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file(CREATE, path)(error))
        }
        _ => Ok(()),
    }
}
