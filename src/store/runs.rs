//! Runs: one pass over one account each, with what it changed.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::id::{AccountId, RunId};
use crate::model::time::UtcInstant;
use crate::planner::effect::{RowsChanged, RunOutcome, RunRecord};

use super::documents;
use super::error::Error;
use super::row;

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Which, whose, since when, how it ended.
    pub record: RunRecord,
    /// When it ended.
    pub ended_at: Option<UtcInstant>,
    /// What it changed.
    pub rows: RowsChanged,
}

/// Runs looked at beyond those that go on: what ended is spoken of a little longer.
const RECENT_RUNS: i64 = 256;

/// Writes that a run began. What it began with stays.
pub(super) fn begin(connection: &Connection, record: &RunRecord) -> Result<(), Error> {
    let account = documents::account_number(connection, record.account_id)?;
    number(connection, record.id, account, record.started_at).map(|_number| ())
}

/// Writes that a run ended, if it did.
pub(super) fn end(
    connection: &Connection,
    record: &RunRecord,
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store a run");
    let (Some(outcome), Some(number)) = (record.outcome, find(connection, record.id)?) else {
        return Ok(());
    };
    let sql = "UPDATE run SET outcome = ?2, ended_at = ?3 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![number, outcome_number(outcome), at.ms()]).map_err(failed())?;
    Ok(())
}

const fn outcome_number(outcome: RunOutcome) -> i64 {
    match outcome {
        RunOutcome::Pulled => 0,
        RunOutcome::Unchanged => 1,
        RunOutcome::Failed => 2,
    }
}

/// The number of a run that goes on or ended lately.
pub(super) fn find(connection: &Connection, id: RunId) -> Result<Option<i64>, Error> {
    let failed = || Error::sql("find a run");
    let id = row::bytes(id.bits());
    let sql = "SELECT number FROM run WHERE id = ?1 AND ended_at IS NULL";
    let mut open = connection.prepare_cached(sql).map_err(failed())?;
    let found = open.query_row([id], |row| row.get(0)).optional().map_err(failed())?;
    if found.is_some() {
        return Ok(found);
    }
    let sql = "SELECT number FROM (SELECT number, id FROM run ORDER BY number DESC LIMIT ?2) WHERE id = ?1";
    let mut recent = connection.prepare_cached(sql).map_err(failed())?;
    recent.query_row(params![id, RECENT_RUNS], |row| row.get(0)).optional().map_err(failed())
}

/// The number of a run, by which rows refer to it; made if it is not there.
pub(super) fn number(
    connection: &Connection,
    id: RunId,
    account: i64,
    started_at: UtcInstant,
) -> Result<i64, Error> {
    if let Some(number) = find(connection, id)? {
        return Ok(number);
    }
    let failed = Error::sql("store a run");
    let sql = "INSERT INTO run (id, account, started_at) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.insert(params![row::bytes(id.bits()), account, started_at.ms()]).map_err(failed)
}

/// The account, or the part of one, whose handle a run called.
pub(super) fn part(connection: &Connection, number: i64) -> Result<i64, Error> {
    let failed = Error::sql("read a run");
    let mut statement =
        connection.prepare_cached("SELECT account FROM run WHERE number = ?1").map_err(&failed)?;
    statement.query_row([number], |row| row.get(0)).map_err(failed)
}

/// When a run began, which is when its new rows were first seen.
pub(super) fn started_at(connection: &Connection, number: i64) -> Result<UtcInstant, Error> {
    let failed = Error::sql("read a run");
    let mut statement = connection
        .prepare_cached("SELECT started_at FROM run WHERE number = ?1")
        .map_err(&failed)?;
    statement.query_row([number], |row| row.get(0).map(UtcInstant::from_ms)).map_err(failed)
}

/// Adds to what a run changed.
pub(super) fn add_counts(
    connection: &Connection,
    number: i64,
    rows: RowsChanged,
) -> Result<(), Error> {
    let failed = Error::sql("store what a run changed");
    let sql = "UPDATE run SET added = added + ?2, changed = changed + ?3, revived = revived + ?4,
               missing = missing + ?5, vanished = vanished + ?6, not_understood = not_understood + ?7
               WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let [added, changed, revived, missing, vanished, not_understood] =
        [rows.added, rows.changed, rows.revived, rows.missing, rows.vanished, rows.not_understood]
            .map(row::integer);
    let values = params![number, added, changed, revived, missing, vanished, not_understood];
    statement.execute(values).map(|_one| ()).map_err(failed)
}

/// The newest runs, newest first.
pub(super) fn list(
    connection: &Connection,
    account: Option<AccountId>,
    limit: u32,
) -> Result<Vec<RunRow>, Error> {
    let failed = || Error::sql("read runs");
    let sql = "SELECT run.*, account.id AS account_id FROM run JOIN account AS part ON part.number = run.account
               JOIN account ON account.number = coalesce(part.whole, part.number) WHERE ?1 IS NULL OR account.id = ?1 ORDER BY run.number DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![account.map(|id| row::bytes(id.bits())), limit];
    let rows = statement.query_map(values, from_row).map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let outcome: Option<i64> = row.get("outcome")?;
    let outcome = outcome.map(|number| match number {
        0 => RunOutcome::Pulled,
        1 => RunOutcome::Unchanged,
        _ => RunOutcome::Failed,
    });
    let record = RunRecord {
        id: row::run_id(row, "id")?,
        account_id: row::account_id(row, "account_id")?,
        started_at: row::instant(row, "started_at")?,
        outcome,
    };
    let rows = RowsChanged {
        added: row::count(row, "added")?,
        changed: row::count(row, "changed")?,
        revived: row::count(row, "revived")?,
        missing: row::count(row, "missing")?,
        vanished: row::count(row, "vanished")?,
        not_understood: row::count(row, "not_understood")?,
    };
    Ok(RunRow { record, ended_at: row::maybe_instant(row, "ended_at")?, rows })
}
