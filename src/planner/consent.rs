//! Access ends; this module knows when, and which warning is due.

use crate::model::time::{DAY_MS, UtcInstant};

/// What the end of access asks for at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDue {
    /// Nothing until then.
    NothingUntil(UtcInstant),
    /// Warn: this many days before the end was the smallest threshold passed.
    Warn(u32),
    /// Access has ended.
    Ended,
}

/// What is due for an access that ends at `end` and lasts `access_days` in all, when `warned` was the last warning given.
///
/// Thresholds not below the access length make no sense and are left out. After a gap only the smallest one passed is due.
pub fn due(
    end: UtcInstant,
    access_days: Option<u32>,
    warn_days: &[u32],
    warned: Option<u32>,
    now: UtcInstant,
) -> ConsentDue {
    if now >= end {
        return ConsentDue::Ended;
    }
    let begins = |days: u32| end.plus_days(-i64::from(days));
    let sensible = warn_days
        .iter()
        .copied()
        .filter(|days| access_days.is_none_or(|length| *days < length))
        .filter(|days| warned.is_none_or(|warned| *days < warned));
    match sensible.clone().filter(|days| begins(*days) <= now).min() {
        Some(days) => ConsentDue::Warn(days),
        None => ConsentDue::NothingUntil(sensible.map(begins).min().unwrap_or(end)),
    }
}

/// Whole days from `now` to `end`, rounded up, never negative.
pub fn days_left(end: UtcInstant, now: UtcInstant) -> i64 {
    let left = end.since(now).max(0);
    left.saturating_add(DAY_MS - 1).checked_div(DAY_MS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: UtcInstant = UtcInstant::from_ms(1_800_000_000_000);
    const WARN: [u32; 4] = [14, 7, 3, 1];

    fn days_before(days: i64) -> UtcInstant {
        END.plus_days(-days)
    }

    #[test]
    fn each_threshold_once_and_after_a_gap_only_the_smallest() {
        let due = |warned, now| due(END, Some(90), &WARN, warned, now);
        assert_eq!(due(None, days_before(20)), ConsentDue::NothingUntil(days_before(14)));
        assert_eq!(due(None, days_before(14)), ConsentDue::Warn(14));
        assert_eq!(due(Some(14), days_before(13)), ConsentDue::NothingUntil(days_before(7)));
        assert_eq!(due(Some(14), days_before(2)), ConsentDue::Warn(3), "7 was slept through");
        assert_eq!(due(Some(1), days_before(0).plus_ms(-1)), ConsentDue::NothingUntil(END));
        assert_eq!(due(Some(1), END), ConsentDue::Ended);
    }

    #[test]
    fn thresholds_longer_than_the_access_are_left_out() {
        assert_eq!(
            due(END, Some(7), &WARN, None, days_before(6)),
            ConsentDue::NothingUntil(days_before(3))
        );
    }

    #[test]
    fn days_left_round_up() {
        assert_eq!(days_left(END, END.plus_ms(-1)), 1);
        assert_eq!(days_left(END, END), 0);
        assert_eq!(days_left(END, days_before(14)), 14);
    }
}
