//! Exact sums of an account's listed rows, and what an answer did to them.
//!
//! Columns hold no amounts, and reading thousands of raw rows for every answer would cost more than all the rest of it. So
//! the sums run along: an answer adds what came and takes off what went. They can be counted again from the rows at any
//! time, and must come out the same; `verify` does so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::money::{Amount, CurrencyCode};
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowKey};

/// Days whose sums are kept one by one, at most; older ones are only part of the total.
const DAYS_MAX: usize = 128;

/// An account with more currencies than this is not compared: nobody has one.
const CURRENCIES_MAX: usize = 32;

/// What of a listed row is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whether the bank has booked it.
    pub status: BookingStatus,
    /// Its effective date.
    pub date: Option<BankDate>,
    /// Signed, as the bank wrote it.
    pub amount: Option<Amount>,
    /// Of the amount.
    pub currency: Option<CurrencyCode>,
}

impl Row {
    /// From what storing reads of a row.
    pub fn new(key: &RowKey, status: BookingStatus) -> Self {
        Self { status, date: key.effective_date, amount: key.amount, currency: key.currency }
    }
}

/// A sum, or the fact that it does not fit any more: then nothing is compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Total(Option<Amount>);

impl Default for Total {
    fn default() -> Self {
        Self(Some(Amount::ZERO))
    }
}

impl Total {
    fn plus(self, other: Self) -> Self {
        Self(
            self.0
                .zip(other.0)
                .and_then(|(one, other)| one.checked_add(other))
                .map(Amount::trimmed),
        )
    }

    fn add(&mut self, amount: Amount, sign: Sign) {
        let sum = self.0.and_then(|sum| match sign {
            Sign::Plus => sum.checked_add(amount),
            Sign::Minus => sum.checked_sub(amount),
        });
        *self = Self(sum.map(Amount::trimmed));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

/// The sums of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Sum {
    booked: Total,
    pending: Total,
    /// Booked rows below zero.
    negatives: i64,
    /// Booked rows by effective date, in days since 1970.
    days: BTreeMap<i64, Total>,
}

impl Sum {
    fn add(&mut self, row: &Row, amount: Amount, sign: Sign) {
        if row.status == BookingStatus::Pending {
            return self.pending.add(amount, sign);
        }
        self.booked.add(amount, sign);
        if amount.units() < 0 {
            let one = if sign == Sign::Plus { 1 } else { -1 };
            self.negatives = self.negatives.saturating_add(one);
        }
        if let Some(date) = row.date {
            self.days.entry(date.epoch_days()).or_default().add(amount, sign);
        }
    }
}

/// The sums of an account's listed rows, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    currencies: BTreeMap<CurrencyCode, Sum>,
    /// Sums of days before this one are not kept any more; none was forgotten without it.
    days_from: Option<i64>,
    /// There were too many currencies: nothing is summed any more.
    pub(super) given_up: bool,
}

impl Sums {
    /// Counts a listed row in.
    pub fn add(&mut self, row: &Row) {
        self.count(row, Sign::Plus);
    }

    fn count(&mut self, row: &Row, sign: Sign) {
        if let (Some(amount), Some(currency)) = (row.amount, row.currency) {
            self.currencies.entry(currency).or_default().add(row, amount, sign);
        }
    }

    /// Counts what an answer did in.
    pub(super) fn apply(&mut self, moves: &Moves) {
        for (currency, change) in &moves.change.currencies {
            let sum = self.currencies.entry(*currency).or_default();
            sum.booked = sum.booked.plus(change.booked);
            sum.pending = sum.pending.plus(change.pending);
            sum.negatives = sum.negatives.saturating_add(change.negatives);
            for (day, total) in &change.days {
                let known = sum.days.entry(*day).or_default();
                *known = known.plus(*total);
            }
        }
        self.forget();
    }

    /// Leaves out days without a sum, days before `from`, and the oldest ones where there are too many.
    pub(super) fn keep_days_from(&mut self, from: BankDate) {
        self.days_from = self.days_from.max(Some(from.epoch_days()));
        self.forget();
    }

