//! Phase two: the few rows without an identical twin, matched on evidence, strongest first.
//!
//! Rows that are equal in every compared field are interchangeable: they form a class, and of two classes the k-th row goes on
//! as the k-th. Where rows of one key differ, a tier decides only if a class has no other choice, on both sides. Amount and
//! currency agree, except for an edit under an id that the account has proven stable; effective dates are at most
//! ten days apart. Rows that the answer does not surely cover go on only as a row with the same dates. A pending row that was
//! booked is found by the same evidence, without its dates: banks give a pending row none, or other ones.

use std::collections::BTreeMap;

use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState, Transaction};

use super::evidence::Evidence;
use super::memory::{IdKind, Memory};

/// Further apart, two rows are two payments, whatever their ids say.
pub const DATES_APART_DAYS_MAX: i64 = 10;

/// More classes than this under one key are no evidence.
const CLASSES_MAX: usize = 64;

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
    /// An id alone, one that this account has proven stable: the amount was edited.
    StableId,
    /// Amount and currency, near dates, similar text.
    Similar,
}

impl Tier {
    /// All of them, strongest first.
    pub const ALL: [Self; 6] = [
        Self::Identical,
        Self::InternalId,
        Self::BankId,
        Self::Fingerprint,
        Self::StableId,
        Self::Similar,
    ];

    /// As interfaces and documents write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::InternalId => "internal_id",
            Self::BankId => "bank_id",
            Self::Fingerprint => "fingerprint",
            Self::StableId => "stable_id",
            Self::Similar => "similar",
        }
    }
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

/// What a step compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// An id of a kind, and the amount.
    IdAndMoney(IdKind),
    /// All dates, the amount, the text and the parties.
    Fingerprint,
    /// The same without the dates.
    UndatedFingerprint,
    /// An id of a kind, if the account has proven it.
    ProvenId(IdKind),
    /// The amount, and then how the texts resemble each other.
    Similar,
}

