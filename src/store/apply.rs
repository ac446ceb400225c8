//! A batch in one transaction: settlement, documents, rows, run and events together or not at all.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::model::id::{AccountId, RunId};
use crate::model::port::RowReader;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{Answer, BookingStatus};
use crate::planner::effect::{Batch, Data, RowsChanged};
use crate::planner::reconcile::coverage::Coverage;
use crate::planner::reconcile::notices::{News, notices};
use crate::planner::reconcile::tiers::DATES_APART_DAYS_MAX;
use crate::planner::reconcile::{AnswerFacts, STRATEGY_VERSION};

use super::answers::{self, Items};
use super::coverage::{self, EVERYTHING_DAYS, floor_days, floor_from};
use super::error::Error;
use super::events::{self, StoredEvent};
use super::reconcile::{self, AccountRows, Given, Reconciled, Work};
use super::schema::Identity;
use super::worker::Writer;
use super::{balances, documents, institutions, ledger, row, runs};

/// After an answer with this many rows, memory is given back.
const LARGE_ANSWER_ROWS: usize = 500;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The events it stored, those about rows first, then the batch's own, to be logged now.
    pub events: Vec<StoredEvent>,
    /// What a transactions answer changed; `None` for a batch without one.
    pub rows: Option<RowsChanged>,
}

/// Carries a batch out.
pub(super) fn apply(
    writer: &mut Writer,
    batch: &Batch,
    reader: &dyn RowReader,
) -> Result<Applied, Error> {
    let failed = || Error::sql("commit a batch");
    let at = batch.at.ok_or(Error::Internal("a batch has no time"))?;
    let identity = writer.identity;
    let (connection, packer, unpacker) = writer.parts()?;
    let step: Transaction<'_> =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    put_documents(&step, batch, at)?;
    let mut work = Work { connection: &step, packer, unpacker, reader };
    let news = match &batch.data {
        Some(data) => put_data(&mut work, identity, data, at)?,
        None => None,
    };
    let told = news.iter().flat_map(notices).chain(batch.notices.iter().cloned());
    let applied = Applied {
        events: events::insert(&step, at, told)?,
        rows: news.as_ref().map(|news| news.rows),
    };
    // Last: rows and events speak of runs that go on.
    for run in &batch.runs {
        runs::end(&step, run, at)?;
    }
    step.commit().map_err(failed())?;
    if matches!(&batch.data, Some(Data::Transactions { answer, .. }) if answer.booked.len() >= LARGE_ANSWER_ROWS)
    {
        packer.rest();
        connection.execute_batch("PRAGMA shrink_memory").map_err(failed())?;
    }
    Ok(applied)
}

fn put_documents(step: &Connection, batch: &Batch, at: UtcInstant) -> Result<(), Error> {
    if let Some((call, settlement)) = batch.settle {
        ledger::settle(step, call, settlement, batch.settled_at.unwrap_or(at))?;
    }
    for account in &batch.accounts {
        documents::put_account(step, account, at)?;
    }
    for link in &batch.links {
        documents::put_link(step, link)?;
    }
    for link in &batch.forgotten_links {
        documents::forget_link(step, *link)?;
    }
    if let Some(provider) = &batch.provider {
        documents::put_provider(step, provider)?;
    }
    if let Some(update) = &batch.institutions {
        institutions::put(step, update, at)?;
    }
    if let Some(pairing) = batch.pair {
        documents::pair(step, pairing)?;
    }
    for run in &batch.runs {
        runs::begin(step, run)?;
    }
    Ok(())
}

/// Which answer of which account this is about.
#[derive(Clone, Copy)]
struct About {
    account_id: AccountId,
    run_id: RunId,
    /// The run's number.
    run: i64,
    date_from: Option<BankDate>,
}

