//! What truly happens on an account: the movements that the bank knows, made day by day from the
//! seed.
//!
//! A movement is a pure function of seed, account and day, so what is shown never depends on who
//! asked when. Whether it is pending, booked or gone is decided by the instant alone. How a bank
//! writes it down is `rows`' matter.

use serde::Serialize;

use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcInstant};

use super::super::rng::{Rng, mix};
use super::super::text::{civil, instant, weekday};
use super::institutions::Kind;

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Salary,
    Rent,
    DirectDebit,
    CardPayment,
    Refund,
    Transfer,
    Fee,
    Interest,
    Cashback,
}

/// A foreign amount behind a card payment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) currency: &'static str,
    pub(super) minor: i64,
    /// Units of the account's currency for one foreign unit, times 10,000.
    pub(super) rate_e4: i64,
}

/// One movement of money.
#[derive(Clone, Debug)]
pub(super) struct Movement {
    /// Unique on the account: day × 64 + place.
    pub(super) key: u64,
    pub(super) cause: Cause,
    /// Minor units, negative for money out.
    pub(super) minor: i64,
    /// What the pending row says; differs for pre-authorisations.
    pub(super) pending_minor: i64,
    /// Which merchant or payer: a place in a list.
    pub(super) party: u64,
    /// When the pending row appears and when it goes.
    pub(super) pending: Option<(UtcInstant, UtcInstant)>,
    /// When the booked row appears; `None`: never.
    pub(super) booked_at: Option<UtcInstant>,
    /// When the bank takes the booking back, as if it had never been; `None`: never.
    pub(super) retracted_at: Option<UtcInstant>,
    /// Days since 1970-01-01.
    pub(super) booking_day: i64,
    /// Days since 1970-01-01.
    pub(super) value_day: i64,
    pub(super) exchange: Option<Exchange>,
}

/// Whether a row is a reservation or final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Among `booked`.
    Booked,
    /// Among `pending`.
    Pending,
}

impl Movement {
    /// As what the bank shows it at an instant, if at all.
    pub(super) fn phase(&self, at: UtcInstant) -> Option<Phase> {
        if self.retracted_at.is_some_and(|retracted| retracted <= at) {
            return None;
        }
        if self.booked_at.is_some_and(|booked| booked <= at) {
            return Some(Phase::Booked);
        }
        let (from, until) = self.pending?;
        (from <= at && at < until).then_some(Phase::Pending)
    }
}

/// How money moves on an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) kind: Kind,
    /// Card payments in percent of the usual.
    pub(super) activity_percent: u32,
    /// A booking in forty is taken back days later.
    pub(super) retracts: bool,
    /// Every third card payment is booked with a tip that its reservation lacks.
    pub(super) tips: bool,
}

/// What every account holds on the day it begins, in minor units.
const OPENING_MINOR: i64 = 191_312;

/// The movements of one account, made as far as anyone has looked.
#[derive(Debug)]
pub(super) struct Ledger {
    seed: u64,
    life: Life,
    next_day: i64,
    movements: Vec<Movement>,
}

impl Ledger {
    /// An account that was opened on a day.
    pub(super) fn new(seed: u64, life: Life, opened_day: i64) -> Self {
        Self { seed, life, next_day: opened_day, movements: Vec::new() }
    }

    /// Everything begun up to and including the UTC day of an instant, in the order of beginning.
    pub(super) fn until(&mut self, at: UtcInstant) -> &[Movement] {
        let last = at.ms().div_euclid(DAY_MS);
        while self.next_day <= last {
            let day = self.next_day;
            self.next_day += 1;
            let mut draft = Draft::new(self.seed, self.life, day);
            draft.fill();
            self.movements.append(&mut draft.movements);
        }
        &self.movements
    }

    /// What has been made so far.
    pub(super) fn made(&self) -> &[Movement] {
        &self.movements
    }

    /// The place of the first movement that may be booked on a day or later.
    pub(super) fn first_from(&self, day: i64) -> usize {
        let begun = u64::try_from((day - BOOKED_WITHIN_DAYS).max(0)).unwrap_or(0) * KEYS_PER_DAY;
        self.movements.partition_point(|movement| movement.key < begun)
    }

    /// The booked balance at an instant, in minor units; with a day, only what is booked up to it.
    pub(super) fn booked_minor(&mut self, at: UtcInstant, until_day: Option<i64>) -> i64 {
        let counts = |movement: &&Movement| {
            movement.phase(at) == Some(Phase::Booked)
                && until_day.is_none_or(|day| movement.booking_day <= day)
        };
        let sum: i64 = self.until(at).iter().filter(counts).map(|movement| movement.minor).sum();
        sum.saturating_add(OPENING_MINOR)
    }

    /// What is reserved at an instant, in minor units.
    pub(super) fn pending_minor(&mut self, at: UtcInstant) -> i64 {
        let pending = |movement: &&Movement| movement.phase(at) == Some(Phase::Pending);
        self.until(at).iter().filter(pending).map(|movement| movement.pending_minor).sum()
    }
}

