//! Judges the table after every answer by the true ledger and by the rules alone.

use std::collections::{BTreeMap, BTreeSet};

use banksyncd::model::transaction::{BookingStatus, RowState};
use proptest::prelude::*;

use crate::bank::{Bank, Booking, Ids, PLACEHOLDER};
use crate::table::{Content, Shown, Table};

/// Dates further apart are two payments.
const DAYS_MAX: u64 = 10;

/// Every class of quirk that must have occurred. The last two are excluded by construction: counted, never asserted on.
pub(crate) const CLASSES: [&str; 35] = [
    "twin",
    "back-dated booking",
    "text edit",
    "id change",
    "date edit",
    "amount edit",
    "removal",
    "hidden once",
    "all internal ids change",
    "the same answer again",
    "empty answer",
    "pending",
    "pending dropped",
    "pending key missing",
    "pending without dates",
    "date-times only",
    "booked under its id",
    "booked under another id",
    "booked with another amount",
    "placeholder left",
    "leftover not listed",
    "filtered answer",
    "ids missing",
    "ids constant",
    "ids blank",
    "ids reused",
    "kept: identical",
    "kept: internal id",
    "kept: bank id",
    "kept: fingerprint",
    "kept: twins",
    "kept: booked",
    "followed: another amount under a proven id",
    "excluded: date edit across the edge of the window",
    "edit of id, text and date together",
];

/// How often each class occurred.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn add(&mut self, class: &'static str) {
        *self.0.entry(class).or_default() += 1;
    }

    pub(crate) fn of(&self, class: &str) -> u64 {
        self.0.get(class).copied().unwrap_or_default()
    }
}

/// What was last seen of a payment.
#[derive(Clone, Debug)]
struct Seen {
    content: Content,
    number: i64,
    status: BookingStatus,
    /// The payments that looked the same but for ids, itself included.
    alike: BTreeSet<usize>,
    /// In which answer.
    answer: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Judge {
    table: Table,
    seen: Sightings,
    answers: u32,
    /// Payments that once had their date edited across the edge of a window: they have two rows until the next unfiltered
    /// answer, and matching cannot know which one is meant.
    edged: BTreeSet<usize>,
}

type Sightings = BTreeMap<usize, Seen>;

fn counted<'a>(rows: impl Iterator<Item = &'a Content>) -> BTreeMap<&'a Content, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    counts
}

/// Dates, amount, text and party.
fn print(content: &Content) -> Content {
    Content { internal_id: None, bank_id: None, ..content.clone() }
}

fn near(one: Option<i64>, other: Option<i64>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.abs_diff(other) <= DAYS_MAX)
}

/// The strongest evidence that links two writings of a payment.
fn evidence(ids: Ids, before: &Content, now: &Content) -> Option<&'static str> {
    let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    let amount = before.cents == now.cents && near(before.effective(), now.effective());
    if before == now {
        Some("kept: identical")
    } else if amount && same(&before.internal_id, &now.internal_id) {
        Some("kept: internal id")
    } else if amount && ids == Ids::Unique && same(&before.bank_id, &now.bank_id) {
        Some("kept: bank id")
    } else {
        (print(before) == print(now)).then_some("kept: fingerprint")
    }
}

/// Counts what happened.
fn count(bank: &Bank, shown: &Shown, counts: &mut Counts) {
    bank.deeds.iter().for_each(|deed| counts.add(deed));
    if shown.facts.date_from.is_some() {
        counts.add("filtered answer");
    }
    if shown.pending.iter().flatten().any(|row| row.effective().is_none()) {
        counts.add("pending without dates");
    }
    if shown.booked.iter().any(|row| row.times) {
        counts.add("date-times only");
    }
    match bank.ids {
        Ids::Unique => {}
        Ids::Missing => counts.add("ids missing"),
        Ids::Constant => counts.add("ids constant"),
        Ids::Blank => counts.add("ids blank"),
        Ids::Reused => counts.add("ids reused"),
    }
}

