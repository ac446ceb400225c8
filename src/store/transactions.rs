//! Transactions as they are listed: day by day, from the one index, the raw text unpacked at the last moment.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::id::{AccountId, RunId, TransactionId};
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::reconcile::tiers::Tier;

use super::codec::{Packed, Unpacker};
use super::coverage::{EVERYTHING_DAYS, Seen};
use super::documents;
use super::error::Error;
use super::listing::Cursor;
use super::row::{self, State, Status};
use super::schema::Identity;
use super::worker::Reader;

/// Rows of one chunk of a listing.
const CHUNK_LEN: usize = 256;

/// Which transactions to list. The default is the current booked rows of all accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionFilter {
    /// Of this account only.
    pub account_id: Option<AccountId>,
    /// Effective date, inclusive; leaves undated rows out.
    pub from: Option<BankDate>,
    /// Effective date, inclusive; leaves undated rows out.
    pub to: Option<BankDate>,
    /// Current pending rows too.
    pub pending: bool,
    /// Every row in every state.
    pub all: bool,
}

/// A stored transaction: what the store knows of it, and the bank's row to read the rest from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// For ever.
    pub id: TransactionId,
    /// Whose.
    pub account_id: AccountId,
    /// Whether the bank has booked it.
    pub booking_status: BookingStatus,
    /// What it is to us.
    pub state: RowState,
    /// Booking date, else value date, else the date part of the date-times.
    pub effective_date: Option<BankDate>,
    /// When its first run began.
    pub first_seen_at: UtcInstant,
    /// When the latest answer came that surely covered it and had it.
    pub last_seen_at: UtcInstant,
    /// 1, and one more with every other text.
    pub revision: u32,
    /// As received, every byte.
    pub raw: String,
}

/// A text that a transaction has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// From 1.
    pub revision: u32,
    /// The run that brought it.
    pub run_id: RunId,
    /// When that run began.
    pub at: UtcInstant,
    /// The evidence by which it goes on from the one before; `None` for the first.
    pub tier: Option<Tier>,
    /// As received.
    pub raw: String,
}

/// An account in a listing.
struct Listed {
    number: i64,
    id: AccountId,
    seen: Seen,
    /// The next day that has rows; `None`: no more.
    day: Option<i64>,
}

/// A row of the present day.
struct Due {
    first_seen: UtcInstant,
    number: i64,
    account: usize,
}

/// Where a listing of transactions stands.
pub(super) struct Transactions {
    filter: TransactionFilter,
    /// `None` before the first chunk.
    accounts: Option<Vec<Listed>>,
    /// Rows of the present day that are still to list, the last one first.
    due: Vec<Due>,
    undated_done: bool,
}

impl Transactions {
    pub(super) fn new(filter: TransactionFilter) -> Self {
        let undated_done = filter.from.is_some() || filter.to.is_some();
        Self { filter, accounts: None, due: Vec::new(), undated_done }
    }

    fn begin(&mut self, connection: &Connection) -> Result<(), Error> {
        let from = row::days(self.filter.from).unwrap_or(EVERYTHING_DAYS);
        let mut accounts = Vec::new();
        for (number, id) in documents::accounts(connection, self.filter.account_id)? {
            let seen = Seen::load(connection, number)?;
            let day = next_day(connection, number, from)?;
            accounts.push(Listed { number, id, seen, day });
        }
        self.accounts = Some(accounts);
        Ok(())
    }

    /// Finds the rows of the next day that has any; undated rows come last.
    fn next_due(&mut self, connection: &Connection) -> Result<(), Error> {
        let to = row::days(self.filter.to).unwrap_or(i64::MAX);
        while self.due.is_empty() {
            let accounts = self.accounts.get_or_insert_default();
            let day =
                accounts.iter().filter_map(|account| account.day).min().filter(|day| *day <= to);
            if day.is_none() && std::mem::replace(&mut self.undated_done, true) {
                return Ok(());
            }
            for (place, account) in accounts.iter_mut().enumerate() {
                if day.is_some() && account.day != day {
                    continue;
                }
                collect_day(connection, &self.filter, account, place, day, &mut self.due)?;
                if let Some(day) = day {
                    account.day = next_day(connection, account.number, day.saturating_add(1))?;
                }
            }
            // The public id orders rows of one run by their number: time, then a constant, then the number.
            self.due.sort_unstable_by_key(|row| Reverse((row.first_seen, row.number)));
        }
        Ok(())
    }
}

