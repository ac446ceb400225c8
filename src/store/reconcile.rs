//! Carries out what [`crate::planner::reconcile`] decides about an answer, inside the transaction that applies it.
//!
//! Rows are read as seldom as possible: hashes of the whole window come from the index; only rows without an identical
//! twin are read in full. The window begins where the answer can matter, and is widened when a row of the answer turns out to
//! be older.

use rusqlite::Connection;

use crate::model::port::RowReader;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{BookingStatus, RowKey, RowState, Transaction};
use crate::planner::effect::RowsChanged;
use crate::planner::reconcile::conclude::{changed_fields, retire};
use crate::planner::reconcile::coverage::Coverage;
use crate::planner::reconcile::decide::{Decision, Question, Texts, decide};
use crate::planner::reconcile::identical;
use crate::planner::reconcile::tiers::DATES_APART_DAYS_MAX;
use crate::planner::reconcile::{Absence, AnswerFacts, FetchedRow, Memory, StoredRow};

use super::answers::{Item, Items};
use super::codec::{BUILT_IN_ID, Packer, Unpacker};
use super::coverage::Seen;
use super::error::Error;
use super::row;
use super::rows::{self, NewText};

/// An account gets a dictionary of its own with the first answer that brings this many rows.
const DICTIONARY_ROWS_MIN: usize = 16;
/// Length of an account's dictionary.
const DICTIONARY_BYTES: usize = 4096;

/// The transaction under way and the codec.
pub(super) struct Work<'a> {
    pub(super) connection: &'a Connection,
    pub(super) packer: &'a mut Packer,
    pub(super) unpacker: &'a mut Unpacker,
    pub(super) reader: &'a dyn RowReader,
}

/// The account, as far as its rows are concerned.
pub(super) struct AccountRows {
    pub(super) number: i64,
    pub(super) memory: Memory,
    pub(super) rows_version: i64,
    pub(super) dictionary: Option<i64>,
}

/// An answer to reconcile: texts in its order, booked ones first.
pub(super) struct Given<'a> {
    pub(super) facts: AnswerFacts,
    pub(super) run: i64,
    pub(super) texts: Vec<(&'a str, BookingStatus)>,
    /// Where loading begins at the latest, in days; `None`: everything.
    pub(super) window_days: Option<i64>,
}

/// What came of it.
pub(super) struct Reconciled {
    pub(super) rows: RowsChanged,
    /// In the order of the answer.
    pub(super) items: Vec<Item>,
    pub(super) coverage: Coverage,
    /// Numbers of booked rows with other contents, and the changed fields.
    pub(super) changed: Vec<(i64, Vec<String>)>,
    /// Numbers.
    pub(super) vanished: Vec<i64>,
}

/// Both sides while they are being paired.
struct Sides<'a> {
    given: &'a Given<'a>,
    fetched: Vec<FetchedRow>,
    /// Read for rows that have no identical twin.
    keys: Vec<Option<RowKey>>,
    stored: Vec<StoredRow>,
    revisions: Vec<i64>,
    /// For each fetched row the place of the stored one that it repeats.
    pairs: Vec<Option<usize>>,
}

/// Reconciles an answer with what is stored.
pub(super) fn reconcile(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    given: &Given<'_>,
) -> Result<Reconciled, Error> {
    let sides = pair_identical(work, account, given)?;
    let dates: Vec<_> = (0..sides.fetched.len()).map(|place| sides.effective(place)).collect();
    let question = Question {
        facts: &given.facts,
        stored: &sides.stored,
        fetched: &sides.fetched,
        dates: &dates,
        pairs: &sides.pairs,
    };
    let decision = decide(&question, &mut account.memory, &mut Library { work, given })?;
    let seen = Seen::load(work.connection, account.number)?;
    let mut outcome = Reconciled {
        rows: RowsChanged::default(),
        items: vec![Item { number: 0, revision: 0 }; sides.fetched.len()],
        coverage: decision.coverage,
        changed: Vec::new(),
        vanished: Vec::new(),
    };
    continue_rows(work, account, &sides, &decision, &mut outcome)?;
    insert_rows(work, account, &sides, &decision, &mut outcome)?;
    retire_rows(work, account, &sides, (&decision, &seen), &mut outcome)?;
    Ok(outcome)
}

