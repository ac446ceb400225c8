//! What the database holds: balances, transactions, events, streamed so that a million rows need no memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Pieces, Refusal};
use super::resolve;
use crate::daemon::view;
use crate::display::{Rule, Shown};
use crate::exit::Code;
use crate::model::id::AccountId;
use crate::model::money::Currency;
use crate::model::notice::EventCode;
use crate::model::port::RowReader;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::Listed;
use crate::observe::catalog;
use crate::store::{
    self, BalanceFilter, BalanceRow, EventFilter, Listing, StoredEvent, TransactionFilter,
    TransactionRow,
};
use crate::sync::Report;

/// A stream without news says so at this distance, so that a dead client is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A switch: in a body true or false, in a query present and not `0` or `false`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Switch(pub(super) bool);

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Said::deserialize(deserializer)? {
            Said::Truth(truth) => truth,
            Said::Text(text) => !matches!(text.as_str(), "0" | "false"),
        }))
    }
}

/// A switch as JSON bodies and as queries have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Truth(bool),
    Text(String),
}

#[derive(Debug, Deserialize)]
pub(super) struct BalanceQuery {
    account: Option<String>,
    #[serde(default)]
    history: Switch,
}

#[derive(Debug, Deserialize)]
pub(super) struct TransactionQuery {
    account: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    pending: Switch,
    #[serde(default)]
    all: Switch,
    #[serde(default)]
    raw: Switch,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventQuery {
    since: Option<String>,
    code: Option<String>,
    account: Option<String>,
    #[serde(default)]
    follow: Switch,
}

/// Writes a listing piece by piece, each row by `write`; `false` when the client is gone or an error ended it.
async fn pour<T: Send + 'static>(
    pieces: &mut Pieces,
    listing: &mut Listing<T>,
    mut write: impl FnMut(&mut Vec<u8>, &T) -> serde_json::Result<()>,
) -> Result<bool, store::Error> {
    let mut length = 0;
    while let Some(rows) = listing.next().await? {
        let lines = lines(&rows, &mut length, &mut write);
        if !sent(pieces, lines).await {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A piece of a listing; about as long as the one before, whose `length` is updated: several of them wait for the client,
/// each with all that was set aside for it.
fn lines<T>(
    rows: &[T],
    length: &mut usize,
    write: &mut impl FnMut(&mut Vec<u8>, &T) -> serde_json::Result<()>,
) -> serde_json::Result<Vec<u8>> {
    let mut lines = Vec::with_capacity(*length);
    rows.iter().try_for_each(|row| write(&mut lines, row))?;
    *length = lines.len();
    Ok(lines)
}

/// Sends a piece; `false` if that was the last one.
async fn sent(pieces: &mut Pieces, lines: serde_json::Result<Vec<u8>>) -> bool {
    match lines {
        Ok(lines) => pieces.send(lines).await,
        Err(_unwritable) => false,
    }
}

/// Streams a listing as the answer, each row written by `write` on the thread that reads it.
fn streamed<T: Send + 'static>(
    shared: &Shared,
    listing: Listing<T>,
    mut write: impl FnMut(&mut Vec<u8>, &T) -> serde_json::Result<()> + Send + 'static,
) -> Response {
    let mut length = 0;
    let mut texts = listing.turned(move |rows| lines(&rows, &mut length, &mut write));
    let (mut pieces, response) = reply::stream();
    shared.write_along(async move {
        loop {
            match texts.next().await {
                Ok(Some(texts)) => {
                    for text in texts {
                        if !sent(&mut pieces, text).await {
                            return;
                        }
                    }
                }
                Ok(None) => return,
                Err(error) => return pieces.broken(error.into()).await,
            }
        }
    });
    response
}

pub(super) async fn balances(
    State(shared): State<Shared>,
    Query(query): Query<BalanceQuery>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let account_id = resolve::optional_account(&report, query.account.as_deref())?;
    // Which one counts depends on the others: an account has a handful.
    let newest = shared.store.balances(BalanceFilter { account_id, history: false });
    let newest = newest.collect().await?;
    let rules = rules(&shared, &report);
    let mut ledgers = BTreeSet::new();
    for answer in newest.chunk_by(|one, other| one.account_id == other.account_id) {
        let balances: Vec<_> = answer.iter().map(|row| &row.balance).collect();
        let rule = answer.first().and_then(|row| rules.get(&row.account_id));
        let ledger = rule.and_then(|rule| rule.ledger_balance(&balances));
        ledgers.extend(ledger.and_then(|place| answer.get(place)).map(series));
    }
    let write = move |lines: &mut Vec<u8>, row: &BalanceRow| {
        write_balance(lines, row, ledgers.contains(&series(row)))
    };
    if query.history.0 {
        let history = shared.store.balances(BalanceFilter { account_id, history: true });
        return Ok(streamed(&shared, history, write));
    }
    Ok(reply::written(&newest, write))
}

/// What one balance has in common with those before it.
fn series(row: &BalanceRow) -> (AccountId, String, Option<Currency>, i64) {
    let BalanceRow { account_id, balance, place, .. } = row;
    let currency = balance.money.as_ref().map(|money| money.currency.clone());
    (*account_id, balance.balance_type.clone(), currency, *place)
}

fn write_balance(lines: &mut Vec<u8>, row: &BalanceRow, is_ledger: bool) -> serde_json::Result<()> {
    let balance = &row.balance;
    let shown = view::balance(
        row.account_id,
        &balance.balance_type,
        balance.money.as_ref(),
        balance.reference_date,
        row.fetched_at,
        is_ledger,
    );
    view::line(lines, &shown)
}

/// The display rule of each account; none where rules are switched off.
pub(super) fn rules(shared: &Shared, report: &Report) -> BTreeMap<AccountId, Arc<Rule>> {
    let rules = shared.reloader.display();
    let accounts = report.accounts.iter();
    accounts
        .filter_map(|account| Some((account.id, rules.of(&account.institution_id.0)?)))
        .collect()
}

fn date(name: &str, text: Option<&str>) -> Result<Option<BankDate>, Refusal> {
    let parsed = text.map(|text| {
        BankDate::parse(text)
            .ok_or_else(|| Refusal::usage(format!("`{name}` is not a date YYYY-MM-DD")))
    });
    parsed.transpose()
}

/// First and last day of a query.
pub(super) fn days(
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Option<BankDate>, Option<BankDate>), Refusal> {
    let (from, to) = (date("from", from)?, date("to", to)?);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Refusal::usage("`from` lies after `to`"));
    }
    Ok((from, to))
}

