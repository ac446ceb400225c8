//! Rows as the bank showed them in one answer, read once more by code of its own.
//!
//! Of a row it takes only its dates: when two rows are the same row is decided by their bytes alone.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::time::{BankDate, UtcInstant};
use crate::sandbox::{Phase, row_print};

/// An answer that arrived.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// When, by the true time.
    pub(super) arrived_at: UtcInstant,
    /// The provider's id of the account.
    pub(super) account: String,
    /// The bank's own account.
    pub(super) bank_account: usize,
    /// It is no news: there may be newer rows.
    pub(super) stands_still: bool,
    /// The filter it was asked with.
    pub(super) date_from: Option<BankDate>,
    /// Movement, phase and fingerprint of each row, as the world keeps them.
    pub(super) rows: Vec<(u64, Phase, u64)>,
    /// The booked rows as the answer held them.
    pub(super) booked: Vec<Row>,
}

/// A row: which bytes, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Of its bytes.
    pub(super) fingerprint: u64,
    /// Booking date, else value date, else those of the date-times.
    pub(super) effective: Option<BankDate>,
    /// The earliest of all its dates.
    pub(super) earliest: Option<BankDate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dates<'a> {
    #[serde(borrow)]
    booking_date: Option<&'a RawValue>,
    #[serde(borrow)]
    value_date: Option<&'a RawValue>,
    #[serde(borrow)]
    booking_date_time: Option<&'a RawValue>,
    #[serde(borrow)]
    value_date_time: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    transactions: Lists<'a>,
}

#[derive(Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    booked: Vec<&'a RawValue>,
}

impl Row {
    /// Reads a row's dates; what is not understood is no date.
    pub(super) fn read(raw: &str) -> Self {
        let dates: [Option<BankDate>; 4] =
            serde_json::from_str::<Dates<'_>>(raw).map_or([None; 4], |dates| {
                [
                    dates.booking_date,
                    dates.value_date,
                    dates.booking_date_time,
                    dates.value_date_time,
                ]
                .map(|value| BankDate::parse(value?.get().trim_matches('"')))
            });
        Self {
            fingerprint: row_print(raw),
            effective: dates.into_iter().flatten().next(),
            earliest: dates.into_iter().flatten().min(),
        }
    }
}

/// The booked rows of a body; `None` if it is not the body of a transactions answer.
pub(super) fn booked(body: &[u8]) -> Option<Vec<Row>> {
    let lists = serde_json::from_slice::<Body<'_>>(body).ok()?.transactions;
    Some(lists.booked.into_iter().map(|raw| Row::read(raw.get())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_the_bank_wrote_them() {
        let day = |text| BankDate::parse(text);
        let row = Row::read(r#"{"valueDate":"2027-03-01","bookingDate":"2027-03-02T00:00:00Z"}"#);
        assert_eq!((row.effective, row.earliest), (day("2027-03-02"), day("2027-03-01")));
        let row = Row::read(r#"{"bookingDate":"soon","valueDateTime":"2027-03-04T01:02:03"}"#);
        assert_eq!((row.effective, row.earliest), (day("2027-03-04"), day("2027-03-04")));
        assert_eq!(Row::read("{}").effective, None);
        let rows = booked(br#"{"transactions":{"booked":[{"a":1},{"a":1}]}}"#).unwrap();
        assert_eq!((rows.len(), rows[0] == rows[1]), (2, true));
        assert!(booked(b"<html>").is_none());
    }
}