fn put_data(
    work: &mut Work<'_>,
    identity: Identity,
    data: &Data,
    at: UtcInstant,
) -> Result<Option<News>, Error> {
    match data {
        Data::Balances { account_id, run_id, balances } => {
            let account = documents::account_number(work.connection, *account_id)?;
            let run = runs::number(work.connection, *run_id, account, at)?;
            balances::store(work.connection, account, run, balances, at)?;
            Ok(None)
        }
        Data::Transactions { account_id, run_id, date_from, answer } => {
            let (account, run) = account_and_run(work.connection, *account_id, *run_id, at)?;
            let about =
                About { account_id: *account_id, run_id: *run_id, run, date_from: *date_from };
            put_answer(work, identity, account, about, answer, at).map(Some)
        }
        Data::Unchanged { account_id, run_id, date_from, last_updated } => {
            let (account, run) = account_and_run(work.connection, *account_id, *run_id, at)?;
            let about =
                About { account_id: *account_id, run_id: *run_id, run, date_from: *date_from };
            let facts =
                AnswerFacts { at, date_from: *date_from, last_updated: last_updated.clone() };
            repeat_answer(work, identity, account, about, &facts).map(Some)
        }
    }
}

fn account_and_run(
    connection: &Connection,
    account_id: AccountId,
    run_id: RunId,
    at: UtcInstant,
) -> Result<(AccountRows, i64), Error> {
    let failed = Error::sql("load what is remembered of an account");
    let number = documents::account_number(connection, account_id)?;
    let run = runs::number(connection, run_id, number, at)?;
    let sql = "SELECT memory, rows_version, dictionary FROM account WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let (memory, rows_version, dictionary): (String, i64, Option<i64>) = statement
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(failed)?;
    let memory = serde_json::from_str(&memory)
        .map_err(Error::document("read what is remembered of an account"))?;
    Ok((AccountRows { number, memory, rows_version, dictionary }, run))
}

/// The newest stored answer for a window.
struct Known {
    number: i64,
    floor: Option<i64>,
    items: Vec<u8>,
    rows_version: i64,
}