/// One step: which rows, on what evidence.
struct Step {
    tier: Tier,
    compared: Compared,
    stored: (BookingStatus, &'static [RowState]),
    fetched: BookingStatus,
}

const ALIVE: &[RowState] = &[RowState::Current];
const MISSING: &[RowState] = &[RowState::Missing];
const GONE: &[RowState] = &[RowState::Missing, RowState::Vanished];
const CLOSED: &[RowState] = &[RowState::Closed];

/// In this order; a row that is matched takes no part in later steps. Rows that are listed come before rows that are gone.
const STEPS: [Step; 24] = {
    use BookingStatus::{Booked as B, Pending as P};
    use Compared::{Fingerprint, IdAndMoney, ProvenId, Similar, UndatedFingerprint};
    use IdKind::{Bank, Internal};
    const fn step(
        tier: Tier,
        compared: Compared,
        stored: (BookingStatus, &'static [RowState]),
        fetched: BookingStatus,
    ) -> Step {
        Step { tier, compared, stored, fetched }
    }
    [
        step(Tier::InternalId, IdAndMoney(Internal), (B, ALIVE), B),
        step(Tier::InternalId, IdAndMoney(Internal), (B, GONE), B),
        step(Tier::InternalId, IdAndMoney(Internal), (P, ALIVE), B),
        step(Tier::InternalId, IdAndMoney(Internal), (P, ALIVE), P),
        step(Tier::BankId, IdAndMoney(Bank), (B, ALIVE), B),
        step(Tier::BankId, IdAndMoney(Bank), (B, GONE), B),
        step(Tier::BankId, IdAndMoney(Bank), (P, ALIVE), B),
        step(Tier::BankId, IdAndMoney(Bank), (P, ALIVE), P),
        step(Tier::Fingerprint, Fingerprint, (B, ALIVE), B),
        step(Tier::Fingerprint, Fingerprint, (B, GONE), B),
        step(Tier::Fingerprint, UndatedFingerprint, (P, ALIVE), B),
        step(Tier::Fingerprint, Fingerprint, (P, ALIVE), P),
        // A pending row that is no more: the row that was booked in its place may be there already, under an id that changes.
        step(Tier::InternalId, IdAndMoney(Internal), (P, CLOSED), B),
        step(Tier::BankId, IdAndMoney(Bank), (P, CLOSED), B),
        step(Tier::StableId, ProvenId(Internal), (B, ALIVE), B),
        step(Tier::StableId, ProvenId(Internal), (B, MISSING), B),
        step(Tier::StableId, ProvenId(Bank), (B, ALIVE), B),
        step(Tier::StableId, ProvenId(Bank), (B, MISSING), B),
        step(Tier::StableId, ProvenId(Bank), (P, ALIVE), B),
        step(Tier::StableId, ProvenId(Bank), (P, ALIVE), P),
        step(Tier::Similar, Similar, (B, ALIVE), B),
        step(Tier::Similar, Similar, (B, MISSING), B),
        step(Tier::Similar, Similar, (P, ALIVE), B),
        step(Tier::Similar, Similar, (P, ALIVE), P),
    ]
};

/// A candidate with what it says.
struct Speaker<'a> {
    candidate: &'a Candidate,
    evidence: Evidence,
}

/// Decides which stored row goes on as which row of the answer, in an account with this memory.
pub fn match_leftovers(stored: &[Candidate], fetched: &[Candidate], memory: &Memory) -> Vec<Match> {
    let hear = |candidate| Speaker { candidate, evidence: evidence(candidate, memory) };
    let mut stored: Vec<Speaker<'_>> = stored.iter().map(hear).collect();
    let mut fetched: Vec<Speaker<'_>> = fetched.iter().map(hear).collect();
    let mut matches: Vec<Match> = Vec::new();
    for step in &STEPS {
        if stored.is_empty() || fetched.is_empty() {
            break;
        }
        let found = run(step, &stored, &fetched, memory);
        stored.retain(|row| !found.iter().any(|pair| pair.stored == row.candidate.place));
        fetched.retain(|row| !found.iter().any(|pair| pair.fetched == row.candidate.place));
        matches.extend(found);
    }
    matches
}

fn evidence(candidate: &Candidate, memory: &Memory) -> Evidence {
    Evidence::of(&candidate.row, memory)
}

/// Under which key a step compares a row; `None`: this row says nothing there.
fn key(step: &Step, evidence: &Evidence, memory: &Memory) -> Option<Vec<String>> {
    let owned = |key: Vec<&str>| key.into_iter().map(str::to_owned).collect();
    let money = evidence.money.as_deref();
    match step.compared {
        Compared::IdAndMoney(kind) => Some(owned(vec![evidence.id(kind)?, money?])),
        Compared::Fingerprint => {
            (money.is_some() && evidence.speaks()).then(|| owned(evidence.fingerprint()))
        }
        Compared::UndatedFingerprint => {
            (money.is_some() && evidence.speaks()).then(|| owned(evidence.undated_fingerprint()))
        }
        Compared::ProvenId(kind) => {
            let id = evidence.id(kind).filter(|_| is_proven(step, kind, memory))?;
            Some(owned(vec![id]))
        }
        Compared::Similar => Some(owned(vec![money?])),
    }
}

/// Whether this account's ids of a kind have shown that they stay with the payment, for such a step.
fn is_proven(step: &Step, kind: IdKind, memory: &Memory) -> bool {
    if step.stored.0 == step.fetched {
        memory.about(kind).is_proven()
    } else {
        memory.about(kind).is_proven_on_booking()
    }
}

/// Rows of one side that are interchangeable, listed and older ones first.
type Class<'a> = Vec<&'a Speaker<'a>>;

/// The rows of both sides that have one key.
#[derive(Default)]
struct Group<'a> {
    stored: BTreeMap<Vec<&'a str>, Class<'a>>,
    fetched: BTreeMap<Vec<&'a str>, Class<'a>>,
}

fn run<'a>(
    step: &Step,
    stored: &'a [Speaker<'a>],
    fetched: &'a [Speaker<'a>],
    memory: &Memory,
) -> Vec<Match> {
    let mut groups: BTreeMap<Vec<String>, Group<'a>> = BTreeMap::new();
    for row in stored.iter().filter(|row| {
        row.candidate.status == step.stored.0 && step.stored.1.contains(&row.candidate.state)
    }) {
        if let Some(key) = key(step, &row.evidence, memory) {
            let classes = &mut groups.entry(key).or_default().stored;
            classes.entry(row.evidence.fingerprint()).or_default().push(row);
        }
    }
    for row in fetched.iter().filter(|row| row.candidate.status == step.fetched) {
        let group = key(step, &row.evidence, memory).and_then(|key| groups.get_mut(&key));
        if let Some(group) = group {
            group.fetched.entry(row.evidence.fingerprint()).or_default().push(row);
        }
    }
    groups.into_values().flat_map(|group| unambiguous(step, &group, memory)).collect()
}

