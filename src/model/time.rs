//! Time as banks and calendars use it: instants in UTC, civil dates as given, zones by IANA name.
//!
//! With [`super::zone`] the only module that touches `chrono`, so that it can be replaced. Nothing here reads a clock:
//! `now` is always an argument (see [`crate::model::port::Clock`]). A civil date is not an instant, and no conversion
//! between the two exists without a [`Zone`].

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};

pub use super::zone::Zone;

/// Milliseconds in a second, minute, hour and day.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in a day of 24 hours (UTC has no other).
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcInstant(i64);

impl UtcInstant {
    /// The beginning of Unix time.
    pub const EPOCH: Self = Self(0);
    /// Later than anything: "never again without a person".
    pub const NEVER: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds (negative: earlier).
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// This instant moved by seconds.
    #[must_use]
    pub const fn plus_s(self, seconds: i64) -> Self {
        self.plus_ms(seconds.saturating_mul(SECOND_MS))
    }

    /// This instant moved by hours.
    #[must_use]
    pub const fn plus_hours(self, hours: i64) -> Self {
        self.plus_ms(hours.saturating_mul(HOUR_MS))
    }

    /// This instant moved by days of 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_ms(days.saturating_mul(DAY_MS))
    }

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The civil date in UTC at this instant.
    pub fn utc_date(self) -> BankDate {
        BankDate(self.chrono().date_naive())
    }

    /// As a part of a file's name: `20261031T075823Z`, milliseconds behind the seconds where there are any.
    pub fn stamp(self) -> String {
        self.to_string().chars().filter(|letter| !matches!(letter, ':' | '-' | '.')).collect()
    }

    /// Parses RFC 3339 and the provider's looser spellings: a blank instead of `T`, an offset or none (then UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(at.timestamp_millis()));
        }
        let spelled = text.replacen(' ', "T", 1);
        if let Ok(at) = DateTime::parse_from_rfc3339(&spelled) {
            return Some(Self(at.timestamp_millis()));
        }
        NaiveDateTime::parse_from_str(&spelled, "%Y-%m-%dT%H:%M:%S%.f")
            .ok()
            .map(|at| Self(at.and_utc().timestamp_millis()))
    }

    /// Parses the `Date` header of HTTP (RFC 9110 section 5.6.7, the IMF-fixdate form).
    pub fn parse_http_date(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| Self(at.timestamp_millis()))
    }

    /// As `chrono` has it; out-of-range values are clamped to the ends of its calendar.
    pub(crate) fn chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl fmt::Display for UtcInstant {
    /// RFC 3339 in UTC with milliseconds when there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.chrono();
        let ([h1, h2], [m1, m2]) = (digits(at.hour()), digits(at.minute()));
        let ([s1, s2], milliseconds) =
            (digits(at.second()), digits::<3>(at.timestamp_subsec_millis()));
        BankDate(at.date_naive()).fmt(f)?;
        ascii(f, &[b'T', h1, h2, b':', m1, m2, b':', s1, s2])?;
        if milliseconds != *b"000" {
            f.write_str(".")?;
            ascii(f, &milliseconds)?;
        }
        f.write_str("Z")
    }
}

/// Wall time for calendars and windows, monotonic time for waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock. It may step in either direction.
    pub wall: UtcInstant,
    /// Milliseconds of a clock that never steps (it may stop during suspend).
    pub mono_ms: i64,
}

/// A civil date as a bank gives it: no zone, no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankDate(NaiveDate);

/// Dates outside these years are kept and flagged as absurd (year 5207 was seen in the wild).
const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1970..=2100;

impl BankDate {
    /// From a calendar date, `None` if there is no such day.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    /// From days since 1970-01-01, `None` outside the calendar of `chrono` (years ±262,142).
    pub fn from_epoch_days(days: i64) -> Option<Self> {
        NaiveDate::from_ymd_opt(1970, 1, 1)?
            .checked_add_signed(TimeDelta::try_days(days)?)
            .map(Self)
    }

    /// Days since 1970-01-01.
    pub fn epoch_days(self) -> i64 {
        const DAYS_FROM_CE_TO_EPOCH: i64 = 719_163;
        i64::from(self.0.num_days_from_ce()) - DAYS_FROM_CE_TO_EPOCH
    }

