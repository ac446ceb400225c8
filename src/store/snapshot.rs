//! What the planner needs to go on after a start: documents, the recent ledger, what was left open.

use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, CallId};
use crate::model::time::{HOUR_MS, UtcInstant};
use crate::planner::effect::RunRecord;
use crate::planner::state::{Account, Link, ProviderState, Union};

use super::error::Error;
use super::events::{self, StoredEvent};
use super::row;

/// A little more than the window of the ledger (24 hours), for calls that were under way at its edge.
const LEDGER_WINDOW_MS: i64 = 25 * HOUR_MS;
/// The window ends with the earliest of so many calls: the last ones before the end may have been entered by a clock that was
/// just set, before an answer told better.
const LAST_CALLS: i64 = 8;

/// The one provider so far.
pub(super) const PROVIDER: &str = "gocardless";

/// The remembered state.
#[derive(Debug)]
pub struct Snapshot {
    /// All that are whole, in the order in which they were discovered.
    pub accounts: Vec<Account>,
    /// Accounts that became one, oldest first.
    pub unions: Vec<Union>,
    /// All of them, oldest first.
    pub links: Vec<Link>,
    /// Default if nothing was remembered.
    pub provider: ProviderState,
    /// Calls of the last 25 hours that are not released, oldest first. A [`LedgerState::Reserved`] one was cut short by
    /// a crash and counts like one without an answer.
    pub ledger: Vec<LedgerRow>,
    /// Events that may not have reached the log, oldest first.
    pub unlogged: Vec<StoredEvent>,
    /// Runs without an end.
    pub interrupted: Vec<RunRecord>,
}

/// A call in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Which.
    pub id: CallId,
    /// Whose quota.
    pub account_id: AccountId,
    /// The account itself, or the part of it whose handle was called.
    pub part: AccountId,
    /// Which quota.
    pub scope: Scope,
    /// When it was about to leave.
    pub reserved_at: UtcInstant,
    /// When its answer (or the lack of one) was known.
    pub settled_at: Option<UtcInstant>,
    /// How it ended.
    pub state: LedgerState,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerState {
    /// Not known yet.
    Reserved,
    /// A success: counts.
    Succeeded,
    /// No answer: counts.
    Unanswered,
    /// The provider answered with something else: does not count.
    Released,
}

impl LedgerState {
    /// The word of the database.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Succeeded => "succeeded",
            Self::Unanswered => "unanswered",
            Self::Released => "released",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Reserved, Self::Succeeded, Self::Unanswered, Self::Released]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// Reads it all. `at` is now: older calls are left out.
pub(super) fn load(connection: &Connection, at: UtcInstant) -> Result<Snapshot, Error> {
    Ok(Snapshot {
        accounts: documents(connection, "SELECT doc FROM account WHERE whole IS NULL ORDER BY id")?,
        unions: documents(connection, "SELECT doc FROM account_union ORDER BY number")?,
        links: documents(connection, "SELECT doc FROM link ORDER BY id")?,
        provider: documents(connection, "SELECT doc FROM provider WHERE name = 'gocardless'")?
            .pop()
            .unwrap_or_default(),
        ledger: ledger(connection, at)?,
        unlogged: events::unlogged(connection)?,
        interrupted: interrupted(connection)?,
    })
}

fn documents<T: DeserializeOwned>(connection: &Connection, sql: &str) -> Result<Vec<T>, Error> {
    let failed = || Error::sql("read the remembered state");
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed())?;
    texts
        .map(|text| {
            serde_json::from_str(&text.map_err(failed())?)
                .map_err(Error::document("read the remembered state"))
        })
        .collect()
}

fn ledger(connection: &Connection, at: UtcInstant) -> Result<Vec<LedgerRow>, Error> {
    let failed = || Error::sql("read the call ledger");
    let sql = "SELECT call.id AS call_id, account.id AS account_id, part.id AS part_id, scope, reserved_at, settled_at,
               state FROM call JOIN account AS part ON part.number = call.account
               JOIN account ON account.number = coalesce(part.whole, part.number)
               WHERE reserved_at > min(?1, (SELECT min(reserved_at) FROM
                                            (SELECT reserved_at FROM call ORDER BY id DESC LIMIT ?3))) - ?2
               AND state <> 'released' ORDER BY call.id";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    // Back from the newest calls, if they are earlier than now: a clock that is wrong by weeks must not hide what was spent.
    let window = [at.ms(), LEDGER_WINDOW_MS, LAST_CALLS];
    let rows = statement.query_map(window, ledger_row).map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}

fn ledger_row(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let word: String = row.get("state")?;
    Ok(LedgerRow {
        id: CallId(row.get("call_id")?),
        account_id: row::account_id(row, "account_id")?,
        part: row::account_id(row, "part_id")?,
        scope: row::maybe_scope(row, "scope")?.ok_or(rusqlite::Error::InvalidQuery)?,
        reserved_at: row::instant(row, "reserved_at")?,
        settled_at: row::maybe_instant(row, "settled_at")?,
        state: LedgerState::from_word(&word).ok_or(rusqlite::Error::InvalidQuery)?,
    })
}

fn interrupted(connection: &Connection) -> Result<Vec<RunRecord>, Error> {
    let failed = || Error::sql("read interrupted runs");
    let sql = "SELECT account.id AS account_id, started_at, random FROM run
               JOIN account ON account.number = run.account WHERE outcome IS NULL ORDER BY run.number";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let rows = statement
        .query_map([], |row| {
            Ok(RunRecord {
                id: row::run_id(row)?,
                account_id: row::account_id(row, "account_id")?,
                started_at: row::instant(row, "started_at")?,
                outcome: None,
            })
        })
        .map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}