pub(super) async fn transactions(
    State(shared): State<Shared>,
    Query(query): Query<TransactionQuery>,
) -> Result<Response, Refusal> {
    let (from, to) = days(query.from.as_deref(), query.to.as_deref())?;
    let report = shared.engine.report().await?;
    let account_id = resolve::optional_account(&report, query.account.as_deref())?;
    let filter =
        TransactionFilter { account_id, from, to, pending: query.pending.0, all: query.all.0 };
    let listing = shared.store.transactions(filter);
    let (reader, raw) = (Arc::clone(&shared.reader), query.raw.0);
    let rules = rules(&shared, &report);
    Ok(streamed(&shared, listing, move |lines, row: &TransactionRow| {
        let rule = rules.get(&row.account_id).map(Arc::as_ref);
        write_transaction(lines, row, (reader.as_ref(), rule), raw)
    }))
}

fn write_transaction(
    lines: &mut Vec<u8>,
    row: &TransactionRow,
    (reader, rule): (&dyn RowReader, Option<&Rule>),
    raw: bool,
) -> serde_json::Result<()> {
    with_columns(row, (reader, rule), |listed, shown| {
        view::transaction_line(lines, listed, shown, raw.then_some(row.raw.as_str()))
    })
}

/// Reads a row's columns, lets the display rule look at them, and shows both.
pub(super) fn with_columns<T>(
    row: &TransactionRow,
    (reader, rule): (&dyn RowReader, Option<&Rule>),
    show: impl FnOnce(&Listed<'_>, &Shown<'_>) -> T,
) -> T {
    let columns = reader.read(&row.raw);
    let shown = match rule {
        Some(rule) => rule.show(&columns, row.booking_status, (reader, &row.raw)),
        None => Shown::default(),
    };
    let listed = Listed {
        id: row.id,
        account_id: row.account_id,
        booking_status: row.booking_status,
        state: row.state,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        revision: row.revision,
        columns: &columns,
    };
    show(&listed, &shown)
}

pub(super) async fn events(
    State(shared): State<Shared>,
    Query(query): Query<EventQuery>,
) -> Result<Response, Refusal> {
    let since = match query.since.as_deref() {
        None => None,
        Some(text) => Some(
            UtcInstant::parse(text)
                .ok_or_else(|| Refusal::usage("`since` is not an instant (RFC 3339)"))?,
        ),
    };
    let code = match query.code.as_deref() {
        None => None,
        Some(word) => Some(EventCode::from_word(word).ok_or_else(|| {
            Refusal::usage("there is no such event code").hint("the README lists them")
        })?),
    };
    let report = shared.engine.report().await?;
    let account_id = resolve::optional_account(&report, query.account.as_deref())?;
    let filter = EventFilter { since, code, account_id, ..EventFilter::default() };
    if query.follow.0 {
        return Ok(follow(&shared, filter));
    }
    Ok(streamed(&shared, shared.store.events(filter), write_event))
}

fn write_event(lines: &mut Vec<u8>, event: &StoredEvent) -> serde_json::Result<()> {
    let notice = &event.notice;
    let details = serde_json::value::to_raw_value(&notice.details)?;
    let shown = view::EventView {
        id: event.id,
        at: view::At(event.at),
        code: notice.code.as_str(),
        level: notice.code.level().as_str(),
        message: &notice.message,
        message_id: catalog::message_id(notice.code),
        account_id: notice.account_id,
        link_id: notice.link_id,
        details: &details,
    };
    view::line(lines, &shown)
}

/// Streams what is there and then what comes, until the client or the daemon goes.
fn follow(shared: &Shared, mut filter: EventFilter) -> Response {
    let (mut pieces, response) = reply::stream();
    let (store, stop) = (shared.store.clone(), shared.stop.clone());
    let mut newest = store.event_watch();
    shared.write_along(async move {
        loop {
            let upto = *newest.borrow_and_update();
            let mut listing = store.events(filter.clone());
            let poured = pour(&mut pieces, &mut listing, |lines, event| {
                filter.after_id = filter.after_id.max(event.id);
                write_event(lines, event)
            });
            match poured.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return pieces.broken(error.into()).await,
            }
            filter.after_id = filter.after_id.max(upto);
            tokio::select! {
                () = stop.cancelled() => {
                    let gone = "the daemon is shutting down";
                    return pieces.broken(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, gone)).await;
                }
                changed = newest.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(HEARTBEAT) => if !pieces.send(b"\n".to_vec()).await { return },
            }
        }
    });
    response
}
