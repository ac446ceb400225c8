//! Balances with history: a row when an item differs from the one before it, and each answer as the list of its rows.
//!
//! A series is an account, a type, a currency and the place among equals of these in one answer (banks send a type twice).
//! Items compare by their raw text. The newest answer can always be shown exactly, even when nothing of it is new.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::balance::Balance;
use crate::model::id::AccountId;
use crate::model::money::{Amount, Currency, Money};
use crate::model::time::UtcInstant;

use super::answers::{put, take};
use super::documents;
use super::error::Error;
use super::listing::Cursor;
use super::row;
use super::worker::Reader;

/// Rows of one chunk of a listing.
const CHUNK_LEN: usize = 256;

/// A stored balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// Whose.
    pub account_id: AccountId,
    /// What the bank said.
    pub balance: Balance,
    /// Newest answer: when it came (last). History: when the value was first seen.
    pub fetched_at: UtcInstant,
}

/// Which balances to list. The default is the newest answer of every account.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalanceFilter {
    /// Of this account only.
    pub account_id: Option<AccountId>,
    /// Every value there ever was, in the order of their coming, instead of the newest answer.
    pub history: bool,
}

/// Stores an answer.
pub(super) fn store(
    connection: &Connection,
    account: i64,
    run: i64,
    balances: &[Balance],
    at: UtcInstant,
) -> Result<bool, Error> {
    let failed = || Error::sql("store balances");
    let mut items = Vec::new();
    for (index, balance) in balances.iter().enumerate() {
        let earlier =
            balances.iter().take(index).filter(|other| same_series(other, balance)).count();
        let place = i64::try_from(earlier).unwrap_or(i64::MAX);
        let number = match newest_of_series(connection, account, balance, place)? {
            Some((number, raw)) if raw == balance.raw => number,
            _ => insert(connection, account, run, balance, place, at)?,
        };
        put(&mut items, number.unsigned_abs());
    }
    let sql =
        "SELECT number, items FROM balance_answer WHERE account = ?1 ORDER BY number DESC LIMIT 1";
    let mut newest = connection.prepare_cached(sql).map_err(failed())?;
    let newest: Option<(i64, Vec<u8>)> = newest
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed())?;
    match newest {
        Some((number, known)) if known == items => {
            let sql = "UPDATE balance_answer SET last_at = ?2 WHERE number = ?1";
            connection
                .prepare_cached(sql)
                .and_then(|mut s| s.execute([number, at.ms()]))
                .map_err(failed())?;
            Ok(false)
        }
        _ => {
            let sql = "INSERT INTO balance_answer (account, items, run, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?4)";
            let mut statement = connection.prepare_cached(sql).map_err(failed())?;
            statement.execute(params![account, items, run, at.ms()]).map_err(failed())?;
            Ok(true)
        }
    }
}

fn currency(balance: &Balance) -> Option<&str> {
    balance.money.as_ref().map(|money| money.currency.0.as_str())
}

fn same_series(a: &Balance, b: &Balance) -> bool {
    a.balance_type == b.balance_type && currency(a) == currency(b)
}

fn newest_of_series(
    connection: &Connection,
    account: i64,
    balance: &Balance,
    place: i64,
) -> Result<Option<(i64, String)>, Error> {
    let failed = Error::sql("read balances");
    let sql =
        "SELECT number, raw FROM balance WHERE account = ?1 AND balance_type = ?2 AND place = ?3
               AND currency IS ?4 ORDER BY number DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![account, balance.balance_type, place, currency(balance)];
    statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)
}

