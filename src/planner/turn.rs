//! Whose turn it is: what is at stake for those that are due, and how soon the next call may leave.

use crate::model::agreement::Scope;
use crate::model::time::UtcInstant;

use super::Planner;
use super::access::END_MARGIN_MS;
use super::agenda::{CallDue, Key};
use super::due::AccountCall;
use super::order::{self, Candidate, HEAD_LEN};
use super::state::Account;

/// Calls of a pull at most.
const CALLS_PER_PULL: i64 = 3;

impl Planner {
    /// When an account is to be called, and what is lost by waiting then.
    pub(super) fn account_due(&self, account: &Account, now: UtcInstant) -> Option<CallDue> {
        let (at, _) = self.account_call(account, now)?;
        Some(self.call_due(account, at, now))
    }

    /// What is lost if a call that is due at `at` waits.
    fn call_due(&self, account: &Account, at: UtcInstant, now: UtcInstant) -> CallDue {
        // Somebody waits for it.
        let waited_for = account.identifying.is_some() || self.wishes.contains_key(&account.id);
        let fresh_until = if waited_for { UtcInstant::EPOCH } else { self.fresh_until(account) };
        CallDue { at, fresh_until, ends_at: self.last_call_at(account, now) }
    }

    /// The last instant at which data of an account may be asked for, by our wall clock.
    pub(super) fn last_call_at(&self, account: &Account, now: UtcInstant) -> UtcInstant {
        let ahead_ms = self.time.latest(now).since(now);
        self.data_end_at(account).map_or(UtcInstant::NEVER, |end| {
            end.plus_ms(-END_MARGIN_MS).plus_ms(ahead_ms.saturating_neg()).plus_ms(-1)
        })
    }

    /// When the next call may leave while the gate is open.
    pub(super) fn call_at(&self, now: UtcInstant) -> Option<UtcInstant> {
        let due = match self.agenda.oldest_due() {
            Some(Key::Link(_)) => Some(now),
            Some(Key::Account(_)) if self.waits_for_the_time() => None,
            Some(Key::Account(_)) => Some(self.pace.free_at(self.rhythm())),
            None => None,
        };
        due.into_iter().chain(self.agenda.next_call_at()).min()
    }

    /// Nothing is spent before one answer has told the time.
    fn waits_for_the_time(&self) -> bool {
        self.time.is_unconfirmed() && !self.flights.is_empty()
    }

    /// Whose turn it is, of those that are due.
    pub(super) fn turn(&self, now: UtcInstant) -> Option<Key> {
        match self.agenda.oldest_due()? {
            link @ Key::Link(_) => return Some(link),
            Key::Account(_) if self.waits_for_the_time() => return None,
            Key::Account(_) => {}
        }
        let rhythm = self.rhythm();
        if self.pace.free_at(rhythm) > now {
            return None;
        }
        let pull_ms = rhythm.gap_ms.saturating_mul(CALLS_PER_PULL);
        let mut line = Vec::new();
        for key in self.agenda.head(now, pull_ms, HEAD_LEN) {
            match self.candidate(key, now) {
                Some(candidate) => line.push(candidate),
                // Not any more: that is found out by trying.
                None => return Some(key),
            }
        }
        order::first(&line, now, rhythm.gap_ms).map(Key::Account)
    }

    /// What is at stake for an account that is due.
    fn candidate(&self, key: Key, now: UtcInstant) -> Option<Candidate> {
        let Key::Account(id) = key else { return None };
        let account = self.accounts.get(&id)?;
        let (at, what) = self.account_call(account, now)?;
        let due = self.call_due(account, at, now);
        let todo = match (&account.pull, what) {
            (_, AccountCall::Metadata | AccountCall::Details) => Vec::new(),
            (Some(pull), AccountCall::Pull) => pull.todo.clone(),
            (None, AccountCall::Pull) => self.scopes_of_a_pull(account, now),
        };
        let count = |calls: usize| u32::try_from(calls).unwrap_or(u32::MAX);
        let covered_after = todo.iter().position(|scope| *scope == Scope::Transactions);
        let zone = &self.policy.zone;
        let lost = |synced| zone.date(now).epoch_days() - zone.date(synced).epoch_days();
        let days = account.last_synced_at.map_or(i64::from(self.policy.history_days), lost);
        Some(Candidate {
            id,
            fresh_until: due.fresh_until,
            ends_at: due.ends_at,
            calls: count(todo.len()).max(1),
            covered_after: covered_after.map_or(0, |place| count(place).saturating_add(1)),
            days: u32::try_from(days).unwrap_or(0),
        })
    }
}
