//! What a file that was written from the database earlier does not have yet.
//!
//! A [`Cursor`] says what the file has: every listed row up to a number, except some that were not listed then (pending,
//! missing). Rows are numbered as they arrive and a number is never used again, so that what is new is what lies behind the
//! cursor, and those exceptions that have come to be listed since. Which rows these are is decided in one read transaction.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::model::id::AccountId;

use super::coverage::Seen;
use super::documents;
use super::error::Error;
use super::listing::{self, Listing};
use super::row;
use super::transactions::{Owner, TransactionFilter, TransactionRow, load};
use super::worker::Reader;

/// Rows of one chunk.
const CHUNK_LEN: usize = 256;

/// What a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The database that it was written from.
    database: u128,
    /// The file has what was listed up to this row…
    upto: i64,
    /// …except these, in order.
    except: Vec<i64>,
}

impl Cursor {
    /// Whether it is of another database; then it means nothing here.
    pub(super) fn is_foreign(&self, database: [u8; 16]) -> bool {
        self.database != u128::from_be_bytes(database)
    }
}

impl fmt::Display for Cursor {
    /// `1:DATABASE:UPTO:EXCEPT`, the exceptions as distances from one to the next.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1:{:032x}:{}:", self.database, self.upto)?;
        let mut before = 0;
        for (place, number) in self.except.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{}", number.saturating_sub(before))?;
            before = *number;
        }
        Ok(())
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this is not a cursor of an export")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(NoCursor);
        if part()? != "1" {
            return Err(NoCursor);
        }
        let database = u128::from_str_radix(part()?, 16).map_err(|_not_hex| NoCursor)?;
        let number = |text: &str| text.parse::<i64>().ok().filter(|it| *it >= 0).ok_or(NoCursor);
        let upto = number(part()?)?;
        let mut except = Vec::new();
        let mut last = 0_i64;
        for distance in part()?.split(',').filter(|distance| !distance.is_empty()) {
            last = last.checked_add(number(distance)?).ok_or(NoCursor)?;
            except.push(last);
        }
        Ok(Self { database, upto, except })
    }
}

/// What a file lacks.
#[derive(Debug)]
pub struct Arrivals {
    /// What it has with these rows.
    pub cursor: Cursor,
    /// Whether there are any.
    pub any: bool,
    /// The rows.
    pub rows: Listing<TransactionRow>,
}

/// A row that a file lacks.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    /// Undated rows come last.
    effective: i64,
    number: i64,
    /// Its place among the accounts.
    account: usize,
}

/// The rows that a file lacks: a listing in the order of the contract.
pub(super) struct Lacking {
    accounts: Vec<(AccountId, Seen)>,
    /// The last one first.
    due: Vec<Due>,
}

/// Finds what a file lacks, and what it has once that is added. Only what is listed and booked is written.
///
/// # Errors
/// [`Error::Refused`] if the cursor is of another database.
pub(super) fn arrivals(
    reader: &mut Reader,
    filter: &TransactionFilter,
    after: Option<&Cursor>,
) -> Result<(Cursor, Lacking), Error> {
    let identity = reader.identity;
    if after.is_some_and(|cursor| cursor.is_foreign(identity.id)) {
        return Err(Error::Refused("the file was written from another database"));
    }
    let (connection, _unpacker) = reader.parts()?;
    let failed = || Error::sql("find what a file lacks");
    let connection = &*connection.transaction().map_err(failed())?;
    let upto: Option<i64> = connection
        .query_row("SELECT max(number) FROM bank_transaction", [], |row| row.get(0))
        .map_err(failed())?;
    let known = after.map_or(0, |cursor| cursor.upto);
    let mut found = Found { filter, except: BTreeSet::new(), due: Vec::new() };
    let mut accounts = Vec::new();
    for (number, id) in documents::accounts(connection, filter.account_id)? {
        let place = accounts.len();
        accounts.push((id, Seen::load(connection, number)?));
        found.newer(connection, (number, place), known)?;
        for exception in after.iter().flat_map(|cursor| &cursor.except) {
            found.exception(connection, (number, place), *exception)?;
        }
    }
    found.due.sort_unstable_by(|left, right| right.cmp(left));
    let cursor = Cursor {
        database: u128::from_be_bytes(identity.id),
        upto: upto.unwrap_or(0).max(known),
        except: found.except.into_iter().collect(),
    };
    Ok((cursor, Lacking { accounts, due: found.due }))
}

/// Sorts rows into those to write and those to look at again.
struct Found<'a> {
    filter: &'a TransactionFilter,
    except: BTreeSet<i64>,
    due: Vec<Due>,
}

/// Number, effective day, status, state.
type Facts = (i64, Option<i64>, i64, i64);

fn facts(row: &Row<'_>) -> rusqlite::Result<Facts> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

impl Found<'_> {
    /// Rows behind the cursor.
    fn newer(
        &mut self,
        connection: &Connection,
        (account, place): (i64, usize),
        known: i64,
    ) -> Result<(), Error> {
        // The first time all rows are wanted, and the index has all that is asked for; later ones are few and lie together.
        let sql = if known == 0 {
            "SELECT number, effective, status, state FROM bank_transaction INDEXED BY bank_transaction_window
             WHERE account = ?1 AND number > ?2"
        } else {
            "SELECT number, effective, status, state FROM bank_transaction NOT INDEXED
             WHERE account = ?1 AND number > ?2"
        };
        let failed = || Error::sql("find what a file lacks");
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let mut rows = statement.query([account, known]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            self.sort(facts(row).map_err(failed())?, place);
        }
        Ok(())
    }

    /// A row that was not listed at the cursor.
    fn exception(
        &mut self,
        connection: &Connection,
        (account, place): (i64, usize),
        number: i64,
    ) -> Result<(), Error> {
        let sql = "SELECT number, effective, status, state FROM bank_transaction
                   WHERE number = ?2 AND account = ?1";
        let failed = || Error::sql("find what a file lacks");
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        if let Some(found) =
            statement.query_row([account, number], facts).optional().map_err(failed())?
        {
            self.sort(found, place);
        }
        Ok(())
    }

    fn sort(&mut self, (number, effective, status, state): Facts, account: usize) {
        if (status, state) != (0, 0) {
            self.except.insert(number);
            return;
        }
        let (from, to) = (row::days(self.filter.from), row::days(self.filter.to));
        let inside = match effective {
            Some(day) => from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to),
            None => from.is_none() && to.is_none(),
        };
        if inside {
            self.due.push(Due { effective: effective.unwrap_or(i64::MAX), number, account });
        }
    }
}

impl Lacking {
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

impl listing::Cursor<TransactionRow> for Lacking {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<TransactionRow>>, Error> {
        let identity = reader.identity;
        let (connection, unpacker) = reader.parts()?;
        let connection = &*connection.transaction().map_err(Error::sql("list transactions"))?;
        let mut rows = Vec::with_capacity(CHUNK_LEN);
        while rows.len() < CHUNK_LEN
            && let Some(due) = self.due.pop()
        {
            let Some((account_id, seen)) = self.accounts.get(due.account) else { break };
            let owner = Owner { identity, account_id: *account_id, seen };
            rows.extend(load(connection, unpacker, &owner, due.number)?);
        }
        Ok((!rows.is_empty()).then_some(rows))
    }

    fn is_over(&self) -> bool {
        self.is_empty()
    }
}