/// One day in the making.
struct Draft {
    rng: Rng,
    seed: u64,
    life: Life,
    day: i64,
    movements: Vec<Movement>,
}

/// Places per day in a key.
const KEYS_PER_DAY: u64 = 64;
/// A movement is booked at most this long after the day on which it begins (refunds take longest).
const BOOKED_WITHIN_DAYS: i64 = 24;

impl Draft {
    fn new(seed: u64, life: Life, day: i64) -> Self {
        let rng = Rng::keyed(seed, &[1, day.unsigned_abs()]);
        Self { rng, seed, life, day, movements: Vec::new() }
    }

    fn fill(&mut self) {
        let (_, month, dom) = civil(self.day);
        match self.life.kind {
            Kind::Current => {
                self.regular(dom);
                self.cards();
            }
            Kind::Card => {
                if dom == 28 {
                    let settled = self.rng.between(30_000, 120_000);
                    self.plain(Cause::Transfer, settled, 0);
                }
                self.cards();
                if dom == 15 {
                    let cents = self.rng.between(1, 400);
                    self.plain(Cause::Cashback, cents, 0);
                }
            }
            Kind::Savings => {
                if dom == 27 {
                    let saved = self.rng.between(50, 500) * 100;
                    self.plain(Cause::Transfer, saved, 0);
                }
                if dom == 30 && month.is_multiple_of(3) {
                    let interest = self.rng.between(20, 900);
                    self.plain(Cause::Interest, interest, 0);
                }
            }
        }
    }

    /// What comes every month on its day, or on the next working day.
    fn regular(&mut self, dom: u32) {
        match dom {
            25 => {
                let raise = i64::try_from(Rng::keyed(self.seed, &[2]).below(120_000)).unwrap_or(0);
                self.plain(Cause::Salary, 210_000 + raise, 0);
            }
            1 => {
                let rent = i64::try_from(Rng::keyed(self.seed, &[3]).below(50_000)).unwrap_or(0);
                self.plain(Cause::Rent, -(70_000 + rent), 0);
            }
            5 | 12 => {
                let due = -self.rng.between(1_500, 9_900);
                self.plain(Cause::DirectDebit, due, 0);
            }
            // The bank notices its fee days later and dates it back.
            3 => {
                let late_days = self.rng.between(3, 6);
                self.plain(Cause::Fee, -490, late_days);
            }
            27 => {
                let saved = -self.rng.between(50, 500) * 100;
                self.plain(Cause::Transfer, saved, 0);
            }
            _ => {}
        }
    }

    fn cards(&mut self) {
        if self.is_away() {
            return;
        }
        let mut payments = self.rng.below(4);
        let scaled = payments.saturating_mul(u64::from(self.life.activity_percent));
        payments = scaled.div_euclid(100) + u64::from(self.rng.below(100) < scaled.rem_euclid(100));
        for _ in 0..payments.min(KEYS_PER_DAY.div_euclid(4)) {
            self.card();
        }
    }

    /// Two weeks a year without a card payment.
    fn is_away(&self) -> bool {
        let year = self.day.div_euclid(365).unsigned_abs();
        let start = Rng::keyed(self.seed, &[4, year]).between(0, 350);
        (start..start + 14).contains(&self.day.rem_euclid(365))
    }

    fn card(&mut self) {
        let minor = -self.rng.between(150, 9_500);
        let bought = instant(self.day, self.rng.between(6 * 60, 23 * 60) * MINUTE_MS);
        let delay = self.rng.between(1, 3);
        let booking_day = working_day(self.day + delay);
        let mut booked_at = instant(booking_day, self.rng.between(3 * 60, 9 * 60) * MINUTE_MS);
        let mut pending = Some((bought, booked_at));
        let mut pending_minor = minor;
        match self.rng.below(40) {
            // A pre-authorisation for more than is booked in the end.
            0 => pending_minor = minor.min(-10_000),
            // The reservation is gone half a day before the booking comes.
            1 => pending = Some((bought, booked_at.plus_ms(-DAY_MS).max(bought.plus_ms(HOUR_MS)))),
            // A booking that shows up days later under its old date.
            2 => booked_at = booked_at.plus_days(self.rng.between(2, 5)),
            // Booked without ever having been pending.
            3 => pending = None,
            _ => {}
        }
        let booked_at = (!self.rng.chance(15)).then_some(booked_at);
        let exchange = self.rng.chance(60).then(|| self.exchange(minor));
        let party = self.rng.bits();
        let movement = Movement {
            key: 0,
            cause: Cause::CardPayment,
            minor,
            pending_minor,
            party,
            pending,
            booked_at,
            retracted_at: None,
            booking_day,
            value_day: self.day,
            exchange,
        };
        if self.rng.chance(15) {
            self.push(movement.clone());
        }
        if self.rng.chance(20) {
            self.refund(&movement);
        }
        self.push(movement);
    }

