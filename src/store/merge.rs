//! Lists transactions over all accounts in the order of their dates: a merge of what the accounts have.
//!
//! Rows of one account lie together in the file and share a dictionary; the order of the contract runs across all
//! accounts. So each account is read some days ahead, whole days only, and what was read waits there in order. Which
//! account is next stands in one ordered map; one whose rows are given out stands there with the day on which it goes on,
//! and is read on when its turn comes. A day with too many rows for that (a bank without dates) is noted without texts,
//! which are then read one by one.

use std::collections::{BTreeMap, VecDeque};

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
    Owner, TransactionFilter, TransactionRow, columns, finish, load, packed_text, select_columns,
};
use super::worker::Reader;

/// Texts of one chunk of a listing, about, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// What rows that wait may take altogether, about, in bytes.
const WAITING_BYTES: usize = 1024 * 1024;
/// Most that is read of one account at a time, in bytes: the pages where fifty accounts stop stay in a reader's cache.
const SHARE_BYTES_MAX: usize = 16 * 1024;
/// With many accounts it is little, but never so little that most of the time goes into finding pages.
const SHARE_BYTES_MIN: usize = 4 * 1024;
/// What a row takes besides its text, in bytes.
const ROW_BYTES: usize = 200;
/// A day that takes more is not read at once.
const DAY_BYTES_MAX: usize = 1024 * 1024;
/// The day of rows without a date: after all others.
const UNDATED: i64 = i64::MAX;

/// An account in a listing.
struct Listed {
    number: i64,
    id: AccountId,
    seen: Seen,
    /// How much to read the next time, in bytes.
    share: usize,
    /// What was read of it, in order; `None`: a row that is still to be read.
    ahead: VecDeque<(Standing, Option<TransactionRow>)>,
    /// The day on which it goes on behind that.
    next: Option<i64>,
}

/// Where something stands in the order: day, first seen, number. The public id orders rows of one run by their number.
type Standing = (i64, UtcInstant, i64);

/// Where a listing of transactions stands.
pub(super) struct Transactions {
    filter: TransactionFilter,
    accounts: Vec<Listed>,
    /// Of each account that has more: where that stands, and the account's place among them. `None` before the first chunk.
    heads: Option<BTreeMap<Standing, usize>>,
}

impl Transactions {
    pub(super) fn new(filter: TransactionFilter) -> Self {
        Self { filter, accounts: Vec::new(), heads: None }
    }

    fn begin(&mut self, connection: &Connection) -> Result<BTreeMap<Standing, usize>, Error> {
        let from = row::days(self.filter.from).unwrap_or(EVERYTHING_DAYS);
        let numbers = documents::accounts(connection, self.filter.account_id)?;
        let (count, share) = (numbers.len().max(1), share(numbers.len()));
        self.accounts.reserve_exact(count);
        let mut heads = BTreeMap::new();
        for (place, (number, id)) in numbers.into_iter().enumerate() {
            let seen = Seen::load(connection, number)?;
            // Different shares to begin with, so that not all accounts run dry at the same time.
            let share = share.saturating_mul(place.saturating_add(1)).checked_div(count);
            let next = on(&self.filter, next_day(connection, number, from)?);
            let (share, ahead) = (share.unwrap_or_default(), VecDeque::new());
            let account = Listed { number, id, seen, share, ahead, next };
            heads.extend(account.head(place).map(|head| (head, place)));
            self.accounts.push(account);
        }
        Ok(heads)
    }

    /// The next row of an account; `None` if the next ones have just been read, or there is none.
    fn take(
        &mut self,
        source: &mut Source<'_>,
        place: usize,
    ) -> Result<Option<TransactionRow>, Error> {
        let full = share(self.accounts.len());
        let Some(account) = self.accounts.get_mut(place) else { return Ok(None) };
        match account.ahead.pop_front() {
            Some((_, Some(row))) => Ok(Some(row)),
            Some(((.., number), None)) => {
                let owner = account.owner(source.identity);
                load(source.connection, source.unpacker, &owner, number)
            }
            None => {
                account.read_on(source, &self.filter)?;
                account.share = full;
                Ok(None)
            }
        }
    }
}

impl Listed {
    fn owner(&self, identity: Identity) -> Owner<'_> {
        Owner { identity, account_id: self.id, seen: &self.seen }
    }

    /// Where it goes on; `None` if it has no more.
    fn head(&self, place: usize) -> Option<Standing> {
        // Before every row of that day.
        let unread =
            |day| (day, UtcInstant::from_ms(i64::MIN), i64::try_from(place).unwrap_or_default());
        let read = self.ahead.front().map(|(standing, _)| *standing);
        read.or_else(|| self.next.map(unread))
    }

    /// Reads the next days.
    fn read_on(
        &mut self,
        source: &mut Source<'_>,
        filter: &TransactionFilter,
    ) -> Result<(), Error> {
        let Some(day) = self.next.take() else { return Ok(()) };
        let mut found = read(source, self, filter, day)?;
        if found.rows.is_empty() && found.next == Some(day) {
            let noted = note(source.connection, filter, self.number, day)?;
            found.rows = noted.into_iter().map(|standing| (standing, None)).collect();
            found.next = next_day(source.connection, self.number, day.saturating_add(1))?;
        }
        found.rows.sort_unstable_by_key(|(standing, _)| *standing);
        self.ahead = found.rows.into();
        if day != UNDATED {
            self.next = on(filter, found.next);
        }
        Ok(())
    }
}

/// When an account is read on: on that day, else for its undated rows, or not at all.
fn on(filter: &TransactionFilter, day: Option<i64>) -> Option<i64> {
    let last = filter.to.map_or(i64::MAX, BankDate::epoch_days);
    let undated = filter.from.is_none() && filter.to.is_none();
    day.filter(|day| *day <= last).or(undated.then_some(UNDATED))
}

