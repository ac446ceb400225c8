//! Cron patterns of six fields, seconds first, read by the wall clock of a zone.
//!
//! The one place that knows `croner`. Gaps and overlaps of daylight saving are resolved by it in the real zone, never by a
//! fixed offset.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::time::{UtcInstant, Zone};

/// Longest pattern in characters.
const CHARS_MAX: usize = 200;
/// A pattern comes true within some years of 2028-01-01, the first day of a leap year, or never.
const SOMEWHEN: UtcInstant = UtcInstant::from_ms(1_830_297_600_000);

/// A pattern that comes true somewhen.
#[derive(Clone, Debug)]
pub struct Pattern(Cron);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// Nobody writes one of such a length.
    #[error("is too long for a cron pattern")]
    TooLong,
    /// Not six fields.
    #[error("must be a cron pattern with six fields, seconds first")]
    Fields,
    /// A field that says nothing.
    #[error("is not a cron pattern")]
    NotCron,
    /// Such as 31 February.
    #[error("never fires: there is no such date")]
    Never,
}

impl Pattern {
    /// From second, minute, hour, day, month, weekday.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.chars().count() > CHARS_MAX {
            return Err(PatternFault::TooLong);
        }
        if text.split_ascii_whitespace().count() != 6 {
            return Err(PatternFault::Fields);
        }
        let parser =
            CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        let pattern = Self(parser.parse(text).ok().ok_or(PatternFault::NotCron)?);
        pattern.next(SOMEWHEN, &Zone::UTC, true).ok_or(PatternFault::Never)?;
        Ok(pattern)
    }

    /// The first instant after `at`, or at it if `inclusive`.
    pub fn next(&self, at: UtcInstant, zone: &Zone, inclusive: bool) -> Option<UtcInstant> {
        let local = zone.clock(at);
        let found = self.0.find_next_occurrence(&local, inclusive).ok()?;
        Some(whole_second(found.timestamp()))
    }

    /// The last instant at or before `at`.
    pub fn previous(&self, at: UtcInstant, zone: &Zone) -> Option<UtcInstant> {
        let local = zone.clock(at);
        let found = self.0.find_previous_occurrence(&local, true).ok()?;
        Some(whole_second(found.timestamp()))
    }
}

/// `croner` carries the milliseconds of its starting point along; a slot has none.
fn whole_second(timestamp_s: i64) -> UtcInstant {
    UtcInstant::EPOCH.plus_s(timestamp_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_six_fields_and_fire() {
        for good in [
            "0 0 6,13,20 * * *",
            "0 30 9 * * MON-FRI",
            "0 0 0 29 2 *",
            "*/10 * * * * *",
            "0 0 12 L * *",
        ] {
            assert!(Pattern::parse(good).is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("", PatternFault::Fields),
            ("30 9 * * *", PatternFault::Fields),
            ("0 0 6 * * * 2030", PatternFault::Fields),
            ("0 0 25 * * *", PatternFault::NotCron),
            ("0 0 0 31 2 *", PatternFault::Never),
            ("0 0 0 30 2 *", PatternFault::Never),
            ("0 0 0 31 2,4,6,9,11 *", PatternFault::Never),
            ("a b c d e f", PatternFault::NotCron),
            ("@daily", PatternFault::Fields),
            ("0 0 6 * * MARS", PatternFault::NotCron),
            ("99 * * * * *", PatternFault::NotCron),
        ] {
            assert_eq!(Pattern::parse(bad).unwrap_err(), fault, "{bad}");
        }
        assert_eq!(Pattern::parse(&"*".repeat(1_000_000)).unwrap_err(), PatternFault::TooLong);
    }
}
