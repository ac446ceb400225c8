//! Lists transactions over all accounts in the order of their dates, in blocks of days.
//!
//! Rows of one account lie together in the file, and so do their dictionaries' users; the order of the contract runs across
//! all accounts. So a few days are read at a time, account after account, and sorted in memory. How many days follows the
//! number of rows they have. A single day with too many rows for that (a bank without dates) is listed row by row.

use std::cmp::Reverse;

use rusqlite::{Connection, params};

use crate::model::id::AccountId;
use crate::model::time::{BankDate, UtcInstant};

use super::codec::Unpacker;
use super::coverage::{EVERYTHING_DAYS, Seen};
use super::documents;
use super::error::Error;
use super::listing::Cursor;
use super::row;
use super::schema::Identity;
use super::transactions::{
    Owner, TransactionFilter, TransactionRow, columns, finish, load, select_columns,
};
use super::worker::Reader;

/// Rows of one chunk of a listing.
const CHUNK_LEN: usize = 256;
/// Rows of a block, about: a megabyte or two.
const BLOCK_LEN: usize = 2048;
/// With many accounts a block has at least so many rows of each, about, or most of the time goes into finding pages.
const ACCOUNT_BLOCK_LEN: usize = 8;
/// Days of a block.
const BLOCK_DAYS_MAX: i64 = 4096;

/// An account in a listing.
struct Listed {
    number: i64,
    id: AccountId,
    seen: Seen,
    /// The next day that has rows; `None`: no more.
    day: Option<i64>,
}

/// A row of a day that has too many.
struct Due {
    first_seen: UtcInstant,
    number: i64,
    account: usize,
}

/// Days, inclusive; `None`: no date.
type Days = Option<(i64, i64)>;

/// Where a listing of transactions stands.
pub(super) struct Transactions {
    filter: TransactionFilter,
    /// `None` before the first chunk.
    accounts: Option<Vec<Listed>>,
    /// Rows of the present block, the last one first.
    ready: Vec<TransactionRow>,
    /// Rows of the present day, the last one first, where it has too many.
    due: Vec<Due>,
    /// How many days to try for the next block.
    span: i64,
    undated_done: bool,
}

