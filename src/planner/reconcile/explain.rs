//! Why two texts are one payment, or two rows are not: the evidence, point by point, as the tiers see it.

use serde::Serialize;

use crate::model::transaction::Transaction;

use super::evidence::Evidence;
use super::memory::{IdKind, Memory};

/// Whether two rows agree in something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both say the same.
    Same,
    /// They say different things.
    Differs,
    /// At least one says nothing there, or nothing that counts in this account.
    Absent,
}

/// Two rows side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The provider's id.
    pub internal_id: Verdict,
    /// The bank's id.
    pub bank_id: Verdict,
    /// Amount by value, and currency.
    pub amount: Verdict,
    /// Booking and value date, else the date-times.
    pub dates: Verdict,
    /// The text.
    pub text: Verdict,
    /// Names and account numbers of both parties.
    pub parties: Verdict,
}

/// Compares two rows of an account with this memory.
pub fn compare(one: &Transaction, other: &Transaction, memory: &Memory) -> Comparison {
    let (one, other) = (Evidence::of(one, memory), Evidence::of(other, memory));
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let joined = |texts: &[String]| filled(&texts.concat()).map(|_| texts.join("\n"));
    Comparison {
        internal_id: verdict(one.id(IdKind::Internal), other.id(IdKind::Internal)),
        bank_id: verdict(one.id(IdKind::Bank), other.id(IdKind::Bank)),
        amount: verdict(one.money.as_ref(), other.money.as_ref()),
        dates: verdict(joined(&one.dates), joined(&other.dates)),
        text: verdict(filled(&one.text), filled(&other.text)),
        parties: verdict(joined(&one.parties), joined(&other.parties)),
    }
}

fn verdict<T: PartialEq>(one: Option<T>, other: Option<T>) -> Verdict {
    match one.zip(other) {
        None => Verdict::Absent,
        Some((one, other)) if one == other => Verdict::Same,
        Some(_) => Verdict::Differs,
    }
}

impl Comparison {
    /// Whether the two could be taken for one payment: an id or the amount is the same.
    pub fn is_near(&self) -> bool {
        [self.internal_id, self.bank_id, self.amount].contains(&Verdict::Same)
    }

    /// Each point by its name.
    pub fn points(&self) -> [(&'static str, Verdict); 6] {
        [
            ("internal_id", self.internal_id),
            ("bank_id", self.bank_id),
            ("amount", self.amount),
            ("dates", self.dates),
            ("text", self.text),
            ("parties", self.parties),
        ]
    }

    /// Why two near rows that were never in one answer are two all the same.
    pub fn separation(&self) -> Separation {
        let ids = [self.internal_id, self.bank_id];
        if self.amount == Verdict::Differs {
            Separation::AmountDiffers
        } else if ids.contains(&Verdict::Differs) && !ids.contains(&Verdict::Same) {
            Separation::IdsDiffer
        } else {
            Separation::NotUnambiguous
        }
    }
}

/// Why a near row is another row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Separation {
    /// One answer had both.
    InOneAnswer,
    /// The amount or the currency differs, and no proven id tells that it was edited.
    AmountDiffers,
    /// They have different ids.
    IdsDiffer,
    /// No tier had just one candidate on either side.
    NotUnambiguous,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Amount;

    #[test]
    fn points_are_same_different_or_absent() {
        let row = |id: &str, text: Option<&str>| Transaction {
            transaction_id: Some(id.to_owned().into()),
            amount: Amount::parse("-1.00"),
            remittance_information: text.map(|text| text.to_owned().into()),
            ..Transaction::default()
        };
        let found = compare(&row("id-1", Some("A")), &row("id-2", None), &Memory::default());
        assert_eq!(found.amount, Verdict::Same);
        assert_eq!(found.bank_id, Verdict::Differs);
        assert_eq!((found.text, found.internal_id), (Verdict::Absent, Verdict::Absent));
        assert!(found.is_near());
        assert_eq!(found.separation(), Separation::IdsDiffer);
    }
}