fn insert(
    connection: &Connection,
    account: i64,
    run: i64,
    balance: &Balance,
    place: i64,
    at: UtcInstant,
) -> Result<i64, Error> {
    let failed = Error::sql("store a balance");
    let sql = "INSERT INTO balance
               (account, balance_type, currency, place, amount, reference_date, raw, run, fetched_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let amount = balance.money.as_ref().map(|money| money.amount.to_string());
    let date = row::days(balance.reference_date);
    let values = params![
        account,
        balance.balance_type,
        currency(balance),
        place,
        amount,
        date,
        balance.raw,
        run,
        at.ms()
    ];
    statement.insert(values).map_err(failed)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(Balance, UtcInstant)> {
    let amount: Option<String> = row.get("amount")?;
    let currency: Option<String> = row.get("currency")?;
    let money = amount.as_deref().and_then(Amount::parse).zip(currency);
    let balance = Balance {
        balance_type: row.get("balance_type")?,
        money: money.map(|(amount, currency)| Money { amount, currency: Currency(currency) }),
        reference_date: row::date(row.get("reference_date")?),
        raw: row.get("raw")?,
    };
    Ok((balance, row::instant(row, "fetched_at")?))
}

/// Where a listing of balances stands.
pub(super) struct Balances {
    filter: BalanceFilter,
    /// Accounts still to list (newest answers only), last one first; `None` before the first chunk.
    accounts: Option<Vec<(i64, AccountId)>>,
    /// The last row listed (history only).
    after: i64,
}

impl Balances {
    pub(super) fn new(filter: BalanceFilter) -> Self {
        Self { filter, accounts: None, after: 0 }
    }

    fn history(&mut self, connection: &Connection) -> Result<Vec<BalanceRow>, Error> {
        let failed = || Error::sql("read balances");
        // Where an account goes on through another handle, each series begins anew: the same value again is no news.
        let sql = "SELECT balance.*, account.id AS account_id FROM balance
                   JOIN account AS part ON part.number = balance.account
                   JOIN account ON account.number = coalesce(part.whole, part.number)
                   WHERE balance.number > ?1 AND (?2 IS NULL OR account.id = ?2)
                   AND (EXISTS (SELECT 1 FROM balance AS before WHERE before.account = balance.account
                   AND before.balance_type = balance.balance_type AND before.place = balance.place
                   AND before.currency IS balance.currency AND before.number < balance.number)
                   OR raw IS NOT (SELECT raw FROM balance AS before
                   WHERE before.account IN (SELECT own.number FROM account AS own
                   WHERE own.number = account.number OR own.whole = account.number)
                   AND before.balance_type = balance.balance_type AND before.place = balance.place
                   AND before.currency IS balance.currency AND before.number < balance.number
                   ORDER BY before.number DESC LIMIT 1))
                   ORDER BY balance.number LIMIT ?3";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let account = self.filter.account_id.map(|id| row::bytes(id.bits()));
        let limit = i64::try_from(CHUNK_LEN).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![self.after, account, limit], |row| {
                let (balance, fetched_at) = from_row(row)?;
                let account_id = row::account_id(row, "account_id")?;
                Ok((row.get::<_, i64>("number")?, BalanceRow { account_id, balance, fetched_at }))
            })
            .map_err(failed())?;
        let rows: Vec<(i64, BalanceRow)> = rows.collect::<Result<_, _>>().map_err(failed())?;
        self.after = rows.last().map_or(self.after, |(number, _)| *number);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    fn newest(&mut self, connection: &Connection) -> Result<Vec<BalanceRow>, Error> {
        if self.accounts.is_none() {
            self.accounts = Some(documents::accounts(connection, self.filter.account_id)?);
        }
        let mut rows = Vec::new();
        while rows.len() < CHUNK_LEN {
            let Some((number, id)) = self.accounts.as_mut().and_then(Vec::pop) else { break };
            rows.extend(newest_answer(connection, number, id)?);
        }
        Ok(rows)
    }
}

impl Cursor<BalanceRow> for Balances {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<BalanceRow>>, Error> {
        let (connection, _) = reader.parts()?;
        let rows =
            if self.filter.history { self.history(connection)? } else { self.newest(connection)? };
        Ok((!rows.is_empty()).then_some(rows))
    }
}

fn newest_answer(
    connection: &Connection,
    account: i64,
    id: AccountId,
) -> Result<Vec<BalanceRow>, Error> {
    let failed = || Error::sql("read balances");
    let sql = "SELECT items, last_at FROM balance_answer WHERE account IN
         (SELECT number FROM account WHERE number = ?1 OR whole = ?1)
         ORDER BY last_at DESC, number DESC LIMIT 1";
    let mut newest = connection.prepare_cached(sql).map_err(failed())?;
    let newest: Option<(Vec<u8>, i64)> = newest
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed())?;
    let Some((items, last_at)) = newest else { return Ok(Vec::new()) };
    let mut one =
        connection.prepare_cached("SELECT * FROM balance WHERE number = ?1").map_err(failed())?;
    let mut rest = items.as_slice();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let number = take(&mut rest).and_then(|number| i64::try_from(number).ok());
        let number = number.ok_or_else(|| Error::damaged("a list of balances"))?;
        let (balance, _) = one.query_row([number], from_row).map_err(failed())?;
        rows.push(BalanceRow { account_id: id, balance, fetched_at: UtcInstant::from_ms(last_at) });
    }
    Ok(rows)
}
