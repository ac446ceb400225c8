//! When to look at what: two ordered sets of instants, and the keys whose entries are out of date.

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

/// Chores need no call; calls need a free slot and an open gate.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    chores: Line,
    calls: Line,
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
    pub(super) fn set(&mut self, key: Key, chore: Option<UtcInstant>, call: Option<UtcInstant>) {
        self.chores.set(key, chore);
        self.calls.set(key, call);
    }

    /// Leaves a call alone until then.
    pub(super) fn delay_call(&mut self, key: Key, until: UtcInstant) {
        self.calls.set(key, Some(until));
    }

    /// The first chore that is due.
    pub(super) fn chore_due(&self, now: UtcInstant) -> Option<Key> {
        self.chores.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// The first call that is due.
    pub(super) fn call_due(&self, now: UtcInstant) -> Option<Key> {
        self.calls.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// When the next chore is due.
    pub(super) fn next_chore_at(&self) -> Option<UtcInstant> {
        self.chores.first().map(|(at, _)| at)
    }

    /// When the next call is due.
    pub(super) fn next_call_at(&self) -> Option<UtcInstant> {
        self.calls.first().map(|(at, _)| at)
    }
}
