//! How the provider writes instants, and how civil dates come out of day numbers.
//!
//! Kept apart from [`crate::model::time`] because these are the wire's spellings, not the daemon's.

use crate::model::time::{BankDate, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcInstant};

/// Year, month 1–12 and day 1–31 of a number of days since 1970-01-01 (H. Hinnant,
/// "chrono-compatible low-level date algorithms", `civil_from_days`).
pub(super) fn civil(epoch_days: i64) -> (i64, u32, u32) {
    let shifted = epoch_days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era.div_euclid(1_460) + day_of_era.div_euclid(36_524)
        - day_of_era.div_euclid(146_096))
    .div_euclid(365);
    let day_of_year =
        day_of_era - (365 * year_of_era + year_of_era.div_euclid(4) - year_of_era.div_euclid(100));
    let shifted_month = (5 * day_of_year + 2).div_euclid(153);
    let day = day_of_year - (153 * shifted_month + 2).div_euclid(5) + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The day of the week of a day number: 0 is Monday, 6 is Sunday.
pub(super) fn weekday(epoch_days: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (epoch_days + 3).rem_euclid(7)
}

/// The civil date of a day number; the last plausible day for numbers outside the calendar.
pub(super) fn date(epoch_days: i64) -> BankDate {
    BankDate::from_epoch_days(epoch_days).unwrap_or_else(|| UtcInstant::EPOCH.utc_date())
}

/// Midnight UTC of a day number, moved by milliseconds.
pub(super) fn instant(epoch_days: i64, ms: i64) -> UtcInstant {
    UtcInstant::from_ms(epoch_days.saturating_mul(DAY_MS).saturating_add(ms))
}

fn clock(at: UtcInstant) -> (i64, i64, i64, i64) {
    let ms = at.ms().rem_euclid(DAY_MS);
    (
        ms.div_euclid(HOUR_MS),
        ms.rem_euclid(HOUR_MS).div_euclid(MINUTE_MS),
        ms.rem_euclid(MINUTE_MS).div_euclid(SECOND_MS),
        ms.rem_euclid(SECOND_MS),
    )
}

/// As in fields of answers: `2022-02-21T13:43:55.608911Z` (the world knows milliseconds; the rest
/// is zeros).
pub(super) fn stamp(at: UtcInstant) -> String {
    let (hour, minute, second, ms) = clock(at);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{ms:03}000Z", at.utc_date())
}

/// As inside error texts: `2025-10-31 07:58:23.836351+00:00`.
pub(super) fn stamp_in_text(at: UtcInstant) -> String {
    let (hour, minute, second, ms) = clock(at);
    format!("{} {hour:02}:{minute:02}:{second:02}.{ms:03}000+00:00", at.utc_date())
}

/// The `Date` header: IMF-fixdate (RFC 9110 section 5.6.7).
pub(super) fn http_date(at: UtcInstant) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = at.ms().div_euclid(DAY_MS);
    let (year, month, day) = civil(days);
    let (hour, minute, second, _) = clock(at);
    let name = |list: &[&'static str], place: i64| {
        usize::try_from(place).ok().and_then(|place| list.get(place)).copied().unwrap_or("")
    };
    let weekday = name(&DAYS, weekday(days));
    let month = name(&MONTHS, i64::from(month) - 1);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Seconds from `now` to `then`, rounded up, never negative.
pub(super) fn seconds_until(then: UtcInstant, now: UtcInstant) -> i64 {
    (then.since(now).max(0) + SECOND_MS - 1).div_euclid(SECOND_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar() {
        for day in (-1_000..40_000).step_by(13) {
            let (year, month, dom) = civil(day);
            let same = BankDate::from_ymd(i32::try_from(year).unwrap(), month, dom).unwrap();
            assert_eq!(same.epoch_days(), day);
        }
        assert_eq!(weekday(0), 3);
    }

    #[test]
    fn spellings() {
        let at = UtcInstant::from_ms(1_761_897_503_836);
        assert_eq!(stamp(at), "2025-10-31T07:58:23.836000Z");
        assert_eq!(stamp_in_text(at), "2025-10-31 07:58:23.836000+00:00");
        assert_eq!(http_date(at), "Fri, 31 Oct 2025 07:58:23 GMT");
        assert_eq!(seconds_until(at.plus_ms(1), at), 1);
        assert_eq!(seconds_until(at, at.plus_ms(1)), 0);
    }
}
