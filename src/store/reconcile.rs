//! Carries out what [`crate::planner::reconcile`] decides about an answer, inside the transaction that applies it.
//!
//! What goes on as what comes from [`super::pairing`]; here rows are continued, added and taken off the list, and it is
//! counted what changed.

use rusqlite::Connection;

use crate::model::port::RowReader;
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::effect::RowsChanged;
use crate::planner::proof::{Moves, Row};
use crate::planner::reconcile::conclude::{changed_fields, retire};
use crate::planner::reconcile::coverage::Coverage;
use crate::planner::reconcile::decide::{Decision, Link};
use crate::planner::reconcile::{Absence, AnswerFacts, FetchedRow, Memory, StoredRow};

use super::answers::Item;
use super::codec::{self, BUILT_IN_ID, Packer, Unpacker};
use super::coverage::Seen;
use super::error::Error;
use super::pairing::{Sides, pair_identical};
use super::parts::Parts;
use super::rows;

/// An account gets a dictionary of its own with the first answer that brings this many rows.
const DICTIONARY_ROWS_MIN: usize = 16;
/// Length of an account's dictionary: with its tables it fits one page of the file, so that it is read at once.
const DICTIONARY_BYTES: usize = 3_800;

/// Among more new rows than this nobody asks whether one equals a listed one.
const TWINS_LOOKED_FOR_MAX: usize = 64;

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
    /// The part of it whose handle was called; itself where it has no parts.
    pub(super) part: i64,
    /// How its parts came together.
    pub(super) parts: Parts,
    pub(super) memory: Memory,
    pub(super) rows_version: i64,
    pub(super) dictionary: Option<i64>,
}

impl AccountRows {
    /// Notes what a row was, if it came through another handle than the one that changes it now.
    fn remember(&self, connection: &Connection, number: i64) -> Result<(), Error> {
        self.parts.remember(connection, number, self.part)
    }
}

/// An answer to reconcile: texts in its order, booked ones first.
pub(super) struct Given<'a> {
    pub(super) facts: AnswerFacts,
    pub(super) run: i64,
    pub(super) texts: Vec<(&'a str, BookingStatus)>,
    /// Where loading begins at the latest, in days; `None`: everything.
    pub(super) window_days: Option<i64>,
    /// By place, the numbers that new rows get where they are free; a row without one gets the next.
    pub(super) numbers: Vec<i64>,
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
    /// What it means for the sums.
    pub(super) moves: Moves,
}

/// Reconciles an answer with what is stored.
pub(super) fn reconcile(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    given: &Given<'_>,
) -> Result<Reconciled, Error> {
    let mut sides = pair_identical(work, account.number, given)?;
    let decision = sides.decide(work, &mut account.memory)?;
    let seen = Seen::load(work.connection, account.number)?;
    let mut outcome = Reconciled {
        rows: RowsChanged::default(),
        items: vec![Item { number: 0, revision: 0 }; sides.fetched.len()],
        coverage: decision.coverage,
        changed: Vec::new(),
        vanished: Vec::new(),
        moves: Moves::default(),
    };
    continue_rows(work, account, (&sides, &decision), &seen, &mut outcome)?;
    insert_rows(work, account, (&sides, &decision), &mut outcome)?;
    retire_rows(work, account, (&sides, &decision), &seen, &mut outcome)?;
    Ok(outcome)
}

