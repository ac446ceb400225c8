//! How balances went lately: the changes of all series since an instant, newest first, in one bounded walk.
//!
//! There is no index by series: balances are written far more often than their past is looked at. They lie in the runs that
//! brought them, whose numbers grow with time, so that the last weeks are the end of the table.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::model::id::AccountId;
use crate::model::money::Amount;
use crate::model::time::UtcInstant;

use super::balances::{news, one_series};
use super::error::Error;
use super::row;

/// Most runs that are looked at; beyond them the past stays dark.
const RUNS_MAX: i64 = 10_000;

/// A change of a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// Whose.
    pub account_id: AccountId,
    /// The bank's word for the kind of balance.
    pub balance_type: String,
    /// ISO 4217.
    pub currency: String,
    /// When it was first seen.
    pub at: UtcInstant,
    /// What it was from then on.
    pub amount: Amount,
}

/// Changes since `since`, newest first.
pub(super) fn changes(
    connection: &Connection,
    since: UtcInstant,
) -> Result<Vec<BalanceChange>, Error> {
    let failed = || Error::sql("read how balances went");
    let sql = "SELECT started_at, balances, whole.id AS account_id
               FROM run CROSS JOIN account AS part ON part.number = run.account
               CROSS JOIN account AS whole ON whole.number = coalesce(part.whole, part.number)
               WHERE balances IS NOT NULL ORDER BY run.number DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query([RUNS_MAX]).map_err(failed())?;
    let (mut changes, mut known) = (Vec::new(), BTreeMap::new());
    while let Some(row) = rows.next().map_err(failed())? {
        let account_id = row::account_id(row, "account_id").map_err(failed())?;
        for news in news(row).map_err(failed())??.into_iter().rev() {
            let at = news.at;
            if at < since {
                return Ok(changes);
            }
            for item in news.items {
                let series = match known.remove(&item.series) {
                    Some(series) => series,
                    None => one_series(connection, item.series)?,
                };
                if let (0, Some(currency), Some(amount)) =
                    (series.place, &series.currency, item.amount)
                {
                    let (balance_type, currency) = (series.balance_type.clone(), currency.clone());
                    changes.push(BalanceChange { account_id, balance_type, currency, at, amount });
                }
                known.insert(item.series, series);
            }
        }
    }
    Ok(changes)
}
