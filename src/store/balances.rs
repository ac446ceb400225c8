//! Balances with history: what is new in the answer of each run, series by series, and of which series answers are.
//!
//! A series is an account, a type, a currency and the place among equals of these in one answer (banks send a type twice).
//! Items compare by their raw text. The newest answer can always be shown exactly, even when nothing of it is new. Where an
//! item is the first one of its series but for amount and date, its text is not stored again: balances change with nearly
//! every answer, and would take as much room as a fifth of the transactions.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::balance::Balance;
use crate::model::money::{Currency, Money};
use crate::model::time::{BankDate, UtcInstant};

use super::answers::put;
use super::balance_items::{self, Item, ItemText, News};
use super::codec::{BUILT_IN_ID, PLAIN, Packed, Unpacker};
use super::error::Error;
use super::reconcile::Work;
use super::row;

/// Stores an answer.
pub(super) fn store(
    work: &mut Work<'_>,
    account: i64,
    run: i64,
    balances: &[Balance],
    at: UtcInstant,
) -> Result<(), Error> {
    let (mut of_answer, mut fresh) = (Vec::new(), Vec::new());
    for (index, balance) in balances.iter().enumerate() {
        let earlier =
            balances.iter().take(index).filter(|other| same_series(other, balance)).count();
        let place = i64::try_from(earlier).unwrap_or(i64::MAX);
        let series = match find_series(work.connection, account, balance, place)? {
            Some(series) => series,
            None => begin_series(work.connection, account, balance, place)?,
        };
        let newest = newest_item(work.connection, &series)?;
        let newest = newest
            .map(|item| finish_item(work.connection, work.unpacker, &series, item))
            .transpose()?;
        if newest.is_none_or(|newest| newest.raw != balance.raw) {
            fresh.push(new_item(work, &series, balance)?);
        }
        put(&mut of_answer, series.number.unsigned_abs());
    }
    if !fresh.is_empty() {
        insert(work.connection, (run, at), fresh)?;
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
#[derive(Clone)]
pub(super) struct Series {
    number: i64,
    pub(super) balance_type: String,
    pub(super) currency: Option<String>,
    pub(super) place: i64,
    form: String,
    /// The run that brought its newest item; 0: it has none yet.
    newest: i64,
}

fn series(row: &Row<'_>) -> rusqlite::Result<Series> {
    Ok(Series {
        number: row.get("number")?,
        balance_type: row.get("balance_type")?,
        currency: row.get("currency")?,
        place: row.get("place")?,
        form: row.get("form")?,
        newest: row.get("newest")?,
    })
}

/// The series of a balance.
fn find_series(
    connection: &Connection,
    account: i64,
    balance: &Balance,
    place: i64,
) -> Result<Option<Series>, Error> {
    let failed = || Error::sql("read balances");
    let sql = "SELECT * FROM balance_series
               WHERE account = ?1 AND balance_type = ?2 AND place = ?3 AND currency IS ?4";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let values = params![account, balance.balance_type, place, currency(balance)];
    statement.query_row(values, series).optional().map_err(failed())
}

fn begin_series(
    connection: &Connection,
    account: i64,
    balance: &Balance,
    place: i64,
) -> Result<Series, Error> {
    let failed = Error::sql("store balances");
    let (form, balance_type) = (form_of(balance), balance.balance_type.clone());
    let currency = currency(balance).map(str::to_owned);
    let sql = "INSERT INTO balance_series (account, balance_type, currency, place, form, newest)
               VALUES (?1, ?2, ?3, ?4, ?5, 0)";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let number =
        statement.insert(params![account, balance_type, currency, place, form]).map_err(failed)?;
    Ok(Series { number, balance_type, currency, place, form, newest: 0 })
}

/// The series with a number.
pub(super) fn one_series(connection: &Connection, number: i64) -> Result<Series, Error> {
    let failed = Error::sql("read balances");
    let sql = "SELECT * FROM balance_series WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([number], series).map_err(failed)
}

/// The newest item of a series; `None` if it has none yet.
pub(super) fn newest_item(connection: &Connection, series: &Series) -> Result<Option<Item>, Error> {
    if series.newest == 0 {
        return Ok(None);
    }
    let all = all_news(connection, series.newest)?;
    let mut items = all.into_iter().rev().flat_map(|news| news.items);
    let item = items.find(|item| item.series == series.number);
    item.map(Some).ok_or_else(|| Error::damaged("a series of balances"))
}

/// The new balances of a run.
fn all_news(connection: &Connection, run: i64) -> Result<Vec<News>, Error> {
    let failed = Error::sql("read balances");
    let sql = "SELECT started_at, balances FROM run WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    statement.query_row([run], news).map_err(failed)?
}

/// The new balances of a run, from its columns.
pub(super) fn news(row: &Row<'_>) -> rusqlite::Result<Result<Vec<News>, Error>> {
    let began = row::instant(row, "started_at")?;
    let bytes: Option<Vec<u8>> = row.get("balances")?;
    let all = balance_items::decode(bytes.as_deref().unwrap_or_default(), began);
    Ok(all.ok_or_else(|| Error::damaged("new balances")))
}

/// A balance as it goes into the database.
fn new_item(work: &mut Work<'_>, series: &Series, balance: &Balance) -> Result<Item, Error> {
    let filled = fill(&series.form, amount(balance).as_deref(), balance.reference_date);
    let text = if filled == balance.raw {
        None
    } else {
        let packed = work.packer.pack(work.connection, BUILT_IN_ID, &balance.raw)?;
        let is_packed = packed.dictionary == BUILT_IN_ID;
        Some(ItemText { is_packed, bytes: packed.bytes.to_vec() })
    };
    let amount = balance.money.as_ref().map(|money| money.amount);
    Ok(Item { series: series.number, amount, date: balance.reference_date, text })
}

/// Adds the new balances of an answer to its run; they are the newest of their series.
fn insert(
    connection: &Connection,
    (run, at): (i64, UtcInstant),
    items: Vec<Item>,
) -> Result<(), Error> {
    let failed = || Error::sql("store balances");
    let sql = "SELECT started_at, balances FROM run WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let (began, before): (_, Option<Vec<u8>>) = statement
        .query_row([run], |row| Ok((row::instant(row, "started_at")?, row.get(1)?)))
        .map_err(failed())?;
    let (mut bytes, news) = (before.unwrap_or_default(), News { at, items });
    balance_items::append(&mut bytes, &news, began);
    let sql = "UPDATE run SET balances = ?2 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![run, bytes]).map_err(failed())?;
    let sql = "UPDATE balance_series SET newest = ?2 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    for item in &news.items {
        statement.execute([item.series, run]).map_err(failed())?;
    }
    Ok(())
}

/// The balance that an item of a series is.
pub(super) fn finish_item(
    connection: &Connection,
    unpacker: &mut Unpacker,
    series: &Series,
    item: Item,
) -> Result<Balance, Error> {
    let raw = match item.text {
        None => {
            let amount = item.amount.map(|amount| amount.to_string());
            fill(&series.form, amount.as_deref(), item.date)
        }
        Some(text) => {
            let dictionary = if text.is_packed { BUILT_IN_ID } else { PLAIN };
            unpacker.unpack(connection, Packed { dictionary, bytes: &text.bytes })?
        }
    };
    let money = item.amount.zip(series.currency.clone());
    Ok(Balance {
        balance_type: series.balance_type.clone(),
        money: money.map(|(amount, currency)| Money { amount, currency: Currency(currency) }),
        reference_date: item.date,
        raw,
    })
}

/// What is wrong with stored balances, and how many were read.
pub(super) fn verify(
    connection: &Connection,
    unpacker: &mut Unpacker,
) -> Result<(Vec<String>, u64), Error> {
    let failed = || Error::sql("read balances");
    let (mut problems, mut count) = (Vec::new(), 0_u64);
    let sql = "SELECT number, started_at, balances FROM run WHERE balances IS NOT NULL";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let number: i64 = row.get(0).map_err(failed())?;
        let Ok(all) = news(row).map_err(failed())? else {
            problems.push(format!("the balances of run {number}"));
            continue;
        };
        for item in all.into_iter().flat_map(|news| news.items) {
            count = count.saturating_add(1);
            let series = one_series(connection, item.series)?;
            if let Err(error) = finish_item(connection, unpacker, &series, item) {
                problems.push(format!("a balance of run {number}: {error}"));
            }
        }
    }
    let mut statement = connection.prepare("SELECT * FROM balance_series").map_err(failed())?;
    let all = statement.query_map([], series).map_err(failed())?;
    for series in all.collect::<Result<Vec<_>, _>>().map_err(failed())? {
        if !matches!(newest_item(connection, &series), Ok(Some(_))) {
            problems.push(format!("the newest balance of series {}", series.number));
        }
    }
    Ok((problems, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Amount;

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