impl Judge {
    /// Applies an answer and judges what became of it.
    pub(crate) fn sees(
        &mut self,
        bank: &Bank,
        shown: &Shown,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        self.answers += 1;
        count(bank, shown, counts);
        let before: Vec<_> =
            self.table.rows.iter().map(|row| (row.stored.state, row.content.clone())).collect();
        let listed_before = self.listed_numbers();
        let numbers = self.table.apply(shown);
        let distinct: BTreeSet<_> = numbers.iter().collect();
        prop_assert_eq!(distinct.len(), numbers.len(), "a stored row went on as two");
        if shown.booked.is_empty() {
            prop_assert_eq!(listed_before, self.listed_numbers(), "nothing is no evidence yet");
            return Ok(());
        }
        let floor = self.judge_view(shown)?;
        self.judge_pending(bank, shown, counts)?;
        self.judge_ids(bank, shown, (&numbers, &before), floor, counts)
    }

    fn listed_numbers(&self) -> Vec<i64> {
        self.table.listed(BookingStatus::Booked).map(|row| row.stored.number).collect()
    }

    /// Both halves of the view invariant; gives the first day that is surely covered.
    fn judge_view(&self, shown: &Shown) -> Result<i64, TestCaseError> {
        let came = counted(shown.booked.iter());
        let listed = counted(self.table.listed(BookingStatus::Booked).map(|row| &row.content));
        for (row, count) in &came {
            prop_assert!(listed.get(row) >= Some(count), "(a) not listed: {row:?}");
        }
        let oldest = shown.booked.iter().filter_map(Content::effective).min().unwrap();
        let floor = shown.facts.date_from.map_or(oldest, |from| oldest.max(from.epoch_days()));
        for (row, count) in &listed {
            let passes = shown.facts.date_from.is_none() || !row.times;
            if passes && row.earliest().is_some_and(|date| date >= floor) {
                prop_assert!(came.get(row) >= Some(count), "(b) still listed: {row:?}");
            }
        }
        Ok(floor)
    }

    /// The pending list is the answer's, without leftovers of booking.
    fn judge_pending(
        &self,
        bank: &Bank,
        shown: &Shown,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        // Ids that stand for several payments can hide a pending row until they are known to collide.
        if shown.facts.date_from.is_some() || bank.ids == Ids::Reused {
            return Ok(());
        }
        let leftover = |row: &&Content| {
            let repeats = |other: &Content| {
                other.bank_id == row.bank_id
                    && other.cents == row.cents
                    && near(other.effective(), row.effective())
            };
            bank.ids == Ids::Unique && shown.booked.iter().any(repeats)
        };
        let (left, real): (Vec<_>, Vec<_>) =
            shown.pending.iter().flatten().partition(|row| leftover(row));
        if !left.is_empty() {
            counts.add("leftover not listed");
        }
        let listed = counted(self.table.listed(BookingStatus::Pending).map(|row| &row.content));
        prop_assert_eq!(listed, counted(real.into_iter()), "pending");
        Ok(())
    }

    fn judge_ids(
        &mut self,
        bank: &Bank,
        shown: &Shown,
        (numbers, before): (&[i64], &[(RowState, Content)]),
        floor: i64,
        counts: &mut Counts,
    ) -> Result<(), TestCaseError> {
        let mut alike: BTreeMap<Content, BTreeSet<usize>> = BTreeMap::new();
        for (key, row) in bank.keys.iter().zip(&shown.booked) {
            alike.entry(print(row)).or_default().insert(*key);
        }
        let mut now = BTreeMap::new();
        for ((key, (row, status)), number) in bank.keys.iter().zip(shown.rows()).zip(numbers) {
            let alike = alike.get(&print(row)).cloned().unwrap_or_default();
            let booked = bank.payments.iter().any(|payment| payment.key == *key && payment.booked);
            if status == BookingStatus::Pending && booked {
                // What is left of it is not the payment.
                continue;
            }
            let answer = self.answers;
            let seen = Seen { content: row.clone(), number: *number, status, alike, answer };
            now.entry(*key).or_insert(seen);
        }
        for (key, now_seen) in &now {
            let Some(then) = self.seen.get(key) else { continue };
            let place = usize::try_from(then.number - 1).unwrap();
            let (state, content) = &before[place];
            if *content != then.content {
                // Of twins, one that was edited can be taken for the other one while that one is hidden.
                // A placeholder is all there is while the booked row is hidden.
                let excusable = bank.ids == Ids::Reused
                    || bank.twins.contains(key)
                    || content.text == PLACEHOLDER;
                prop_assert!(excusable, "the row of {then:?} went on as {content:?}");
                continue;
            }
            if then.status == BookingStatus::Pending {
                judge_booking(bank, then, now_seen, *state, counts)?;
                continue;
            }
            if !self.edged.is_disjoint(&now_seen.alike) || self.edged.contains(key) {
                continue;
            }
            let covered = then.content.earliest().is_none_or(|date| date >= floor);
            let dates = |row: &Content| (row.booking, row.value);
            if !covered && dates(&then.content) != dates(&now_seen.content) {
                counts.add("excluded: date edit across the edge of the window");
                self.edged.insert(*key);
                continue;
            }
            judge_booked(bank, (then, now_seen), (&self.seen, &now), counts)?;
        }
        self.seen.extend(now);
        Ok(())
    }
}

