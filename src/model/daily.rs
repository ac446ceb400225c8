//! A span of every day, such as 22:00 to 07:00, on the clock of some zone. Its end does not belong to it.

use std::fmt;

use super::time::{MINUTE_MS, UtcInstant, Zone};

/// Minutes of a day on the clock.
const DAY_MINUTES: u32 = 24 * 60;

/// Between two looks at the clock while the end of a span is near: a change of daylight saving time moves the clock by an
/// hour at most.
const NEAR_MINUTES: u32 = 60;

/// A span of every day; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailySpan {
    from: u32,
    to: u32,
}

impl DailySpan {
    /// From `HH:MM-HH:MM`; `None` if it is not that, or both are the same.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from.trim())?, minute(to.trim())?);
        (from != to).then_some(Self { from, to })
    }

    /// How many minutes are left of it at this minute of the day; 0 outside of it.
    fn left(self, minute: u32) -> u32 {
        let since = (minute + DAY_MINUTES - self.from) % DAY_MINUTES;
        let length = (self.to + DAY_MINUTES - self.from) % DAY_MINUTES;
        length.saturating_sub(since)
    }
}

impl fmt::Display for DailySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minute: u32| (minute.div_euclid(60), minute % 60);
        let ((from_h, from_m), (to_h, to_m)) = (clock(self.from), clock(self.to));
        write!(f, "{from_h:02}:{from_m:02}-{to_h:02}:{to_m:02}")
    }
}

/// `HH:MM` as minutes since midnight.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, below: u32| {
        let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        two.then(|| digits.parse::<u32>().ok()).flatten().filter(|number| *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

/// Whether the spans leave no minute of the day.
pub fn are_the_whole_day(spans: &[DailySpan]) -> bool {
    (0..DAY_MINUTES).all(|minute| spans.iter().any(|span| span.left(minute) > 0))
}

/// When none of the spans goes on any more: the first such instant, `now` at the earliest. Spans that are the whole day end
/// never; then it is a day later.
pub fn end(spans: &[DailySpan], zone: &Zone, now: UtcInstant) -> UtcInstant {
    let mut at = now;
    // Each look but the nearest ones skips all of a span but an hour; there are 1440 minutes in a day.
    for _ in 0..DAY_MINUTES {
        let minute = zone.minute_of_day(at);
        let left = spans.iter().map(|span| span.left(minute)).max().unwrap_or(0);
        if left == 0 {
            return at;
        }
        let skipped = left.saturating_sub(NEAR_MINUTES).max(1);
        // To the beginning of a minute: spans begin and end there.
        let whole = at.ms().div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS);
        at = UtcInstant::from_ms(whole).plus_ms(i64::from(skipped).saturating_mul(MINUTE_MS));
    }
    now.plus_days(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> DailySpan {
        DailySpan::parse(text).unwrap()
    }

    fn at(text: &str) -> UtcInstant {
        UtcInstant::parse(text).unwrap()
    }

    #[test]
    fn spans_as_people_write_them() {
        for text in ["22:00-07:00", "00:00-23:59", "12:30-13:00"] {
            assert_eq!(span(text).to_string(), text);
        }
        assert_eq!(span("22:00 - 07:00").to_string(), "22:00-07:00");
        for text in ["", "22-07", "22:00", "24:00-07:00", "22:60-07:00", "7:00-8:00", "+1:00-02:00"]
        {
            assert_eq!(DailySpan::parse(text), None, "{text}");
        }
        assert_eq!(DailySpan::parse("07:00-07:00"), None);
        assert!(are_the_whole_day(&[span("00:00-12:00"), span("11:00-00:00")]));
        assert!(!are_the_whole_day(&[span("00:00-12:00"), span("12:01-00:00")]));
    }

    #[test]
    fn the_end_of_a_night() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let night = [span("22:00-07:00")];
        let end = |now: &str| end(&night, &berlin, at(now));
        assert_eq!(end("2026-01-10T21:30:20Z"), at("2026-01-11T06:00:00Z"));
        assert_eq!(end("2026-01-11T03:00:00Z"), at("2026-01-11T06:00:00Z"));
        assert_eq!(end("2026-01-11T06:00:00Z"), at("2026-01-11T06:00:00Z"), "the end is outside");
        assert_eq!(end("2026-01-11T12:00:59Z"), at("2026-01-11T12:00:59Z"));
        // The clock goes forward at 02:00 and back at 03:00: it is 07:00 an hour sooner, and later.
        assert_eq!(end("2026-03-28T23:00:00Z"), at("2026-03-29T05:00:00Z"));
        assert_eq!(end("2026-10-24T23:00:00Z"), at("2026-10-25T06:00:00Z"));
    }

    #[test]
    fn spans_that_meet_and_ends_that_a_clock_skips() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let meet = [span("22:00-02:30"), span("02:00-05:00")];
        assert_eq!(end(&meet, &berlin, at("2026-01-10T22:00:00Z")), at("2026-01-11T04:00:00Z"));
        let skipped = [span("01:00-02:30")];
        assert_eq!(end(&skipped, &berlin, at("2026-03-29T00:30:00Z")), at("2026-03-29T01:00:00Z"));
        let always = [span("00:00-12:00"), span("12:00-00:00")];
        assert_eq!(
            end(&always, &Zone::UTC, at("2026-01-01T00:00:00Z")),
            at("2026-01-02T00:00:00Z")
        );
    }
}
