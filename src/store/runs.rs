//! Runs: one pass over one account each, with what it changed.
//!
//! There are thousands a year, so a row is small: an id is kept as the time of its begin and its random bits, the end as the
//! time since, and what was changed as `changes`: the six counts as varints, in the order of [`RowsChanged`]'s members,
//! without the zeros at the end; null where all are zero.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::id::{AccountId, RunId};
use crate::model::time::UtcInstant;
use crate::planner::effect::{RowsChanged, RunOutcome, RunRecord};

use super::answers::{put, take};
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
    number(connection, record.id, account).map(|_number| ())
}

/// Writes that a run ended, if it did. The last answer and the events from this number on may have come with the end: then
/// its time is theirs.
pub(super) fn end(
    connection: &Connection,
    record: &RunRecord,
    at: UtcInstant,
    first_event: Option<i64>,
) -> Result<(), Error> {
    let failed = || Error::sql("store a run");
    let (Some(outcome), Some(number)) = (record.outcome, find(connection, record.id)?) else {
        return Ok(());
    };
    let sql = "UPDATE run SET outcome = ?2, took_ms = ?3 - started_at WHERE number = ?1 AND outcome IS NULL";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![number, outcome_number(outcome), at.ms()]).map_err(failed())?;
    let took_ms = at.since(record.id.created_at());
    let sql = "UPDATE answer SET after_ms = NULL WHERE number = (SELECT max(number) FROM answer)
               AND run = ?1 AND after_ms = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute([number, took_ms]).map_err(failed())?;
    if let Some(first) = first_event {
        let sql = "UPDATE event SET after_ms = NULL WHERE id >= ?3 AND run = ?1 AND after_ms = ?2";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        statement.execute([number, took_ms, first]).map_err(failed())?;
    }
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
    let (began, random) = (id.created_at().ms(), row::run_random(id));
    let sql = "SELECT number FROM run WHERE random = ?1 AND started_at = ?2 AND outcome IS NULL";
    let mut open = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![random, began];
    let found = open.query_row(values, |row| row.get(0)).optional().map_err(failed())?;
    if found.is_some() {
        return Ok(found);
    }
    let sql = "SELECT number FROM (SELECT number, started_at, random FROM run ORDER BY number DESC LIMIT ?3)
               WHERE started_at = ?2 AND random = ?1";
    let mut recent = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![random, began, RECENT_RUNS];
    recent.query_row(values, |row| row.get(0)).optional().map_err(failed())
}

/// The number of a run, by which rows refer to it; made if it is not there.
pub(super) fn number(connection: &Connection, id: RunId, account: i64) -> Result<i64, Error> {
    if let Some(number) = find(connection, id)? {
        return Ok(number);
    }
    let failed = Error::sql("store a run");
    let sql = "INSERT INTO run (account, started_at, random) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.insert(params![account, id.created_at().ms(), row::run_random(id)]).map_err(failed)
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
    if rows == RowsChanged::default() {
        return Ok(());
    }
    let failed = || Error::sql("store what a run changed");
    let mut statement =
        connection.prepare_cached("SELECT changes FROM run WHERE number = ?1").map_err(failed())?;
    let before: Option<Vec<u8>> =
        statement.query_row([number], |row| row.get(0)).map_err(failed())?;
    let (mut sum, more) = (counts(&decode(before.as_deref())), counts(&rows));
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(more));
    let len = sum.iter().rposition(|count| *count > 0).map_or(0, |last| last.saturating_add(1));
    let mut changes = Vec::new();
    sum.iter().take(len).for_each(|count| put(&mut changes, *count));
    let sql = "UPDATE run SET changes = ?2 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![number, changes]).map(|_one| ()).map_err(failed())
}

fn counts(rows: &RowsChanged) -> [u64; 6] {
    [rows.added, rows.changed, rows.revived, rows.missing, rows.vanished, rows.not_understood]
}

fn decode(changes: Option<&[u8]>) -> RowsChanged {
    let mut rest = changes.unwrap_or_default();
    let mut next = || take(&mut rest).unwrap_or_default();
    RowsChanged {
        added: next(),
        changed: next(),
        revived: next(),
        missing: next(),
        vanished: next(),
        not_understood: next(),
    }
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
        id: row::run_id(row)?,
        account_id: row::account_id(row, "account_id")?,
        started_at: row::instant(row, "started_at")?,
        outcome,
    };
    let took_ms: Option<i64> = row.get("took_ms")?;
    let changes: Option<Vec<u8>> = row.get("changes")?;
    Ok(RunRow {
        ended_at: took_ms.map(|took| record.started_at.plus_ms(took)),
        rows: decode(changes.as_deref()),
        record,
    })
}
