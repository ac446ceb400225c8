//! Loads both sides of an answer for the planner: hashes of the whole window from the index, then the few others in full.
//!
//! What goes on as what is decided in [`crate::planner::reconcile`], never here.

use crate::model::time::BankDate;
use crate::model::transaction::{RowKey, Transaction};
use crate::planner::reconcile::decide::{Decision, Question, Texts, decide};
use crate::planner::reconcile::identical;
use crate::planner::reconcile::tiers::DATES_APART_DAYS_MAX;
use crate::planner::reconcile::{FetchedRow, Memory, StoredRow};

use super::error::Error;
use super::reconcile::{Given, Work};
use super::row;
use super::rows::{self, NewText};

/// Both sides of an answer.
pub(super) struct Sides<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) fetched: Vec<FetchedRow>,
    pub(super) stored: Vec<StoredRow>,
    /// Of the stored rows.
    pub(super) revisions: Vec<i64>,
    /// For each fetched row the place of the stored one that it repeats byte for byte.
    pairs: Vec<Option<usize>>,
    /// Read for rows that have no identical twin.
    keys: Vec<Option<RowKey>>,
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
            _ => return Ok(Sides { given, fetched, stored, revisions, pairs, keys }),
        }
    }
}

impl Sides<'_> {
    /// Decides about all rows, and learns from the answer.
    pub(super) fn decide(
        &mut self,
        work: &mut Work<'_>,
        memory: &mut Memory,
    ) -> Result<Decision, Error> {
        let dates: Vec<_> = (0..self.fetched.len()).map(|place| self.effective(place)).collect();
        let question = Question {
            facts: &self.given.facts,
            stored: &self.stored,
            fetched: &self.fetched,
            dates: &dates,
            pairs: &self.pairs,
        };
        let decision = decide(&question, memory, &mut Library { work, given: self.given })?;
        // A leftover of booking gives its identical twin up to the booked row and is a new row then.
        for place in decision.fresh() {
            if let (Some(key), Some((raw, _))) =
                (self.keys.get_mut(place), self.given.texts.get(place))
            {
                key.get_or_insert_with(|| work.reader.key(raw));
            }
        }
        Ok(decision)
    }

    /// The effective date of a fetched row: as read, else of its identical twin.
    pub(super) fn effective(&self, place: usize) -> Option<BankDate> {
        match self.keys.get(place).copied().flatten() {
            Some(key) => key.effective_date,
            None => self.stored.get(self.pairs.get(place).copied().flatten()?)?.effective_date,
        }
    }

    /// What is to be written for a fetched row that is not stored yet as it is.
    pub(super) fn new_text(&self, place: usize) -> Option<NewText<'_>> {
        let ((raw, status), fetched) = (*self.given.texts.get(place)?, self.fetched.get(place)?);
        let key = self.keys.get(place).copied().flatten().unwrap_or_default();
        Some(NewText { raw, hash: fetched.hash, key, status })
    }
}

/// Texts for the planner: stored ones from the database, fetched ones from the answer.
struct Library<'w, 'a, 's> {
    work: &'w mut Work<'a>,
    given: &'s Given<'s>,
}

impl Texts for Library<'_, '_, '_> {
    type Error = Error;

    fn stored(&mut self, number: i64) -> Result<Transaction, Error> {
        let text = rows::text(self.work.connection, self.work.unpacker, number)?;
        Ok(self.work.reader.read(&text).into_owned())
    }

    fn fetched(&self, place: usize) -> Transaction {
        let text = self.given.texts.get(place).map(|(text, _)| *text);
        self.work.reader.read(text.unwrap_or_default()).into_owned()
    }

    fn mentions(&self, place: usize, word: &str) -> bool {
        self.given.texts.get(place).is_some_and(|(text, _)| text.contains(word))
    }
}
