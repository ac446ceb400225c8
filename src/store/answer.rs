//! One answer about an account's rows: applied, compared with the last one for its window, written into the log.
//!
//! The log is what [`super::replay`] matches anew, so nothing may decide about rows that is not in it: texts, window, time and
//! `last_updated` of each answer, in the order of their coming. What to do about rows is decided in
//! [`crate::planner::reconcile`].

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

fn newest(
    connection: &Connection,
    account: i64,
    date_from: Option<BankDate>,
) -> Result<Option<Known>, Error> {
    let failed = Error::sql("read the last answer");
    let sql = "SELECT number, floor, items, rows_version FROM answer WHERE account = ?1 AND date_from IS ?2
               ORDER BY number DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![account, row::days(date_from)];
    let known = statement.query_row(values, |row| {
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
    let number = if let Some(known) = known.filter(|known| known.items == bytes) {
        touch(work.connection, known.number, account)?;
        known.number
    } else {
        // An answer without rows is judged anew each time it comes.
        let floor = floor_days(outcome.coverage.floor).filter(|_| !booked.is_empty());
        insert(work.connection, account, facts, (floor, bytes))?
    };
    log(work.connection, number, *run, facts)?;
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
    touch(work.connection, known.number, account)?;
    log(work.connection, known.number, run, facts)?;
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

/// The rows are now as this answer has them.
fn touch(connection: &Connection, number: i64, account: &AccountRows) -> Result<(), Error> {
    let failed = Error::sql("note that an answer came again");
    let sql = "UPDATE answer SET rows_version = ?2 WHERE number = ?1 AND rows_version <> ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.execute([number, account.rows_version]).map(|_one| ()).map_err(failed)
}

fn insert(
    connection: &Connection,
    account: &AccountRows,
    facts: &AnswerFacts,
    (floor, items): (Option<i64>, Vec<u8>),
) -> Result<i64, Error> {
    let failed = Error::sql("store an answer");
    let sql = "INSERT INTO answer (account, date_from, floor, items, rows_version)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let date_from = row::days(facts.date_from);
    let values = params![account.part, date_from, floor, items, account.rows_version];
    statement.insert(values).map_err(failed)
}

fn log(connection: &Connection, answer: i64, run: i64, facts: &AnswerFacts) -> Result<(), Error> {
    let failed = Error::sql("write the log of answers");
    let sql = "INSERT INTO answer_use (answer, run, after_ms, last_updated, strategy, number)
               SELECT ?1, number, ?3 - started_at, ?4, ?5, ?6 FROM run WHERE number = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let last_updated = stamp::pack(facts.at, facts.last_updated.as_deref());
    let number = forget::next_number(connection, "answer_use")?;
    let values = params![answer, run, facts.at.ms(), last_updated, STRATEGY_VERSION, number];
    statement.execute(values).map(|_one| ()).map_err(failed)
}

/// An entry of the log.
pub(super) struct Use {
    pub(super) number: i64,
    /// Number of the answer.
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
    let sql = "SELECT u.number, answer, answer.account, run, started_at + after_ms, date_from, last_updated,
               strategy, items
               FROM answer_use AS u JOIN answer ON answer.number = u.answer JOIN run ON run.number = u.run
               WHERE u.number > ?1 ORDER BY u.number LIMIT 1";
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
