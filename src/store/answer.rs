//! One answer about an account's rows: applied, compared with the last one for its window, written into the log.
//!
//! The log is what [`super::replay`] matches anew, so nothing may decide about rows that is not in it: texts, window, time and
//! `last_updated` of each answer, in the order of their coming. What to do about rows is decided in
//! [`crate::planner::reconcile`]. Beside the log stands the newest answer of each of an account's latest windows, to compare
//! the next one with.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::BookingStatus;
use crate::planner::effect::RowsChanged;
use crate::planner::proof::Moves;
use crate::planner::reconcile::coverage::Coverage;
use crate::planner::reconcile::tiers::DATES_APART_DAYS_MAX;
use crate::planner::reconcile::{AnswerFacts, STRATEGY_VERSION};

use super::answers::{self, Item, Items};
use super::coverage::{self, EVERYTHING_DAYS, floor_days, floor_from};
use super::error::Error;
use super::forget;
use super::parts::Parts;
use super::reconcile::{self, AccountRows, Given, Reconciled, Work};
use super::row;
use super::rows;
use super::stamp;

/// Filtered windows of an account whose newest answer is at hand. Each day has another one, and only the newest is asked for
/// again; an answer for a window that is forgotten is stored like a new one.
const WINDOWS_KEPT: i64 = 8;

/// An answer that came.
pub(super) struct Coming<'a> {
    pub(super) facts: AnswerFacts,
    /// The run's number.
    pub(super) run: i64,
    pub(super) booked: Vec<&'a str>,
    /// `None`: the answer had no such list.
    pub(super) pending: Option<Vec<&'a str>>,
    /// What its rows were numbered when it came first; `None`: now.
    pub(super) known_as: Option<&'a Items>,
}

