//! One answer against what is stored: coverage, leftovers of booking, matching, and what it teaches about the account's ids.
//!
//! Texts are read as seldom as possible: hashes have paired nearly everything before (see [`super::identical`]); read in
//! full are rows of the answer that are new or other, stored rows near them that are not in the answer, pending rows, and a
//! handful of samples.

use std::collections::BTreeMap;

use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState, Transaction};

use super::coverage::{Coverage, passes};
use super::evidence::{Evidence, money};
use super::memory::{IdKind, Memory};
use super::tiers::{Candidate, DATES_APART_DAYS_MAX, Match, Tier, match_leftovers};
use super::{AnswerFacts, FetchedRow, StoredRow};

/// Rows that came again and are read to learn whether ids stay, per answer.
const SAMPLES: usize = 4;
/// Matches by an id that are checked for other rows with that id; a bank that rewrites more at once has no others left.
const SHARING_CHECKED_MAX: usize = 64;
/// Matching begins anew when an id turned out to collide; a bank that brings more of that at once is not waited for.
const ROUNDS_MAX: usize = 4;

/// Where rows are read in full.
pub trait Texts {
    /// Why a stored row cannot be read.
    type Error;
    /// A stored row, by its number.
    fn stored(&mut self, number: i64) -> Result<Transaction, Self::Error>;
    /// A row of the answer, by its place.
    fn fetched(&self, place: usize) -> Transaction;
    /// Whether the text of a row of the answer holds this word of ASCII letters and digits anywhere. A quick test that
    /// spares reading rows; `true` is always allowed.
    fn mentions(&self, place: usize, word: &str) -> bool;
}

/// An answer and what is stored near it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The answer.
    pub facts: &'a AnswerFacts,
    /// What is stored, as far as the answer can matter to it.
    pub stored: &'a [StoredRow],
    /// The rows of the answer, booked ones first.
    pub fetched: &'a [FetchedRow],
    /// Their effective dates.
    pub dates: &'a [Option<BankDate>],
    /// For each of them the place of the stored row that it repeats byte for byte.
    pub pairs: &'a [Option<usize>],
}

/// A row of the answer is a stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Place of the stored row.
    pub stored: usize,
    /// Why.
    pub tier: Tier,
}

/// What is to be done about an answer.
#[derive(Debug)]
pub struct Decision {
    /// What it surely covers.
    pub coverage: Coverage,
    /// For each row of the answer the stored row that goes on as it; `None`: it is new.
    pub links: Vec<Option<Link>>,
    /// Rows of the answer that are kept and not listed: pending ones that repeat a booked one.
    pub unlisted: Vec<bool>,
    /// Stored rows that were read in full, by place.
    pub stored: BTreeMap<usize, Transaction>,
    /// Rows of the answer that were read in full, by place.
    pub fetched: BTreeMap<usize, Transaction>,
}

impl Decision {
    /// Places of the rows of the answer that continue nothing, ascending.
    pub fn fresh(&self) -> Vec<usize> {
        let links = self.links.iter().enumerate();
        links.filter(|(_, link)| link.is_none()).map(|(place, _)| place).collect()
    }

    /// Whether a row of the answer is kept and not listed.
    pub fn is_unlisted(&self, place: usize) -> bool {
        self.unlisted.get(place) == Some(&true)
    }

    /// Which stored rows go on, by place, of this many.
    pub fn continued(&self, stored: usize) -> Vec<bool> {
        let mut continued = vec![false; stored];
        for link in self.links.iter().flatten() {
            if let Some(slot) = continued.get_mut(link.stored) {
                *slot = true;
            }
        }
        continued
    }
}

/// Decides about an answer, and learns from it.
pub fn decide<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &mut T,
) -> Result<Decision, T::Error> {
    let coverage = cover(question, memory);
    let identical =
        |stored: &Option<usize>| stored.map(|stored| Link { stored, tier: Tier::Identical });
    let mut decision = Decision {
        coverage,
        links: question.pairs.iter().map(identical).collect(),
        unlisted: vec![false; question.fetched.len()],
        stored: BTreeMap::new(),
        fetched: BTreeMap::new(),
    };
    set_leftovers_aside(question, memory, texts, &mut decision);
    let mut fresh = decision.fresh();
    fresh.retain(|place| !decision.is_unlisted(*place));
    // With nothing left on one side there is nothing to match: a first answer is not read in full.
    if fresh.is_empty() || !decision.continued(question.stored.len()).contains(&false) {
        return Ok(decision);
    }
    let fresh = candidates_of_answer(question, texts, fresh);
    let left = candidates_of_store(question, texts, &decision, &fresh)?;
    let booked = fresh.iter().filter(|row| row.status == BookingStatus::Booked);
    memory.learn_collisions(booked.map(|row| &row.row));
    let matches = match_until_settled(question, memory, texts, (&left, &fresh));
    for found in &matches {
        if let Some(slot) = decision.links.get_mut(found.fetched) {
            *slot = Some(Link { stored: found.stored, tier: found.tier });
        }
    }
    learn(question, memory, texts, (&left, &fresh), &matches);
    let by_place =
        |list: Vec<Candidate>| list.into_iter().map(|row| (row.place, row.row)).collect();
    (decision.stored, decision.fetched) = (by_place(left), by_place(fresh));
    Ok(decision)
}

