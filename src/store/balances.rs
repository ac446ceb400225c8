//! Balances with history: a row when an item differs from the one before it in its series, and of which series answers are.
//!
//! A series is an account, a type, a currency and the place among equals of these in one answer (banks send a type twice).
//! Items compare by their raw text. The newest answer can always be shown exactly, even when nothing of it is new. Where an
//! item is the first one of its series but for amount and date, its text is not stored again: balances change with nearly
//! every answer, and would take as much room as a fifth of the transactions.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::balance::Balance;
use crate::model::id::AccountId;
use crate::model::money::{Amount, Currency, Money};
use crate::model::time::{BankDate, UtcInstant};

use super::answers::{put, take};
use super::codec::{BUILT_IN_ID, Packed, Unpacker};
use super::documents;
use super::error::Error;
use super::listing::Cursor;
use super::reconcile::Work;
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

/// What [`Columns::read`] reads; conditions follow.
macro_rules! select_balances {
    () => {
        "SELECT balance.number, series, form, balance_type, amount, currency, reference_date, raw,
         run.started_at + after_ms, coalesce(part.whole, part.number), place
         FROM balance_series, balance, run, account AS part
         WHERE balance_series.number = series AND run.number = run AND part.number = balance_series.account"
    };
}

/// Stores an answer.
pub(super) fn store(
    work: &mut Work<'_>,
    account: i64,
    run: i64,
    balances: &[Balance],
    at: UtcInstant,
) -> Result<(), Error> {
    let mut of_answer = Vec::new();
    for (index, balance) in balances.iter().enumerate() {
        let earlier =
            balances.iter().take(index).filter(|other| same_series(other, balance)).count();
        let place = i64::try_from(earlier).unwrap_or(i64::MAX);
        let series = match find_series(work, account, balance, place)? {
            Some((series, raw)) if raw == balance.raw => series.number,
            Some((series, _)) => insert(work, &series, (run, at), balance)?,
            None => begin_series(work, account, (run, at), balance, place)?,
        };
        put(&mut of_answer, series.unsigned_abs());
    }
    note_answer(work.connection, account, &of_answer, at)
}

/// Writes of which series an answer consisted, where that is new.
fn note_answer(
    connection: &Connection,
    account: i64,
    series: &[u8],
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store balances");
    let sql =
        "SELECT number, series FROM balance_answer WHERE account = ?1 ORDER BY number DESC LIMIT 1";
    let mut newest = connection.prepare_cached(sql).map_err(failed())?;
    let newest: Option<(i64, Vec<u8>)> = newest
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed())?;
    let done = if let Some((number, _)) = newest.filter(|(_, known)| known == series) {
        let sql = "UPDATE balance_answer SET last_at = ?2 WHERE number = ?1";
        connection.prepare_cached(sql).and_then(|mut s| s.execute([number, at.ms()]))
    } else {
        let sql = "INSERT INTO balance_answer (account, series, first_at, last_at) VALUES (?1, ?2, ?3, ?3)";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        statement.execute(params![account, series, at.ms()])
    };
    done.map(|_one| ()).map_err(failed())
}

fn currency(balance: &Balance) -> Option<&str> {
    balance.money.as_ref().map(|money| money.currency.0.as_str())
}

fn same_series(a: &Balance, b: &Balance) -> bool {
    a.balance_type == b.balance_type && currency(a) == currency(b)
}

fn amount(balance: &Balance) -> Option<String> {
    balance.money.as_ref().map(|money| money.amount.to_string())
}

