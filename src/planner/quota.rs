//! The daily quota: never more successes per account and scope in any rolling 24 hours than the provider allows.
//!
//! Every call that may succeed is entered before it leaves and counts from the moment its answer came (the provider counts
//! when it answers, not when we ask). Only an answer other than success gives the entry back; silence keeps it, because the
//! bank may have counted. The provider's headers and 429s can block further, never less.
//! Facts: provider's knowledge base 11529584398236 (limits per account and scope), read 2026-11.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::agreement::Scope;
use crate::model::failure::Rate;
use crate::model::id::{AccountId, CallId};
use crate::model::time::{DAY_MS, HOUR_MS, SECOND_MS, UtcInstant};

use super::effect::Ticket;
use super::state::ScopeQuota;

/// Added to 24 hours, so that a clock a little off and a slow network do not let two windows touch.
const WINDOW_MARGIN_MS: i64 = 30 * SECOND_MS;
/// The window in which a call counts.
pub const WINDOW_MS: i64 = DAY_MS + WINDOW_MARGIN_MS;
/// An interrupted call counts from when it may have ended, so far ahead at most.
const FUTURE_MS: i64 = HOUR_MS;
/// Shortest waits after the first, second, … daily 429 without a success in between, whatever they say: a bank that names
/// no wait, or none worth the name, is not asked again every minute.
const THROTTLE_MIN_S: [u32; 4] = [60, 300, 1_800, THROTTLE_MIN_LAST_S];
/// The longest of them, for all that follow.
const THROTTLE_MIN_LAST_S: u32 = 7_200;
/// Longest wait that a 429 can impose, and the wait where it names none.
const THROTTLE_MAX_S: u32 = 86_400;

/// Who an entry belongs to while it can still be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    InFlight(Ticket),
    Settled,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    counted_at: UtcInstant,
    owner: Owner,
    /// The account itself, or the part of it whose handle was called.
    part: AccountId,
}

/// A row of the stored ledger, as it is given back at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its id.
    pub call_id: CallId,
    /// Whose quota.
    pub account_id: AccountId,
    /// The account itself, or the part of it whose handle was called.
    pub part: AccountId,
    /// Which scope.
    pub scope: Scope,
    /// When it was settled, else when it was reserved.
    pub at: UtcInstant,
    /// Never settled: the process ended while it was on its way.
    pub unsettled: bool,
}

/// The ledger in memory: the rows of the last 24 hours.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<(AccountId, Scope), Vec<Entry>>,
}

/// What is left for an account and scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls a day.
    pub limit: u32,
    /// Calls that count now.
    pub used: u32,
    /// When the next call is allowed; now or earlier if one is allowed.
    pub next_allowed_at: UtcInstant,
}

impl Ledger {
    /// From stored rows. `timeout_ms`: how long after its reservation an interrupted call may still have been counted.
    pub fn restore(rows: &[LedgerRow], timeout_ms: i64) -> Self {
        let mut ledger = Self::default();
        for row in rows {
            let counted_at = if row.unsettled { row.at.plus_ms(timeout_ms) } else { row.at };
            let entry = Entry { counted_at, owner: Owner::Settled, part: row.part };
            ledger.entries.entry((row.account_id, row.scope)).or_default().push(entry);
        }
        ledger
    }

    /// Enters a call that is about to leave.
    pub fn reserve(
        &mut self,
        (account, part): (AccountId, AccountId),
        scope: Scope,
        ticket: Ticket,
        now: UtcInstant,
    ) {
        let entries = self.entries.entry((account, scope)).or_default();
        entries.retain(|entry| entry.counted_at.plus_ms(WINDOW_MS) > now);
        entries.push(Entry { counted_at: now, owner: Owner::InFlight(ticket), part });
    }

    /// Settles a call: it counts from now on, or is given back.
    pub fn settle(
        &mut self,
        account: AccountId,
        scope: Scope,
        ticket: Ticket,
        counts_from: Option<UtcInstant>,
    ) {
        let Some(entries) = self.entries.get_mut(&(account, scope)) else { return };
        match counts_from {
            Some(at) => {
                for entry in
                    entries.iter_mut().filter(|entry| entry.owner == Owner::InFlight(ticket))
                {
                    *entry = Entry { counted_at: at, owner: Owner::Settled, ..*entry };
                }
            }
            None => entries.retain(|entry| entry.owner != Owner::InFlight(ticket)),
        }
    }

    /// No call was made in our future: where an entry says so, the clock went back, and the call counts from now at the latest.
    pub fn clock_went_back(&mut self, now: UtcInstant) {
        let entries = self.entries.values_mut().flatten();
        for entry in entries.filter(|entry| entry.counted_at > now.plus_ms(FUTURE_MS)) {
            entry.counted_at = now;
        }
    }