fn places(question: &Question<'_>, status: BookingStatus) -> impl Iterator<Item = usize> {
    let rows = question.fetched.iter().enumerate();
    rows.filter(move |(_, row)| row.status == status).map(|(place, _)| place)
}

fn date(question: &Question<'_>, place: usize) -> Option<BankDate> {
    question.dates.get(place).copied().flatten()
}

fn cover(question: &Question<'_>, memory: &mut Memory) -> Coverage {
    let facts = question.facts;
    if places(question, BookingStatus::Booked).next().is_some() {
        memory.empty_since = None;
        let dates =
            places(question, BookingStatus::Booked).filter_map(|place| date(question, place));
        return Coverage::of_rows(facts.date_from, dates.min());
    }
    let in_window = |row: &StoredRow| passes(facts.date_from, row);
    let lists_some = question.stored.iter().any(|row| row.is_listed_booked() && in_window(row));
    Coverage::of_nothing(facts.date_from, lists_some, facts.at, memory)
}

fn near(one: Option<BankDate>, other: Option<BankDate>) -> bool {
    let Some((one, other)) = one.zip(other) else { return true };
    one.epoch_days().abs_diff(other.epoch_days()) <= DATES_APART_DAYS_MAX.unsigned_abs()
}

/// The longest piece of an id that stands in a JSON text as it is.
fn word(id: &str) -> &str {
    let pieces = id.split(|letter: char| !letter.is_ascii_alphanumeric());
    pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
}

/// The rows of a list of the answer that have this id, near a date, without one of them.
fn sharers<T: Texts>(
    question: &Question<'_>,
    texts: &T,
    (kind, id): (IdKind, &str),
    (place, at): (usize, Option<BankDate>),
) -> Vec<(usize, Transaction)> {
    places(question, BookingStatus::Booked)
        .filter(|other| *other != place && near(at, date(question, *other)))
        .filter(|other| texts.mentions(*other, word(id)))
        .map(|other| (other, texts.fetched(other)))
        .filter(|(_, row)| kind.of(row) == Some(id))
        .collect()
}

/// The place of the booked row whose valid id and amount a pending one repeats.
fn repeated<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &T,
    place: usize,
) -> Option<usize> {
    let row = texts.fetched(place);
    let amount = money(&row)?;
    for kind in IdKind::ALL {
        let Some(id) = memory.id(kind, &row) else { continue };
        let at = (place, date(question, place));
        let mut booked = sharers(question, texts, (kind, id), at);
        booked.retain(|(_, other)| money(other).as_ref() == Some(&amount));
        let Some((first, repeated)) = booked.first() else { continue };
        let one = Evidence::of(repeated, memory);
        let is_one =
            |row: &Transaction| Evidence::of(row, memory).fingerprint() == one.fingerprint();
        if booked.iter().all(|(_, other)| is_one(other)) {
            return Some(*first);
        }
        // On different payments: known from now on, as the first answer may be the one that shows it.
        memory.collides(kind, id);
    }
    None
}

/// Finds the pending rows that repeat the valid id and amount of a booked row. If that row is new, the stored pending row is
/// free to go on as it, and so keeps its id.
fn set_leftovers_aside<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &T,
    decision: &mut Decision,
) {
    for place in places(question, BookingStatus::Pending) {
        let Some(booked) = repeated(question, memory, texts, place) else { continue };
        if let Some(slot) = decision.unlisted.get_mut(place) {
            *slot = true;
        }
        let booked_is_new = decision.links.get(booked) == Some(&None);
        if let Some(slot) = decision.links.get_mut(place) {
            let listed = |link: &Link| {
                question.stored.get(link.stored).is_some_and(|row| row.state == RowState::Current)
            };
            if booked_is_new && slot.as_ref().is_some_and(listed) {
                *slot = None;
            }
        }
    }
}

fn candidates_of_answer<T: Texts>(
    question: &Question<'_>,
    texts: &T,
    fresh: Vec<usize>,
) -> Vec<Candidate> {
    let candidate = |place: usize| {
        Some(Candidate {
            place,
            order: i64::try_from(place).unwrap_or(i64::MAX),
            status: question.fetched.get(place)?.status,
            state: RowState::Current,
            effective_date: date(question, place),
            fixed: false,
            row: texts.fetched(place),
        })
    };
    fresh.into_iter().filter_map(candidate).collect()
}

/// The stored rows that the answer does not repeat and that are near enough to go on as one of its fresh rows.
fn candidates_of_store<T: Texts>(
    question: &Question<'_>,
    texts: &mut T,
    decision: &Decision,
    fresh: &[Candidate],
) -> Result<Vec<Candidate>, T::Error> {
    let mut dates: Vec<Option<BankDate>> = fresh.iter().map(|row| row.effective_date).collect();
    dates.sort_unstable();
    let mut left = Vec::new();
    for (place, continued) in decision.continued(question.stored.len()).into_iter().enumerate() {
        let Some(row) = question.stored.get(place).filter(|_| !continued) else { continue };
        let booked = row.status == BookingStatus::Booked;
        let fixed = booked && !decision.coverage.covers(row);
        if may_go_on(row, fixed, &dates) {
            left.push(Candidate {
                place,
                order: row.number,
                status: row.status,
                state: row.state,
                effective_date: row.effective_date,
                fixed,
                row: texts.stored(row.number)?,
            });
        }
    }
    Ok(left)
}

