//! When to look at what: ordered sets of instants, and the keys whose entries are out of date.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AccountId, LinkId};
use crate::model::time::UtcInstant;

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A link: before accounts, since a person may be waiting.
    Link(LinkId),
    /// An account.
    Account(AccountId),
}

/// One ordered list of instants, at most one per key.
#[derive(Debug, Default)]
struct Line {
    at: BTreeMap<Key, UtcInstant>,
    order: BTreeSet<(UtcInstant, Key)>,
}

impl Line {
    fn set(&mut self, key: Key, at: Option<UtcInstant>) {
        let before = match at {
            Some(at) => self.at.insert(key, at),
            None => self.at.remove(&key),
        };
        if let Some(before) = before {
            self.order.remove(&(before, key));
        }
        if let Some(at) = at {
            self.order.insert((at, key));
        }
    }

    fn first(&self) -> Option<(UtcInstant, Key)> {
        self.order.first().copied()
    }
}

/// When a key may be called, and what is lost by waiting then.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallDue {
    pub(super) at: UtcInstant,
    /// The earliest goes first.
    pub(super) fresh_until: UtcInstant,
    /// Later it cannot be called any more.
    pub(super) ends_at: UtcInstant,
}

/// Calls: those to come, and those that are due, in two orders.
#[derive(Debug, Default)]
struct Calls {
    known: BTreeMap<Key, CallDue>,
    coming: BTreeSet<(UtcInstant, Key)>,
    due_by_age: BTreeSet<(UtcInstant, Key)>,
    due_by_end: BTreeSet<(UtcInstant, Key)>,
}

impl Calls {
    fn set(&mut self, key: Key, call: Option<CallDue>) {
        if let Some(before) = self.known.remove(&key) {
            self.coming.remove(&(before.at, key));
            self.due_by_age.remove(&(before.fresh_until, key));
            self.due_by_end.remove(&(before.ends_at, key));
        }
        if let Some(call) = call {
            self.known.insert(key, call);
            self.coming.insert((call.at, key));
        }
    }

    fn fall_due(&mut self, now: UtcInstant) {
        while let Some((at, key)) = self.coming.first().copied()
            && at <= now
        {
            self.coming.pop_first();
            if let Some(call) = self.known.get(&key) {
                self.due_by_age.insert((call.fresh_until, key));
                self.due_by_end.insert((call.ends_at, key));
            }
        }
    }
}

/// Chores need no call; calls need a free slot and an open gate.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    chores: Line,
    calls: Calls,
    stale: BTreeSet<Key>,
}

impl Agenda {
    /// Marks a key: its entries are computed anew at the next look.
    pub(super) fn touch(&mut self, key: Key) {
        self.stale.insert(key);
    }

    /// Takes one marked key.
    pub(super) fn take_stale(&mut self) -> Option<Key> {
        self.stale.pop_first()
    }

    /// Sets when a key next needs a chore and a call.
    pub(super) fn set(&mut self, key: Key, chore: Option<UtcInstant>, call: Option<CallDue>) {
        self.chores.set(key, chore);
        self.calls.set(key, call);
    }

    /// Leaves a call alone until then.
    pub(super) fn delay_call(&mut self, key: Key, until: UtcInstant) {
        let call = self.calls.known.get(&key).map(|call| CallDue { at: until, ..*call });
        self.calls.set(key, call);
    }

    /// The first chore that is due.
    pub(super) fn chore_due(&self, now: UtcInstant) -> Option<Key> {
        self.chores.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// When the next chore is due.
    pub(super) fn next_chore_at(&self) -> Option<UtcInstant> {
        self.chores.first().map(|(at, _)| at)
    }

    /// Calls whose time has come are due from now on.
    pub(super) fn fall_due(&mut self, now: UtcInstant) {
        self.calls.fall_due(now);
    }

    /// Whether a call of a key is due.
    pub(super) fn is_due(&self, key: Key) -> bool {
        let call = self.calls.known.get(&key);
        call.is_some_and(|call| self.calls.due_by_age.contains(&(call.fresh_until, key)))
    }

    /// Of the calls that are due, the one that has waited longest by its age.
    pub(super) fn oldest_due(&self) -> Option<Key> {
        self.calls.due_by_age.first().map(|(_, key)| *key)
    }

    /// The head of the line of those that are due: first who cannot be called any more when the line has been worked off, at
    /// so many milliseconds for each, then the oldest.
    pub(super) fn head(&self, now: UtcInstant, each_ms: i64, length: usize) -> Vec<Key> {
        let all = i64::try_from(self.calls.due_by_end.len()).unwrap_or(i64::MAX);
        let worked_off = now.plus_ms(each_ms.saturating_mul(all));
        let ending = self.calls.due_by_end.iter().take_while(|(at, _)| *at < worked_off);
        let mut head: Vec<Key> = ending.take(length).map(|(_, key)| *key).collect();
        for (_, key) in &self.calls.due_by_age {
            if head.len() >= length {
                break;
            }
            if !head.contains(key) {
                head.push(*key);
            }
        }
        head
    }

    /// When the next call that is not due yet will be.
    pub(super) fn next_call_at(&self) -> Option<UtcInstant> {
        self.calls.coming.first().map(|(at, _)| *at)
    }
}