fn continue_rows(
    work: &mut Work<'_>,
    account: &AccountRows,
    (sides, decision): (&Sides<'_>, &Decision),
    seen: &Seen,
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    for (place, fetched) in sides.fetched.iter().enumerate() {
        let Some(link) = decision.links.get(place).copied().flatten() else { continue };
        let Some(stored) = sides.stored.get(link.stored) else { continue };
        let new_text = stored.hash != fetched.hash;
        let revision = sides.revisions.get(link.stored).copied().unwrap_or_default();
        if let Some(item) = outcome.items.get_mut(place) {
            let revision = revision.saturating_add(i64::from(new_text));
            *item = Item { number: stored.number, revision };
        }
        note_continued(work, (sides, decision), (place, link), &mut outcome.moves)?;
        if new_text {
            let dictionary = account.dictionary.unwrap_or(BUILT_IN_ID);
            let Some(new) = sides.new_text(place) else { continue };
            account.remember(work.connection, stored.number)?;
            rows::revise(
                work.connection,
                work.packer,
                (stored.number, sides.given.run, dictionary),
                (&new, link.tier),
            )?;
            outcome.changed.extend(edit(decision, (place, fetched), (link, stored)));
        }
        if decision.is_unlisted(place) {
            // Only ever an identical twin: leftovers are not matched.
            if stored.state == RowState::Current {
                account.remember(work.connection, stored.number)?;
                retire_row(work.connection, stored, RowState::Closed, &sides.given.facts, seen)?;
            }
            continue;
        }
        let booked_now = stored.status != fetched.status;
        let back = stored.state != RowState::Current;
        if !new_text && (booked_now || back) {
            account.remember(work.connection, stored.number)?;
            rows::revive(work.connection, stored.number, fetched.status)?;
        }
        outcome.rows.revived += u64::from(back);
        outcome.rows.changed += u64::from(new_text || booked_now);
    }
    Ok(())
}

/// What it means for the sums that a stored row goes on as a row of the answer.
fn note_continued(
    work: &mut Work<'_>,
    (sides, decision): (&Sides<'_>, &Decision),
    (place, link): (usize, Link),
    moves: &mut Moves,
) -> Result<(), Error> {
    let (Some(stored), Some(fetched)) = (sides.stored.get(link.stored), sides.fetched.get(place))
    else {
        return Ok(());
    };
    let (was_listed, is_listed) = (stored.state == RowState::Current, !decision.is_unlisted(place));
    if stored.hash == fetched.hash && stored.status == fetched.status && was_listed == is_listed {
        return Ok(());
    }
    let raw = sides.given.texts.get(place).map(|(raw, _)| *raw).unwrap_or_default();
    let now = Row::new(&work.reader.key(raw), fetched.status);
    let before = if stored.hash == fetched.hash {
        Row { status: stored.status, ..now }
    } else {
        stored_row(work, stored)?
    };
    match (was_listed, is_listed) {
        (true, true) => moves.became(&before, &now),
        (true, false) => moves.went(&before),
        (false, true) => moves.came(&now, false),
        (false, false) => {}
    }
    Ok(())
}

/// What of a stored row is summed.
fn stored_row(work: &mut Work<'_>, stored: &StoredRow) -> Result<Row, Error> {
    let text = rows::text(work.connection, work.unpacker, stored.number)?;
    Ok(Row::new(&work.reader.key(&text), stored.status))
}

/// The change of a row that was booked before and still is; `None` where no column differs.
fn edit(
    decision: &Decision,
    (place, fetched): (usize, &FetchedRow),
    (link, stored): (Link, &StoredRow),
) -> Option<(i64, Vec<String>)> {
    let both_booked =
        stored.status == BookingStatus::Booked && fetched.status == BookingStatus::Booked;
    let (before, now) = (decision.stored.get(&link.stored)?, decision.fetched.get(&place)?);
    let fields = changed_fields(before, now);
    (both_booked && !fields.is_empty()).then_some((stored.number, fields))
}

fn insert_rows(
    work: &mut Work<'_>,
    account: &mut AccountRows,
    (sides, decision): (&Sides<'_>, &Decision),
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    let mut fresh = decision.fresh();
    if fresh.is_empty() {
        return Ok(());
    }
    // Numbers grow with dates as far as possible: the index then grows at its end, and the list of items is short.
    let dates: Vec<BankDate> = fresh.iter().filter_map(|place| sides.effective(*place)).collect();
    let newest_first = dates.first() > dates.last();
    if newest_first {
        fresh.reverse();
    }
    fresh.sort_by_key(|place| sides.effective(*place));
    if account.dictionary.is_none() && fresh.len() >= DICTIONARY_ROWS_MIN {
        account.dictionary = make_dictionary(work.connection, sides, &fresh)?;
    }
    let dictionary = account.dictionary.unwrap_or(BUILT_IN_ID);
    let few = fresh.len() <= TWINS_LOOKED_FOR_MAX;
    let mut inserter =
        rows::Inserter::new(work.connection, account.number, sides.given.run, dictionary)?;
    for place in fresh {
        let Some(new) = sides.new_text(place) else { continue };
        let unlisted = decision.is_unlisted(place);
        let state = if unlisted { RowState::Closed } else { RowState::Current };
        let wanted = sides.given.numbers.get(place).copied();
        let number = inserter.insert(work.packer, &new, state, wanted)?;
        if let Some(item) = outcome.items.get_mut(place) {
            *item = Item { number, revision: 1 };
        }
        if !unlisted {
            let equal = |row: &StoredRow| row.is_listed_booked() && row.hash == new.hash;
            let twin = few && sides.stored.iter().any(equal);
            outcome.moves.came(&Row::new(&new.key, new.status), twin);
        }
        outcome.rows.added += u64::from(!unlisted);
        outcome.rows.not_understood += u64::from(!new.key.understood);
    }
    Ok(())
}

/// A dictionary of a few rows spread over the answer; `None` where rows are too short for one.
fn make_dictionary(
    connection: &Connection,
    sides: &Sides<'_>,
    fresh: &[usize],
) -> Result<Option<i64>, Error> {
    let rows =
        || fresh.iter().filter_map(|place| sides.given.texts.get(*place)).map(|(raw, _)| raw);
    let bytes: usize = rows().map(|raw| raw.len()).sum();
    let step = bytes.checked_div(DICTIONARY_BYTES).unwrap_or_default().max(1);
    let mut content = Vec::with_capacity(DICTIONARY_BYTES);
    for raw in rows().step_by(step) {
        let room = DICTIONARY_BYTES.saturating_sub(content.len());
        content.extend(raw.bytes().take(room));
    }
    let Some(words) = codec::dictionary(&content) else { return Ok(None) };
    let failed = Error::sql("store a dictionary");
    let mut statement = connection
        .prepare_cached("INSERT INTO dictionary (content) VALUES (?1)")
        .map_err(&failed)?;
    statement.insert([words]).map(Some).map_err(failed)
}

fn retire_rows(
    work: &mut Work<'_>,
    account: &AccountRows,
    (sides, decision): (&Sides<'_>, &Decision),
    seen: &Seen,
    outcome: &mut Reconciled,
) -> Result<(), Error> {
    let facts = &sides.given.facts;
    let absences = rows::missing(work.connection, account.number)?;
    let continued = decision.continued(sides.stored.len());
    for (place, state) in retire(&sides.stored, &continued, &outcome.coverage, facts, &absences) {
        let Some(stored) = sides.stored.get(place) else { continue };
        account.remember(work.connection, stored.number)?;
        if stored.state == RowState::Current {
            let gone = stored_row(work, stored)?;
            outcome.moves.went(&gone);
        }
        retire_row(work.connection, stored, state, facts, seen)?;
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
    row: &StoredRow,
    state: RowState,
    facts: &AnswerFacts,
    seen: &Seen,
) -> Result<(), Error> {
    let absence = Absence { since: facts.at, last_updated: facts.last_updated.clone() };
    let last_seen = seen.last(row.earliest_date, row.filterable).unwrap_or(facts.at);
    rows::retire(connection, row.number, state, &absence, last_seen)
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
            account.remember(work.connection, row.number)?;
            retire_row(work.connection, row, state, facts, &Seen::default())?;
            vanished.push(row.number);
        }
    }
    Ok(vanished)
}
