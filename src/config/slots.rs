//! Cron patterns as the file may hold them, and what they ask of the quota.
//!
//! Patterns are counted in UTC, whatever the configured zone: an hour that a change of daylight saving time moves must not
//! refuse an honest plan. What a shifted hour costs at run time, the ledger of calls decides.

use std::collections::VecDeque;

use crate::model::cron::Pattern;
use crate::model::time::{DAY_MS, SECOND_MS, UtcInstant, Zone};

use super::Schedule;
use super::document::Wrong;

/// Where counting begins: 2028-01-01T00:00:00Z, the first day of a leap year, so that 29 February counts.
const HORIZON_START: UtcInstant = UtcInstant::from_ms(1_830_297_600_000);

/// How far counting goes: past the end of that year.
const HORIZON_DAYS: i64 = 400;

/// How many slots are counted at most; a plan denser than this is refused much earlier by any sane limit.
const SLOTS_MAX: u32 = 100_000;

/// The default plan pulls at most once an hour.
const SPREAD_MAX: u32 = 24;

/// The first pull of the default plan, in minutes after midnight: the night's bookings are in.
const SPREAD_FIRST_MINUTE: u32 = 6 * 60;

const DAY_MINUTES: u32 = 24 * 60;

/// A pattern with exactly six fields that fires at least once.
pub(super) fn pattern(text: &str) -> Result<Pattern, Wrong> {
    let hint =
        "second minute hour day month weekday, such as \"0 30 6 * * *\" for 06:30:00 every day";
    Pattern::parse(text).map_err(|fault| Wrong::new(fault.to_string()).hint(hint))
}

/// What a plan amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Within some 24 hours there are more slots than allowed; counting stopped there.
    pub(super) too_many: bool,
    /// The most slots within any 24 hours, as far as was counted.
    pub(super) most: u32,
    /// Seconds between the two slots that are nearest to each other.
    pub(super) shortest_gap_s: Option<i64>,
    /// Seconds between the two neighbouring slots that are farthest apart.
    pub(super) longest_gap_s: Option<i64>,
}

/// Counts the slots of all patterns together in every window of 24 hours (its end excluded); slots of the same second are one.
pub(super) fn measure(patterns: &[Pattern], allowed: u32) -> Plan {
    let after =
        |cron: &Pattern, at: UtcInstant, inclusive: bool| cron.next(at, &Zone::UTC, inclusive);
    let mut nexts: Vec<(&Pattern, Option<UtcInstant>)> =
        patterns.iter().map(|cron| (cron, after(cron, HORIZON_START, true))).collect();
    let end = HORIZON_START.plus_days(HORIZON_DAYS);
    let mut window: VecDeque<UtcInstant> = VecDeque::new();
    let mut plan = Plan { too_many: false, most: 0, shortest_gap_s: None, longest_gap_s: None };
    let mut last: Option<UtcInstant> = None;
    for _ in 0..SLOTS_MAX {
        let Some(slot) =
            nexts.iter().filter_map(|(_, next)| *next).min().filter(|slot| *slot < end)
        else {
            break;
        };
        for (cron, next) in nexts.iter_mut().filter(|(_, next)| *next == Some(slot)) {
            *next = after(cron, slot, false);
        }
        if let Some(last) = last {
            let gap_s = slot.since(last).div_euclid(SECOND_MS);
            plan.shortest_gap_s = Some(plan.shortest_gap_s.map_or(gap_s, |least| least.min(gap_s)));
            plan.longest_gap_s = Some(plan.longest_gap_s.map_or(gap_s, |most| most.max(gap_s)));
        }
        last = Some(slot);
        while window.front().is_some_and(|first| slot.since(*first) >= DAY_MS) {
            window.pop_front();
        }
        window.push_back(slot);
        plan.most = plan.most.max(u32::try_from(window.len()).unwrap_or(u32::MAX));
        if plan.most > allowed {
            plan.too_many = true;
            break;
        }
    }
    plan
}

impl Schedule {
    /// The most pulls of an account that fall into any 24 hours.
    pub fn busiest_day(&self) -> u32 {
        let patterns: Vec<Pattern> =
            self.pull.iter().filter_map(|text| pattern(text).ok()).collect();
        measure(&patterns, u32::MAX).most
    }
}

/// The default plan: so many pulls a day, evenly spread.
pub(super) fn spread(pulls: u32) -> Vec<String> {
    let pulls = pulls.clamp(1, SPREAD_MAX);
    let minute_of = |pull: u32| {
        let after_first = (pull * DAY_MINUTES).div_euclid(pulls);
        (SPREAD_FIRST_MINUTE + after_first).rem_euclid(DAY_MINUTES)
    };
    let mut minutes: Vec<u32> = (0..pulls).map(minute_of).collect();
    minutes.sort_unstable();
    let hour = |minute: u32| minute.div_euclid(60).to_string();
    if minutes.iter().all(|minute| minute.rem_euclid(60) == 0) {
        let hours: Vec<String> = minutes.into_iter().map(hour).collect();
        return vec![format!("0 0 {} * * *", hours.join(","))];
    }
    let line = |minute: u32| format!("0 {} {} * * *", minute.rem_euclid(60), hour(minute));
    minutes.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(patterns: &[&str], allowed: u32) -> Plan {
        let patterns: Vec<Pattern> = patterns.iter().map(|text| pattern(text).unwrap()).collect();
        measure(&patterns, allowed)
    }

    #[test]
    fn the_window_of_24_hours_excludes_its_end() {
        assert!(!plan(&["0 0 6,13,20 * * *"], 3).too_many);
        assert!(plan(&["0 0 6,13,20 * * *"], 2).too_many);
        // Two patterns, the same second: one slot.
        assert!(!plan(&["0 0 6 * * *", "0 0 6 * * *"], 1).too_many);
        assert_eq!(plan(&["0 0 6,13 * * *", "0 0 20 * * SUN"], 9).most, 3);
        // Late on Sunday and early on Monday: rare, and found all the same.
        assert!(plan(&["0 0 20 * * SUN", "0 0 6 * * MON"], 1).too_many);
        assert!(plan(&["0 0 0 29 2 *", "0 0 12 29 2 *"], 1).too_many);
        assert!(plan(&["* * * * * *"], 999).too_many);
    }

    #[test]
    fn gaps() {
        let gaps = plan(&["0 0 6,13,20 * * *"], 3);
        assert_eq!(gaps.shortest_gap_s, Some(7 * 3_600));
        assert_eq!(gaps.longest_gap_s, Some(10 * 3_600));
        assert_eq!(plan(&["0 0 0 1 1 *"], 3).longest_gap_s, Some(366 * 86_400));
    }

    #[test]
    fn the_default_plan_is_even() {
        assert_eq!(spread(1), ["0 0 6 * * *"]);
        assert_eq!(spread(3), ["0 0 6,14,22 * * *"]);
        assert_eq!(spread(4), ["0 0 0,6,12,18 * * *"]);
        assert_eq!(spread(5).len(), 5);
        for pulls in 1..=40 {
            let patterns = spread(pulls);
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let plan = plan(&patterns, pulls);
            assert!(!plan.too_many, "{pulls}");
            assert!(plan.longest_gap_s.unwrap() - plan.shortest_gap_s.unwrap() <= 60, "{pulls}");
        }
    }
}
