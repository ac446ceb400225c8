//! Makes two accounts one: payments that both have become one row, everything else of the absorbed one joins.
//!
//! The absorbed account's listed rows are matched like the rows of an answer. A payment that both have goes on as the kept
//! account's row, with the newer text; its twin rests in the absorbed account, as it was. So nothing is listed twice, and
//! [`super::split`] can give back exactly what there was.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::time::UtcInstant;
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::reconcile::{AnswerFacts, Memory};
use crate::planner::state::Union;

use super::codec::BUILT_IN_ID;
use super::documents;
use super::error::Error;
use super::pairing::pair_identical;
use super::parts::Parts;
use super::reconcile::{Given, Work};
use super::row::{self, Status};
use super::rows;
use super::runs;

/// A union as it is stored.
#[derive(Clone, Debug)]
pub(super) struct StoredUnion {
    /// Its number; `None`: it is new.
    pub(super) number: Option<i64>,
    kept: i64,
    absorbed: i64,
    at: UtcInstant,
    /// The entry of the log of answers after which it came.
    pub(super) after: i64,
    doc: String,
}

/// Carries a union out.
///
/// # Errors
/// [`Error::Refused`] where both are one account already.
pub(super) fn join(work: &mut Work<'_>, union: &Union, at: UtcInstant) -> Result<(), Error> {
    let connection = work.connection;
    let kept = documents::account_number(connection, union.kept.id)?;
    let absorbed = documents::account_number(connection, union.absorbed.id)?;
    if kept == absorbed {
        return Err(Error::Refused("an account cannot be made one with itself"));
    }
    let doc = serde_json::to_string(union).map_err(Error::document("make two accounts one"))?;
    let after = connection
        .query_row("SELECT coalesce(max(number), 0) FROM answer", [], |row| row.get(0))
        .map_err(Error::sql("read the log of answers"))?;
    put(work, &StoredUnion { number: None, kept, absorbed, at, after, doc })
}

/// Carries a union out, new or once more.
pub(super) fn put(work: &mut Work<'_>, union: &StoredUnion) -> Result<(), Error> {
    let failed = || Error::sql("make two accounts one");
    let connection = work.connection;
    let StoredUnion { number, kept, absorbed, at, after, doc } = union;
    let sql = "INSERT INTO account_union (number, account, absorbed, at, after, memory, doc)
               SELECT ?1, ?2, ?3, ?4, ?5, memory, ?6 FROM account WHERE number = ?2";
    let values = params![number, kept, absorbed, at.ms(), after, doc];
    connection.execute(sql, values).map_err(failed())?;
    let number = connection.last_insert_rowid();
    let sql = "UPDATE account SET whole = ?1 WHERE number = ?2 OR whole = ?2";
    connection.execute(sql, [kept, absorbed]).map_err(failed())?;
    bump(connection, [*kept, *absorbed])?;
    unite_rows(work, number, (*kept, *absorbed), *at)
}

/// All unions, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<StoredUnion>, Error> {
    let failed = || Error::sql("read how accounts became one");
    let sql = "SELECT number, account, absorbed, at, after, doc FROM account_union ORDER BY number";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let found = statement
        .query_map([], |row| {
            Ok(StoredUnion {
                number: row.get(0)?,
                kept: row.get(1)?,
                absorbed: row.get(2)?,
                at: row::instant(row, "at")?,
                after: row.get(4)?,
                doc: row.get(5)?,
            })
        })
        .map_err(failed())?;
    found.collect::<Result<_, _>>().map_err(failed())
}

/// No remembered answer of either account speaks of its rows as they are now.
pub(super) fn bump(connection: &Connection, [one, other]: [i64; 2]) -> Result<(), Error> {
    let sql = "UPDATE account SET rows_version = 1 + (SELECT max(rows_version) FROM account WHERE number IN (?1, ?2))
               WHERE number IN (?1, ?2)";
    let done = connection.execute(sql, [one, other]);
    done.map(|_both| ()).map_err(Error::sql("make two accounts one"))
}

/// The dictionary that an account's new texts are packed with.
pub(super) fn dictionary(connection: &Connection, account: i64) -> Result<i64, Error> {
    let sql = "SELECT dictionary FROM account WHERE number = ?1";
    let found: Option<i64> = connection
        .query_row(sql, [account], |row| row.get(0))
        .map_err(Error::sql("read an account"))?;
    Ok(found.unwrap_or(BUILT_IN_ID))
}

