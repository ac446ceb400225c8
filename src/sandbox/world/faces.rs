//! What an account shows of its movements at an instant, and the rows as they were last written.
//!
//! How a movement looks changes with time: reserved, then booked; under a temporary id, with half a
//! text, gone for one answer. A [`Face`] is all that decides about its bytes besides the movement
//! itself, so a row is written anew only when its face has changed: answers repeat their rows for
//! years, and writing is what they would cost.

use crate::model::time::{BankDate, DAY_MS, HOUR_MS, UtcInstant};

use super::super::rng::{mix, row_print};
use super::bank::BankAccount;
use super::ledger::{Cause, Movement, Phase};
use super::quirks::Quirk;
use super::rows::{Raw, Writer};

/// How a movement looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) phase: Phase,
    /// How many incidents have changed the internal ids so far.
    pub(super) incidents: u64,
    /// The number of the answer, at banks whose ids live no longer than that; else 0.
    pub(super) retrieval: u64,
    /// Booked so lately that its id is temporary.
    pub(super) young: bool,
    /// Its text is not complete yet.
    pub(super) half: bool,
}

impl Face {
    /// The face of a phase at a bank without oddities.
    pub(super) const fn plain(phase: Phase) -> Self {
        Self { phase, incidents: 0, retrieval: 0, young: false, half: false }
    }
}

/// What decides which face a movement has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: UtcInstant,
    pub(super) incidents: u64,
    /// Answers given so far, this one included.
    pub(super) retrieval: u64,
    /// Nothing booked before this day is shown.
    pub(super) first_day: i64,
}

/// For how long an id is temporary.
const YOUNG_MS: i64 = 3 * DAY_MS;
/// Days that a bank with a short window shows.
const SHORT_WINDOW_DAYS: i64 = 60;

/// A written row.
#[derive(Clone, Debug)]
pub(super) struct Written {
    face: Face,
    pub(super) raw: String,
    /// Of `raw`.
    pub(super) print: u64,
    /// The dates in it, for the filter.
    pub(super) dates: [Option<BankDate>; 2],
}

/// The rows of one account as last written, by the place of the movement: booked, pending.
#[derive(Debug, Default)]
pub(super) struct Gallery(Vec<[Option<Written>; 2]>);

const fn side(phase: Phase) -> usize {
    match phase {
        Phase::Booked => 0,
        Phase::Pending => 1,
    }
}

impl Gallery {
    /// The row that was drawn for a movement.
    pub(super) fn row(&self, place: usize, phase: Phase) -> Option<&Written> {
        self.0.get(place)?.get(side(phase))?.as_ref()
    }

    fn draw(&mut self, place: usize, face: Face, write: impl FnOnce() -> Raw) {
        if self.0.len() <= place {
            self.0.resize_with(place + 1, Default::default);
        }
        let Some(slot) = self.0.get_mut(place).and_then(|own| own.get_mut(side(face.phase))) else {
            return;
        };
        if slot.as_ref().is_none_or(|own| own.face != face) {
            let Raw { raw, dates } = write();
            *slot = Some(Written { face, print: row_print(&raw), raw, dates });
        }
    }
}

impl BankAccount {
    /// Draws what is shown at a moment; gives places and phases in the bank's order.
    pub(super) fn show(&mut self, moment: &Moment) -> Vec<(usize, Phase)> {
        let today = moment.at.ms().div_euclid(DAY_MS);
        let first_day = if self.institution.is(Quirk::ShortWindow) {
            moment.first_day.max(today - SHORT_WINDOW_DAYS)
        } else {
            moment.first_day
        };
        self.ledger.until(moment.at);
        let start = self.ledger.first_from(first_day);
        let mut gallery = std::mem::take(&mut self.gallery);
        let writer = Writer { account: self };
        let mut seen = Vec::new();
        for (place, movement) in self.ledger.made().iter().enumerate().skip(start) {
            if movement.booking_day < first_day {
                continue;
            }
            for face in self.faces(movement, moment).into_iter().flatten() {
                gallery.draw(place, face, || writer.write(movement, face));
                let order = self.order(movement, moment);
                seen.push((order, place, face.phase));
            }
        }
        self.gallery = gallery;
        seen.sort_unstable();
        if !self.institution.is(Quirk::OldestFirst) {
            seen.reverse();
        }
        seen.into_iter().map(|(_, place, phase)| (place, phase)).collect()
    }

    fn order(&self, movement: &Movement, moment: &Moment) -> (i64, u64) {
        let shuffled = self.institution.is(Quirk::Shuffled);
        let day = if shuffled { 0 } else { movement.booking_day };
        (day, if shuffled { mix(movement.key ^ moment.retrieval << 40) } else { movement.key })
    }

    /// The rows that a movement has: at most one booked and one pending.
    fn faces(&self, movement: &Movement, moment: &Moment) -> [Option<Face>; 2] {
        let bank = self.institution;
        let Some(phase) = movement.phase(moment.at) else { return [None, None] };
        let face = |phase| Face {
            incidents: moment.incidents,
            retrieval: if bank.is(Quirk::IdsPerRetrieval) { moment.retrieval } else { 0 },
            ..Face::plain(phase)
        };
        let (Phase::Booked, Some(booked_at)) = (phase, movement.booked_at) else {
            return [None, bank.shows_pending().then(|| face(Phase::Pending))];
        };
        let dice = mix(self.seed ^ movement.key.rotate_left(17));
        let age_ms = moment.at.since(booked_at);
        let hidden = bank.is(Quirk::Flickers) && mix(dice ^ moment.retrieval).is_multiple_of(100);
        // A day and a bit, up to four days.
        let completed_ms = i64::try_from(dice.rem_euclid(72)).unwrap_or(0) * HOUR_MS + DAY_MS;
        let booked = Face {
            young: bank.is(Quirk::TemporaryIds) && age_ms < YOUNG_MS,
            half: bank.is(Quirk::TextEdits)
                && movement.cause == Cause::CardPayment
                && age_ms < completed_ms,
            ..face(Phase::Booked)
        };
        let stays_ms = i64::try_from((dice >> 20).rem_euclid(48)).unwrap_or(0) * HOUR_MS;
        let leftover = bank.is(Quirk::PendingLeftover)
            && movement.pending.is_some_and(|(_, until)| until == booked_at)
            && age_ms < stays_ms;
        [(!hidden).then_some(booked), leftover.then(|| face(Phase::Pending))]
    }
}