    fn forget(&mut self) {
        for sum in self.currencies.values() {
            if let Some(over) = sum.days.len().checked_sub(DAYS_MAX) {
                self.days_from = self.days_from.max(sum.days.keys().nth(over).copied());
            }
        }
        let from = self.days_from.unwrap_or(i64::MIN);
        for sum in self.currencies.values_mut() {
            sum.days.retain(|day, total| *day >= from && *total != Total::default());
        }
        let nothing = Sum::default();
        self.currencies.retain(|_, sum| *sum != nothing);
        self.given_up |= self.currencies.len() > CURRENCIES_MAX;
        if self.given_up {
            self.currencies.clear();
        }
    }

    /// All booked rows of a currency.
    pub(super) fn booked(&self, currency: CurrencyCode) -> Option<Amount> {
        self.currencies.get(&currency).map_or(Some(Amount::ZERO), |sum| sum.booked.0)
    }

    /// All pending rows of a currency.
    pub(super) fn pending(&self, currency: CurrencyCode) -> Option<Amount> {
        self.currencies.get(&currency).map_or(Some(Amount::ZERO), |sum| sum.pending.0)
    }

    /// The booked rows of a currency up to and including a day; undated ones count as old. `None` where that is too long ago.
    pub(super) fn booked_through(&self, currency: CurrencyCode, last: BankDate) -> Option<Amount> {
        let after = last.epoch_days().checked_add(1)?;
        if self.days_from.is_some_and(|from| from > after) {
            return None;
        }
        let Some(sum) = self.currencies.get(&currency) else { return Some(Amount::ZERO) };
        let later = sum.days.range(after..).fold(Total::default(), |all, (_, day)| all.plus(*day));
        sum.booked.0?.checked_sub(later.0?).map(Amount::trimmed)
    }

    /// Whether any booked row of a currency is below zero.
    pub(super) fn has_negatives(&self, currency: CurrencyCode) -> bool {
        self.currencies.get(&currency).is_some_and(|sum| sum.negatives > 0)
    }

    /// Whether booked rows of a currency are dated on this day or later.
    pub(super) fn has_rows_from(&self, currency: CurrencyCode, day: BankDate) -> bool {
        let sum = self.currencies.get(&currency);
        sum.is_some_and(|sum| sum.days.range(day.epoch_days()..).next().is_some())
    }

    /// Whether these are the sums of the same rows as `counted`, which has forgotten nothing.
    pub fn agree_with(&self, counted: &Self) -> bool {
        let mut counted = counted.clone();
        counted.days_from = self.days_from.max(counted.days_from);
        counted.forget();
        self.given_up || counted.currencies == self.currencies
    }
}

/// What an answer did to the listed rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    change: Sums,
    pub(super) seen: Seen,
}

/// What happened to booked rows of one currency: it decides what a difference can mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Signs {
    /// New rows that equal no other.
    pub(super) fresh: bool,
    /// Rows left the list, are counted otherwise than before, or equal a listed one byte for byte.
    pub(super) suspicious: bool,
}

/// What happened to booked rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    pub(super) currencies: BTreeMap<CurrencyCode, Signs>,
    /// Among them, and among pending ones, were rows whose amount or currency cannot be read, or that left without a date.
    pub(super) unread: bool,
}

impl Seen {
    /// Takes in what happened later.
    pub(super) fn extend(&mut self, later: &Self) {
        self.unread |= later.unread;
        for (currency, signs) in &later.currencies {
            let known = self.currencies.entry(*currency).or_default();
            known.fresh |= signs.fresh;
            known.suspicious |= signs.suspicious;
        }
    }

    /// Of one currency.
    pub(super) fn of(&self, currency: CurrencyCode) -> Signs {
        self.currencies.get(&currency).copied().unwrap_or_default()
    }
}

impl Moves {
    /// A row is listed now. `twin`: one that equals it byte for byte was listed before.
    pub fn came(&mut self, row: &Row, twin: bool) {
        self.note(row, Sign::Plus, Signs { fresh: !twin, suspicious: twin });
    }

    /// A row is not listed any more.
    pub fn went(&mut self, row: &Row) {
        self.note(row, Sign::Minus, Signs { fresh: false, suspicious: true });
    }