impl Cursor<TransactionRow> for Transactions {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<TransactionRow>>, Error> {
        let identity = reader.identity;
        let (connection, unpacker) = reader.parts()?;
        // One short read transaction for the chunk: consistent, and locks are taken once.
        let connection = &*connection.transaction().map_err(Error::sql("list transactions"))?;
        let mut source = Source { connection, unpacker, identity };
        let mut heads = match self.heads.take() {
            Some(heads) => heads,
            None => self.begin(connection)?,
        };
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        let mut turn = heads.pop_first();
        while bytes < CHUNK_BYTES
            && let Some((_, place)) = turn
        {
            let row = self.take(&mut source, place)?;
            bytes = bytes.saturating_add(row.as_ref().map_or(0, |row| row.raw.len()));
            rows.extend(row);
            let head = self.accounts.get(place).and_then(|account| account.head(place));
            // Often it is the same account's turn again.
            turn = match (head, heads.first_key_value()) {
                (Some(head), Some((first, _))) if *first < head => {
                    heads.insert(head, place);
                    heads.pop_first()
                }
                (Some(head), _) => Some((head, place)),
                (None, _) => heads.pop_first(),
            };
        }
        heads.extend(turn);
        self.heads = Some(heads);
        Ok((!rows.is_empty()).then_some(rows))
    }

    fn is_over(&self) -> bool {
        self.heads.as_ref().is_some_and(BTreeMap::is_empty)
    }
}

/// What is read of each of so many accounts at a time, in bytes: of that, half waits on average.
fn share(accounts: usize) -> usize {
    let share = WAITING_BYTES.saturating_mul(2).checked_div(accounts).unwrap_or(SHARE_BYTES_MAX);
    share.clamp(SHARE_BYTES_MIN, SHARE_BYTES_MAX)
}

/// Where rows are read.
struct Source<'a> {
    connection: &'a Connection,
    unpacker: &'a mut Unpacker,
    identity: Identity,
}

/// What one look into an account found.
#[derive(Default)]
struct Found {
    /// Rows of whole days.
    rows: Vec<(Standing, Option<TransactionRow>)>,
    /// The day on which there are more.
    next: Option<i64>,
}

/// Reads the rows of an account from a day on, as many as its share allows. If the first day has too many, there are no
/// rows, and that day is the next one.
fn read(
    source: &mut Source<'_>,
    account: &Listed,
    filter: &TransactionFilter,
    day: i64,
) -> Result<Found, Error> {
    const DATED: &str = select_columns!(
        "bank_transaction AS t INDEXED BY bank_transaction_window JOIN run ON run.number = t.first_run
         WHERE t.account = ?1 AND effective BETWEEN ?2 AND ?3 AND state <= ?4 AND status <= ?5 ORDER BY effective"
    );
    const NO_DATE: &str = select_columns!(
        "bank_transaction AS t INDEXED BY bank_transaction_window JOIN run ON run.number = t.first_run
         WHERE t.account = ?1 AND effective IS NULL AND ?2 >= ?3 AND state <= ?4 AND status <= ?5"
    );
    let failed = || Error::sql("list transactions");
    let sql = if day == UNDATED { NO_DATE } else { DATED };
    let mut statement = source.connection.prepare_cached(sql).map_err(failed())?;
    let (state, status) = limits(filter);
    let last = filter.to.map_or(i64::MAX, BankDate::epoch_days);
    let mut rows =
        statement.query(params![account.number, day, last, state, status]).map_err(failed())?;
    let (mut found, mut bytes) = (Found::default(), 0_usize);
    // The day that is being read: where it begins among the rows, and what its rows take.
    let (mut present, mut begin, mut day_bytes) = (day, 0, 0_usize);
    while let Some(row) = rows.next().map_err(failed())? {
        let columns = columns(row).map_err(failed())?;
        let effective = columns.effective.unwrap_or(UNDATED);
        if effective != present {
            (present, begin, day_bytes) = (effective, found.rows.len(), 0);
            if bytes >= account.share {
                found.next = Some(effective);
                break;
            }
        } else if day_bytes > DAY_BYTES_MAX {
            found.rows.truncate(begin);
            found.next = Some(effective);
            break;
        }
        let owner = account.owner(source.identity);
        let text = packed_text(row).map_err(failed())?;
        let row = finish(source.connection, source.unpacker, &owner, (&columns, text))?;
        let size = row.raw.len().saturating_add(ROW_BYTES);
        (bytes, day_bytes) = (bytes.saturating_add(size), day_bytes.saturating_add(size));
        found.rows.push(((effective, row.first_seen_at, columns.number), Some(row)));
    }
    Ok(found)
}

/// The first day from that one on that has rows, in whatever state.
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

/// Where the rows of a day stand, without their texts.
fn note(
    connection: &Connection,
    filter: &TransactionFilter,
    account: i64,
    day: i64,
) -> Result<Vec<Standing>, Error> {
    let failed = || Error::sql("list transactions");
    let sql =
        "SELECT t.number, started_at FROM bank_transaction AS t INDEXED BY bank_transaction_window
               JOIN run ON run.number = first_run
               WHERE t.account = ?1 AND effective IS ?2 AND state <= ?3 AND status <= ?4";
    let (state, status) = limits(filter);
    let effective = Some(day).filter(|day| *day != UNDATED);
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let rows = statement
        .query_map(params![account, effective, state, status], |row| {
            Ok((day, UtcInstant::from_ms(row.get(1)?), row.get(0)?))
        })
        .map_err(failed())?;
    rows.collect::<Result<_, _>>().map_err(failed())
}
