//! A batch in one transaction: settlement, documents, rows, run and events together or not at all.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::model::id::{AccountId, CallId, RunId};
use crate::model::port::RowReader;
use crate::model::time::UtcInstant;
use crate::model::transaction::{Answer, BookingStatus, Span};
use crate::planner::effect::{Batch, Compared, Comparison, Data, RowsChanged};
use crate::planner::proof::Proof;
use crate::planner::reconcile::AnswerFacts;
use crate::planner::reconcile::decide::Link;
use crate::planner::reconcile::notices::{News, notices};
use crate::planner::reconcile::tiers::Tier;

use super::answer::{self, Coming};
use super::error::Error;
use super::events::{self, StoredEvent};
use super::ledger::Reservation;
use super::proof::Said;
use super::reconcile::{AccountRows, Given, Reconciled, Work};
use super::schema::Identity;
use super::worker::{Writer, give_back};
use super::{
    balances, documents, forget, institutions, ledger, pairing, proof, row, runs, split, union,
};

/// After an answer with this many rows, memory is given back.
const LARGE_ANSWER_ROWS: usize = 500;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The events it stored, those about rows first, then the batch's own, to be logged now.
    pub events: Vec<StoredEvent>,
    /// What a transactions answer changed; `None` for a batch without one.
    pub rows: Option<RowsChanged>,
    /// The account whose next transactions are to be asked for without a date.
    pub wants_everything: Option<AccountId>,
    /// What a comparison found; `None` for a batch that asks for none.
    pub compared: Option<Compared>,
    /// Whether somebody is to be told of an event.
    pub messages: bool,
}

/// Carries a batch out; with it a call is reserved, if there is one.
pub(super) fn apply(
    writer: &mut Writer,
    batch: &Batch,
    reader: &dyn RowReader,
    reservation: Option<&Reservation>,
) -> Result<(Applied, Option<CallId>), Error> {
    let failed = || Error::sql("commit a batch");
    let at = batch.at.ok_or(Error::Internal("a batch has no time"))?;
    let (identity, post) = (writer.identity(), writer.post.clone());
    let (connection, packer, unpacker) = writer.parts()?;
    let step: Transaction<'_> =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    put_documents(&step, batch, at)?;
    let mut work = Work { connection: &step, packer, unpacker, reader };
    put_unions(&mut work, batch, at)?;
    for run in &batch.runs {
        runs::begin(&step, run)?;
    }
    let compared = match (&batch.data, batch.compare) {
        (Some(Data::Transactions { answer, .. }), Some(accounts)) => {
            Some(compare(&mut work, answer, accounts, at)?)
        }
        _ => None,
    };
    let news = match &batch.data {
        Some(data) => put_data(&mut work, identity, data, at)?,
        None => None,
    };
    let told = news.iter().flat_map(notices).chain(batch.notices.iter().cloned());
    let events = events::insert(&step, at, told)?;
    let applied = Applied {
        messages: post.put(&step, &events)?,
        events,
        rows: news.as_ref().map(|news| news.rows),
        wants_everything: news
            .as_ref()
            .filter(|news| news.wants_everything)
            .map(|news| news.account_id),
        compared,
    };
    // Last: rows and events speak of runs that go on.
    for run in &batch.runs {
        runs::end(&step, run, at, applied.events.first().map(|event| event.id))?;
    }
    let mut work = Work { connection: &step, packer, unpacker, reader };
    for account in &batch.forgotten_accounts {
        forget::forget(&mut work, *account)?;
    }
    let reserved = reservation.map(|call| ledger::insert(&step, call)).transpose()?;
    step.commit().map_err(failed())?;
    if matches!(&batch.data, Some(Data::Transactions { answer, .. }) if answer.booked.len() >= LARGE_ANSWER_ROWS)
    {
        packer.rest();
        give_back(connection)?;
    }
    Ok((applied, reserved))
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
    Ok(())
}

