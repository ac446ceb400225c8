//! The balance proof: do the listed rows account for what the bank says is on the account?
//!
//! Reconciliation sees only what a bank shows. If the bank loses a row, or shows one twice, only the balance can tell. So
//! after every answer the `closingBooked` balance is compared with the booked rows up to its reference date, and the change
//! of `interimBooked` with the change of the sum of all booked rows, edits and vanishings included. A difference that is
//! still there after two more pulls is told once; nothing is repaired.
//!
//! False alarms would be worse than none: nobody would look any more. Therefore a balance must have moved together with the
//! rows before it can accuse them, except where only one of the two moved and lateness cannot be the cause; balances and rows
//! that are late are learned and given time (`track`); and what no sum can hold (rows of another currency or without a
//! readable amount, amounts without any sign, days that no answer covers) is no evidence.
//!
//! Pure: the store brings sums, balances and what an answer did, and keeps the memory in the answer's transaction. Types of
//! balances are those of the Berlin Group's `NextGenPSD2` framework.

mod series;
pub mod sums;
mod track;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::id::{AccountId, RunId};
use crate::model::money::{Amount, CurrencyCode};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;
use crate::planner::reconcile::coverage::Floor;

pub use series::{Kind, Stated};
pub use sums::{Moves, Row, Sums};

use series::{Found, Pull, Series};
use sums::Seen;

/// Balances of one account that are followed, at most.
const SERIES_MAX: usize = 16;
/// Differences that were told and are not explained yet, at most.
const TOLD_MAX: usize = 16;
/// Sums of single days reach back so far: longer than the oldest statement that a bank shows as its newest.
const DAYS_KEPT: i64 = 45;

/// What is remembered of an account. A field added later needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proof {
    /// The store's version of the account's rows that the sums belong to.
    pub rows_version: i64,
    /// Of the listed rows.
    pub sums: Sums,
    /// What happened to rows since the last look.
    seen: Seen,
    /// By kind, currency and place among equals.
    series: BTreeMap<String, Series>,
    /// Differences that were told and are there still.
    told: Vec<Told>,
    /// A mismatch was told, and no answer without filter has come since.
    look_at_everything: bool,
}

/// A difference that was told. It shows in every balance of its currency, sooner or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    currency: CurrencyCode,
    amount: Amount,
    /// The balances that have it.
    by: Vec<String>,
}

/// A pull to look at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When its answer came.
    pub at: UtcInstant,
    /// What it surely covers.
    pub floor: Floor,
    /// The balances of the same pull that rows can prove, in the bank's order.
    pub balances: &'a [Stated],
}

/// What a look found, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Balance and rows do not agree, and nothing explains it.
    Mismatch {
        /// Which balance.
        kind: Kind,
        /// Of the amount.
        currency: CurrencyCode,
        /// How much more the balance has than the rows.
        amount: Amount,
        /// The last pull that agreed.
        from: Option<UtcInstant>,
        /// The first that did not.
        to: UtcInstant,
    },
    /// A difference that was told is gone.
    Explained {
        /// Which balance.
        kind: Kind,
        /// Of the amount.
        currency: CurrencyCode,
        /// As it was told.
        amount: Amount,
    },
}

impl Proof {
    /// Of an account with these sums, of whose balances nothing is known yet.
    pub fn new(sums: Sums) -> Self {
        Self { sums, ..Self::default() }
    }

    /// An answer has changed the rows. `unfiltered`: it was asked for without a date.
    pub fn answered(&mut self, moves: &Moves, unfiltered: bool) {
        self.sums.apply(moves);
        self.seen.extend(&moves.seen);
        if unfiltered {
            self.look_at_everything = false;
        }
    }

    /// Whether the next answer is to be asked for without a date.
    pub fn wants_everything(&self) -> bool {
        self.look_at_everything
    }

    /// Compares. An answer that covers nothing, and one without balances in its pull, proves nothing.
    pub fn look(&mut self, look: &Look<'_>) -> Vec<Finding> {
        if look.balances.is_empty() || look.floor == Floor::Nothing || self.sums.given_up {
            return Vec::new();
        }
        if let Some(day) = look.at.utc_date().plus_days(-DAYS_KEPT) {
            self.sums.keep_days_from(day);
        }
        let seen = std::mem::take(&mut self.seen);
        let known = |code: &CurrencyCode| look.balances.iter().any(|one| one.currency == *code);
        let odd = seen.unread || !seen.currencies.keys().all(known);
        let pull = Pull { at: look.at, floor: look.floor, seen: &seen, odd };
        let mut findings: Vec<Finding> = Vec::new();
        for (place, stated) in look.balances.iter().enumerate() {
            let equal =
                |other: &&Stated| (other.kind, other.currency) == (stated.kind, stated.currency);
            let nth = look.balances.iter().take(place).filter(equal).count();
            let key = format!("{:?} {} {nth}", stated.kind, stated.currency);
            if self.series.len() >= SERIES_MAX && !self.series.contains_key(&key) {
                continue;
            }
            let found = self.series.entry(key.clone()).or_default().look(stated, &self.sums, &pull);
            findings.extend(finding(stated, found).filter(|finding| self.is_news(finding, key)));
        }
        self.look_at_everything |=
            findings.iter().any(|one| matches!(one, Finding::Mismatch { .. }));
        findings
    }

    /// Whether another balance has not told the same already.
    fn is_news(&mut self, finding: &Finding, key: String) -> bool {
        let (Finding::Mismatch { currency, amount, .. }
        | Finding::Explained { currency, amount, .. }) = *finding;
        let same = |told: &Told| (told.currency, told.amount) == (currency, amount);
        if matches!(finding, Finding::Explained { .. }) {
            let place = self.told.iter().position(same);
            return place.is_some_and(|place| !self.told.remove(place).by.is_empty());
        }
        if let Some(told) = self.told.iter_mut().find(|told| same(told) && !told.by.contains(&key))
        {
            told.by.push(key);
            return false;
        }
        self.told.truncate(TOLD_MAX.saturating_sub(1));
        self.told.push(Told { currency, amount, by: vec![key] });
        true
    }
}

fn finding(stated: &Stated, found: Found) -> Option<Finding> {
    let (kind, currency) = (stated.kind, stated.currency);
    match found {
        Found::Nothing => None,
        Found::Mismatch { amount, from, to } => {
            Some(Finding::Mismatch { kind, currency, amount, from, to })
        }
        Found::Explained(amount) => Some(Finding::Explained { kind, currency, amount }),
    }
}

impl Finding {
    /// The event. Amount and interval stand in the details only.
    pub fn notice(&self, account_id: AccountId, run_id: RunId) -> Notice {
        let (code, message, kind, currency, amount) = match self {
            Self::Mismatch { kind, currency, amount, .. } => (
                EventCode::BalanceMismatch,
                "the balance and the listed transactions do not agree",
                kind,
                currency,
                amount,
            ),
            Self::Explained { kind, currency, amount } => (
                EventCode::BalanceExplained,
                "the balance and the listed transactions agree again",
                kind,
                currency,
                amount,
            ),
        };
        let balance_type = match kind {
            Kind::Closing => "closingBooked",
            Kind::Interim => "interimBooked",
        };
        let mut notice = Notice::new(code, message)
            .account(account_id)
            .run(run_id)
            .detail("balance_type", balance_type)
            .detail("amount", amount.to_string())
            .detail("currency", currency.to_string());
        if let Self::Mismatch { from, to, .. } = self {
            if let Some(from) = from {
                notice = notice.detail("from", from.to_string());
            }
            notice = notice.detail("to", to.to_string());
        }
        notice
    }
}