    /// Entries farther ahead than a window came from a time that proved wrong: they count from now at the latest.
    pub fn time_settled(&mut self, now: UtcInstant) {
        let entries = self.entries.values_mut().flatten();
        for entry in entries.filter(|entry| entry.counted_at > now.plus_ms(WINDOW_MS)) {
            entry.counted_at = now;
        }
    }

    /// Two accounts turned out to be one: its calls were all the same account's.
    pub fn merge(&mut self, from: AccountId, into: AccountId) {
        for scope in Scope::ALL {
            if let Some(moved) = self.entries.remove(&(from, scope)) {
                self.entries.entry((into, scope)).or_default().extend(moved);
            }
        }
    }

    /// The opposite: the calls of these parts were another account's.
    pub fn split(&mut self, from: AccountId, into: AccountId, parts: &BTreeSet<AccountId>) {
        for scope in Scope::ALL {
            let Some(entries) = self.entries.get_mut(&(from, scope)) else { continue };
            let (moved, kept): (Vec<Entry>, Vec<Entry>) =
                entries.iter().partition(|entry| parts.contains(&entry.part));
            *entries = kept;
            self.entries.entry((into, scope)).or_default().extend(moved);
        }
    }

    /// An account is no more.
    pub fn forget(&mut self, account: AccountId) {
        self.entries.retain(|(of, _scope), _calls| *of != account);
    }

    /// What is left. `reserve`: calls of the limit that are kept for someone else; at least one call stays.
    pub fn allowance(
        &self,
        account: AccountId,
        scope: Scope,
        quota: &ScopeQuota,
        (default_limit, reserve): (u32, u32),
        now: UtcInstant,
    ) -> Allowance {
        let limit = quota.limit.unwrap_or(default_limit);
        let allowed = limit.saturating_sub(reserve).max(limit.min(1));
        // An entry in the future (the clock went back) counts until its window has passed.
        let mut ends: Vec<UtcInstant> =
            self.entries.get(&(account, scope)).map_or_else(Vec::new, |entries| {
                entries
                    .iter()
                    .map(|entry| entry.counted_at.plus_ms(WINDOW_MS))
                    .filter(|end| *end > now)
                    .collect()
            });
        ends.sort_unstable();
        let used = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        let own = match used.checked_sub(allowed) {
            None => now,
            Some(_) if allowed == 0 => now.plus_ms(WINDOW_MS),
            Some(over) => {
                usize::try_from(over).ok().and_then(|place| ends.get(place)).copied().unwrap_or(now)
            }
        };
        Allowance { limit, used, next_allowed_at: own.max(quota.blocked_until.unwrap_or(now)) }
    }
}

/// Nobody blocks longer than a window: a later instant means that the clock went back.
pub fn bound(quota: &mut ScopeQuota, now: UtcInstant) {
    let latest = now.plus_ms(WINDOW_MS);
    quota.blocked_until = quota.blocked_until.map(|until| until.min(latest));
    quota.announced_until = quota.announced_until.map(|until| until.min(latest));
}

/// Learns from the headers of an answer. `used`: how many calls we ourselves count in the window now.
pub fn learn(quota: &mut ScopeQuota, rate: &Rate, used: u32, now: UtcInstant) {
    // A limit of nothing would stop the calls that could teach us otherwise.
    if let Some(limit) = rate.account_limit.filter(|limit| *limit > 0) {
        quota.limit = Some(limit);
    }
    if rate.account_remaining == Some(0) {
        let wait_s = match rate.account_reset_s {
            Some(seconds) => Some(i64::from(seconds).saturating_add(1)),
            // Without a time our own ledger knows best, unless somebody else has used calls up.
            None => {
                quota.limit.is_some_and(|limit| used < limit).then_some(i64::from(THROTTLE_MAX_S))
            }
        };
        if let Some(wait_s) = wait_s {
            quota.blocked_until = Some(now.plus_s(wait_s));
        }
    }
}