/// Whether any of the fresh rows (by sorted effective dates) is near enough: spares reading the row.
fn may_go_on(row: &StoredRow, fixed: bool, fresh: &[Option<BankDate>]) -> bool {
    let Some(date) = row.effective_date else {
        return row.status == BookingStatus::Pending || fresh.first() == Some(&None);
    };
    if row.status == BookingStatus::Pending && fresh.first() == Some(&None) {
        return true;
    }
    let apart = if fixed { 0 } else { DATES_APART_DAYS_MAX };
    let from = date.plus_days(-apart);
    let near = fresh.get(fresh.partition_point(|other| *other < from)).copied().flatten();
    near.is_some_and(|near| near.epoch_days().saturating_sub(date.epoch_days()) <= apart)
}

/// Matches; where an id that decided turns out to be shared with another row of the answer, forgets it and begins anew.
fn match_until_settled<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &T,
    (left, fresh): (&[Candidate], &[Candidate]),
) -> Vec<Match> {
    let mut matches = match_leftovers(left, fresh, memory);
    for _ in 1..ROUNDS_MAX {
        let mut learned = false;
        for found in matches.iter().take(SHARING_CHECKED_MAX) {
            learned |= is_shared(question, memory, texts, fresh, found);
        }
        if !learned {
            break;
        }
        matches = match_leftovers(left, fresh, memory);
    }
    matches
}

/// Whether the id behind a match stands for another payment of the answer, too; remembers it then.
fn is_shared<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &T,
    fresh: &[Candidate],
    found: &Match,
) -> bool {
    let Some(now) = fresh.iter().find(|row| row.place == found.fetched) else { return false };
    let kinds: &[IdKind] = match found.tier {
        Tier::InternalId => &[IdKind::Internal],
        Tier::BankId => &[IdKind::Bank],
        Tier::StableId => &IdKind::ALL,
        Tier::Identical | Tier::Fingerprint | Tier::Similar => &[],
    };
    let mut learned = false;
    for kind in kinds {
        let Some(id) = memory.id(*kind, &now.row).map(str::to_owned) else { continue };
        let others = sharers(question, texts, (*kind, &id), (now.place, None));
        let mine = Evidence::of(&now.row, memory);
        let another = others.iter().any(|(_, other)| {
            let other = Evidence::of(other, memory);
            found.tier == Tier::StableId
                || (other.money == mine.money && other.fingerprint() != mine.fingerprint())
        });
        learned |= another && memory.collides(*kind, &id);
    }
    learned
}

/// Learns from what went on, and from a few rows that came again, whether ids stay with their payments.
fn learn<T: Texts>(
    question: &Question<'_>,
    memory: &mut Memory,
    texts: &T,
    (left, fresh): (&[Candidate], &[Candidate]),
    matches: &[Match],
) {
    let by_place = |list: &'_ [Candidate]| -> BTreeMap<usize, usize> {
        list.iter().enumerate().map(|(at, row)| (row.place, at)).collect()
    };
    let (old, new) = (by_place(left), by_place(fresh));
    for found in matches {
        let before = old.get(&found.stored).and_then(|at| left.get(*at));
        let now = new.get(&found.fetched).and_then(|at| fresh.get(*at));
        if let Some((before, now)) = before.zip(now) {
            memory.learn_continued(&before.row, &now.row, before.status != now.status);
        }
    }
    // A pending row that was booked with another amount, by all signs: not followed until the account has shown it often.
    for before in left.iter().filter(|row| row.status == BookingStatus::Pending) {
        let open = |row: &&Candidate| {
            row.status == BookingStatus::Booked
                && !matches.iter().any(|pair| pair.fetched == row.place)
        };
        let same = |row: &&Candidate| {
            let shares = |kind: &IdKind| {
                let id = memory.id(*kind, &before.row);
                id.is_some() && id == memory.id(*kind, &row.row)
            };
            near(before.effective_date, row.effective_date)
                && IdKind::ALL.iter().any(shares)
                && Evidence::of(&before.row, memory).resembles(&Evidence::of(&row.row, memory))
        };
        let unmatched = !matches.iter().any(|pair| pair.stored == before.place);
        let mut booked = fresh.iter().filter(open).filter(same);
        if let (true, Some(now), None) = (unmatched, booked.next(), booked.next()) {
            memory.learn_continued(&before.row, &now.row, true);
        }
    }
    if memory.wants_samples() {
        let again = places(question, BookingStatus::Booked)
            .filter(|place| question.pairs.get(*place).copied().flatten().is_some());
        let rows: Vec<Transaction> =
            again.take(SAMPLES).map(|place| texts.fetched(place)).collect();
        memory.learn_kept(&rows);
    }
}
