//! Counting calls: the company's limits per kind of resource, and the daily limit of one account
//! and scope.

use std::collections::{BTreeMap, VecDeque};

use crate::model::time::UtcInstant;

use super::super::text::seconds_until;
use super::config::{Limits, QuotaRule};
use super::route::Class;

/// Where a limit stands, as the headers say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_s: i64,
}

/// The windows of the company's limits: each opens with its first call.
#[derive(Debug, Default)]
pub(super) struct Gates(BTreeMap<Class, (UtcInstant, u32)>);

impl Gates {
    /// Counts a call; the flag says whether it may pass.
    pub(super) fn admit(
        &mut self,
        class: Class,
        limits: &Limits,
        now: UtcInstant,
    ) -> (Standing, bool) {
        let (limit, period_s, _) = class.limit(limits);
        let (start, used) = self.0.entry(class).or_insert((now, 0));
        // A clock that went backwards opens a new window as well.
        if now >= start.plus_s(period_s) || now < *start {
            (*start, *used) = (now, 0);
        }
        let passes = *used < limit;
        if passes {
            *used += 1;
        }
        let reset_s = seconds_until(start.plus_s(period_s), now);
        (Standing { limit, remaining: limit.saturating_sub(*used), reset_s }, passes)
    }

    /// Somebody else of the company uses up what is left of a limit, in a window of its own.
    pub(super) fn use_up(&mut self, class: Class, limits: &Limits, now: UtcInstant) {
        let (limit, ..) = class.limit(limits);
        self.0.insert(class, (now, limit));
    }
}

/// Successful calls of one account and scope that still count.
#[derive(Debug, Default)]
pub(super) struct Quota(VecDeque<UtcInstant>);

const WINDOW_HOURS: i64 = 24;

impl Quota {
    fn expire(&mut self, rule: QuotaRule, now: UtcInstant) {
        let over = |at: &UtcInstant| at.plus_hours(WINDOW_HOURS) <= now;
        match rule {
            QuotaRule::FromFirstUse => {
                if self.0.front().is_some_and(over) {
                    self.0.clear();
                }
            }
            QuotaRule::Sliding => {
                while self.0.front().is_some_and(over) {
                    self.0.pop_front();
                }
            }
        }
    }

    /// Where the limit stands now.
    pub(super) fn standing(&mut self, limits: &Limits, now: UtcInstant) -> Standing {
        self.expire(limits.rule, now);
        let used = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let reset_s =
            self.0.front().map_or(0, |first| seconds_until(first.plus_hours(WINDOW_HOURS), now));
        Standing { limit: limits.daily, remaining: limits.daily.saturating_sub(used), reset_s }
    }

    /// Counts one successful call.
    pub(super) fn count(&mut self, limits: &Limits, now: UtcInstant) {
        self.expire(limits.rule, now);
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::UtcInstant;

    #[test]
    fn the_daily_window_runs_from_the_first_use() {
        let (limits, start) = (Limits::default(), UtcInstant::EPOCH);
        let mut quota = Quota::default();
        assert_eq!(quota.standing(&limits, start).remaining, 4);
        for hour in 0..4 {
            quota.count(&limits, start.plus_hours(hour));
        }
        let full = quota.standing(&limits, start.plus_hours(23));
        assert_eq!((full.remaining, full.reset_s), (0, 3_600));
        assert_eq!(quota.standing(&limits, start.plus_hours(24)).remaining, 4);
    }

    #[test]
    fn a_sliding_window_gives_calls_back_one_by_one() {
        let limits = Limits { rule: QuotaRule::Sliding, ..Limits::default() };
        let mut quota = Quota::default();
        for hour in 0..4 {
            quota.count(&limits, UtcInstant::EPOCH.plus_hours(hour));
        }
        let standing = quota.standing(&limits, UtcInstant::EPOCH.plus_hours(24));
        assert_eq!((standing.remaining, standing.reset_s), (1, 3_600));
    }

    #[test]
    fn company_limits_open_again() {
        let (limits, now) = (Limits { tokens_per_hour: 2, ..Limits::default() }, UtcInstant::EPOCH);
        let mut gates = Gates::default();
        assert!(gates.admit(Class::TokenNew, &limits, now).1);
        assert!(gates.admit(Class::TokenNew, &limits, now).1);
        let (standing, passes) = gates.admit(Class::TokenNew, &limits, now.plus_s(600));
        assert!(!passes);
        assert_eq!((standing.remaining, standing.reset_s), (0, 3_000));
        assert!(gates.admit(Class::TokenNew, &limits, now.plus_s(3_600)).1);
    }
}