fn newest_answer(
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

fn put_answer(
    work: &mut Work<'_>,
    identity: Identity,
    mut account: AccountRows,
    about: About,
    answer: &Answer,
    at: UtcInstant,
) -> Result<News, Error> {
    let known = newest_answer(work.connection, account.number, about.date_from)?;
    let pending =
        answer.pending.iter().flatten().map(|span| (answer.row(*span), BookingStatus::Pending));
    let booked = answer.booked.iter().map(|span| (answer.row(*span), BookingStatus::Booked));
    let texts: Vec<(&str, BookingStatus)> = booked.chain(pending).collect();
    let facts =
        AnswerFacts { at, date_from: about.date_from, last_updated: answer.last_updated.clone() };
    let window_days = window_days(about.date_from, known.as_ref(), answer.booked.is_empty());
    let given = Given { facts, run: about.run, texts, window_days };
    let outcome = reconcile::reconcile(work, &mut account, &given)?;
    let mut booked = outcome.items.clone();
    let rest = booked.split_off(answer.booked.len().min(booked.len()));
    let items = answers::encode(&Items { booked, pending: answer.pending.as_ref().map(|_| rest) });
    finish(work.connection, &mut account, &given.facts, &outcome)?;
    if let Some(known) = known.filter(|known| known.items == items) {
        touch(work.connection, &known, &account, about.run, &given.facts)?;
    } else {
        // An answer without rows is judged anew each time it comes.
        let floor = floor_days(outcome.coverage.floor).filter(|_| !answer.booked.is_empty());
        insert_answer(work.connection, &account, about.run, &given.facts, (floor, items))?;
    }
    news(work.connection, identity, about, outcome)
}

fn repeat_answer(
    work: &mut Work<'_>,
    identity: Identity,
    mut account: AccountRows,
    about: About,
    facts: &AnswerFacts,
) -> Result<News, Error> {
    let Some(known) = newest_answer(work.connection, account.number, about.date_from)? else {
        return Err(Error::Refused("there is no answer that could have come again"));
    };
    let undisturbed = known.rows_version == account.rows_version;
    let outcome = match known.floor {
        Some(floor) if undisturbed => {
            let mut coverage = Coverage::of_rows(about.date_from, None);
            coverage.floor = floor_from(Some(floor));
            let vanished = reconcile::reconcile_unchanged(work, &account, facts, &coverage)?;
            let gone = u64::try_from(vanished.len()).unwrap_or(u64::MAX);
            let rows = RowsChanged { vanished: gone, ..RowsChanged::default() };
            Reconciled { rows, items: Vec::new(), coverage, changed: Vec::new(), vanished }
        }
        // Another answer changed rows since: what this one said holds again. Or it had no rows, and counts as a witness.
        _ => {
            let items = answers::decode(&known.items)
                .ok_or_else(|| Error::damaged("the rows of an answer"))?;
            let texts = reconcile::texts_of(work, &items)?;
            let texts: Vec<_> =
                texts.iter().map(|(text, status)| (text.as_str(), *status)).collect();
            let window_days = window_days(about.date_from, Some(&known), items.booked.is_empty());
            let given = Given { facts: facts.clone(), run: about.run, texts, window_days };
            reconcile::reconcile(work, &mut account, &given)?
        }
    };
    finish(work.connection, &mut account, facts, &outcome)?;
    touch(work.connection, &known, &account, about.run, facts)?;
    news(work.connection, identity, about, outcome)
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
    coverage::note(connection, account.number, &outcome.coverage, facts.at)?;
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

fn touch(
    connection: &Connection,
    known: &Known,
    account: &AccountRows,
    run: i64,
    facts: &AnswerFacts,
) -> Result<(), Error> {
    let failed = Error::sql("note that an answer came again");
    let sql =
        "UPDATE answer SET last_run = ?2, last_updated = ?3, rows_version = ?4 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![known.number, run, facts.last_updated, account.rows_version];
    statement.execute(values).map(|_one| ()).map_err(failed)
}

fn insert_answer(
    connection: &Connection,
    account: &AccountRows,
    run: i64,
    facts: &AnswerFacts,
    (floor, items): (Option<i64>, Vec<u8>),
) -> Result<(), Error> {
    let failed = Error::sql("store an answer");
    let sql = "INSERT INTO answer
               (account, date_from, floor, items, strategy, rows_version, first_run, last_run, last_updated)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![
        account.number,
        row::days(facts.date_from),
        floor,
        items,
        STRATEGY_VERSION,
        account.rows_version,
        run,
        facts.last_updated,
    ];
    statement.execute(values).map(|_one| ()).map_err(failed)
}

fn news(
    connection: &Connection,
    identity: Identity,
    about: About,
    outcome: Reconciled,
) -> Result<News, Error> {
    runs::add_counts(connection, about.run, outcome.rows)?;
    let id = |number: i64| {
        first_seen(connection, number).map(|at| row::transaction_id(identity, at, number))
    };
    let changed = outcome
        .changed
        .into_iter()
        .map(|(number, fields)| Ok((id(number)?, fields)))
        .collect::<Result<_, Error>>()?;
    let vanished = outcome.vanished.into_iter().map(id).collect::<Result<_, Error>>()?;
    Ok(News {
        account_id: about.account_id,
        run_id: about.run_id,
        rows: outcome.rows,
        changed,
        vanished,
    })
}

fn first_seen(connection: &Connection, number: i64) -> Result<UtcInstant, Error> {
    let failed = Error::sql("read a transaction");
    let mut statement = connection
        .prepare_cached("SELECT first_run FROM bank_transaction WHERE number = ?1")
        .map_err(&failed)?;
    let run = statement.query_row([number], |row| row.get(0)).map_err(failed)?;
    runs::started_at(connection, run)
}