impl Transactions {
    pub(super) fn new(filter: TransactionFilter) -> Self {
        let undated_done = filter.from.is_some() || filter.to.is_some();
        Self { filter, accounts: None, ready: Vec::new(), due: Vec::new(), span: 1, undated_done }
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

    /// Reads the next block; `false` at the end.
    fn read_block(
        &mut self,
        connection: &Connection,
        unpacker: &mut Unpacker,
        identity: Identity,
    ) -> Result<bool, Error> {
        let to = self.filter.to.map_or(i64::MAX, BankDate::epoch_days);
        let accounts = self.accounts.get_or_insert_default();
        let first =
            accounts.iter().filter_map(|account| account.day).min().filter(|day| *day <= to);
        let limit = BLOCK_LEN.max(accounts.len().saturating_mul(ACCOUNT_BLOCK_LEN));
        if first.is_none() && std::mem::replace(&mut self.undated_done, true) {
            return Ok(false);
        }
        loop {
            let last = |first: i64| first.saturating_add(self.span.saturating_sub(1)).min(to);
            let days = first.map(|first| (first, last(first)));
            if self.try_block(connection, unpacker, identity, (days, limit))? {
                break;
            }
            if first.is_none() || self.span == 1 {
                self.list_one_by_one(connection, first)?;
                break;
            }
            self.span = self.span.checked_div(2).unwrap_or(1);
        }
        if self.due.is_empty() && self.ready.len().saturating_mul(2) < limit {
            self.span = self.span.saturating_mul(2).min(BLOCK_DAYS_MAX);
        }
        self.ready
            .sort_unstable_by_key(|row| Reverse((row.effective_date, row.first_seen_at, row.id)));
        Ok(true)
    }

    /// Reads the rows of these days; `false` if they are far too many.
    fn try_block(
        &mut self,
        connection: &Connection,
        unpacker: &mut Unpacker,
        identity: Identity,
        (days, limit): (Days, usize),
    ) -> Result<bool, Error> {
        let mut next = Vec::new();
        for account in self.accounts.iter().flatten() {
            if days.is_some_and(|(_, last)| account.day.is_none_or(|day| day > last)) {
                next.push(account.day);
                continue;
            }
            let room = limit.saturating_mul(2);
            let owner = Owner { identity, account_id: account.id, seen: &account.seen };
            let wanted = (account.number, &self.filter, days);
            if !read(connection, unpacker, &owner, wanted, (&mut self.ready, room))? {
                self.ready.clear();
                return Ok(false);
            }
            // The page of the index that this needs was read a moment ago.
            next.push(match days {
                Some((_, last)) => next_day(connection, account.number, last.saturating_add(1))?,
                None => None,
            });
        }
        for (account, day) in self.accounts.iter_mut().flatten().zip(next) {
            account.day = day;
        }
        Ok(true)
    }

    /// Notes the rows of one day (`None`: undated) without reading them.
    fn list_one_by_one(&mut self, connection: &Connection, day: Option<i64>) -> Result<(), Error> {
        for (place, account) in self.accounts.iter_mut().flatten().enumerate() {
            collect(connection, &self.filter, account.number, place, day, &mut self.due)?;
            if let Some(day) = day.filter(|day| account.day == Some(*day)) {
                account.day = next_day(connection, account.number, day.saturating_add(1))?;
            }
        }
        // The public id orders rows of one run by their number: time, then a constant, then the number.
        self.due.sort_unstable_by_key(|row| Reverse((row.first_seen, row.number)));
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
            if let Some(row) = self.ready.pop() {
                rows.push(row);
            } else if let Some(due) = self.due.pop() {
                let Some(account) = self.accounts.iter().flatten().nth(due.account) else { break };
                let owner = Owner { identity, account_id: account.id, seen: &account.seen };
                rows.extend(load(connection, unpacker, &owner, due.number)?);
            } else if !self.read_block(connection, unpacker, identity)? {
                break;
            }
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

/// The largest numbers of state and status that a filter lets through.
fn limits(filter: &TransactionFilter) -> (i64, i64) {
    match filter {
        TransactionFilter { all: true, .. } => (i64::MAX, i64::MAX),
        TransactionFilter { pending, .. } => (0, i64::from(*pending)),
    }
}

fn collect(
    connection: &Connection,
    filter: &TransactionFilter,
    account: i64,
    place: usize,
    day: Option<i64>,
    due: &mut Vec<Due>,
) -> Result<(), Error> {
    let failed = || Error::sql("list transactions");
    let sql =
        "SELECT t.number, started_at FROM bank_transaction AS t INDEXED BY bank_transaction_window
               JOIN run ON run.number = first_run
               WHERE t.account = ?1 AND effective IS ?2 AND state <= ?3 AND status <= ?4";
    let (state, status) = limits(filter);
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query(params![account, day, state, status]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let first_seen = UtcInstant::from_ms(row.get(1).map_err(failed())?);
        due.push(Due { first_seen, number: row.get(0).map_err(failed())?, account: place });
    }
    Ok(())
}

/// Reads rows of an account; `false` when there is no room for all of them.
fn read(
    connection: &Connection,
    unpacker: &mut Unpacker,
    owner: &Owner<'_>,
    (account, filter, days): (i64, &TransactionFilter, Days),
    (ready, room): (&mut Vec<TransactionRow>, usize),
) -> Result<bool, Error> {
    const DATED: &str = select_columns!(
        "bank_transaction AS t INDEXED BY bank_transaction_window JOIN run ON run.number = t.first_run
         WHERE t.account = ?1 AND effective BETWEEN ?2 AND ?3 AND state <= ?4 AND status <= ?5"
    );
    const UNDATED: &str = select_columns!(
        "bank_transaction AS t INDEXED BY bank_transaction_window JOIN run ON run.number = t.first_run
         WHERE t.account = ?1 AND effective IS NULL AND ?2 = ?3 AND state <= ?4 AND status <= ?5"
    );
    let failed = || Error::sql("list transactions");
    let sql = if days.is_some() { DATED } else { UNDATED };
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let (state, status) = limits(filter);
    let (first, last) = days.unwrap_or_default();
    let mut rows =
        statement.query(params![account, first, last, state, status]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        if ready.len() >= room {
            return Ok(false);
        }
        let found = columns(row).map_err(failed())?;
        ready.push(finish(connection, unpacker, owner, &found)?);
    }
    Ok(true)
}
