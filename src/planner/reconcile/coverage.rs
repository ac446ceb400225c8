//! Which stored rows an answer surely covers: only their absence means anything.
//!
//! A row is surely covered when every date it has is on or after both `date_from` and the answer's oldest effective date
//! (providers clamp `date_from` silently, and a filter matches booking *or* value date). There is no upper end: banks book
//! into the future. An unfiltered answer also covers undated rows. An answer without booked rows, where some are
//! listed, covers nothing until a second one at least 24 hours later agrees.

use crate::model::time::{BankDate, DAY_MS, UtcInstant};

use super::Memory;

/// An empty answer is believed when it is repeated after this long.
pub const EMPTY_AGREES_AFTER_MS: i64 = DAY_MS;

/// From where on dated rows are covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// No dated row is.
    Nothing,
    /// Rows whose every date is on or after this one.
    From(BankDate),
    /// All dated rows.
    Everything,
}

/// What an answer surely covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Dated rows.
    pub floor: Floor,
    /// Undated rows.
    pub undated: bool,
    /// Whether the pending list (or its absence) is believed.
    pub pending: bool,
    /// The filter it was asked with.
    pub date_from: Option<BankDate>,
}

impl Coverage {
    /// Of an answer with booked rows, the oldest of them at `oldest` (`None`: all undated).
    pub fn of_rows(date_from: Option<BankDate>, oldest: Option<BankDate>) -> Self {
        let floor = match (oldest, date_from) {
            (Some(oldest), Some(from)) => Floor::From(oldest.max(from)),
            (Some(oldest), None) => Floor::From(oldest),
            (None, _) => Floor::Nothing,
        };
        Self { floor, undated: date_from.is_none(), pending: true, date_from }
    }

    /// Of an answer without booked rows. `lists_some`: booked rows are listed that its window would show.
    /// Remembers a first doubtful answer in `memory`; the caller forgets it when rows come.
    pub fn of_nothing(
        date_from: Option<BankDate>,
        lists_some: bool,
        at: UtcInstant,
        memory: &mut Memory,
    ) -> Self {
        let believed = !lists_some || {
            let since = *memory.empty_since.get_or_insert(at);
            at.since(since) >= EMPTY_AGREES_AFTER_MS
        };
        if !believed {
            return Self { floor: Floor::Nothing, undated: false, pending: false, date_from };
        }
        let floor = date_from.map_or(Floor::Everything, Floor::From);
        Self { floor, undated: date_from.is_none(), pending: true, date_from }
    }

    /// Whether a booked row with this earliest date would be in the answer if the bank still had it.
    pub fn covers(&self, earliest: Option<BankDate>) -> bool {
        match (earliest, self.floor) {
            (None, _) => self.undated,
            (Some(_), Floor::Nothing) => false,
            (Some(_), Floor::Everything) => true,
            (Some(earliest), Floor::From(from)) => earliest >= from,
        }
    }

    /// Whether a pending row with this earliest date would be announced if it still were pending. The pending list is
    /// a snapshot with no oldest date of its own; only the filter hides rows.
    pub fn covers_pending(&self, earliest: Option<BankDate>) -> bool {
        self.pending
            && match (earliest, self.date_from) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(earliest), Some(from)) => earliest >= from,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> Option<BankDate> {
        BankDate::from_ymd(2026, 3, day)
    }

    #[test]
    fn the_later_of_filter_and_oldest_row_is_the_floor() {
        let coverage = Coverage::of_rows(day(5), day(9));
        assert!(coverage.covers(day(9)) && !coverage.covers(day(8)) && !coverage.covers(None));
        assert!(coverage.covers(BankDate::from_ymd(5207, 1, 1)));
        let coverage = Coverage::of_rows(None, day(9));
        assert!(coverage.covers(None) && !coverage.covers(day(8)));
        assert!(!Coverage::of_rows(None, None).covers(day(8)));
    }

    #[test]
    fn nothing_at_all_is_believed_the_second_time_a_day_later() {
        let mut memory = Memory::default();
        let at = UtcInstant::from_ms(1_000);
        let first = Coverage::of_nothing(None, true, at, &mut memory);
        assert!(!first.covers(day(1)) && !first.covers(None) && !first.covers_pending(day(1)));
        assert!(!Coverage::of_nothing(None, true, at.plus_hours(23), &mut memory).covers(day(1)));
        assert!(Coverage::of_nothing(None, true, at.plus_hours(24), &mut memory).covers(day(1)));
        assert!(Coverage::of_nothing(day(3), false, at, &mut Memory::default()).covers(day(3)));
    }

    #[test]
    fn a_filter_says_nothing_about_undated_pending_rows() {
        let coverage = Coverage::of_rows(day(5), day(9));
        assert!(coverage.covers_pending(day(5)) && !coverage.covers_pending(None));
        assert!(Coverage::of_rows(None, day(9)).covers_pending(None));
    }
}