/// Amount and date as they stand in an item, and what stands for them in a form; no JSON text has such letters in it.
fn blanks(amount: Option<&str>, date: Option<BankDate>) -> [(Option<String>, &'static str); 2] {
    let quoted = |text: String| format!("\"{text}\"");
    [
        (amount.map(|amount| quoted(amount.to_owned())), "\u{1}"),
        (date.map(|date| quoted(date.to_string())), "\u{2}"),
    ]
}

/// The text of an item without its amount and date.
fn form_of(balance: &Balance) -> String {
    let blanks = blanks(amount(balance).as_deref(), balance.reference_date);
    blanks.into_iter().fold(balance.raw.clone(), |form, (text, blank)| match text {
        Some(text) => form.replace(&text, blank),
        None => form,
    })
}

/// The text of an item whose series has this form.
fn fill(form: &str, amount: Option<&str>, date: Option<BankDate>) -> String {
    blanks(amount, date)
        .into_iter()
        .fold(form.to_owned(), |raw, (text, blank)| raw.replace(blank, &text.unwrap_or_default()))
}

/// A series of balances.
struct Series {
    number: i64,
    form: String,
}

/// The series of a balance and the text of its newest item.
fn find_series(
    work: &mut Work<'_>,
    account: i64,
    balance: &Balance,
    place: i64,
) -> Result<Option<(Series, String)>, Error> {
    let failed = || Error::sql("read balances");
    let sql = concat!(
        select_balances!(),
        " AND balance_series.account = ?1 AND balance_type = ?2 AND place = ?3 AND currency IS ?4
        AND balance.number = newest ORDER BY balance.number DESC LIMIT 1"
    );
    let mut statement = work.connection.prepare_cached(sql).map_err(failed())?;
    let values = params![account, balance.balance_type, place, currency(balance)];
    let found = statement.query_row(values, Columns::read).optional().map_err(failed())?;
    let Some(found) = found else { return Ok(None) };
    let series = Series { number: found.series, form: found.form.clone() };
    Ok(Some((series, found.finish(work.connection, work.unpacker)?.raw)))
}

fn begin_series(
    work: &mut Work<'_>,
    account: i64,
    came: (i64, UtcInstant),
    balance: &Balance,
    place: i64,
) -> Result<i64, Error> {
    let failed = Error::sql("store balances");
    let form = form_of(balance);
    let sql = "INSERT INTO balance_series (account, balance_type, currency, place, form, newest)
               VALUES (?1, ?2, ?3, ?4, ?5, 0)";
    let mut statement = work.connection.prepare_cached(sql).map_err(&failed)?;
    let values = params![account, balance.balance_type, currency(balance), place, form];
    let number = statement.insert(values).map_err(&failed)?;
    insert(work, &Series { number, form }, came, balance)
}

/// Adds a balance to its series; gives the number of the series.
fn insert(
    work: &mut Work<'_>,
    series: &Series,
    (run, at): (i64, UtcInstant),
    balance: &Balance,
) -> Result<i64, Error> {
    let failed = Error::sql("store a balance");
    let amount = amount(balance);
    let raw = if fill(&series.form, amount.as_deref(), balance.reference_date) == balance.raw {
        Value::Null
    } else {
        let packed = work.packer.pack(work.connection, BUILT_IN_ID, &balance.raw)?;
        match packed.dictionary {
            BUILT_IN_ID => Value::Blob(packed.bytes.to_vec()),
            _ => Value::Text(balance.raw.clone()),
        }
    };
    let sql = "INSERT INTO balance (series, amount, reference_date, raw, run, after_ms)
               SELECT ?1, ?2, ?3, ?4, number, ?6 - started_at FROM run WHERE number = ?5";
    let mut statement = work.connection.prepare_cached(sql).map_err(&failed)?;
    let date = row::days(balance.reference_date);
    let number = statement
        .insert(params![series.number, amount, date, raw, run, at.ms()])
        .map_err(&failed)?;
    let sql = "UPDATE balance_series SET newest = ?2 WHERE number = ?1";
    let mut statement = work.connection.prepare_cached(sql).map_err(&failed)?;
    statement.execute([series.number, number]).map_err(failed)?;
    Ok(series.number)
}

/// A balance as it is stored, before its text is made.
struct Columns {
    number: i64,
    series: i64,
    form: String,
    balance_type: String,
    amount: Option<String>,
    currency: Option<String>,
    reference_date: Option<BankDate>,
    raw: Value,
    fetched_at: UtcInstant,
}

impl Columns {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            series: row.get(1)?,
            form: row.get(2)?,
            balance_type: row.get(3)?,
            amount: row.get(4)?,
            currency: row.get(5)?,
            reference_date: row::date(row.get(6)?),
            raw: row.get(7)?,
            fetched_at: UtcInstant::from_ms(row.get(8)?),
        })
    }

    fn finish(self, connection: &Connection, unpacker: &mut Unpacker) -> Result<Balance, Error> {
        let raw = match self.raw {
            Value::Null => fill(&self.form, self.amount.as_deref(), self.reference_date),
            Value::Text(text) => text,
            Value::Blob(bytes) => {
                let packed = Packed { dictionary: BUILT_IN_ID, bytes: &bytes };
                unpacker.unpack(connection, packed)?
            }
            Value::Integer(_) | Value::Real(_) => return Err(Error::damaged("a balance")),
        };
        let money = self.amount.as_deref().and_then(Amount::parse).zip(self.currency);
        Ok(Balance {
            balance_type: self.balance_type,
            money: money.map(|(amount, currency)| Money { amount, currency: Currency(currency) }),
            reference_date: self.reference_date,
            raw,
        })
    }
}

/// Where a listing of balances stands.
pub(super) struct Balances {
    filter: BalanceFilter,
    /// Accounts still to list (newest answers only), last one first; `None` before the first chunk.
    accounts: Option<Vec<(i64, AccountId)>>,
    /// The last row listed (history only).
    after: i64,
    /// The newest text of each series of whole accounts so far (history only).
    shown: BTreeMap<(i64, String, Option<String>, i64), String>,
}

impl Balances {
    pub(super) fn new(filter: BalanceFilter) -> Self {
        Self { filter, accounts: None, after: 0, shown: BTreeMap::new() }
    }