    /// Parses `YYYY-MM-DD`, alone or at the front of a date-time (banks put times into date fields).
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.trim().as_bytes().split_first_chunk()?;
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
        if !matches!(rest.first(), None | Some(b'T' | b't' | b' ')) {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |number: u32, digit| {
                let digit = digit.is_ascii_digit().then(|| digit.wrapping_sub(b'0'))?;
                number.checked_mul(10)?.checked_add(digit.into())
            })
        };
        let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
        Self::from_ymd(year, number(&[m1, m2])?, number(&[d1, d2])?)
    }

    /// This date moved by whole days; `None` at the ends of the calendar.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Option<Self> {
        self.0.checked_add_signed(TimeDelta::try_days(days)?).map(Self)
    }

    /// Whether the year is one in which a payment can have happened.
    pub fn is_plausible(self) -> bool {
        PLAUSIBLE_YEARS.contains(&self.0.year())
    }
}

impl From<NaiveDate> for BankDate {
    fn from(date: NaiveDate) -> Self {
        Self(date)
    }
}

impl fmt::Display for BankDate {
    /// ISO 8601.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(year) = u32::try_from(self.0.year()).ok().filter(|year| *year <= 9_999) else {
            // As `chrono` writes it: with a sign.
            return write!(f, "{:?}", self.0);
        };
        // Digit by digit, because listings write millions of dates.
        let [y1, y2, y3, y4] = digits(year);
        let ([m1, m2], [d1, d2]) = (digits(self.0.month()), digits(self.0.day()));
        ascii(f, &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])
    }
}

/// The last digits of a number.
fn digits<const N: usize>(mut number: u32) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = digit.saturating_add(u8::try_from(number.rem_euclid(10)).unwrap_or_default());
        number = number.div_euclid(10);
    }
    digits
}

fn ascii(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    f.write_str(str::from_utf8(text).unwrap_or_default())
}

impl Serialize for BankDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_short(self, serializer)
    }
}

/// Serialises a short text in one piece: listings write millions of dates, and `collect_str` would escape each of their
/// characters as a fragment of its own.
pub(crate) fn serialize_short<S: serde::Serializer>(
    text: &impl fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut short = Short { bytes: [0; SHORT_BYTES_MAX], len: 0 };
    match fmt::Write::write_fmt(&mut short, format_args!("{text}")) {
        Ok(()) => {
            let text = short.bytes.get(..short.len).and_then(|bytes| str::from_utf8(bytes).ok());
            serializer.serialize_str(text.unwrap_or_default())
        }
        Err(_too_long) => serializer.collect_str(text),
    }
}

/// An RFC 3339 instant with milliseconds and a five-digit year fits.
const SHORT_BYTES_MAX: usize = 32;

struct Short {
    bytes: [u8; SHORT_BYTES_MAX],
    len: usize,
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.saturating_add(text.len());
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for BankDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a date YYYY-MM-DD"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_every_spelling_of_the_provider() {
        let at = UtcInstant::from_ms(1_761_897_503_836);
        for text in [
            "2025-10-31T07:58:23.836351Z",
            "2025-10-31 07:58:23.836351+00:00",
            "2025-10-31 07:58:23.836351",
            "2025-10-31T09:58:23.836+02:00",
        ] {
            assert_eq!(UtcInstant::parse(text), Some(at), "{text}");
        }
        assert_eq!(UtcInstant::parse(""), None);
        assert_eq!(UtcInstant::parse("date"), None);
        assert_eq!(at.to_string(), "2025-10-31T07:58:23.836Z");
        assert_eq!(
            UtcInstant::parse_http_date("Fri, 31 Oct 2025 07:58:23 GMT").map(UtcInstant::ms),
            Some(1_761_897_503_000)
        );
    }

    #[test]
    fn dates_as_banks_write_them() {
        let date = BankDate::from_ymd(2024, 1, 1);
        assert_eq!(BankDate::parse("2024-01-01"), date);
        assert_eq!(BankDate::parse("2024-01-01T00:00:00Z"), date);
        for text in
            ["", "date", "2024-13-01", "2024-02-30", "20240101", "2024-01-01x", "+024-01-01"]
        {
            assert_eq!(BankDate::parse(text), None, "{text}");
        }
        let far = BankDate::parse("5207-01-01").unwrap();
        assert!(!far.is_plausible());
        assert_eq!(BankDate::from_epoch_days(far.epoch_days()), Some(far));
        assert_eq!(BankDate::from_epoch_days(0), BankDate::from_ymd(1970, 1, 1));
    }

    #[test]
    fn dates_and_instants_are_iso_8601_at_the_ends_of_the_calendar_too() {
        for days in [0, 59, 19_782, -719_528, -719_529, 2_932_896, 2_932_897, -90_000_000] {
            let date = BankDate::from_epoch_days(days).unwrap();
            assert_eq!(date.to_string(), format!("{:?}", date.0));
            for ms in [0, 1, 999, 1_000, 86_399_999] {
                let at = UtcInstant::from_ms(days * DAY_MS + ms);
                assert_eq!(at.to_string(), format!("{:?}Z", at.chrono().naive_utc()));
            }
        }
    }
}