impl Cursor<TransactionRow> for Transactions {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<TransactionRow>>, Error> {
        let identity = reader.identity;
        let (connection, unpacker) = reader.parts()?;
        if self.accounts.is_none() {
            self.begin(connection)?;
        }
        let mut rows = Vec::with_capacity(CHUNK_LEN);
        while rows.len() < CHUNK_LEN {
            if self.due.is_empty() {
                self.next_due(connection)?;
            }
            let Some(due) = self.due.pop() else { break };
            let Some(account) = self.accounts.iter().flatten().nth(due.account) else { break };
            rows.extend(load(
                connection,
                unpacker,
                identity,
                due.number,
                account.id,
                &account.seen,
            )?);
        }
        Ok((!rows.is_empty()).then_some(rows))
    }
}

fn next_day(connection: &Connection, account: i64, from: i64) -> Result<Option<i64>, Error> {
    let failed = Error::sql("list transactions");
    let sql = "SELECT min(effective) FROM bank_transaction INDEXED BY bank_transaction_window
               WHERE account = ?1 AND effective >= ?2";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([account, from], |row| row.get(0)).map_err(failed)
}

fn collect_day(
    connection: &Connection,
    filter: &TransactionFilter,
    account: &Listed,
    place: usize,
    day: Option<i64>,
    due: &mut Vec<Due>,
) -> Result<(), Error> {
    let failed = || Error::sql("list transactions");
    let sql = "SELECT bank_transaction.number, started_at
               FROM bank_transaction INDEXED BY bank_transaction_window JOIN run ON run.number = first_run
               WHERE bank_transaction.account = ?1 AND effective IS ?2 AND state <= ?3 AND status <= ?4";
    let (state, status) = match filter {
        TransactionFilter { all: true, .. } => (i64::MAX, i64::MAX),
        TransactionFilter { pending, .. } => (0, i64::from(*pending)),
    };
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(params![account.number, day, state, status]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let first_seen = UtcInstant::from_ms(row.get(1).map_err(failed())?);
        due.push(Due { first_seen, number: row.get(0).map_err(failed())?, account: place });
    }
    Ok(())
}

/// The columns of a row, before its text is unpacked.
struct Columns {
    status: BookingStatus,
    state: RowState,
    effective: Option<i64>,
    lead_days: i64,
    first_seen: UtcInstant,
    absent_seen: Option<UtcInstant>,
    revision: u32,
    dictionary: i64,
    bytes: Vec<u8>,
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        status: row.get::<_, Status>("status")?.0,
        state: row.get::<_, State>("state")?.0,
        effective: row.get("effective")?,
        lead_days: row.get("lead_days")?,
        first_seen: row::instant(row, "started_at")?,
        absent_seen: row::maybe_instant(row, "last_seen_at")?,
        revision: row.get("revision")?,
        dictionary: row.get("dictionary")?,
        bytes: row.get("raw")?,
    })
}