/// Writes what reconciliation remembers of an account.
pub(super) fn put_memory(
    connection: &Connection,
    account: i64,
    memory: &Memory,
) -> Result<(), Error> {
    let memory = serde_json::to_string(memory)
        .map_err(Error::document("store what is remembered of an account"))?;
    let sql = "UPDATE account SET memory = ?2 WHERE number = ?1";
    let done = connection.execute(sql, params![account, memory]);
    done.map(|_one| ()).map_err(Error::sql("store what is remembered of an account"))
}

/// Numbers of rows, and their texts with their status.
type Listed = (Vec<i64>, Vec<(String, BookingStatus)>);

/// The listed rows of an account, booked ones first.
fn listed(work: &mut Work<'_>, account: i64) -> Result<Listed, Error> {
    let failed = || Error::sql("read transactions");
    let sql = "SELECT number, status FROM bank_transaction WHERE account = ?1 AND state = ?2
               ORDER BY status, effective, number";
    let mut statement = work.connection.prepare(sql).map_err(failed())?;
    let found = statement
        .query_map([account, row::state_number(RowState::Current)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Status>(1)?.0))
        })
        .map_err(failed())?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed())?;
    let texts = found
        .iter()
        .map(|(number, status)| Ok((rows::text(work.connection, work.unpacker, *number)?, *status)))
        .collect::<Result<_, Error>>()?;
    Ok((found.into_iter().map(|(number, _)| number).collect(), texts))
}

fn unite_rows(
    work: &mut Work<'_>,
    union: i64,
    (kept, absorbed): (i64, i64),
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("make two accounts one");
    let any = "SELECT 1 FROM bank_transaction WHERE account = ?1 LIMIT 1";
    let any: Option<i64> =
        work.connection.query_row(any, [absorbed], |row| row.get(0)).optional().map_err(failed())?;
    if any.is_none() {
        return Ok(());
    }
    let (numbers, texts) = listed(work, absorbed)?;
    let texts = texts.iter().map(|(text, status)| (text.as_str(), *status)).collect();
    let facts = AnswerFacts { at, date_from: None, last_updated: None };
    let given = Given { facts, run: 0, texts, window_days: None, numbers: Vec::new() };
    let mut memory = documents::memory(work.connection, kept)?;
    let mut both = pair_identical(work, kept, &given)?;
    let decision = both.decide(work, &mut memory)?;
    let parts = Parts::of_whole(work.connection, kept)?;
    let dictionary = dictionary(work.connection, kept)?;
    for (place, link) in decision.links.iter().enumerate() {
        let twin = numbers.get(place).copied().filter(|_| !decision.is_unlisted(place));
        let stored = link.and_then(|link| both.stored.get(link.stored));
        let (Some(link), Some(twin), Some(stored)) = (link, twin, stored) else { continue };
        let Some(new) = both.new_text(place) else { continue };
        let run = newest_run(work.connection, twin)?;
        let part = runs::part(work.connection, run)?;
        if stored.hash != new.hash {
            parts.remember(work.connection, stored.number, part)?;
            let row = (stored.number, run, dictionary);
            rows::revise(work.connection, work.packer, row, (&new, link.tier))?;
        } else if stored.status != new.status || stored.state != RowState::Current {
            parts.remember(work.connection, stored.number, part)?;
            rows::revive(work.connection, stored.number, new.status)?;
        }
        let sql = "INSERT INTO bank_transaction_twin VALUES (?1, ?2, ?3)";
        work.connection.execute(sql, [union, stored.number, twin]).map_err(failed())?;
    }
    let sql = "UPDATE bank_transaction SET account = ?2 WHERE account = ?1
               AND number NOT IN (SELECT twin FROM bank_transaction_twin WHERE account_union = ?3)";
    work.connection.execute(sql, [absorbed, kept, union]).map_err(failed())?;
    put_memory(work.connection, kept, &memory)
}

/// The run that brought a row's present text.
fn newest_run(connection: &Connection, number: i64) -> Result<i64, Error> {
    let failed = Error::sql("read a transaction");
    let sql = "SELECT coalesce(revision_run, first_run) FROM bank_transaction WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([number], |row| row.get(0)).map_err(failed)
}
