//! Phase two: the few rows without an identical twin, matched on evidence, strongest first.
//!
//! A tier decides only where it is unambiguous on both sides, amount and currency agree and the effective dates are at
//! most ten days apart. Rows that are equal in every compared field are interchangeable: the k-th goes on as the k-th.
//! Rows that the answer does not surely cover go on only as a row with the same dates. A pending row that was booked is
//! found by the same evidence, without its dates: banks give a pending row none, or other ones.

use std::collections::BTreeMap;

use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState, Transaction};

use super::ids::Colliding;
use super::normal;

/// Further apart, two rows are two payments, whatever their ids say.
pub const DATES_APART_DAYS_MAX: i64 = 10;

/// Larger groups of rows with one id are a constant of the bank, not evidence.
const GROUP_LEN_MAX: usize = 64;

/// Why a row goes on as another, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The same text, byte for byte.
    Identical,
    /// The provider's id and the amount.
    InternalId,
    /// The bank's id and the amount.
    BankId,
    /// Dates, amount, text and parties.
    Fingerprint,
}

/// A row to match: stored and without its twin in the answer, or the other way round.
#[derive(Debug)]
pub struct Candidate {
    /// Its place in the list it came from.
    pub place: usize,
    /// Age, for the order among equals: the store's number, or the place in the answer.
    pub order: i64,
    /// Whether the bank has booked it.
    pub status: BookingStatus,
    /// What it is to us; rows of an answer are current.
    pub state: RowState,
    /// Booking date, else value date, else the date part of the date-times.
    pub effective_date: Option<BankDate>,
    /// Only a row with the same dates may go on: the answer does not surely cover this one.
    pub fixed: bool,
    /// All of it.
    pub row: Transaction,
}

/// A stored row goes on as a fetched one (places in their lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which stored row.
    pub stored: usize,
    /// Which row of the answer.
    pub fetched: usize,
    /// Why.
    pub tier: Tier,
}

/// What a tier compares; `None`: this row says nothing there.
type Key = Vec<String>;

/// How a tier reads its key; ids that collide count as absent.
type KeyOf = fn(&Transaction, &Colliding) -> Option<Key>;

