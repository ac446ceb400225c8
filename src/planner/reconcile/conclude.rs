//! What becomes of stored rows that an answer lacks, and which fields of a row changed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::time::{HOUR_MS, UtcInstant};
use crate::model::transaction::{BookingStatus, RowState, Transaction};

use super::coverage::Coverage;
use super::{Absence, AnswerFacts, StoredRow};

/// Without a `last_updated` to compare, a second absence counts after this long.
pub const SECOND_ABSENCE_AFTER_MS: i64 = 12 * HOUR_MS;

/// The stored rows (by place) that are not in the answer and change state because of it. `continued` tells which places
/// go on as a row of the answer; `absences` holds the missing rows by number.
pub fn retire(
    stored: &[StoredRow],
    continued: &[bool],
    coverage: &Coverage,
    facts: &AnswerFacts,
    absences: &BTreeMap<i64, Absence>,
) -> Vec<(usize, RowState)> {
    let absent =
        stored.iter().enumerate().filter(|(place, _)| continued.get(*place) != Some(&true));
    absent
        .filter_map(|(place, row)| {
            let next = match (row.status, row.state) {
                (BookingStatus::Booked, RowState::Current) => {
                    coverage.covers(row).then_some(RowState::Missing)
                }
                (BookingStatus::Booked, RowState::Missing) => {
                    let again =
                        absences.get(&row.number).is_some_and(|absence| is_second(absence, facts));
                    (again && coverage.covers(row)).then_some(RowState::Vanished)
                }
                (BookingStatus::Pending, RowState::Current) => {
                    coverage.covers_pending(row).then_some(RowState::Closed)
                }
                _ => None,
            };
            next.map(|state| (place, state))
        })
        .collect()
}

/// Whether this answer is a second witness: the provider asked the bank again, or enough time has passed.
pub fn is_second(absence: &Absence, facts: &AnswerFacts) -> bool {
    match (&absence.last_updated, &facts.last_updated) {
        (Some(before), Some(now)) => before != now,
        _ => since_at_least(absence.since, facts.at),
    }
}

fn since_at_least(since: UtcInstant, at: UtcInstant) -> bool {
    at.since(since) >= SECOND_ABSENCE_AFTER_MS
}

/// The names of the columns in which two readings of a row differ, in the contract's spelling. Empty where only raw
/// members differ that are not columns.
pub fn changed_fields(before: &Transaction, now: &Transaction) -> Vec<String> {
    let (Ok(Value::Object(before)), Ok(Value::Object(now))) =
        (serde_json::to_value(before), serde_json::to_value(now))
    else {
        return Vec::new();
    };
    now.iter()
        .filter(|(name, value)| before.get(*name) != Some(*value))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::BankDate;

    fn facts(hours: i64, last_updated: Option<&str>) -> AnswerFacts {
        AnswerFacts {
            at: UtcInstant::EPOCH.plus_hours(hours),
            date_from: None,
            last_updated: last_updated.map(str::to_owned),
        }
    }

    #[test]
    fn a_row_is_missing_first_and_vanished_when_a_second_witness_lacks_it() {
        let date = BankDate::from_ymd(2026, 3, 2);
        let mut row = StoredRow {
            number: 1,
            hash: [0; 16],
            effective_date: date,
            earliest_date: date,
            filterable: true,
            status: BookingStatus::Booked,
            state: RowState::Current,
        };
        let coverage = Coverage::of_rows(None, BankDate::from_ymd(2026, 3, 1));
        let mut absences = BTreeMap::new();
        assert_eq!(retire(&[row], &[true], &coverage, &facts(0, None), &absences), []);
        assert_eq!(
            retire(&[row], &[false], &coverage, &facts(0, None), &absences),
            [(0, RowState::Missing)]
        );
        row.state = RowState::Missing;
        absences.insert(1, Absence { since: UtcInstant::EPOCH, last_updated: Some("a".into()) });
        assert_eq!(retire(&[row], &[false], &coverage, &facts(20, Some("a")), &absences), []);
        assert_eq!(
            retire(&[row], &[false], &coverage, &facts(1, Some("b")), &absences),
            [(0, RowState::Vanished)]
        );
        assert_eq!(retire(&[row], &[false], &coverage, &facts(11, None), &absences), []);
        assert_eq!(
            retire(&[row], &[false], &coverage, &facts(12, None), &absences),
            [(0, RowState::Vanished)]
        );
        let elsewhere = Coverage::of_rows(None, BankDate::from_ymd(2026, 3, 3));
        assert_eq!(retire(&[row], &[false], &elsewhere, &facts(12, None), &absences), []);
    }

    #[test]
    fn changed_fields_are_named_as_the_contract_names_them() {
        let before = Transaction { creditor_name: Some("A".into()), ..Transaction::default() };
        let now = Transaction {
            creditor_name: Some("B".into()),
            mandate_id: Some("m".into()),
            ..before.clone()
        };
        assert_eq!(changed_fields(&before, &now), ["creditor_name", "mandate_id"]);
        assert!(changed_fields(&now, &now).is_empty());
    }
}