fn put_unions(work: &mut Work<'_>, batch: &Batch, at: UtcInstant) -> Result<(), Error> {
    for union in &batch.unions {
        union::join(work, union, at)?;
    }
    batch.undo.map_or(Ok(()), |undo| split::split(work, undo))
}

/// Which answer of which account this is about.
#[derive(Clone, Copy)]
struct About {
    account_id: AccountId,
    run_id: RunId,
    /// The run's number.
    run: i64,
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
            let run = runs::number(work.connection, *run_id, account)?;
            let part = runs::part(work.connection, run)?;
            balances::store(work, part, run, balances, at)?;
            Ok(None)
        }
        Data::Transactions { account_id, run_id, date_from, answer } => {
            let (mut account, about) = about(work.connection, *account_id, *run_id)?;
            let facts = AnswerFacts {
                at,
                date_from: *date_from,
                last_updated: answer.last_updated.clone(),
            };
            let texts = |spans: &[Span]| spans.iter().map(|span| answer.row(*span)).collect();
            let coming = Coming {
                facts,
                run: about.run,
                booked: texts(&answer.booked),
                pending: answer.pending.as_deref().map(texts),
                known_as: None,
            };
            let proof = proof::load(work, &account)?;
            let outcome = answer::put(work, &mut account, &coming)?;
            let said = prove(work, &account, about, &coming.facts, (&outcome, proof))?;
            news(work.connection, identity, about, (outcome, said)).map(Some)
        }
        Data::Unchanged { account_id, run_id, date_from, last_updated } => {
            let (mut account, about) = about(work.connection, *account_id, *run_id)?;
            let facts =
                AnswerFacts { at, date_from: *date_from, last_updated: last_updated.clone() };
            let proof = proof::load(work, &account)?;
            let outcome = answer::repeat(work, &mut account, about.run, &facts, None)?;
            let said = prove(work, &account, about, &facts, (&outcome, proof))?;
            news(work.connection, identity, about, (outcome, said)).map(Some)
        }
    }
}

fn prove(
    work: &mut Work<'_>,
    account: &AccountRows,
    about: About,
    facts: &AnswerFacts,
    (outcome, proof): (&Reconciled, Proof),
) -> Result<Said, Error> {
    let began = runs::started_at(work.connection, about.run)?;
    proof::after(work, (account, about.account_id), (began, facts), outcome, proof)
}

fn about(
    connection: &Connection,
    account_id: AccountId,
    run_id: RunId,
) -> Result<(AccountRows, About), Error> {
    let number = documents::account_number(connection, account_id)?;
    let run = runs::number(connection, run_id, number)?;
    let part = runs::part(connection, run)?;
    Ok((answer::account_rows(connection, part)?, About { account_id, run_id, run }))
}

/// How many rows of an answer another account has already, by more than a resemblance.
fn compare(
    work: &mut Work<'_>,
    answer: &Answer,
    accounts: Comparison,
    at: UtcInstant,
) -> Result<Compared, Error> {
    let known = documents::account_number(work.connection, accounts.known)?;
    let pending =
        answer.pending.iter().flatten().map(|span| (answer.row(*span), BookingStatus::Pending));
    let booked = answer.booked.iter().map(|span| (answer.row(*span), BookingStatus::Booked));
    let facts = AnswerFacts { at, date_from: None, last_updated: None };
    let texts = booked.chain(pending).collect();
    let given = Given { facts, run: 0, texts, window_days: None, numbers: Vec::new() };
    let mut memory = documents::memory(work.connection, known)?;
    let mut sides = pairing::pair_identical(work, known, &given)?;
    let decision = sides.decide(work, &mut memory)?;
    let surely = |link: &&Link| link.tier < Tier::StableId;
    let shared = decision.links.iter().flatten().filter(surely).count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(Compared { accounts, rows: count(given.texts.len()), shared: count(shared) })
}

fn news(
    connection: &Connection,
    identity: Identity,
    about: About,
    (outcome, said): (Reconciled, Said),
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
        findings: said.findings,
        wants_everything: said.wants_everything,
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
