//! Transaction rows one by one: load a window for comparison, add, revise, change state. What to do is decided elsewhere.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params, Row, params};

use crate::model::time::UtcInstant;
use crate::model::transaction::{BookingStatus, RowKey, RowState};
use crate::planner::reconcile::tiers::Tier;
use crate::planner::reconcile::{Absence, RowHash, StoredRow};

use super::answers::Item;
use super::codec::{Packed, Packer, Unpacker};
use super::error::Error;
use super::forget;
use super::row::{self, State, Status};

/// Hash of a raw row.
pub(super) fn hash(raw: &str) -> RowHash {
    let mut hash = RowHash::default();
    let whole = blake3::hash(raw.as_bytes());
    for (byte, from) in hash.iter_mut().zip(whole.as_bytes()) {
        *byte = *from;
    }
    hash
}

/// The rows of an account from a day on (`None`: all) and its undated rows, with their revisions, from the index alone.
pub(super) fn load_window(
    connection: &Connection,
    account: i64,
    from_days: Option<i64>,
) -> Result<(Vec<StoredRow>, Vec<i64>), Error> {
    const DATED: &str = "SELECT number, hash, effective, lead_days, status, state, revision
        FROM bank_transaction INDEXED BY bank_transaction_window WHERE account = ?1 AND effective >= ?2";
    const UNDATED: &str = "SELECT number, hash, effective, lead_days, status, state, revision
        FROM bank_transaction INDEXED BY bank_transaction_window WHERE account = ?1 AND effective IS NULL AND ?2 = ?2";
    let failed = || Error::sql("load stored transactions");
    let from = from_days.unwrap_or(super::coverage::EVERYTHING_DAYS);
    let (mut rows, mut revisions) = (Vec::new(), Vec::new());
    for sql in [DATED, UNDATED] {
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let mut found = statement.query([account, from]).map_err(failed())?;
        while let Some(row) = found.next().map_err(failed())? {
            rows.push(stored_row(row).map_err(failed())?);
            revisions.push(row.get(6).map_err(failed())?);
        }
    }
    Ok((rows, revisions))
}

fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let effective: Option<i64> = row.get(2)?;
    let (lead, filterable) = row::lead(row.get(3)?);
    Ok(StoredRow {
        number: row.get(0)?,
        hash: row.get(1)?,
        effective_date: row::date(effective),
        earliest_date: row::date(effective.map(|days| days.saturating_sub(lead))),
        filterable: filterable && effective.is_some(),
        status: row.get::<_, Status>(4)?.0,
        state: row.get::<_, State>(5)?.0,
    })
}

/// A row to write: its text and what was read from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewText<'a> {
    pub(super) raw: &'a str,
    pub(super) hash: RowHash,
    pub(super) key: RowKey,
    pub(super) status: BookingStatus,
}

impl NewText<'_> {
    fn effective(&self) -> Option<i64> {
        row::days(self.key.effective_date)
    }

    fn lead(&self) -> i64 {
        match (self.effective(), row::days(self.key.earliest_date)) {
            (Some(effective), Some(earliest)) => {
                row::lead_days(effective.saturating_sub(earliest), self.key.filterable)
            }
            _ => 0,
        }
    }
}

/// Adds rows: one prepared statement for all of them.
pub(super) struct Inserter<'c> {
    connection: &'c Connection,
    statement: CachedStatement<'c>,
    account: i64,
    run: i64,
    dictionary: i64,
    /// The first number that was never in use, where it is not the one after the last row.
    first: Option<i64>,
}

impl<'c> Inserter<'c> {
    /// For rows of an account that a run brought.
    pub(super) fn new(
        connection: &'c Connection,
        account: i64,
        run: i64,
        dictionary: i64,
    ) -> Result<Self, Error> {
        let sql = "INSERT INTO bank_transaction
                   (account, first_run, effective, lead_days, hash, status, state, dictionary, raw, number)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let statement =
            connection.prepare_cached(sql).map_err(Error::sql("store a transaction"))?;
        let first = forget::next_number(connection, "bank_transaction")?;
        Ok(Self { connection, statement, account, run, dictionary, first })
    }