/// What is remembered of the rows of the account that this is, or is a part of.
pub(super) fn account_rows(connection: &Connection, part: i64) -> Result<AccountRows, Error> {
    let failed = Error::sql("load what is remembered of an account");
    let sql = "SELECT account.number, account.memory, account.rows_version, account.dictionary
               FROM account AS part JOIN account ON account.number = coalesce(part.whole, part.number)
               WHERE part.number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let (number, memory, rows_version, dictionary): (i64, String, i64, Option<i64>) = statement
        .query_row([part], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .map_err(failed)?;
    let memory = serde_json::from_str(&memory)
        .map_err(Error::document("read what is remembered of an account"))?;
    let parts = Parts::of_whole(connection, number)?;
    Ok(AccountRows { number, part, parts, memory, rows_version, dictionary })
}

/// The newest stored answer for a window.
struct Known {
    number: i64,
    floor: Option<i64>,
    items: Vec<u8>,
    rows_version: i64,
}

/// A window as its column holds it.
fn window(date_from: Option<BankDate>) -> i64 {
    row::days(date_from).unwrap_or(EVERYTHING_DAYS)
}

fn newest(
    connection: &Connection,
    account: i64,
    date_from: Option<BankDate>,
) -> Result<Option<Known>, Error> {
    let failed = Error::sql("read the last answer");
    let sql = "SELECT number, floor, items, rows_version FROM answer_window AS w JOIN answer ON number = w.answer
               WHERE account = ?1 AND w.date_from = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let known = statement.query_row([account, window(date_from)], |row| {
        Ok(Known {
            number: row.get(0)?,
            floor: row.get(1)?,
            items: row.get(2)?,
            rows_version: row.get(3)?,
        })
    });
    known.optional().map_err(failed)
}

/// Applies an answer.
pub(super) fn put(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    coming: &Coming<'_>,
) -> Result<Reconciled, Error> {
    let known = newest(work.connection, account.part, coming.facts.date_from)?;
    put_beside(work, account, coming, known)
}

/// Applies an answer for a window whose newest one is known.
fn put_beside(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    coming: &Coming<'_>,
    known: Option<Known>,
) -> Result<Reconciled, Error> {
    let Coming { facts, run, booked, pending, known_as } = coming;
    let texts = booked.iter().map(|text| (*text, BookingStatus::Booked));
    let pending_texts = pending.iter().flatten().map(|text| (*text, BookingStatus::Pending));
    let given = Given {
        facts: facts.clone(),
        run: *run,
        texts: texts.chain(pending_texts).collect(),
        window_days: window_days(facts.date_from, known.as_ref(), booked.is_empty()),
        numbers: known_as.map(Items::numbers).unwrap_or_default(),
    };
    let outcome = reconcile::reconcile(work, account, &given)?;
    let mut items = outcome.items.clone();
    let rest = items.split_off(booked.len().min(items.len()));
    let items = Items { booked: items, pending: pending.as_ref().map(|_| rest) };
    let bytes = answers::encode(&items);
    finish(work.connection, account, facts, &outcome)?;
    if let Some(known) = known.filter(|known| known.items == bytes) {
        again(work.connection, account, *run, facts, known.number)?;
    } else {
        let number = log(work.connection, *run, facts, &Value::Blob(bytes))?;
        // An answer without rows is judged anew each time it comes.
        let floor = floor_days(outcome.coverage.floor).filter(|_| !booked.is_empty());
        remember(work.connection, account, facts, (number, floor))?;
    }
    Ok(outcome)
}

/// Applies the newest answer for a window once more.
///
/// # Errors
/// [`Error::Refused`] if there is none.
pub(super) fn repeat(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    run: i64,
    facts: &AnswerFacts,
    known_as: Option<&Items>,
) -> Result<Reconciled, Error> {
    let Some(known) = newest(work.connection, account.part, facts.date_from)? else {
        return Err(Error::Refused("there is no answer that could have come again"));
    };
    let undisturbed = known.rows_version == account.rows_version;
    let Some(floor) = known.floor.filter(|_| undisturbed) else {
        // Another answer changed rows since: what this one said holds again. Or it had no rows, and counts as a witness.
        let items =
            answers::decode(&known.items).ok_or_else(|| Error::damaged("the rows of an answer"))?;
        let mut texts = |list: &[Item]| {
            let text = |item: &Item| rows::text_of_revision(work.connection, work.unpacker, *item);
            list.iter().map(text).collect::<Result<Vec<_>, _>>()
        };
        let (booked, pending) =
            (texts(&items.booked)?, items.pending.as_deref().map(texts).transpose()?);
        let coming = Coming {
            facts: facts.clone(),
            run,
            booked: booked.iter().map(String::as_str).collect(),
            pending: pending.as_ref().map(|list| list.iter().map(String::as_str).collect()),
            known_as,
        };
        return put_beside(work, account, &coming, Some(known));
    };
    // It has booked rows: a doubtful answer without any stands alone again.
    account.memory.empty_since = None;
    let mut coverage = Coverage::of_rows(facts.date_from, None);
    coverage.floor = floor_from(Some(floor));
    let vanished = reconcile::reconcile_unchanged(work, account, facts, &coverage)?;
    let gone = u64::try_from(vanished.len()).unwrap_or(u64::MAX);
    let rows = RowsChanged { vanished: gone, ..RowsChanged::default() };
    let outcome = Reconciled {
        rows,
        items: Vec::new(),
        coverage,
        changed: Vec::new(),
        vanished,
        moves: Moves::default(),
    };
    finish(work.connection, account, facts, &outcome)?;
    again(work.connection, account, run, facts, known.number)?;
    Ok(outcome)
}

/// Where the window begins that an answer can matter to: a little before its filter, or before the oldest row that the
/// last one like it had. An unfiltered answer without rows matters to all of them.
fn window_days(date_from: Option<BankDate>, known: Option<&Known>, empty: bool) -> Option<i64> {
    let last_floor = known.and_then(|known| known.floor).filter(|_| !empty);
    let floor = row::days(date_from).or(last_floor).filter(|days| *days > EVERYTHING_DAYS)?;
    Some(floor.saturating_sub(DATES_APART_DAYS_MAX))
}

/// What every answer leaves behind, changed or not.
fn finish(
    connection: &Connection,
    account: &mut AccountRows,
    facts: &AnswerFacts,
    outcome: &Reconciled,
) -> Result<(), Error> {
    let failed = Error::sql("store what is remembered of an account");
    coverage::note(connection, account.part, &outcome.coverage, facts.at)?;
    if outcome.rows.not_understood > 0 {
        rows::note_not_understood(connection, account.part, outcome.rows.not_understood)?;
    }
    account.rows_version =
        account.rows_version.saturating_add(i64::from(outcome.rows != RowsChanged::default()));
    let memory = serde_json::to_string(&account.memory)
        .map_err(Error::document("store what is remembered of an account"))?;
    let sql = "UPDATE account SET memory = ?2, rows_version = ?3, dictionary = ?4 WHERE number = ?1
               AND (memory, rows_version, dictionary) IS NOT (?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![account.number, memory, account.rows_version, account.dictionary];
    statement.execute(values).map(|_rows| ()).map_err(failed)
}

/// The newest answer for its window came again: the rows are now as it has them.
fn again(
    connection: &Connection,
    account: &AccountRows,
    run: i64,
    facts: &AnswerFacts,
    first: i64,
) -> Result<(), Error> {
    let failed = Error::sql("note that an answer came again");
    let sql = "UPDATE answer_window SET rows_version = ?3 WHERE account = ?1 AND date_from = ?2 AND rows_version <> ?3";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement
        .execute([account.part, window(facts.date_from), account.rows_version])
        .map_err(failed)?;
    log(connection, run, facts, &Value::Integer(first)).map(|_number| ())
}

/// An answer is the newest one for its window.
fn remember(
    connection: &Connection,
    account: &AccountRows,
    facts: &AnswerFacts,
    (number, floor): (i64, Option<i64>),
) -> Result<(), Error> {
    let failed = || Error::sql("remember the last answer");
    let sql = "INSERT INTO answer_window (account, date_from, answer, floor, rows_version) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (account, date_from) DO UPDATE
               SET (answer, floor, rows_version) = (excluded.answer, excluded.floor, excluded.rows_version)";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values =
        params![account.part, window(facts.date_from), number, floor, account.rows_version];
    statement.execute(values).map_err(failed())?;
    let sql = "DELETE FROM answer_window WHERE account = ?1 AND date_from > ?2 AND answer <
               (SELECT answer FROM answer_window WHERE account = ?1 AND date_from > ?2 ORDER BY answer DESC
                LIMIT 1 OFFSET ?3)";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values = [account.part, EVERYTHING_DAYS, WINDOWS_KEPT.saturating_sub(1)];
    statement.execute(values).map(|_old| ()).map_err(failed())
}

/// Writes an entry; gives its number. `items`: the rows, or the number of the entry that has them.
fn log(
    connection: &Connection,
    run: i64,
    facts: &AnswerFacts,
    items: &Value,
) -> Result<i64, Error> {
    let failed = Error::sql("write the log of answers");
    let number = forget::next_number(connection, "answer")?;
    let sql = "INSERT INTO answer (run, after_ms, last_updated, strategy, date_from, items, number)
               SELECT number, ?2 - started_at, ?3, ?4, ?5, ?6, ?7 FROM run WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let last_updated = stamp::pack(facts.at, facts.last_updated.as_deref());
    let date_from = row::days(facts.date_from).filter(|_| matches!(items, Value::Blob(_)));
    let values =
        params![run, facts.at.ms(), last_updated, STRATEGY_VERSION, date_from, items, number];
    statement.insert(values).map_err(failed)
}

/// An entry of the log.
pub(super) struct Use {
    pub(super) number: i64,
    /// The entry with which the same answer came first; itself, if it is new.
    pub(super) answer: i64,
    /// Number of the account.
    pub(super) account: i64,
    /// Number of the run.
    pub(super) run: i64,
    pub(super) facts: AnswerFacts,
    /// The version of the rules by which it was applied.
    pub(super) strategy: u32,
    /// See [`answers::decode`].
    pub(super) items: Vec<u8>,
}

/// The entry of the log after this one, `None` after the last.
pub(super) fn next_use(connection: &Connection, after: i64) -> Result<Option<Use>, Error> {
    let failed = Error::sql("read the log of answers");
    let sql = "SELECT a.number, first.number, account, a.run, started_at + coalesce(a.after_ms, took_ms), first.date_from, a.last_updated,
               a.strategy, first.items
               FROM answer AS a JOIN run ON run.number = a.run
               JOIN answer AS first ON first.number = iif(typeof(a.items) = 'integer', a.items, a.number)
               WHERE a.number > ?1 ORDER BY a.number LIMIT 1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let found = statement.query_row([after], |row| {
        let at = UtcInstant::from_ms(row.get(4)?);
        let facts = AnswerFacts {
            at,
            date_from: row::date(row.get(5)?),
            last_updated: stamp::unpack(at, row.get(6)?),
        };
        Ok(Use {
            number: row.get(0)?,
            answer: row.get(1)?,
            account: row.get(2)?,
            run: row.get(3)?,
            facts,
            strategy: row.get(7)?,
            items: row.get(8)?,
        })
    });
    found.optional().map_err(failed)
}
