//! Which backups are kept: the newest ones, and of earlier days, weeks and months the newest of each. Pure.

use std::collections::BTreeSet;

use crate::config::Backup;
use crate::model::time::{UtcInstant, Zone};

/// The instants of those that are not kept. Days, weeks (from Monday) and months are those of the zone.
pub(super) fn superfluous(
    made: &[UtcInstant],
    rules: &Backup,
    zone: &Zone,
) -> BTreeSet<UtcInstant> {
    let newest_first: BTreeSet<UtcInstant> = made.iter().copied().collect();
    let mut kept = BTreeSet::new();
    let mut keep = |count: u32, period: &dyn Fn(UtcInstant) -> i64| {
        let mut periods = BTreeSet::new();
        for at in newest_first.iter().rev() {
            if periods.len() >= usize::try_from(count).unwrap_or(usize::MAX) {
                break;
            }
            if periods.insert(period(*at)) {
                kept.insert(*at);
            }
        }
    };
    let day = |at: UtcInstant| zone.date(at).epoch_days();
    keep(rules.keep_last, &|at| at.ms());
    keep(rules.keep_daily, &day);
    // 1970-01-01 was a Thursday.
    keep(rules.keep_weekly, &|at| day(at).saturating_add(3).div_euclid(7));
    keep(rules.keep_monthly, &|at| {
        let date = zone.date(at).to_string();
        let digits: String = date.chars().filter(char::is_ascii_digit).take(6).collect();
        digits.parse().unwrap_or_default()
    });
    newest_first.difference(&kept).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(last: u32, daily: u32, weekly: u32, monthly: u32) -> Backup {
        Backup {
            folder: None,
            schedule: Vec::new(),
            keep_last: last,
            keep_daily: daily,
            keep_weekly: weekly,
            keep_monthly: monthly,
        }
    }

    fn kept(made: &[&str], rules: &Backup) -> Vec<String> {
        let made: Vec<UtcInstant> =
            made.iter().map(|text| UtcInstant::parse(text).unwrap()).collect();
        let gone = superfluous(&made, rules, &Zone::UTC);
        made.iter().filter(|at| !gone.contains(at)).map(ToString::to_string).collect()
    }

    #[test]
    fn the_newest_and_the_newest_of_each_period_stay() {
        let made = [
            "2026-01-31T23:00:00Z",
            "2026-02-28T03:00:00Z",
            "2026-03-01T03:00:00Z",
            "2026-03-02T03:00:00Z",
            "2026-03-08T03:00:00Z",
            "2026-03-09T03:00:00Z",
            "2026-03-09T15:00:00Z",
            "2026-03-10T03:00:00Z",
        ];
        assert_eq!(kept(&made, &rules(1, 0, 0, 0)), [made[7]]);
        assert_eq!(kept(&made, &rules(2, 0, 0, 0)), [made[6], made[7]]);
        assert_eq!(kept(&made, &rules(1, 3, 0, 0)), [made[4], made[6], made[7]]);
        // 8 March is a Sunday, 1 March, too.
        assert_eq!(kept(&made, &rules(1, 0, 3, 0)), [made[2], made[4], made[7]]);
        assert_eq!(kept(&made, &rules(1, 0, 0, 9)), [made[0], made[1], made[7]]);
        assert_eq!(kept(&made, &rules(99, 0, 0, 0)), made);
        assert_eq!(kept(&[], &rules(1, 1, 1, 1)), Vec::<String>::new());
    }

    #[test]
    fn a_year_of_daily_backups_leaves_what_the_rules_count() {
        let first = UtcInstant::parse("2026-01-01T03:30:00Z").unwrap();
        let rules = rules(3, 7, 4, 6);
        let mut present: Vec<UtcInstant> = Vec::new();
        for day in 0..365 {
            present.push(first.plus_days(day));
            let gone = superfluous(&present, &rules, &Zone::UTC);
            assert!(!gone.contains(&first.plus_days(day)), "the newest always stays");
            present.retain(|at| !gone.contains(at));
            assert!(present.len() <= 3 + 7 + 4 + 6);
        }
        let oldest = UtcInstant::parse("2026-07-31T03:30:00Z").unwrap();
        assert_eq!((present.len(), present[0]), (14, oldest));
    }
}
