//! What is remembered of an account between answers: above all which of its ids are worth something.
//!
//! Banks send ids that are blank, constant, shared by several payments, or changed on booking or in an incident; which of it
//! happens differs by bank and is learned here, per account and kind of id, from what the answers themselves show.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::time::UtcInstant;
use crate::model::transaction::Transaction;

use super::evidence::{Evidence, money};
use super::normal;

/// So many rows must have come again under their id, without one that lost it, before an edited amount is followed by it.
pub const PROVEN_AFTER: u32 = 8;
/// So many pending rows must have been booked under their id before a changed amount is followed by it.
pub const BOOKING_PROVEN_AFTER: u32 = 3;
/// A bank with more colliding ids than this has no ids of this kind.
pub const COLLIDING_MAX: usize = 128;

/// A kind of id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdKind {
    /// The provider's: `internal_transaction_id`.
    Internal,
    /// The bank's: `transaction_id`.
    Bank,
}

impl IdKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Internal, Self::Bank];

    /// A row's id of this kind, if it looks like one.
    pub(super) fn of(self, row: &Transaction) -> Option<&str> {
        normal::id(match self {
            Self::Internal => row.internal_transaction_id.as_deref(),
            Self::Bank => row.transaction_id.as_deref(),
        })
    }
}

/// What an account has taught about one kind of id. A field added later needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdMemory {
    /// Rows that came again under their id since the last one that did not; counted up to [`PROVEN_AFTER`].
    pub kept: u32,
    /// Pending rows booked under their id since the last one that was not; counted up to [`BOOKING_PROVEN_AFTER`].
    pub kept_on_booking: u32,
    /// Ids seen on different payments at once: they count as absent.
    pub colliding: BTreeSet<String>,
    /// There were too many of those: no id of this kind counts.
    pub unreliable: bool,
}

impl IdMemory {
    /// Whether an edited amount may be followed by this kind of id.
    pub fn is_proven(&self) -> bool {
        self.kept >= PROVEN_AFTER
    }

    /// Whether this account keeps on booking under this kind of id.
    pub fn is_proven_on_booking(&self) -> bool {
        self.kept_on_booking >= BOOKING_PROVEN_AFTER
    }

    fn keeps(&mut self, rows: u32) {
        self.kept = self.kept.saturating_add(rows).min(PROVEN_AFTER);
    }

    fn collides(&mut self, id: &str) -> bool {
        if self.unreliable || !self.colliding.insert(id.to_owned()) {
            return false;
        }
        if self.colliding.len() > COLLIDING_MAX {
            self.colliding.clear();
            self.unreliable = true;
        }
        true
    }
}

/// What is remembered of an account. A field added later needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// An answer without booked rows came while we list some, first at this instant.
    pub empty_since: Option<UtcInstant>,
    /// About the provider's ids.
    pub internal_id: IdMemory,
    /// About the bank's ids.
    pub bank_id: IdMemory,
}

impl Memory {
    /// What is known of a kind of id.
    pub fn about(&self, kind: IdKind) -> &IdMemory {
        match kind {
            IdKind::Internal => &self.internal_id,
            IdKind::Bank => &self.bank_id,
        }
    }

    fn about_mut(&mut self, kind: IdKind) -> &mut IdMemory {
        match kind {
            IdKind::Internal => &mut self.internal_id,
            IdKind::Bank => &mut self.bank_id,
        }
    }

