//! Pairs the rows of an answer with stored ones: hashes of the whole window from the index, then the few others in full.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowKey, RowState, Transaction};
use crate::planner::reconcile::coverage::Coverage;
use crate::planner::reconcile::identical;
use crate::planner::reconcile::ids::{Colliding, repeats};
use crate::planner::reconcile::tiers::{Candidate, DATES_APART_DAYS_MAX, match_leftovers};
use crate::planner::reconcile::{FetchedRow, Memory, StoredRow};

use super::error::Error;
use super::reconcile::{Given, Work};
use super::row;
use super::rows::{self, NewText};

/// Both sides while they are being paired.
pub(super) struct Sides<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) fetched: Vec<FetchedRow>,
    pub(super) stored: Vec<StoredRow>,
    /// Of the stored rows.
    pub(super) revisions: Vec<i64>,
    /// Pending rows of the answer that only repeat a booked one: kept, not listed.
    pub(super) repeats: BTreeSet<usize>,
    /// Booked rows that were read in full, for the names of changed fields.
    pub(super) readings: Readings,
    /// For each fetched row the place of the stored one that it continues.
    pairs: Vec<Option<usize>>,
    /// Read for rows that have no identical twin.
    keys: Vec<Option<RowKey>>,
}

/// Rows of either side that were read in full, by place.
#[derive(Default)]
pub(super) struct Readings {
    pub(super) stored: BTreeMap<usize, Transaction>,
    pub(super) fetched: BTreeMap<usize, Transaction>,
}

/// Pairs rows that are equal byte for byte. The window grows until it holds every date of an unknown row.
pub(super) fn pair_identical<'a>(
    work: &Work<'_>,
    account: i64,
    given: &'a Given<'a>,
) -> Result<Sides<'a>, Error> {
    let fetched: Vec<FetchedRow> = given
        .texts
        .iter()
        .map(|(raw, status)| FetchedRow { hash: rows::hash(raw), status: *status })
        .collect();
    let mut keys = vec![None; fetched.len()];
    let mut from = given.window_days;
    loop {
        let (stored, revisions) = rows::load_window(work.connection, account, from)?;
        let pairs = identical::pair(&stored, &fetched);
        let mut oldest: Option<i64> = None;
        for (place, (raw, _)) in given.texts.iter().enumerate() {
            if let (Some(None), Some(key)) = (pairs.get(place), keys.get_mut(place)) {
                let key: &mut RowKey = key.get_or_insert_with(|| work.reader.key(raw));
                oldest = [oldest, row::days(key.effective_date)].into_iter().flatten().min();
            }
        }
        match (from, oldest) {
            (Some(start), Some(oldest)) if oldest < start => {
                from = Some(oldest.saturating_sub(DATES_APART_DAYS_MAX));
            }
            _ => {
                let (repeats, readings) = <(BTreeSet<usize>, Readings)>::default();
                return Ok(Sides {
                    given,
                    fetched,
                    stored,
                    revisions,
                    repeats,
                    readings,
                    pairs,
                    keys,
                });
            }
        }
    }
}

