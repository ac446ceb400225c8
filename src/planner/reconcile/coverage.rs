//! Which stored rows an answer surely covers: only their absence means anything.
//!
//! A row is surely covered when every date it has is on or after both `date_from` and the answer's oldest effective date
//! (providers clamp `date_from` silently, and a filter matches booking *or* value date). There is no upper end: banks book
//! into the future. An unfiltered answer also covers undated rows. A filter drops rows that have neither booking nor value
//! date, so that a filtered answer says as little about a row with date-times only as about an undated one. An answer without
//! booked rows, where some are listed, covers nothing until a second one at least 24 hours later agrees.

use crate::model::time::{BankDate, DAY_MS, UtcInstant};

use super::{Memory, StoredRow};

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

    /// Whether a booked row would be in the answer if the bank still had it.
    pub fn covers(&self, row: &StoredRow) -> bool {
        if !passes(self.date_from, row) {
            return false;
        }
        match (row.earliest_date, self.floor) {
            (None, _) => self.undated,
            (Some(_), Floor::Nothing) => false,
            (Some(_), Floor::Everything) => true,
            (Some(earliest), Floor::From(from)) => earliest >= from,
        }
    }

    /// Whether a pending row would be announced if it still were pending. The pending list is a snapshot with no oldest
    /// date of its own; only the filter hides rows.
    pub fn covers_pending(&self, row: &StoredRow) -> bool {
        self.pending && passes(self.date_from, row)
    }
}

/// Whether a filter surely lets a row through.
pub(super) fn passes(date_from: Option<BankDate>, row: &StoredRow) -> bool {
    date_from.is_none_or(|from| row.filterable && row.earliest_date.is_some_and(|at| at >= from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::transaction::{BookingStatus, RowState};

    fn day(day: u32) -> Option<BankDate> {
        BankDate::from_ymd(2026, 3, day)
    }

    fn row(earliest: Option<BankDate>) -> StoredRow {
        StoredRow {
            number: 1,
            hash: [0; 16],
            effective_date: earliest,
            earliest_date: earliest,
            filterable: earliest.is_some(),
            status: BookingStatus::Booked,
            state: RowState::Current,
        }
    }

    fn covers(coverage: &Coverage, earliest: Option<BankDate>) -> bool {
        coverage.covers(&row(earliest))
    }

    #[test]
    fn the_later_of_filter_and_oldest_row_is_the_floor() {
        let coverage = Coverage::of_rows(day(5), day(9));
        assert!(
            covers(&coverage, day(9)) && !covers(&coverage, day(8)) && !covers(&coverage, None)
        );
        assert!(covers(&coverage, BankDate::from_ymd(5207, 1, 1)));
        let coverage = Coverage::of_rows(None, day(9));
        assert!(covers(&coverage, None) && !covers(&coverage, day(8)));
        assert!(!covers(&Coverage::of_rows(None, None), day(8)));
    }

    #[test]
    fn nothing_at_all_is_believed_the_second_time_a_day_later() {
        let mut memory = Memory::default();
        let at = UtcInstant::from_ms(1_000);
        let first = Coverage::of_nothing(None, true, at, &mut memory);
        assert!(!covers(&first, day(1)) && !covers(&first, None));
        assert!(!first.covers_pending(&row(day(1))));
        let second = Coverage::of_nothing(None, true, at.plus_hours(23), &mut memory);
        assert!(!covers(&second, day(1)));
        let third = Coverage::of_nothing(None, true, at.plus_hours(24), &mut memory);
        assert!(covers(&third, day(1)));
        let known = Coverage::of_nothing(day(3), false, at, &mut Memory::default());
        assert!(covers(&known, day(3)));
    }

    #[test]
    fn a_filter_says_nothing_about_undated_pending_rows() {
        let coverage = Coverage::of_rows(day(5), day(9));
        assert!(coverage.covers_pending(&row(day(5))) && !coverage.covers_pending(&row(None)));
        assert!(Coverage::of_rows(None, day(9)).covers_pending(&row(None)));
    }

    #[test]
    fn a_filter_says_nothing_about_rows_with_date_times_only() {
        let row = StoredRow { filterable: false, ..row(day(9)) };
        let filtered = Coverage::of_rows(day(5), day(9));
        assert!(!filtered.covers(&row) && !filtered.covers_pending(&row));
        let unfiltered = Coverage::of_rows(None, day(9));
        assert!(unfiltered.covers(&row) && unfiltered.covers_pending(&row));
        assert!(!Coverage::of_rows(None, day(10)).covers(&row));
    }
}
