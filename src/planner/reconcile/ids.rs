//! Ids as evidence: which of them collide, and which pending rows only repeat a booked one.
//!
//! Banks reuse ids (`9998` for every card payment) and keep placeholders of booked payments in the pending list, under the
//! booked row's id. Both show only when rows are compared with their neighbours, so the neighbours are looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::transaction::Transaction;

use super::normal;
use super::tiers::{Candidate, bank_id, dates_near};

/// Ids that stand on more than one row of an answer: they count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colliding {
    internal: BTreeSet<String>,
    bank: BTreeSet<String>,
}

impl Colliding {
    /// From the booked rows that lie near the rows in question.
    pub fn among<'a>(rows: &(impl Iterator<Item = &'a Transaction> + Clone)) -> Self {
        let of = |id: fn(&Transaction) -> Option<&str>| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for id in rows.clone().filter_map(|row| normal::id(id(row))) {
                *counts.entry(id).or_default() += 1;
            }
            let repeated = counts.into_iter().filter(|(_, count)| *count > 1);
            repeated.map(|(id, _)| id.to_owned()).collect()
        };
        Self {
            internal: of(|row| row.internal_transaction_id.as_deref()),
            bank: of(|row| row.transaction_id.as_deref()),
        }
    }

    /// Whether the provider's id says nothing.
    pub(super) fn has_internal(&self, id: &str) -> bool {
        self.internal.contains(id)
    }

    /// Whether the bank's id says nothing.
    pub(super) fn has_bank(&self, id: &str) -> bool {
        self.bank.contains(id)
    }
}

/// The pending rows that repeat a booked row's valid id and amount near its date, each with that row (places in the answer).
/// They are leftovers: kept, not listed.
pub fn repeats<'a>(
    pending: impl Iterator<Item = &'a Candidate>,
    booked: impl Iterator<Item = &'a Candidate>,
    colliding: &Colliding,
) -> BTreeMap<usize, usize> {
    let mut by_id: BTreeMap<Vec<String>, &Candidate> = BTreeMap::new();
    for row in booked {
        if let Some(key) = bank_id(&row.row, colliding) {
            by_id.insert(key, row);
        }
    }
    pending
        .filter_map(|row| {
            let booked = by_id.get(&bank_id(&row.row, colliding)?)?;
            let near = match (row.effective_date, booked.effective_date) {
                (Some(pending), Some(booked)) => dates_near(pending, booked),
                _ => true,
            };
            near.then_some((row.place, booked.place))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Amount;
    use crate::model::time::BankDate;
    use crate::model::transaction::{BookingStatus, RowState};

    fn row(place: usize, status: BookingStatus, day: u32, id: &str, amount: &str) -> Candidate {
        Candidate {
            place,
            order: 0,
            status,
            state: RowState::Current,
            effective_date: BankDate::from_ymd(2026, 3, day),
            fixed: false,
            row: Transaction {
                transaction_id: Some(id.to_owned()),
                amount: Amount::parse(amount),
                ..Transaction::default()
            },
        }
    }

    #[test]
    fn a_pending_row_under_a_booked_rows_id_is_a_leftover() {
        let booked = [
            row(0, BookingStatus::Booked, 5, "id-1", "-4.20"),
            row(1, BookingStatus::Booked, 5, "9998", "-1"),
            row(2, BookingStatus::Booked, 6, "9998", "-1"),
        ];
        let colliding = Colliding::among(&booked.iter().map(|row| &row.row));
        let pending = [
            row(3, BookingStatus::Pending, 4, "id-1", "-4.2"),
            row(4, BookingStatus::Pending, 4, "id-1", "-5"),
            row(5, BookingStatus::Pending, 25, "id-1", "-4.2"),
            row(6, BookingStatus::Pending, 4, "9998", "-1"),
        ];
        assert_eq!(repeats(pending.iter(), booked.iter(), &colliding), BTreeMap::from([(3, 0)]));
    }
}
