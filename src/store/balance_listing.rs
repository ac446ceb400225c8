//! Lists balances: the newest answer of each account, or every value there ever was.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::balance::Balance;
use crate::model::id::AccountId;
use crate::model::time::UtcInstant;

use super::answers::take;
use super::balance_items::News;
use super::balances::{finish_item, newest_item, news, one_series};
use super::codec::Unpacker;
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
    /// Its place among the balances of its type and currency in its answer.
    pub place: i64,
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

/// Where a listing of balances stands.
pub(super) struct Balances {
    filter: BalanceFilter,
    /// Accounts still to list (newest answers only), last one first; `None` before the first chunk.
    accounts: Option<Vec<(i64, AccountId)>>,
    /// The last run listed (history only).
    after: i64,
    /// The newest text of each series of whole accounts so far (history only).
    shown: BTreeMap<(AccountId, String, Option<String>, i64), String>,
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
        let sql = "SELECT run.number, started_at, balances, whole.id AS account_id
                   FROM run CROSS JOIN account AS part ON part.number = run.account
                   CROSS JOIN account AS whole ON whole.number = coalesce(part.whole, part.number)
                   WHERE run.number > ?1 AND balances IS NOT NULL AND (?2 IS NULL OR whole.id = ?2)
                   ORDER BY run.number LIMIT ?3";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let account = self.filter.account_id.map(|id| row::bytes(id.bits()));
        let limit = i64::try_from(CHUNK_LEN).unwrap_or(i64::MAX);
        let mut rows = Vec::new();
        while rows.is_empty() {
            let found = statement
                .query_map(params![self.after, account, limit], |row| {
                    Ok((row.get(0)?, news(row)?, row::account_id(row, "account_id")?))
                })
                .map_err(failed())?;
            let found: Vec<(i64, Result<Vec<News>, Error>, AccountId)> =
                found.collect::<Result<_, _>>().map_err(failed())?;
            if found.is_empty() {
                break;
            }
            for (number, news, account_id) in found {
                self.after = number;
                for News { at, items } in news? {
                    for item in items {
                        let series = one_series(connection, item.series)?;
                        let balance = finish_item(connection, unpacker, &series, item)?;
                        let place = series.place;
                        // Where an account goes on through another handle, each series begins anew: the same value again
                        // is no news.
                        let key = (account_id, series.balance_type, series.currency, place);
                        let before = self.shown.insert(key, balance.raw.clone());
                        if before.is_none_or(|raw| raw != balance.raw) {
                            rows.push(BalanceRow { account_id, balance, place, fetched_at: at });
                        }
                    }
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
        // Some questions per account: as one transaction they take and leave the locks of the file once.
        let _together = connection.unchecked_transaction().map_err(Error::sql("read balances"))?;
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

    fn is_over(&self) -> bool {
        !self.filter.history && self.accounts.as_ref().is_some_and(Vec::is_empty)
    }
}

/// The newest answer of an account, in the bank's order, with the time of its last coming.
pub(super) fn newest_answer(
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
    let mut rest = series.as_slice();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let number = take(&mut rest).and_then(|number| i64::try_from(number).ok());
        let number = number.ok_or_else(|| Error::damaged("a list of balances"))?;
        let series = one_series(connection, number)?;
        let item = newest_item(connection, &series)?
            .ok_or_else(|| Error::damaged("a series of balances"))?;
        let balance = finish_item(connection, unpacker, &series, item)?;
        let (place, fetched_at) = (series.place, UtcInstant::from_ms(last_at));
        rows.push(BalanceRow { account_id: id, balance, place, fetched_at });
    }
    Ok(rows)
}