    fn refund(&mut self, of: &Movement) {
        let day = working_day(self.day + self.rng.between(4, 12));
        self.push(Movement {
            cause: Cause::Refund,
            minor: -of.minor,
            pending_minor: -of.minor,
            pending: None,
            booked_at: Some(instant(day, 4 * HOUR_MS)),
            booking_day: day,
            value_day: day,
            exchange: None,
            ..of.clone()
        });
    }

    fn exchange(&mut self, minor: i64) -> Exchange {
        let rate_e4 = self.rng.between(7_000, 13_000);
        let currency = self.rng.pick(&["USD", "CHF", "SEK", "NOK"]).copied().unwrap_or("USD");
        Exchange { currency, minor: (minor * 10_000).div_euclid(rate_e4), rate_e4 }
    }

    fn plain(&mut self, cause: Cause, minor: i64, late_days: i64) {
        let booking_day = working_day(self.day);
        let seen = instant(booking_day + late_days, self.rng.between(2 * 60, 8 * 60) * MINUTE_MS);
        self.push(Movement {
            key: 0,
            cause,
            minor,
            pending_minor: minor,
            party: self.seed,
            pending: None,
            booked_at: Some(seen),
            retracted_at: None,
            booking_day,
            value_day: booking_day,
            exchange: None,
        });
    }

    fn push(&mut self, mut movement: Movement) {
        let place = u64::try_from(self.movements.len()).unwrap_or(0);
        movement.key = self.day.unsigned_abs() * KEYS_PER_DAY + place;
        // Numbers of their own, so that a habit more leaves the rest of the life as it was.
        let fate = mix(self.seed ^ mix(movement.key));
        let card = movement.cause == Cause::CardPayment;
        if self.life.tips && card && movement.pending.is_some() && fate.is_multiple_of(3) {
            movement.minor -= i64::try_from(fate.rem_euclid(400)).unwrap_or(0) + 10;
        }
        if let Some(booked) = movement.booked_at
            && self.life.retracts
            && (fate >> 8).is_multiple_of(40)
        {
            let days = i64::try_from((fate >> 16).rem_euclid(6)).unwrap_or(0) + 3;
            movement.retracted_at = Some(booked.plus_days(days));
        }
        self.movements.push(movement);
    }
}

/// The day itself, or the next on which banks book: not on weekends, not on 1 January, 25 or 26
/// December.
fn working_day(day: i64) -> i64 {
    let closed = |day: i64| {
        let (_, month, dom) = civil(day);
        weekday(day) >= 5 || matches!((month, dom), (1, 1) | (12, 25 | 26))
    };
    // Never more than a week of closed days in a row.
    (day..day + 7).find(|day| !closed(*day)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_DAY: i64 = 19_723;

    fn ledger() -> Ledger {
        let life =
            Life { kind: Kind::Current, activity_percent: 100, retracts: false, tips: false };
        Ledger::new(42, life, START_DAY)
    }

    #[test]
    fn what_is_shown_does_not_depend_on_who_asked_before() {
        let (mut often, mut once) = (ledger(), ledger());
        let end = instant(START_DAY + 400, 0);
        for day in 0..400 {
            often.until(instant(START_DAY + day, 0));
        }
        assert_eq!(format!("{:?}", often.until(end)), format!("{:?}", once.until(end)));
    }

    #[test]
    fn a_year_has_all_that_happens_to_people() {
        let mut ledger = ledger();
        let all = ledger.until(instant(START_DAY + 365, 0));
        let count = |wanted: &dyn Fn(&&Movement) -> bool| all.iter().filter(wanted).count();
        assert!((300..900).contains(&all.len()), "{}", all.len());
        assert!(count(&|row| row.cause == Cause::Salary) >= 11);
        assert!(count(&|row| row.cause == Cause::Refund) > 0);
        assert!(count(&|row| row.exchange.is_some()) > 0);
        assert!(count(&|row| row.booked_at.is_none()) > 0, "a reservation that lapses");
        let twins = all
            .windows(2)
            .filter(|pair| pair[0].minor == pair[1].minor && pair[0].party == pair[1].party);
        assert!(twins.count() > 0);
        let late =
            |row: &&Movement| row.booked_at.is_some_and(|at| at >= instant(row.booking_day + 1, 0));
        assert!(all.iter().filter(late).count() > 12, "back-dated bookings");
        let mut keys: Vec<_> = all.iter().map(|row| row.key).collect();
        keys.dedup();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn nothing_is_booked_before_its_date_or_on_a_closed_day() {
        let mut ledger = ledger();
        for row in ledger.until(instant(START_DAY + 800, 0)) {
            assert!(row.booked_at.is_none_or(|at| at >= instant(row.booking_day, 0)));
            assert!(weekday(row.booking_day) < 5);
            let begun = i64::try_from(row.key.div_euclid(KEYS_PER_DAY)).unwrap();
            assert!(row.booking_day - begun <= BOOKED_WITHIN_DAYS);
            assert_eq!(row.phase(instant(START_DAY - 9, 0)), None);
        }
    }
}