fn pair_identical<'a>(
    work: &Work<'_>,
    account: &AccountRows,
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
        let (stored, revisions) = rows::load_window(work.connection, account.number, from)?;
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
            _ => return Ok(Sides { given, fetched, keys, stored, revisions, pairs }),
        }
    }
}

impl Sides<'_> {
    fn partner(&self, place: usize) -> Option<&StoredRow> {
        self.stored.get(self.pairs.get(place).copied().flatten()?)
    }

    fn key(&self, place: usize) -> RowKey {
        self.keys.get(place).copied().flatten().unwrap_or_default()
    }

    /// The effective date of a fetched row: of its identical twin, else as read.
    fn effective(&self, place: usize) -> Option<BankDate> {
        match self.keys.get(place).copied().flatten() {
            Some(key) => key.effective_date,
            None => self.partner(place)?.effective_date,
        }
    }

    fn new_text(&self, place: usize) -> Option<NewText<'_>> {
        let ((raw, status), fetched) = (*self.given.texts.get(place)?, self.fetched.get(place)?);
        Some(NewText { raw, hash: fetched.hash, key: self.key(place), status })
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
        Ok(self.work.reader.read(&text))
    }

    fn fetched(&self, place: usize) -> Transaction {
        let text = self.given.texts.get(place).map(|(text, _)| *text);
        self.work.reader.read(text.unwrap_or_default())
    }

    fn mentions(&self, place: usize, word: &str) -> bool {
        self.given.texts.get(place).is_some_and(|(text, _)| text.contains(word))
    }
}

fn continue_rows(
    work: &mut Work<'_>,
    account: &AccountRows,
    sides: &Sides<'_>,
    decision: &Decision,
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    let dictionary = account.dictionary.unwrap_or(BUILT_IN_ID);
    for (place, fetched) in sides.fetched.iter().enumerate() {
        let Some(link) = decision.links.get(place).copied().flatten() else { continue };
        let (Some(stored), Some(revision)) =
            (sides.stored.get(link.stored), sides.revisions.get(link.stored))
        else {
            continue;
        };
        let new_text = stored.hash != fetched.hash;
        if let Some(item) = outcome.items.get_mut(place) {
            *item = Item {
                number: stored.number,
                revision: revision.saturating_add(i64::from(new_text)),
            };
        }
        if decision.unlisted.get(place) == Some(&true) {
            if stored.state == RowState::Current {
                let facts = &sides.given.facts;
                retire_row(work.connection, stored.number, RowState::Closed, facts, facts.at)?;
            }
            continue;
        }
        let booked_now = stored.status != fetched.status;
        let back = stored.state != RowState::Current;
        match sides.new_text(place) {
            Some(new) if new_text => {
                rows::revise(
                    work.connection,
                    work.packer,
                    (stored.number, sides.given.run, dictionary),
                    (&new, link.tier),
                )?;
            }
            _ if booked_now || back => {
                rows::revive(work.connection, stored.number, fetched.status)?;
            }
            _ => {}
        }
        outcome.rows.revived += u64::from(back);
        outcome.rows.changed += u64::from(new_text || booked_now);
        if new_text && !booked_now && fetched.status == BookingStatus::Booked {
            let fields = match (decision.stored.get(&link.stored), decision.fetched.get(&place)) {
                (Some(before), Some(now)) => changed_fields(before, now),
                _ => Vec::new(),
            };
            if !fields.is_empty() {
                outcome.changed.push((stored.number, fields));
            }
        }
    }
    Ok(())
}

fn insert_rows(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    sides: &Sides<'_>,
    decision: &Decision,
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    let mut fresh: Vec<usize> = (0..sides.fetched.len())
        .filter(|place| decision.links.get(*place) == Some(&None))
        .collect();
    // Numbers grow with dates as far as possible: the index then grows at its end, and the list of items is short.
    let dates: Vec<BankDate> = fresh.iter().filter_map(|place| sides.effective(*place)).collect();
    let newest_first = dates.first() > dates.last();
    if newest_first {
        fresh.reverse();
    }
    fresh.sort_by_key(|place| sides.effective(*place));
    if account.dictionary.is_none() && fresh.len() >= DICTIONARY_ROWS_MIN {
        account.dictionary = Some(make_dictionary(work.connection, sides, &fresh)?);
    }
    let dictionary = account.dictionary.unwrap_or(BUILT_IN_ID);
    for place in fresh {
        let Some(new) = sides.new_text(place) else { continue };
        let number = rows::insert(
            work.connection,
            work.packer,
            (account.number, sides.given.run, dictionary),
            &new,
        )?;
        if let Some(item) = outcome.items.get_mut(place) {
            *item = Item { number, revision: 1 };
        }
        if decision.unlisted.get(place) == Some(&true) {
            let facts = &sides.given.facts;
            retire_row(work.connection, number, RowState::Closed, facts, facts.at)?;
            continue;
        }
        outcome.rows.added += 1;
        outcome.rows.not_understood += u64::from(!new.key.understood);
    }
    Ok(())
}