    fn history(
        &mut self,
        connection: &Connection,
        unpacker: &mut Unpacker,
    ) -> Result<Vec<BalanceRow>, Error> {
        let failed = || Error::sql("read balances");
        let sql = concat!(
            select_balances!(),
            " AND balance.number > ?1
            AND (?2 IS NULL OR coalesce(part.whole, part.number) = (SELECT number FROM account WHERE id = ?2))
            ORDER BY balance.number LIMIT ?3"
        );
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let account = self.filter.account_id.map(|id| row::bytes(id.bits()));
        let limit = i64::try_from(CHUNK_LEN).unwrap_or(i64::MAX);
        let mut rows = Vec::new();
        while rows.is_empty() {
            let found = statement
                .query_map(params![self.after, account, limit], |row| {
                    Ok((Columns::read(row)?, row.get::<_, i64>(9)?, row.get::<_, i64>(10)?))
                })
                .map_err(failed())?;
            let found = found.collect::<Result<Vec<_>, _>>().map_err(failed())?;
            if found.is_empty() {
                break;
            }
            for (columns, account, place) in found {
                self.after = columns.number;
                let account_id = documents::account_id(connection, account)?
                    .ok_or_else(|| Error::damaged("a balance without its account"))?;
                let fetched_at = columns.fetched_at;
                let balance = columns.finish(connection, unpacker)?;
                // Where an account goes on through another handle, each series begins anew: the same value again is no news.
                let currency = currency(&balance).map(str::to_owned);
                let key = (account, balance.balance_type.clone(), currency, place);
                let before = self.shown.insert(key, balance.raw.clone());
                if before.is_none_or(|raw| raw != balance.raw) {
                    rows.push(BalanceRow { account_id, balance, fetched_at });
                }
            }
        }
        Ok(rows)
    }

    fn newest(
        &mut self,
        connection: &Connection,
        unpacker: &mut Unpacker,
    ) -> Result<Vec<BalanceRow>, Error> {
        if self.accounts.is_none() {
            self.accounts = Some(documents::accounts(connection, self.filter.account_id)?);
        }
        let mut rows = Vec::new();
        while rows.len() < CHUNK_LEN {
            let Some((number, id)) = self.accounts.as_mut().and_then(Vec::pop) else { break };
            rows.extend(newest_answer((connection, unpacker), number, id)?);
        }
        Ok(rows)
    }
}

impl Cursor<BalanceRow> for Balances {
    fn next(&mut self, reader: &mut Reader) -> Result<Option<Vec<BalanceRow>>, Error> {
        let (connection, unpacker) = reader.parts()?;
        let rows = if self.filter.history {
            self.history(connection, unpacker)?
        } else {
            self.newest(connection, unpacker)?
        };
        Ok((!rows.is_empty()).then_some(rows))
    }
}

fn newest_answer(
    (connection, unpacker): (&Connection, &mut Unpacker),
    account: i64,
    id: AccountId,
) -> Result<Vec<BalanceRow>, Error> {
    let failed = || Error::sql("read balances");
    let sql = "SELECT series, last_at FROM balance_answer WHERE account IN
         (SELECT number FROM account WHERE number = ?1 OR whole = ?1)
         ORDER BY last_at DESC, number DESC LIMIT 1";
    let mut newest = connection.prepare_cached(sql).map_err(failed())?;
    let newest: Option<(Vec<u8>, i64)> = newest
        .query_row([account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed())?;
    let Some((series, last_at)) = newest else { return Ok(Vec::new()) };
    let sql =
        concat!(select_balances!(), " AND balance_series.number = ?1 AND balance.number = newest");
    let mut one = connection.prepare_cached(sql).map_err(failed())?;
    let mut rest = series.as_slice();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let number = take(&mut rest).and_then(|number| i64::try_from(number).ok());
        let number = number.ok_or_else(|| Error::damaged("a list of balances"))?;
        let found = one.query_row([number], Columns::read).map_err(failed())?;
        let balance = found.finish(connection, unpacker)?;
        rows.push(BalanceRow { account_id: id, balance, fetched_at: UtcInstant::from_ms(last_at) });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_its_series_form_with_amount_and_date() {
        let balance = |raw: &str, amount: &str, day: u32| Balance {
            balance_type: "expected".into(),
            money: Amount::parse(amount)
                .map(|amount| Money { amount, currency: Currency("EUR".into()) }),
            reference_date: BankDate::from_ymd(2026, 3, day),
            raw: raw.into(),
        };
        let one =
            r#"{"balanceAmount":{"amount":"1.50","currency":"EUR"},"referenceDate":"2026-03-01"}"#;
        let form = form_of(&balance(one, "1.50", 1));
        let other = one.replace("1.50", "-20").replace("-01\"", "-02\"");
        assert_eq!(fill(&form, Some("-20"), BankDate::from_ymd(2026, 3, 2)), other);
        assert!(!form.contains("1.50") && !form.contains("2026"), "{form}");
        let bare = r#"{"balanceAmount":{"amount":1}}"#;
        assert_eq!(form_of(&balance(bare, "1", 1)), bare);
    }
}