    /// A listed row goes on as another.
    pub fn became(&mut self, before: &Row, now: &Row) {
        if before != now {
            self.went(before);
            self.came(now, false);
        }
    }

    fn note(&mut self, row: &Row, sign: Sign, signs: Signs) {
        self.change.count(row, sign);
        // Pending rows come and go by nature; of them only what cannot be summed is worth knowing.
        let signs = if row.status == BookingStatus::Pending { Signs::default() } else { signs };
        // A row without a date that leaves may be older than what the bank shows: nobody can tell.
        let aged = sign == Sign::Minus && row.date.is_none() && signs.suspicious;
        let unread = row.amount.is_none() || row.currency.is_none() || aged;
        let currencies = row.currency.map(|currency| (currency, signs)).into_iter().collect();
        self.seen.extend(&Seen { currencies, unread });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(amount: &str, day: i64) -> Row {
        Row {
            status: BookingStatus::Booked,
            date: BankDate::from_epoch_days(day),
            amount: Amount::parse(amount),
            currency: CurrencyCode::parse("EUR"),
        }
    }

    fn day(day: i64) -> BankDate {
        BankDate::from_epoch_days(day).unwrap()
    }

    #[test]
    fn sums_run_along_and_agree_with_a_new_count() {
        let eur = CurrencyCode::parse("eur").unwrap();
        let (mut sums, mut counted, mut moves) =
            (Sums::default(), Sums::default(), Moves::default());
        let rows = [row("-1.50", 10), row("2.5000", 11), row("-1.50", 12), row("7", 40)];
        for row in &rows {
            moves.came(row, false);
        }
        moves.came(&Row { status: BookingStatus::Pending, ..row("-3", 12) }, false);
        moves.came(&Row { amount: None, ..row("1", 12) }, false);
        let signs = Signs { fresh: true, suspicious: false };
        assert!(moves.seen.unread && moves.seen.of(eur) == signs, "{:?}", moves.seen);
        sums.apply(&moves);
        assert_eq!(sums.booked(eur), Amount::parse("6.5"));
        assert_eq!(sums.pending(eur), Amount::parse("-3"));
        assert_eq!(sums.booked_through(eur, day(11)), Amount::parse("1"));
        assert!(sums.has_negatives(eur) && sums.has_rows_from(eur, day(40)));
        let mut moves = Moves::default();
        moves.went(&rows[2]);
        moves.became(&rows[3], &row("8", 41));
        moves.went(&Row { status: BookingStatus::Pending, ..row("-3", 12) });
        sums.apply(&moves);
        for row in [&rows[0], &rows[1], &row("8.00", 41)] {
            counted.add(row);
        }
        assert!(sums.agree_with(&counted));
        sums.keep_days_from(day(30));
        assert!(sums.agree_with(&counted));
        assert_eq!(sums.booked_through(eur, day(28)), None, "forgotten");
        assert_eq!(sums.booked_through(eur, day(29)), Amount::parse("1"));
        counted.add(&rows[0]);
        assert!(!sums.agree_with(&counted));
        let text = serde_json::to_string(&sums).unwrap();
        assert_eq!(serde_json::from_str::<Sums>(&text).unwrap(), sums);
    }

    #[test]
    fn what_does_not_fit_is_not_compared() {
        let eur = CurrencyCode::parse("EUR").unwrap();
        let mut sums = Sums::default();
        sums.add(&row("99999999999999999999999999999999999999", 1));
        sums.add(&row("0.01", 1));
        assert_eq!(sums.booked(eur), None);
        sums.add(&row("-0.01", 1));
        assert_eq!(sums.booked(eur), None, "it stays unknown");
    }

    #[test]
    fn hostile_dates_do_not_make_it_grow() {
        let mut moves = Moves::default();
        (0..10_000).for_each(|n| moves.came(&row("1", n * 7), false));
        let mut sums = Sums::default();
        sums.apply(&moves);
        assert!(serde_json::to_string(&sums).unwrap().len() < 8_000);
        assert_eq!(sums.booked_through(CurrencyCode::parse("EUR").unwrap(), day(9)), None);
    }
}
