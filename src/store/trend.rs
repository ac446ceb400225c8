//! How balances went lately: the changes of all series since an instant, newest first, in one bounded walk.
//!
//! There is no index by series: balances are written far more often than their past is looked at. Their numbers grow with
//! time, so that the last weeks are the end of the table.

use rusqlite::Connection;

use crate::model::id::AccountId;
use crate::model::money::Amount;
use crate::model::time::UtcInstant;

use super::documents;
use super::error::Error;

/// Most rows that are looked at; beyond them the past stays dark.
const ROWS_MAX: i64 = 10_000;

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
    let sql =
        "SELECT coalesce(part.whole, part.number), balance_type, currency, started_at + after_ms, amount
         FROM balance CROSS JOIN balance_series ON balance_series.number = balance.series
         CROSS JOIN run ON run.number = balance.run
         CROSS JOIN account AS part ON part.number = balance_series.account
         WHERE place = 0 AND currency IS NOT NULL AND amount IS NOT NULL
         ORDER BY balance.number DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut rows = statement.query([ROWS_MAX]).map_err(failed())?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next().map_err(failed())? {
        let read = || -> rusqlite::Result<(i64, String, String, i64, String)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let (account, balance_type, currency, at, amount) = read().map_err(failed())?;
        let at = UtcInstant::from_ms(at);
        if at < since {
            break;
        }
        let account_id = documents::account_id(connection, account)?
            .ok_or_else(|| Error::damaged("a balance without its account"))?;
        if let Some(amount) = Amount::parse(&amount) {
            changes.push(BalanceChange { account_id, balance_type, currency, at, amount });
        }
    }
    Ok(changes)
}
