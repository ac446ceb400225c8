//! What the world remembers of its visitors: every request, every successful data call, every row
//! shown.
//!
//! It is the other side of each promise that the daemon makes, so it counts on its own and knows
//! nothing of the daemon.

use std::collections::{BTreeMap, VecDeque};

use crate::model::time::{DAY_MS, UtcInstant};

use super::Scope;
use super::answer::Staged;
use super::ledger::Phase;
use super::requisitions::RequisitionView;
use super::truth::LastAnswer;

/// One request and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came.
    pub at: UtcInstant,
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As sent.
    pub query: String,
    /// The status that the world decided on, whether or not it arrived.
    pub status: u16,
    /// The account in the path, if it is one of the world's.
    pub account: Option<String>,
    /// The part of its data that was asked for.
    pub scope: Option<Scope>,
    /// Whether the transport was told to deliver the whole answer.
    pub delivered: bool,
}

/// One row as far as answers showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When an answer first held it.
    pub first_at: UtcInstant,
    /// When an answer last held it.
    pub last_at: UtcInstant,
    /// In how many answers.
    pub times: u32,
    /// Fingerprints ([`super::super::row_print`]) of its different texts, oldest first.
    pub versions: Vec<u64>,
}

impl Shown {
    /// Whether a text is the one shown last.
    pub(super) fn is_newest(&self, text: u64) -> bool {
        self.versions.last() == Some(&text)
    }

    /// The same row as an answer of another link showed it.
    pub(super) fn join(&mut self, other: &Self) {
        let (older, newer) = if self.last_at <= other.last_at {
            (&self.versions, &other.versions)
        } else {
            (&other.versions, &self.versions)
        };
        self.versions = older.iter().chain(newer).copied().collect();
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.times = self.times.saturating_add(other.times);
    }
}

/// Who caused a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many counted failures in a row, by the calls of whoever holds the tokens.
    Failures,
    /// The provider, for reasons of its own.
    Elsewhere,
}

/// A suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub at: UtcInstant,
    /// Which account.
    pub account: String,
    /// Why.
    pub cause: Cause,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub struct Log {
    calls: VecDeque<Call>,
    dropped: u64,
    tokens_minted: Vec<UtcInstant>,
    tokens_refreshed: Vec<UtcInstant>,
    successes: BTreeMap<(String, Scope), Vec<UtcInstant>>,
    shown: BTreeMap<String, BTreeMap<(u64, Phase), Shown>>,
    last_answers: BTreeMap<String, LastAnswer>,
    suspensions: Vec<Suspension>,
    deletions: Vec<(UtcInstant, RequisitionView)>,
    rows_shown: u64,
}

impl Log {
    /// The requests still remembered, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.calls.iter()
    }

    /// Requests ever made, forgotten ones included.
    pub fn count(&self) -> u64 {
        self.dropped + u64::try_from(self.calls.len()).unwrap_or(0)
    }

    /// When `token/new/` gave a token.
    pub fn tokens_minted(&self) -> &[UtcInstant] {
        &self.tokens_minted
    }

    /// When `token/refresh/` gave one.
    pub fn tokens_refreshed(&self) -> &[UtcInstant] {
        &self.tokens_refreshed
    }

    /// Successful data calls of one account and scope, oldest first, whether or not the answer
    /// arrived.
    pub fn successes(&self, account: &str, scope: Scope) -> &[UtcInstant] {
        self.successes.get(&(account.to_owned(), scope)).map_or(&[], Vec::as_slice)
    }

    /// The most successful calls that any account and scope had within any 24 hours.
    pub fn busiest_day(&self) -> usize {
        let busiest = |times: &Vec<UtcInstant>| {
            let mut first = 0;
            let mut most = 0;
            for (place, at) in times.iter().enumerate() {
                while times.get(first).is_some_and(|old| at.since(*old) >= DAY_MS) {
                    first += 1;
                }
                most = most.max(place + 1 - first);
            }
            most
        };
        self.successes.values().map(busiest).max().unwrap_or(0)
    }

    /// Requests to the data endpoints of an account since an instant, refused ones included.
    pub fn data_calls_since(&self, account: &str, since: UtcInstant) -> usize {
        let wanted = |call: &&Call| {
            call.at >= since && call.scope.is_some() && call.account.as_deref() == Some(account)
        };
        self.calls.iter().filter(wanted).count()
    }

    /// Suspensions by the provider, oldest first.
    pub fn suspensions(&self) -> &[Suspension] {
        &self.suspensions
    }

    /// Requisitions that were deleted, as they stood then, oldest first.
    pub fn deletions(&self) -> &[(UtcInstant, RequisitionView)] {
        &self.deletions
    }

    /// Rows of an account that answers showed: key, phase, when and how often.
    pub fn shown<'a>(
        &'a self,
        account: &str,
    ) -> impl Iterator<Item = (u64, Phase, &'a Shown)> + 'a {
        let own = self.shown.get(account).into_iter().flatten();
        own.map(|((key, phase), shown)| (*key, *phase, shown))
    }

    pub(super) fn last_answer(&self, account: &str) -> Option<&LastAnswer> {
        self.last_answers.get(account)
    }

    /// Rows shown in all answers together, repetitions included.
    pub fn rows_shown(&self) -> u64 {
        self.rows_shown
    }

    pub(super) fn note_call(&mut self, call: Call, capacity: usize) {
        if self.calls.len() >= capacity.max(1) {
            self.calls.pop_front();
            self.dropped += 1;
        }
        self.calls.push_back(call);
    }

    pub(super) fn note_token(&mut self, at: UtcInstant, minted: bool) {
        if minted { self.tokens_minted.push(at) } else { self.tokens_refreshed.push(at) }
    }

    pub(super) fn note_success(&mut self, account: &str, scope: Scope, at: UtcInstant) {
        self.successes.entry((account.to_owned(), scope)).or_default().push(at);
    }

    pub(super) fn note_suspension(&mut self, account: &str, cause: Cause, at: UtcInstant) {
        self.suspensions.push(Suspension { at, account: account.to_owned(), cause });
    }

    pub(super) fn note_deletion(&mut self, at: UtcInstant, requisition: RequisitionView) {
        self.deletions.push((at, requisition));
    }

    /// A transactions answer was delivered whole.
    pub(super) fn note_shown(&mut self, account: &str, staged: Staged, at: UtcInstant) {
        self.rows_shown += u64::try_from(staged.rows.len()).unwrap_or(0);
        let known = self.shown.entry(account.to_owned()).or_default();
        for (key, phase, version) in &staged.rows {
            let fresh = || Shown { first_at: at, last_at: at, times: 0, versions: Vec::new() };
            let shown = known.entry((*key, *phase)).or_insert_with(fresh);
            shown.last_at = at;
            shown.times = shown.times.saturating_add(1);
            if !shown.is_newest(*version) {
                shown.versions.push(*version);
            }
        }
        let answer = LastAnswer { at, date_from: staged.date_from, rows: staged.rows };
        self.last_answers.insert(account.to_owned(), answer);
    }
}
