//! What becomes of stored rows that an answer lacks, and which fields of a row changed.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::time::{HOUR_MS, UtcInstant};
use crate::model::transaction::{BookingStatus, Columns, RowState, Transaction};

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

/// Names of columns, and whether they are the same in two readings. A column that is not in the list does not compile.
macro_rules! compared {
    ($before:ident, $now:ident, [$($plain:ident),* $(,)?], $json:ident) => {{
        let Columns { $($plain: _,)* $json: _ } = $now;
        let json = same_json($before.$json.as_deref(), $now.$json.as_deref());
        [$((stringify!($plain), $before.$plain == $now.$plain),)* (stringify!($json), json)]
    }};
}

/// The names of the columns in which two readings of a row differ, in the contract's spelling and sorted. Empty where only
/// raw members differ that are not columns.
pub fn changed_fields(before: &Transaction, now: &Transaction) -> Vec<String> {
    let columns = compared!(
        before,
        now,
        [
            booking_date,
            value_date,
            booking_date_time,
            value_date_time,
            amount,
            currency,
            creditor_name,
            creditor_account,
            debtor_name,
            debtor_account,
            remittance_information,
            end_to_end_id,
            mandate_id,
            bank_transaction_code,
            proprietary_bank_transaction_code,
            merchant_category_code,
            transaction_id,
            internal_transaction_id,
            entry_reference,
            flags,
        ],
        currency_exchange
    );
    let differ = columns.into_iter().filter(|(_, same)| !same);
    let mut names: Vec<String> = differ.map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names
}

/// Whether two values say the same, however they are spaced and in whatever order their members stand.
fn same_json(one: Option<&RawValue>, other: Option<&RawValue>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    let value = |json: &RawValue| serde_json::from_str::<Value>(json.get()).ok();
    one.get() == other.get() || value(one) == value(other)
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
        let exchange = |json: &str| Transaction {
            currency_exchange: Some(RawValue::from_string(json.to_owned()).unwrap()),
            ..before.clone()
        };
        let (one, other) = (exchange(r#"{"a":1,"b":2}"#), exchange(r#"{ "b": 2, "a": 1 }"#));
        assert!(changed_fields(&one, &other).is_empty(), "that is spelling");
        assert_eq!(changed_fields(&before, &one), ["currency_exchange"]);
        assert_eq!(changed_fields(&one, &exchange("[]")), ["currency_exchange"]);
    }
}