    /// Adds a row; gives its number: the wanted one if it is free, else the next.
    pub(super) fn insert(
        &mut self,
        packer: &mut Packer,
        new: &NewText<'_>,
        state: RowState,
        wanted: Option<i64>,
    ) -> Result<i64, Error> {
        let wanted = match wanted {
            Some(number) if !exists(self.connection, number)? => Some(number),
            _ => self.first.take(),
        };
        let text = packer.pack(self.connection, self.dictionary, new.raw)?;
        let values = params![
            self.account,
            self.run,
            new.effective(),
            new.lead(),
            new.hash,
            row::status_number(new.status),
            row::state_number(state),
            text.dictionary,
            text.bytes,
            wanted
        ];
        self.statement.insert(values).map_err(Error::sql("store a transaction"))
    }
}

/// Gives a row another text, for this reason; the old one becomes a version. The row is current again.
pub(super) fn revise(
    connection: &Connection,
    packer: &mut Packer,
    (number, run, dictionary): (i64, i64, i64),
    (new, tier): (&NewText<'_>, Tier),
) -> Result<(), Error> {
    let failed = || Error::sql("store a version of a transaction");
    let sql =
        "INSERT INTO bank_transaction_version (bank_transaction, revision, run, tier, dictionary, raw)
               SELECT number, revision, coalesce(revision_run, first_run), tier, dictionary, raw
               FROM bank_transaction WHERE number = ?1";
    execute(connection, sql, [number]).map_err(failed())?;
    let text = packer.pack(connection, dictionary, new.raw)?;
    let sql = "UPDATE bank_transaction SET effective = ?2, lead_days = ?3, hash = ?4, status = ?5, state = 0,
               revision = revision + 1, revision_run = ?6, dictionary = ?7, raw = ?8, tier = ?9 WHERE number = ?1";
    let status = row::status_number(new.status);
    let values = params![
        number,
        new.effective(),
        new.lead(),
        new.hash,
        status,
        run,
        text.dictionary,
        text.bytes,
        row::tier_number(tier)
    ];
    execute(connection, sql, values).map_err(failed())?;
    forget_absence(connection, number)
}

/// Makes a row current, with this booking status.
pub(super) fn revive(
    connection: &Connection,
    number: i64,
    status: BookingStatus,
) -> Result<(), Error> {
    let sql = "UPDATE bank_transaction SET state = 0, status = ?2 WHERE number = ?1";
    execute(connection, sql, [number, row::status_number(status)])
        .map_err(Error::sql("revive a transaction"))?;
    forget_absence(connection, number)
}

/// Counts rows of an account that came without a readable amount or date.
pub(super) fn note_not_understood(
    connection: &Connection,
    account: i64,
    count: u64,
) -> Result<(), Error> {
    let sql = "INSERT INTO not_understood (account, rows) VALUES (?1, ?2)
               ON CONFLICT (account) DO UPDATE SET rows = rows + excluded.rows";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    execute(connection, sql, [account, count]).map_err(Error::sql("count rows"))
}

/// How many such rows came for all accounts.
pub(super) fn not_understood(connection: &Connection) -> Result<u64, Error> {
    let failed = Error::sql("count rows");
    let sql = "SELECT coalesce(sum(rows), 0) FROM not_understood";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let sum: i64 = statement.query_row([], |row| row.get(0)).map_err(failed)?;
    Ok(sum.unsigned_abs())
}

fn forget_absence(connection: &Connection, number: i64) -> Result<(), Error> {
    let sql = "DELETE FROM bank_transaction_absence WHERE bank_transaction = ?1";
    execute(connection, sql, [number]).map_err(Error::sql("revive a transaction"))
}

/// Takes a row off the list. The first absence is remembered with what is known of it.
pub(super) fn retire(
    connection: &Connection,
    number: i64,
    state: RowState,
    absence: &Absence,
    last_seen_at: UtcInstant,
) -> Result<(), Error> {
    let sql = "UPDATE bank_transaction SET state = ?2 WHERE number = ?1";
    execute(connection, sql, [number, row::state_number(state)])
        .map_err(Error::sql("retire a transaction"))?;
    absent(connection, number, absence, last_seen_at)
}

/// Notes the first absence of a row.
pub(super) fn absent(
    connection: &Connection,
    number: i64,
    absence: &Absence,
    last_seen_at: UtcInstant,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO bank_transaction_absence (bank_transaction, since, last_updated, last_seen_at)
               VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let values = params![number, absence.since.ms(), absence.last_updated, last_seen_at.ms()];
    execute(connection, sql, values).map_err(Error::sql("retire a transaction"))
}

fn execute(connection: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(|_rows| ())
}

/// Gives a row the state, status and absence that another one has.
pub(super) fn follow(connection: &Connection, number: i64, other: i64) -> Result<(), Error> {
    let failed = || Error::sql("set the state of a transaction");
    let sql = "UPDATE bank_transaction SET (status, state) =
               (SELECT status, state FROM bank_transaction WHERE number = ?2) WHERE number = ?1";
    execute(connection, sql, [number, other]).map_err(failed())?;
    forget_absence(connection, number)?;
    let sql = "INSERT INTO bank_transaction_absence SELECT ?1, since, last_updated, last_seen_at
               FROM bank_transaction_absence WHERE bank_transaction = ?2";
    execute(connection, sql, [number, other]).map_err(failed())
}

/// Makes a version of a row its present text again. Later versions go; the version itself is none any more.
pub(super) fn restore(
    connection: &Connection,
    number: i64,
    revision: i64,
    old: &NewText<'_>,
) -> Result<(), Error> {
    let failed = || Error::sql("restore a transaction");
    let sql = "UPDATE bank_transaction SET effective = ?3, lead_days = ?4, hash = ?5, revision = ?2,
               revision_run = CASE ?2 WHEN 1 THEN NULL ELSE v.run END, tier = v.tier, dictionary = v.dictionary, raw = v.raw
               FROM bank_transaction_version AS v
               WHERE number = ?1 AND v.bank_transaction = ?1 AND v.revision = ?2";
    let values = params![number, revision, old.effective(), old.lead(), old.hash];
    execute(connection, sql, values).map_err(failed())?;
    let sql = "DELETE FROM bank_transaction_version WHERE bank_transaction = ?1 AND revision >= ?2";
    execute(connection, sql, [number, revision]).map_err(failed())
}

/// The missing rows of an account (those that a second absence makes vanish), with their first absences.
pub(super) fn missing(
    connection: &Connection,
    account: i64,
) -> Result<BTreeMap<i64, Absence>, Error> {
    let failed = || Error::sql("load missing transactions");
    let sql = "SELECT number, since, last_updated
               FROM bank_transaction INDEXED BY bank_transaction_missing
               JOIN bank_transaction_absence ON bank_transaction = number
               WHERE account = ?1 AND state = 1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement
        .query_map([account], |row| {
            let absence = Absence {
                since: row::instant(row, "since")?,
                last_updated: row.get("last_updated")?,
            };
            Ok((row.get("number")?, absence))
        })
        .map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}

/// Whether there is a row with this number.
fn exists(connection: &Connection, number: i64) -> Result<bool, Error> {
    let failed = Error::sql("look for a transaction");
    let sql = "SELECT EXISTS (SELECT 1 FROM bank_transaction WHERE number = ?1)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([number], |row| row.get(0)).map_err(failed)
}

/// One stored row, as matching sees it.
pub(super) fn one(connection: &Connection, number: i64) -> Result<StoredRow, Error> {
    let failed = Error::sql("load a stored transaction");
    let sql = "SELECT number, hash, effective, lead_days, status, state FROM bank_transaction WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([number], stored_row).map_err(failed)
}

/// The present text of a row.
pub(super) fn text(
    connection: &Connection,
    unpacker: &mut Unpacker,
    number: i64,
) -> Result<String, Error> {
    let failed = Error::sql("read a transaction");
    let sql = "SELECT dictionary, raw FROM bank_transaction WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let (dictionary, bytes): (i64, Vec<u8>) =
        statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    unpacker.unpack(connection, Packed { dictionary, bytes: &bytes })
}

/// The text that a row had in a revision.
pub(super) fn text_of_revision(
    connection: &Connection,
    unpacker: &mut Unpacker,
    Item { number, revision }: Item,
) -> Result<String, Error> {
    let failed = Error::sql("read a version of a transaction");
    let sql = "SELECT dictionary, raw FROM bank_transaction_version WHERE bank_transaction = ?1 AND revision = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let old: Option<(i64, Vec<u8>)> = statement
        .query_row([number, revision], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed)?;
    match old {
        Some((dictionary, bytes)) => {
            unpacker.unpack(connection, Packed { dictionary, bytes: &bytes })
        }
        None => text(connection, unpacker, number),
    }
}