/// Pairs of the classes that have no other choice, on either side.
fn unambiguous(step: &Step, group: &Group<'_>, memory: &Memory) -> Vec<Match> {
    if group.stored.len() > CLASSES_MAX || group.fetched.len() > CLASSES_MAX {
        return Vec::new();
    }
    let fits = |stored: &Class<'_>, fetched: &Class<'_>| {
        let first = fetched.first();
        first.is_some_and(|now| stored.iter().all(|before| may_continue(step, before, now, memory)))
    };
    let mut matches = Vec::new();
    for stored in group.stored.values() {
        let mut choices = group.fetched.values().filter(|fetched| fits(stored, fetched));
        let (Some(fetched), None) = (choices.next(), choices.next()) else { continue };
        if group.stored.values().filter(|other| fits(other, fetched)).count() == 1 {
            matches.extend(count_off(stored, fetched, step.tier));
        }
    }
    matches
}

/// The k-th with the k-th: listed ones first, then the oldest.
fn count_off(stored: &Class<'_>, fetched: &Class<'_>, tier: Tier) -> Vec<Match> {
    let pairs = in_order(stored).into_iter().zip(in_order(fetched));
    pairs
        .map(|(stored, fetched)| Match { stored: stored.place, fetched: fetched.place, tier })
        .collect()
}

fn in_order<'a>(class: &Class<'a>) -> Vec<&'a Candidate> {
    let mut rows: Vec<&Candidate> = class.iter().map(|row| row.candidate).collect();
    rows.sort_unstable_by_key(|row| (row.state, row.order));
    rows
}