/// A payment that was pending: the same row when it is booked, wherever one tier finds it.
fn judge_booking(
    bank: &Bank,
    then: &Seen,
    now: &Seen,
    state: RowState,
    counts: &mut Counts,
) -> Result<(), TestCaseError> {
    let (before, after) = (&then.content, &now.content);
    if now.status == BookingStatus::Pending || !near(before.effective(), after.effective()) {
        return Ok(());
    }
    let by_id =
        bank.ids == Ids::Unique && before.bank_id == after.bank_id && before.cents == after.cents;
    // A placeholder with the old id goes on as the pending row, where the booked row got another id meanwhile.
    let placeholder = bank.booking == Booking::LeavesPlaceholder && before.bank_id != after.bank_id;
    let by_print = bank.ids != Ids::Reused
        && !placeholder
        && state == RowState::Current
        && (before.cents, &before.text, &before.party) == (after.cents, &after.text, &after.party);
    if by_id || by_print {
        prop_assert_eq!(then.number, now.number, "booked: {:?} as {:?}", before, after);
        counts.add("kept: booked");
    } else if then.number == now.number && before.cents != after.cents {
        counts.add("followed: another amount under a proven id");
    }
    Ok(())
}

/// A payment that was booked before: the same row, if the change left evidence.
fn judge_booked(
    bank: &Bank,
    (then, now): (&Seen, &Seen),
    (all_then, all_now): (&Sightings, &Sightings),
    counts: &mut Counts,
) -> Result<(), TestCaseError> {
    let (before, after) = (&then.content, &now.content);
    let Some(why) = evidence(bank.ids, before, after) else {
        if then.number == now.number && before.cents != after.cents {
            counts.add("followed: another amount under a proven id");
        }
        return Ok(());
    };
    // A twin whose other half is not there may take its place: they are interchangeable.
    let twin = then.alike.iter().chain(&now.alike).any(|key| bank.twins.contains(key));
    let alone = !twin && then.alike.len() == 1 && now.alike.len() == 1;
    let told_by_id = match why {
        "kept: internal id" | "kept: bank id" => true,
        "kept: identical" => bank.ids == Ids::Unique || before.internal_id.is_some(),
        _ => false,
    };
    if alone || told_by_id {
        prop_assert_eq!(then.number, now.number, "{}: {:?} as {:?}", why, before, after);
        counts.add(why);
    } else if now.alike.len() > 1
        && now.alike.iter().all(|key| {
            let seen = all_then.get(key);
            seen.is_some_and(|seen| seen.alike == now.alike && seen.answer == then.answer)
        })
    {
        let numbers = |all: &Sightings| -> BTreeSet<i64> {
            now.alike.iter().filter_map(|key| all.get(key)).map(|seen| seen.number).collect()
        };
        prop_assert_eq!(numbers(all_then), numbers(all_now), "twins: {:?}", after);
        counts.add("kept: twins");
    }
    Ok(())
}