/// A few rows spread over the answer, as they are.
fn make_dictionary(
    connection: &Connection,
    sides: &Sides<'_>,
    fresh: &[usize],
) -> Result<i64, Error> {
    let mut content = Vec::with_capacity(DICTIONARY_BYTES);
    let mean = fresh
        .iter()
        .filter_map(|place| sides.given.texts.get(*place))
        .map(|(raw, _)| raw.len())
        .sum::<usize>()
        .checked_div(fresh.len())
        .unwrap_or_default();
    let wanted = DICTIONARY_BYTES.checked_div(mean.max(1)).unwrap_or_default().max(1);
    let step = fresh.len().checked_div(wanted).unwrap_or_default().max(1);
    for place in fresh.iter().step_by(step) {
        let Some((raw, _)) = sides.given.texts.get(*place) else { continue };
        let room = DICTIONARY_BYTES.saturating_sub(content.len());
        content.extend(raw.bytes().take(room));
    }
    let failed = Error::sql("store a dictionary");
    let mut statement = connection
        .prepare_cached("INSERT INTO dictionary (content) VALUES (?1)")
        .map_err(&failed)?;
    statement.insert([content]).map_err(failed)
}

fn retire_rows(
    work: &Work<'_>,
    account: &AccountRows,
    sides: &Sides<'_>,
    (decision, seen): (&Decision, &Seen),
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    let facts = &sides.given.facts;
    let absences = rows::missing(work.connection, account.number)?;
    let continued = decision.continued(sides.stored.len());
    for (place, state) in retire(&sides.stored, &continued, &outcome.coverage, facts, &absences) {
        let Some(stored) = sides.stored.get(place) else { continue };
        let last_seen = seen.last(stored.earliest_date).unwrap_or(facts.at);
        retire_row(work.connection, stored.number, state, facts, last_seen)?;
        match state {
            RowState::Missing => outcome.rows.missing += 1,
            RowState::Vanished => {
                outcome.rows.vanished += 1;
                outcome.vanished.push(stored.number);
            }
            RowState::Closed | RowState::Current => {}
        }
    }
    Ok(())
}

fn retire_row(
    connection: &Connection,
    number: i64,
    state: RowState,
    facts: &AnswerFacts,
    last_seen: UtcInstant,
) -> Result<(), Error> {
    let absence = Absence { since: facts.at, last_updated: facts.last_updated.clone() };
    rows::retire(connection, number, state, &absence, last_seen)
}

/// The same answer again: missing rows that it covers have been lacking twice now.
pub(super) fn reconcile_unchanged(
    work: &Work<'_>,
    account: &AccountRows,
    facts: &AnswerFacts,
    coverage: &Coverage,
) -> Result<Vec<i64>, Error> {
    let absences = rows::missing(work.connection, account.number)?;
    let stored = absences
        .keys()
        .map(|number| rows::one(work.connection, *number))
        .collect::<Result<Vec<_>, _>>()?;
    let mut vanished = Vec::new();
    for (place, state) in retire(&stored, &[], coverage, facts, &absences) {
        if let Some(row) = stored.get(place) {
            retire_row(work.connection, row.number, state, facts, facts.at)?;
            vanished.push(row.number);
        }
    }
    Ok(vanished)
}

/// What of a stored answer is needed to reconcile it again: its texts, booked first.
pub(super) fn texts_of(
    work: &mut Work<'_>,
    items: &Items,
) -> Result<Vec<(String, BookingStatus)>, Error> {
    let lists = [(&items.booked, BookingStatus::Booked)];
    let pending = items.pending.iter().map(|list| (list, BookingStatus::Pending));
    let mut texts = Vec::new();
    for (list, status) in lists.into_iter().chain(pending) {
        for item in list {
            let text =
                rows::text_of_revision(work.connection, work.unpacker, item.number, item.revision)?;
            texts.push((text, status));
        }
    }
    Ok(texts)
}