/// Whether dates and coverage, and where it matters texts and ids, allow one to go on as the other.
fn may_continue(step: &Step, stored: &Speaker<'_>, fetched: &Speaker<'_>, memory: &Memory) -> bool {
    let (before, now) = (stored.candidate, fetched.candidate);
    let booking = before.status != now.status;
    let near = match (before.effective_date, now.effective_date) {
        (Some(before), Some(now)) => {
            before.epoch_days().abs_diff(now.epoch_days()) <= DATES_APART_DAYS_MAX.unsigned_abs()
        }
        (None, None) => true,
        (None, Some(_)) | (Some(_), None) => booking,
    };
    let (before, now) = (&stored.evidence, &fetched.evidence);
    if !near || (stored.candidate.fixed && before.dates != now.dates) {
        return false;
    }
    step.compared != Compared::Similar
        || (before.resembles(now)
            && !IdKind::ALL.iter().any(|kind| {
                let ids = before.id(*kind).zip(now.id(*kind));
                is_proven(step, *kind, memory) && ids.is_some_and(|(before, now)| before != now)
            }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Amount;
    use crate::planner::reconcile::memory::{BOOKING_PROVEN_AFTER, PROVEN_AFTER};

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
            currency: Some("EUR".into()),
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

    fn matched(stored: &[Candidate], fetched: &[Candidate]) -> Vec<Match> {
        match_leftovers(stored, fetched, &Memory::default())
    }

    fn id(text: &str) -> impl FnOnce(&mut Transaction) {
        move |row| {
            row.transaction_id = Some(text.to_owned().into());
            row.remittance_information = Some(format!("text of {text}").into());
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
            matched(&stored, &edited(11, "-4.2")),
            [Match { stored: 0, fetched: 5, tier: Tier::BankId }]
        );
        assert_eq!(matched(&stored, &edited(12, "-4.2")), []);
        assert_eq!(matched(&stored, &edited(1, "4.2")), []);
    }

    #[test]
    fn a_colliding_id_decides_nothing() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, id("9998")), candidate(1, Booked, 2, id("9998"))];
        let fetched = [candidate(0, Booked, 3, |row| row.transaction_id = Some("9998".into()))];
        assert_eq!(matched(&stored, &fetched), []);
        let mut memory = Memory::default();
        memory.collides(IdKind::Bank, "9998");
        let one = [candidate(0, Booked, 1, id("9998"))];
        assert_eq!(match_leftovers(&one, &fetched, &memory), [], "known to collide");
        assert_eq!(matched(&one, &fetched).len(), 1);
    }

    #[test]
    fn an_edited_amount_is_followed_only_by_a_proven_id() {
        use BookingStatus::{Booked, Pending};
        let now = [candidate(0, Booked, 2, |row| {
            row.transaction_id = Some("id-1".into());
            row.amount = Amount::parse("-5.00");
        })];
        let mut memory = Memory::default();
        memory.bank_id.kept = PROVEN_AFTER;
        let booked = [candidate(0, Booked, 1, id("id-1"))];
        assert_eq!(matched(&booked, &now), []);
        assert_eq!(
            match_leftovers(&booked, &now, &memory),
            [Match { stored: 0, fetched: 0, tier: Tier::StableId }]
        );
        let pending = [candidate(0, Pending, 1, id("id-1"))];
        assert_eq!(match_leftovers(&pending, &now, &memory), []);
        memory.bank_id.kept_on_booking = BOOKING_PROVEN_AFTER;
        assert_eq!(match_leftovers(&pending, &now, &memory).len(), 1);
    }

    #[test]
    fn a_booked_row_whose_ids_all_change_goes_on_before_the_pending_row_that_it_was() {
        use BookingStatus::{Booked, Pending};
        let with = |ids: [&'static str; 2]| {
            move |row: &mut Transaction| {
                let [internal, bank] = ids.map(|id| Some(id.into()));
                (row.internal_transaction_id, row.transaction_id) = (internal, bank);
            }
        };
        let stored = [
            Candidate { state: RowState::Closed, ..candidate(0, Pending, 1, with(["", "real"])) },
            candidate(1, Booked, 2, with(["before", "temporary"])),
        ];
        let now = [candidate(0, Booked, 2, with(["after", "real"]))];
        let found = |stored| matched(stored, &now).first().map(|found| found.tier);
        assert_eq!(matched(&stored, &now)[0].stored, 1, "it is the one that is listed");
        assert_eq!(found(&stored[1..]), Some(Tier::Fingerprint));
        assert_eq!(found(&stored[..1]), Some(Tier::BankId), "nobody else is there");
    }

    #[test]
    fn edited_twins_are_interchangeable_and_go_on_in_order() {
        use BookingStatus::Booked;
        let twin =
            |place| candidate(place, Booked, 1, |row| row.transaction_id = Some("id-1".into()));
        let edited = |place| candidate(place, Booked, 2, id("id-1"));
        let found = matched(&[twin(0), twin(1)], &[edited(0), edited(1)]);
        let pairs: Vec<_> = found.iter().map(|pair| (pair.stored, pair.fetched)).collect();
        assert_eq!(pairs, [(0, 0), (1, 1)]);
    }

    #[test]
    fn a_similar_row_goes_on_unless_there_is_a_choice_or_proven_ids_differ() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, |row| row.transaction_id = Some("id-1".into()))];
        let now = |place, day| {
            candidate(place, Booked, day, |row| {
                row.transaction_id = Some("id-2".into());
                row.remittance_information = Some("coffee 4711".into());
            })
        };
        assert_eq!(
            matched(&stored, &[now(0, 4)]),
            [Match { stored: 0, fetched: 0, tier: Tier::Similar }]
        );
        assert_eq!(matched(&stored, &[now(0, 4), now(1, 5)]), []);
        let mut memory = Memory::default();
        memory.bank_id.kept = PROVEN_AFTER;
        assert_eq!(match_leftovers(&stored, &[now(0, 4)], &memory), []);
    }

    #[test]
    fn equal_fingerprints_count_off_in_order_of_age() {
        use BookingStatus::Booked;
        let stored = [candidate(0, Booked, 1, |_| ()), candidate(1, Booked, 1, |_| ())];
        let fetched: Vec<_> = (0..3).map(|place| candidate(place, Booked, 1, |_| ())).collect();
        let found = matched(&stored, &fetched);
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
        assert_eq!(matched(&stored, &one).len(), 1);
        let two = [candidate(0, Booked, 3, |_| ()), candidate(1, Booked, 4, |_| ())];
        assert_eq!(matched(&stored, &two), []);
    }

    #[test]
    fn a_row_outside_the_covered_set_keeps_its_dates() {
        use BookingStatus::Booked;
        let fixed = |day| [Candidate { fixed: true, ..candidate(0, Booked, day, id("id-1")) }];
        let now = [candidate(0, Booked, 2, |row| row.transaction_id = Some("id-1".into()))];
        assert_eq!(matched(&fixed(1), &now), []);
        assert_eq!(matched(&fixed(2), &now).len(), 1);
    }
}