/// Blocks a scope after a daily 429: until the time it names, within bounds, else for a day.
pub fn throttle(quota: &mut ScopeQuota, wait_s: Option<u32>, now: UtcInstant) -> UtcInstant {
    let refusals = usize::try_from(quota.refusals).unwrap_or(usize::MAX);
    let least_s = THROTTLE_MIN_S.get(refusals).copied().unwrap_or(THROTTLE_MIN_LAST_S);
    quota.refusals = quota.refusals.saturating_add(1);
    let wait_s = wait_s.unwrap_or(THROTTLE_MAX_S).clamp(least_s, THROTTLE_MAX_S);
    let until = now.plus_s(i64::from(wait_s).saturating_add(1));
    quota.blocked_until = Some(until);
    until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::MINUTE_MS;

    const ACCOUNT: AccountId = AccountId::from_bits(1);
    const T0: UtcInstant = UtcInstant::from_ms(1_800_000_000_000);

    fn allowance(ledger: &Ledger, quota: &ScopeQuota, reserve: u32, now: UtcInstant) -> Allowance {
        ledger.allowance(ACCOUNT, Scope::Balances, quota, (4, reserve), now)
    }

    #[test]
    fn the_fifth_call_waits_for_the_first_to_leave_the_window() {
        let mut ledger = Ledger::default();
        let quota = ScopeQuota::default();
        for hour in 0_u8..4 {
            let now = T0.plus_hours(i64::from(hour));
            let ticket = Ticket(u64::from(hour));
            assert!(allowance(&ledger, &quota, 0, now).next_allowed_at <= now);
            ledger.reserve((ACCOUNT, ACCOUNT), Scope::Balances, ticket, now);
            ledger.settle(ACCOUNT, Scope::Balances, ticket, Some(now.plus_s(5)));
        }
        let spent = allowance(&ledger, &quota, 0, T0.plus_hours(5));
        assert_eq!((spent.limit, spent.used), (4, 4));
        assert_eq!(spent.next_allowed_at, T0.plus_s(5).plus_ms(WINDOW_MS), "counted when answered");
        assert_eq!(
            allowance(&ledger, &quota, 2, T0.plus_hours(5)).next_allowed_at,
            T0.plus_hours(2).plus_s(5).plus_ms(WINDOW_MS),
            "with a reserve of two, three must leave"
        );
    }

    #[test]
    fn released_calls_are_free_and_silent_ones_are_not() {
        let mut ledger = Ledger::default();
        ledger.reserve((ACCOUNT, ACCOUNT), Scope::Balances, Ticket(1), T0);
        ledger.settle(ACCOUNT, Scope::Balances, Ticket(1), None);
        assert_eq!(allowance(&ledger, &ScopeQuota::default(), 0, T0).used, 0);
        ledger.reserve((ACCOUNT, ACCOUNT), Scope::Balances, Ticket(2), T0);
        assert_eq!(allowance(&ledger, &ScopeQuota::default(), 0, T0.plus_hours(23)).used, 1);
        assert_eq!(allowance(&ledger, &ScopeQuota::default(), 0, T0.plus_hours(25)).used, 0);
    }

    #[test]
    fn an_interrupted_call_counts_from_when_it_may_have_ended() {
        let row = LedgerRow {
            call_id: CallId(1),
            account_id: ACCOUNT,
            part: ACCOUNT,
            scope: Scope::Balances,
            at: T0,
            unsettled: true,
        };
        let ledger = Ledger::restore(&[row], 2 * MINUTE_MS);
        let almost = T0.plus_ms(WINDOW_MS + MINUTE_MS);
        assert_eq!(allowance(&ledger, &ScopeQuota::default(), 0, almost).used, 1);
        assert_eq!(
            allowance(&ledger, &ScopeQuota::default(), 0, almost.plus_ms(MINUTE_MS)).used,
            0
        );
    }

    #[test]
    fn headers_teach_both_ways_and_block() {
        let mut quota = ScopeQuota::default();
        learn(&mut quota, &Rate { account_limit: Some(10), ..Rate::default() }, 1, T0);
        assert_eq!(quota.limit, Some(10));
        let rate = Rate {
            account_limit: Some(2),
            account_remaining: Some(0),
            account_reset_s: Some(600),
            ..Rate::default()
        };
        learn(&mut quota, &rate, 1, T0);
        assert_eq!(allowance(&Ledger::default(), &quota, 0, T0).next_allowed_at, T0.plus_s(601));
        let back = T0.plus_days(-40);
        bound(&mut quota, back);
        let allowed = allowance(&Ledger::default(), &quota, 0, back).next_allowed_at;
        assert!(allowed <= back.plus_hours(25));
        assert_eq!(
            allowance(&Ledger::default(), &quota, 0, back.plus_hours(20)).next_allowed_at,
            allowed,
            "the bound does not move on with the clock"
        );
    }

    #[test]
    fn hostile_waits_are_bounded() {
        let mut quota = ScopeQuota::default();
        assert_eq!(throttle(&mut quota, Some(0), T0), T0.plus_s(61));
        assert_eq!(throttle(&mut quota, Some(0), T0), T0.plus_s(301), "the second time longer");
        assert_eq!(throttle(&mut quota, Some(u32::MAX), T0), T0.plus_s(86_401));
        assert_eq!(throttle(&mut quota, None, T0), T0.plus_ms(24 * HOUR_MS + 1_000));
    }
}