    /// A row's id of a kind as evidence: `None` where it says nothing or is known to collide.
    pub(super) fn id<'a>(&self, kind: IdKind, row: &'a Transaction) -> Option<&'a str> {
        let about = self.about(kind);
        kind.of(row).filter(|id| !about.unreliable && !about.colliding.contains(*id))
    }

    /// This id stands for no single payment. Whether that is new.
    pub(super) fn collides(&mut self, kind: IdKind, id: &str) -> bool {
        self.about_mut(kind).collides(id)
    }

    /// Learns from booked rows that exist at the same time: one id and amount on different payments collides.
    pub(super) fn learn_collisions<'a>(&mut self, rows: impl Iterator<Item = &'a Transaction>) {
        let mut known: BTreeMap<(IdKind, &'a str, String), &'a Transaction> = BTreeMap::new();
        let differ = |one: &Transaction, other: &Transaction| {
            let [one, other] = [one, other].map(|row| Evidence::of(row, &Self::default()));
            one.fingerprint() != other.fingerprint()
        };
        for row in rows {
            let Some(money) = money(row) else { continue };
            for kind in IdKind::ALL {
                let Some(id) = self.id(kind, row) else { continue };
                let before = known.insert((kind, id, money.clone()), row);
                if before.is_some_and(|before| differ(before, row)) {
                    self.about_mut(kind).collides(id);
                }
            }
        }
    }

    /// Learns from rows that came again byte for byte: their ids did not change.
    pub(super) fn learn_kept(&mut self, rows: &[Transaction]) {
        for kind in IdKind::ALL {
            let ids: BTreeSet<&str> = rows.iter().filter_map(|row| self.id(kind, row)).collect();
            let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            self.about_mut(kind).keeps(count);
        }
    }

    /// Learns from a row that goes on as another one, or nearly so: did its ids stay?
    pub(super) fn learn_continued(
        &mut self,
        before: &Transaction,
        now: &Transaction,
        booking: bool,
    ) {
        for kind in IdKind::ALL {
            let (Some(before), Some(now)) = (self.id(kind, before), self.id(kind, now)) else {
                continue;
            };
            let same = before == now;
            let about = self.about_mut(kind);
            match (booking, same) {
                (false, false) => about.kept = 0,
                (false, true) => {}
                (true, false) => about.kept_on_booking = 0,
                (true, true) => {
                    about.kept_on_booking =
                        about.kept_on_booking.saturating_add(1).min(BOOKING_PROVEN_AFTER);
                }
            }
        }
    }

    /// Whether more rows that came again would teach anything.
    pub(super) fn wants_samples(&self) -> bool {
        IdKind::ALL
            .iter()
            .any(|kind| !self.about(*kind).is_proven() && !self.about(*kind).unreliable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Amount;

    fn row(id: &str, amount: &str, text: &str) -> Transaction {
        Transaction {
            transaction_id: Some(id.to_owned().into()),
            amount: Amount::parse(amount),
            remittance_information: Some(text.to_owned().into()),
            ..Transaction::default()
        }
    }

    #[test]
    fn one_id_and_amount_on_two_payments_collides_but_not_on_twins_or_other_amounts() {
        let mut memory = Memory::default();
        let rows = [
            row("9998", "-1", "a"),
            row("9998", "-1", "b"),
            row("twin", "-1", "c"),
            row("twin", "-1.00", "C"),
            row("fee-1", "-1", "d"),
            row("fee-1", "-2", "fee of d"),
        ];
        memory.learn_collisions(rows.iter());
        assert_eq!(memory.bank_id.colliding.iter().collect::<Vec<_>>(), ["9998"]);
        assert_eq!(memory.id(IdKind::Bank, &rows[0]), None);
        assert_eq!(memory.id(IdKind::Bank, &rows[2]), Some("twin"));
        assert!(memory.internal_id.colliding.is_empty());
    }

    #[test]
    fn a_bank_with_too_many_colliding_ids_has_none() {
        let mut memory = Memory::default();
        for number in 0..=COLLIDING_MAX {
            assert!(memory.collides(IdKind::Bank, &format!("id-{number}")));
        }
        assert!(memory.bank_id.unreliable && memory.bank_id.colliding.is_empty());
        assert_eq!(memory.id(IdKind::Bank, &row("id-new", "1", "x")), None);
        let text = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), memory);
        assert_eq!(serde_json::from_str::<Memory>("{}").unwrap(), Memory::default());
    }

    #[test]
    fn ids_are_proven_by_staying_and_doubted_after_a_change() {
        let mut memory = Memory::default();
        let rows: Vec<_> = (0..PROVEN_AFTER).map(|n| row(&format!("id-{n}"), "1", "x")).collect();
        memory.learn_kept(&rows[..4]);
        assert!(!memory.bank_id.is_proven());
        memory.learn_kept(&rows);
        assert!(memory.bank_id.is_proven() && !memory.internal_id.is_proven());
        memory.learn_continued(&rows[0], &rows[1], false);
        assert!(!memory.bank_id.is_proven());
        for _ in 0..BOOKING_PROVEN_AFTER {
            assert!(!memory.bank_id.is_proven_on_booking());
            memory.learn_continued(&rows[0], &rows[0], true);
        }
        assert!(memory.bank_id.is_proven_on_booking());
    }
}