/// A row as it is listed, by its number.
pub(super) fn load(
    connection: &Connection,
    unpacker: &mut Unpacker,
    identity: Identity,
    number: i64,
    account_id: AccountId,
    seen: &Seen,
) -> Result<Option<TransactionRow>, Error> {
    let failed = Error::sql("read a transaction");
    let sql = "SELECT status, state, effective, lead_days, started_at, revision, dictionary, raw,
                      (SELECT last_seen_at FROM bank_transaction_absence WHERE bank_transaction = t.number
                       AND t.state <> 0) AS last_seen_at
               FROM bank_transaction AS t JOIN run ON run.number = t.first_run WHERE t.number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let Some(found) = statement.query_row([number], columns).optional().map_err(failed)? else {
        return Ok(None);
    };
    let raw = unpacker
        .unpack(connection, Packed { dictionary: found.dictionary, bytes: &found.bytes })?;
    let earliest = row::date(found.effective.map(|days| days.saturating_sub(found.lead_days)));
    let last_seen =
        if found.state == RowState::Current { seen.last(earliest) } else { found.absent_seen };
    Ok(Some(TransactionRow {
        id: row::transaction_id(identity, found.first_seen, number),
        account_id,
        booking_status: found.status,
        state: found.state,
        effective_date: row::date(found.effective),
        first_seen_at: found.first_seen,
        last_seen_at: last_seen.map_or(found.first_seen, |at| at.max(found.first_seen)),
        revision: found.revision,
        raw,
    }))
}

/// Decodes and checks a public id: the row's number and its account.
pub(super) fn find(
    connection: &Connection,
    identity: Identity,
    id: TransactionId,
) -> Result<Option<(i64, i64, AccountId)>, Error> {
    let failed = Error::sql("find a transaction");
    let Some(number) = row::transaction_number(identity, id) else { return Ok(None) };
    let sql = "SELECT run.started_at, account.number, account.id AS account_id FROM bank_transaction AS t
               JOIN run ON run.number = t.first_run JOIN account ON account.number = t.account WHERE t.number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let found = statement
        .query_row([number], |row| {
            Ok((row::instant(row, "started_at")?, row.get(1)?, row::account_id(row, "account_id")?))
        })
        .optional()
        .map_err(failed)?;
    Ok(found
        .filter(|(first_seen, ..)| row::transaction_id(identity, *first_seen, number) == id)
        .map(|(_, account, account_id)| (number, account, account_id)))
}

/// One transaction by its public id.
pub(super) fn one(reader: &mut Reader, id: TransactionId) -> Result<Option<TransactionRow>, Error> {
    let identity = reader.identity;
    let (connection, unpacker) = reader.parts()?;
    let Some((number, account, account_id)) = find(connection, identity, id)? else {
        return Ok(None);
    };
    let seen = Seen::load(connection, account)?;
    load(connection, unpacker, identity, number, account_id, &seen)
}

/// The columns of a version, before its text is unpacked.
type VersionColumns = (u32, RunId, UtcInstant, Option<Tier>, i64, Vec<u8>);

/// Every text of a transaction, oldest first.
pub(super) fn versions(reader: &mut Reader, id: TransactionId) -> Result<Vec<VersionRow>, Error> {
    let failed = || Error::sql("read the versions of a transaction");
    let identity = reader.identity;
    let (connection, unpacker) = reader.parts()?;
    let Some((number, ..)) = find(connection, identity, id)? else { return Ok(Vec::new()) };
    let sql = "SELECT v.revision, run.id AS run_id, started_at, tier, dictionary, raw FROM
               (SELECT revision, run, tier, dictionary, raw FROM bank_transaction_version WHERE bank_transaction = ?1
                UNION ALL
                SELECT revision, coalesce(revision_run, first_run), tier, dictionary, raw FROM bank_transaction
                WHERE number = ?1) AS v
               JOIN run ON run.number = v.run ORDER BY v.revision";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut found = statement.query([number]).map_err(failed())?;
    let mut versions = Vec::new();
    while let Some(row) = found.next().map_err(failed())? {
        let read = |row: &Row<'_>| -> rusqlite::Result<_> {
            Ok((
                row.get(0)?,
                row::run_id(row, "run_id")?,
                row::instant(row, "started_at")?,
                row::tier(row.get(3)?),
                row.get(4)?,
                row.get(5)?,
            ))
        };
        let (revision, run_id, at, tier, dictionary, bytes): VersionColumns =
            read(row).map_err(failed())?;
        let raw = unpacker.unpack(connection, Packed { dictionary, bytes: &bytes })?;
        versions.push(VersionRow { revision, run_id, at, tier, raw });
    }
    Ok(versions)
}