impl Sides<'_> {
    /// The stored row that a fetched one continues, and its place.
    pub(super) fn partner(&self, place: usize) -> Option<(usize, &StoredRow)> {
        let partner = self.pairs.get(place).copied().flatten()?;
        Some((partner, self.stored.get(partner)?))
    }

    /// Places of the fetched rows that continue nothing.
    pub(super) fn fresh(&self) -> Vec<usize> {
        (0..self.fetched.len()).filter(|place| self.pairs.get(*place) == Some(&None)).collect()
    }

    /// The effective date of a fetched row: as read, else of its identical twin.
    pub(super) fn effective(&self, place: usize) -> Option<BankDate> {
        match self.keys.get(place).copied().flatten() {
            Some(key) => key.effective_date,
            None => self.partner(place)?.1.effective_date,
        }
    }

    /// Which stored rows go on.
    pub(super) fn continued(&self) -> Vec<bool> {
        let mut continued = vec![false; self.stored.len()];
        for place in self.pairs.iter().flatten() {
            if let Some(slot) = continued.get_mut(*place) {
                *slot = true;
            }
        }
        continued
    }

    /// What is to be written for a fetched row that is not stored yet as it is.
    pub(super) fn new_text(&self, place: usize) -> Option<NewText<'_>> {
        let ((raw, status), fetched) = (*self.given.texts.get(place)?, self.fetched.get(place)?);
        let key = self.keys.get(place).copied().flatten().unwrap_or_default();
        Some(NewText { raw, hash: fetched.hash, key, status })
    }

    fn places(&self, status: BookingStatus) -> impl Iterator<Item = usize> {
        let of_status =
            self.fetched.iter().enumerate().filter(move |(_, row)| row.status == status);
        of_status.map(|(place, _)| place)
    }

    /// What the answer surely covers.
    pub(super) fn coverage(&self, memory: &mut Memory) -> Coverage {
        let facts = &self.given.facts;
        if self.places(BookingStatus::Booked).next().is_some() {
            memory.empty_since = None;
            let dates =
                self.places(BookingStatus::Booked).filter_map(|place| self.effective(place));
            return Coverage::of_rows(facts.date_from, dates.min());
        }
        let in_window = |row: &StoredRow| {
            facts.date_from.is_none_or(|from| row.earliest_date.is_some_and(|date| date >= from))
        };
        let lists_some = self.stored.iter().any(|row| row.is_listed_booked() && in_window(row));
        Coverage::of_nothing(facts.date_from, lists_some, facts.at, memory)
    }

    /// A fetched row, read in full.
    fn candidate(&self, work: &Work<'_>, place: usize) -> Option<Candidate> {
        let (raw, status) = *self.given.texts.get(place)?;
        Some(Candidate {
            place,
            order: i64::try_from(place).unwrap_or(i64::MAX),
            status,
            state: RowState::Current,
            effective_date: self.effective(place),
            fixed: false,
            row: work.reader.read(raw),
        })
    }

    /// The stored rows that go on as nothing yet and may go on as one with these dates, read in full.
    fn left(
        &self,
        work: &mut Work<'_>,
        coverage: &Coverage,
        dates: &Dates,
    ) -> Result<Vec<Candidate>, Error> {
        let mut left = Vec::new();
        for (place, (row, continued)) in self.stored.iter().zip(self.continued()).enumerate() {
            let fixed = row.status == BookingStatus::Booked && !coverage.covers(row.earliest_date);
            if continued || !dates.may_follow(row, fixed) {
                continue;
            }
            let text = rows::text(work.connection, work.unpacker, row.number)?;
            left.push(Candidate {
                place,
                order: row.number,
                status: row.status,
                state: row.state,
                effective_date: row.effective_date,
                fixed,
                row: work.reader.read(&text),
            });
        }
        Ok(left)
    }

    /// Pairs what has no identical twin, and finds the pending rows that only repeat a booked one.
    pub(super) fn pair_others(
        &mut self,
        work: &mut Work<'_>,
        coverage: &Coverage,
    ) -> Result<(), Error> {
        let fresh = self.fresh();
        let pending: Vec<usize> = self.places(BookingStatus::Pending).collect();
        let hidden = |place: &usize| {
            self.partner(*place).is_some_and(|(_, row)| row.state != RowState::Current)
        };
        if fresh.is_empty() && !pending.iter().any(hidden) {
            return Ok(());
        }
        let left = self.left(
            work,
            coverage,
            &Dates::new(fresh.iter().map(|place| self.effective(*place))),
        )?;
        if left.is_empty() && pending.is_empty() {
            return Ok(());
        }
        // Neighbours tell whether an id says anything.
        let asked = Dates::new(fresh.iter().chain(&pending).map(|place| self.effective(*place)));
        let near =
            self.places(BookingStatus::Booked).filter(|place| asked.near(self.effective(*place)));
        let booked: Vec<Candidate> = near.filter_map(|place| self.candidate(work, place)).collect();
        let pending: Vec<Candidate> =
            pending.iter().filter_map(|place| self.candidate(work, *place)).collect();
        let colliding = Colliding::among(&booked.iter().map(|row| &row.row));
        self.set_repeats(work, &repeats(pending.iter(), booked.iter(), &colliding));
        let open = |row: &Candidate| {
            self.pairs.get(row.place) == Some(&None) && !self.repeats.contains(&row.place)
        };
        let (fresh, known): (Vec<Candidate>, Vec<Candidate>) =
            booked.into_iter().chain(pending).partition(open);
        drop(known);
        for found in match_leftovers(&left, &fresh, &colliding) {
            if let Some(slot) = self.pairs.get_mut(found.fetched) {
                *slot = Some(found.stored);
            }
        }
        let by_place =
            |rows: Vec<Candidate>| rows.into_iter().map(|row| (row.place, row.row)).collect();
        self.readings = Readings { stored: by_place(left), fetched: by_place(fresh) };
        Ok(())
    }

    /// A pending row that was listed goes on as the booked row that it announced; the leftover is another row.
    fn set_repeats(&mut self, work: &Work<'_>, found: &BTreeMap<usize, usize>) {
        for (pending, booked) in found {
            self.repeats.insert(*pending);
            let announced =
                self.partner(*pending).filter(|(_, row)| row.state == RowState::Current);
            let (Some((partner, _)), Some(None)) = (announced, self.pairs.get(*booked)) else {
                continue;
            };
            if let Some(slot) = self.pairs.get_mut(*booked) {
                *slot = Some(partner);
            }
            if let Some(slot) = self.pairs.get_mut(*pending) {
                *slot = None;
            }
            let raw = self.given.texts.get(*pending).map(|(raw, _)| *raw);
            if let Some(slot) = self.keys.get_mut(*pending) {
                *slot = raw.map(|raw| work.reader.key(raw));
            }
        }
    }
}

/// Effective dates of the rows in question, sorted.
struct Dates {
    dates: Vec<BankDate>,
    undated: bool,
}

impl Dates {
    fn new(dates: impl Iterator<Item = Option<BankDate>>) -> Self {
        let mut found = Self { dates: Vec::new(), undated: false };
        for date in dates {
            match date {
                Some(date) => found.dates.push(date),
                None => found.undated = true,
            }
        }
        found.dates.sort_unstable();
        found
    }

    /// Whether one of them is within so many days.
    fn within(&self, date: BankDate, days: i64) -> bool {
        let Some(from) = date.plus_days(days.saturating_neg()) else { return true };
        let next = self.dates.get(self.dates.partition_point(|other| *other < from));
        next.is_some_and(|next| next.epoch_days().saturating_sub(date.epoch_days()) <= days)
    }

    /// Whether a row with this date is a neighbour.
    fn near(&self, date: Option<BankDate>) -> bool {
        date.map_or(self.undated, |date| self.within(date, DATES_APART_DAYS_MAX))
    }

    /// Whether a stored row can go on as one of them: spares reading it.
    fn may_follow(&self, row: &StoredRow, fixed: bool) -> bool {
        let pending = row.status == BookingStatus::Pending;
        match row.effective_date {
            None => pending || self.undated,
            Some(_) if pending && self.undated => true,
            Some(date) => self.within(date, if fixed { 0 } else { DATES_APART_DAYS_MAX }),
        }
    }
}