/// One step: which rows, on what evidence.
struct Step {
    tier: Tier,
    stored: (BookingStatus, &'static [RowState]),
    fetched: BookingStatus,
    key: KeyOf,
    /// Equal keys make rows interchangeable.
    counts: bool,
}

const ALIVE: &[RowState] = &[RowState::Current];
const CLOSED: &[RowState] = &[RowState::Closed];
const ANY: &[RowState] = &[RowState::Current, RowState::Missing, RowState::Vanished];

/// In this order; a row that is matched takes no part in later steps.
const STEPS: [Step; 11] = {
    use BookingStatus::{Booked, Pending};
    const fn step(
        tier: Tier,
        stored: (BookingStatus, &'static [RowState]),
        fetched: BookingStatus,
        key: KeyOf,
    ) -> Step {
        Step { tier, stored, fetched, key, counts: false }
    }
    [
        step(Tier::InternalId, (Booked, ANY), Booked, internal_id),
        step(Tier::BankId, (Booked, ANY), Booked, bank_id),
        Step { counts: true, ..step(Tier::Fingerprint, (Booked, ANY), Booked, fingerprint) },
        step(Tier::InternalId, (Pending, ALIVE), Booked, internal_id),
        step(Tier::BankId, (Pending, ALIVE), Booked, bank_id),
        step(Tier::Fingerprint, (Pending, ALIVE), Booked, undated_fingerprint),
        step(Tier::InternalId, (Pending, CLOSED), Booked, internal_id),
        step(Tier::BankId, (Pending, CLOSED), Booked, bank_id),
        step(Tier::InternalId, (Pending, ALIVE), Pending, internal_id),
        step(Tier::BankId, (Pending, ALIVE), Pending, bank_id),
        Step { counts: true, ..step(Tier::Fingerprint, (Pending, ALIVE), Pending, fingerprint) },
    ]
};

/// Decides which stored row goes on as which row of the answer.
pub fn match_leftovers(
    stored: &[Candidate],
    fetched: &[Candidate],
    colliding: &Colliding,
) -> Vec<Match> {
    let mut matches: Vec<Match> = Vec::new();
    let mut stored: Vec<&Candidate> = stored.iter().collect();
    let mut fetched: Vec<&Candidate> = fetched.iter().collect();
    for step in &STEPS {
        if stored.is_empty() || fetched.is_empty() {
            break;
        }
        let found = run(step, &stored, &fetched, colliding);
        stored.retain(|row| !found.iter().any(|pair| pair.stored == row.place));
        fetched.retain(|row| !found.iter().any(|pair| pair.fetched == row.place));
        matches.extend(found);
    }
    matches
}

/// The rows of both sides that say the same.
#[derive(Default)]
struct Group<'a> {
    stored: Vec<&'a Candidate>,
    fetched: Vec<&'a Candidate>,
}

fn run<'a>(
    step: &Step,
    stored: &[&'a Candidate],
    fetched: &[&'a Candidate],
    colliding: &Colliding,
) -> Vec<Match> {
    let mut groups: BTreeMap<Key, Group<'a>> = BTreeMap::new();
    for row in stored
        .iter()
        .filter(|row| row.status == step.stored.0 && step.stored.1.contains(&row.state))
    {
        if let Some(key) = (step.key)(&row.row, colliding) {
            groups.entry(key).or_default().stored.push(row);
        }
    }
    for row in fetched.iter().filter(|row| row.status == step.fetched) {
        if let Some(group) = (step.key)(&row.row, colliding).and_then(|key| groups.get_mut(&key)) {
            group.fetched.push(row);
        }
    }
    groups
        .into_values()
        .flat_map(|group| {
            if step.counts { count_off(group, step.tier) } else { unambiguous(&group, step.tier) }
        })
        .collect()
}

/// The k-th with the k-th: listed ones first, then the oldest.
fn count_off(mut group: Group<'_>, tier: Tier) -> Vec<Match> {
    group.stored.sort_unstable_by_key(|row| (row.state, row.order));
    group.fetched.sort_unstable_by_key(|row| row.order);
    let pairs = group.stored.iter().zip(&group.fetched);
    pairs
        .map(|(stored, fetched)| Match { stored: stored.place, fetched: fetched.place, tier })
        .collect()
}

/// Pairs of which each side has no other choice.
fn unambiguous(group: &Group<'_>, tier: Tier) -> Vec<Match> {
    if group.stored.len() > GROUP_LEN_MAX || group.fetched.len() > GROUP_LEN_MAX {
        return Vec::new();
    }
    let mut matches = Vec::new();
    for stored in &group.stored {
        let mut choices = group.fetched.iter().filter(|fetched| may_continue(stored, fetched));
        let (Some(fetched), None) = (choices.next(), choices.next()) else { continue };
        if group.stored.iter().filter(|other| may_continue(other, fetched)).count() == 1 {
            matches.push(Match { stored: stored.place, fetched: fetched.place, tier });
        }
    }
    matches
}

/// Whether dates and coverage allow one to go on as the other.
fn may_continue(stored: &Candidate, fetched: &Candidate) -> bool {
    let booking = stored.status != fetched.status;
    match (stored.effective_date, fetched.effective_date) {
        (Some(before), Some(now)) if stored.fixed => before == now,
        (Some(before), Some(now)) => dates_near(before, now),
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => booking,
    }
}

/// Whether two effective dates can be of one payment.
pub(super) fn dates_near(a: BankDate, b: BankDate) -> bool {
    a.epoch_days().abs_diff(b.epoch_days()) <= DATES_APART_DAYS_MAX.unsigned_abs()
}

fn internal_id(row: &Transaction, colliding: &Colliding) -> Option<Key> {
    let id = normal::id(row.internal_transaction_id.as_deref())?;
    (!colliding.has_internal(id)).then(|| with_amount(row, id))?
}

/// The bank's id, amount and currency; `None` if one says nothing.
pub(super) fn bank_id(row: &Transaction, colliding: &Colliding) -> Option<Key> {
    let id = normal::id(row.transaction_id.as_deref())?;
    (!colliding.has_bank(id)).then(|| with_amount(row, id))?
}

fn with_amount(row: &Transaction, id: &str) -> Option<Key> {
    let (units, scale) = normal::amount(row.amount)?;
    Some(vec![id.to_owned(), format!("{units}/{scale}"), normal::currency(row).unwrap_or_default()])
}

fn undated_fingerprint(row: &Transaction, _ids: &Colliding) -> Option<Key> {
    let mut key = with_amount(row, "")?;
    let text = normal::text(row.remittance_information.as_deref());
    let parties = normal::parties(row);
    (!text.is_empty() || parties.iter().any(|party| !party.is_empty())).then(|| {
        key.push(text);
        key.extend(parties);
        key
    })
}

fn fingerprint(row: &Transaction, ids: &Colliding) -> Option<Key> {
    let mut key = undated_fingerprint(row, ids)?;
    let date = |date: Option<BankDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    key.extend([date(row.booking_date), date(row.value_date)]);
    if row.booking_date.is_none() && row.value_date.is_none() {
        key.extend([text(&row.booking_date_time), text(&row.value_date_time)]);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::{Amount, Currency};

    fn candidate(
        place: usize,
        status: BookingStatus,
        day: u32,
        change: impl FnOnce(&mut Transaction),
    ) -> Candidate {
        let effective_date = BankDate::from_ymd(2026, 3, day);
        let mut row = Transaction {
            booking_date: effective_date,
            amount: Amount::parse("-4.20"),
            currency: Some(Currency("EUR".into())),
            remittance_information: Some("Coffee".into()),
            ..Transaction::default()
        };
        change(&mut row);
        let order = i64::try_from(place).unwrap();
        Candidate {
            place,
            order,
            status,
            state: RowState::Current,
            effective_date,
            fixed: false,
            row,
        }
    }

    fn id(text: &str) -> impl FnOnce(&mut Transaction) {
        move |row| {
            row.transaction_id = Some(text.into());
            row.remittance_information = Some(format!("text of {text}"));
        }
    }

    #[test]
    fn an_edited_row_goes_on_by_its_id_unless_the_amount_or_the_dates_disagree() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, id("id-1"))];
        let edited = |day, amount: &'static str| {
            [candidate(5, Booked, day, move |row| {
                row.transaction_id = Some("id-1".into());
                row.amount = Amount::parse(amount);
            })]
        };
        assert_eq!(
            match_leftovers(&stored, &edited(11, "-4.2"), &Colliding::default()),
            [Match { stored: 0, fetched: 5, tier: Tier::BankId }]
        );
        assert_eq!(match_leftovers(&stored, &edited(12, "-4.2"), &Colliding::default()), []);
        assert_eq!(match_leftovers(&stored, &edited(1, "4.2"), &Colliding::default()), []);
    }

    #[test]
    fn a_colliding_id_decides_nothing() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, id("9998")), candidate(1, Booked, 2, id("9998"))];
        let fetched = [candidate(0, Booked, 3, |row| row.transaction_id = Some("9998".into()))];
        assert_eq!(match_leftovers(&stored, &fetched, &Colliding::default()), []);
    }

    #[test]
    fn equal_fingerprints_count_off_in_order_of_age() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, |_| ()), candidate(1, Booked, 1, |_| ())];
        let fetched: Vec<_> = (0..3).map(|place| candidate(place, Booked, 1, |_| ())).collect();
        let found = match_leftovers(&stored, &fetched, &Colliding::default());
        assert_eq!(
            found.iter().map(|pair| (pair.stored, pair.fetched)).collect::<Vec<_>>(),
            [(0, 0), (1, 1)]
        );
    }

    #[test]
    fn a_pending_row_is_booked_under_its_id_only_when_there_is_one_choice() {
        use BookingStatus::{Booked, Pending};
        let stored = [candidate(0, Pending, 1, |_| ())];
        let one = [candidate(0, Booked, 3, |_| ())];
        assert_eq!(match_leftovers(&stored, &one, &Colliding::default()).len(), 1);
        let two = [candidate(0, Booked, 3, |_| ()), candidate(1, Booked, 4, |_| ())];
        assert_eq!(match_leftovers(&stored, &two, &Colliding::default()), []);
    }

    #[test]
    fn a_row_outside_the_covered_set_keeps_its_dates() {
        use BookingStatus::Booked;
        let fixed = |day| [Candidate { fixed: true, ..candidate(0, Booked, day, id("id-1")) }];
        let now = [candidate(0, Booked, 2, |row| row.transaction_id = Some("id-1".into()))];
        assert_eq!(match_leftovers(&fixed(1), &now, &Colliding::default()), []);
        assert_eq!(match_leftovers(&fixed(2), &now, &Colliding::default()).len(), 1);
    }
}
