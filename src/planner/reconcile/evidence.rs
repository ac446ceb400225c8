//! What a row says of itself, in comparable form: made once per row, kept only while an answer is matched.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::time::BankDate;
use crate::model::transaction::Transaction;

use super::memory::{IdKind, Memory};
use super::normal;

/// A beginning shorter than this is too little to recognise a text that was cut.
const CUT_TEXT_LEN_MIN: usize = 8;

/// A row, ready to be compared.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The provider's id, then the bank's; `None` where it says nothing or collides in this account.
    pub(super) ids: [Option<String>; 2],
    /// Amount by value, and currency; `None` where the amount is not understood.
    pub(super) money: Option<String>,
    /// All dates as they decide about sameness.
    pub(super) dates: [String; 4],
    /// The remittance text.
    pub(super) text: String,
    /// Names of both parties, then their account numbers.
    pub(super) parties: [String; 4],
}

impl Evidence {
    /// Of a row of the account whose memory this is.
    pub(super) fn of(row: &Transaction, memory: &Memory) -> Self {
        Self {
            ids: [IdKind::Internal, IdKind::Bank]
                .map(|kind| memory.id(kind, row).map(str::to_owned)),
            money: money(row),
            dates: dates(row),
            text: normal::text(row.remittance_information.as_deref()),
            parties: normal::parties(row),
        }
    }

    /// The id of a kind.
    pub(super) fn id(&self, kind: IdKind) -> Option<&str> {
        let [internal, bank] = &self.ids;
        match kind {
            IdKind::Internal => internal.as_deref(),
            IdKind::Bank => bank.as_deref(),
        }
    }

    /// Whether it says more than amount and dates.
    pub(super) fn speaks(&self) -> bool {
        !self.text.is_empty() || self.parties.iter().any(|party| !party.is_empty())
    }

    /// Rows that agree in this are interchangeable, as far as anyone can tell without ids.
    pub(super) fn fingerprint(&self) -> Vec<&str> {
        let mut key = self.undated_fingerprint();
        key.extend(self.dates.iter().map(String::as_str));
        key
    }

    /// The same without the dates.
    pub(super) fn undated_fingerprint(&self) -> Vec<&str> {
        let mut key = vec![self.money.as_deref().unwrap_or_default(), self.text.as_str()];
        key.extend(self.parties.iter().map(String::as_str));
        key
    }

    /// Whether the texts could be two writings of one payment: half of the words agree, or one was cut; without a text,
    /// the same parties. Different account numbers of a party contradict.
    pub(super) fn resembles(&self, other: &Self) -> bool {
        let contradicts = |mine: &String, theirs: &String| {
            !mine.is_empty() && !theirs.is_empty() && mine != theirs
        };
        let numbers = self.parties.iter().zip(&other.parties).skip(2);
        if numbers.into_iter().any(|(mine, theirs)| contradicts(mine, theirs)) {
            return false;
        }
        if self.text.is_empty() || other.text.is_empty() {
            let mut pairs = self.parties.iter().zip(&other.parties);
            return pairs.any(|(mine, theirs)| !mine.is_empty() && mine == theirs);
        }
        let (short, long) = if self.text.len() <= other.text.len() {
            (&self.text, &other.text)
        } else {
            (&other.text, &self.text)
        };
        if short.len() >= CUT_TEXT_LEN_MIN && long.starts_with(short.as_str()) {
            return true;
        }
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let (mine, theirs) = (words(&self.text), words(&other.text));
        mine.intersection(&theirs).count().saturating_mul(2) >= mine.len().max(theirs.len())
    }
}

/// The amount by value and the currency, as a key.
pub(super) fn money(row: &Transaction) -> Option<String> {
    let (units, scale) = normal::amount(row.amount)?;
    Some(format!("{units}/{scale} {}", normal::currency(row).unwrap_or_default()))
}

/// Booking and value date; where a row has neither, the date-times as given.
fn dates(row: &Transaction) -> [String; 4] {
    let date = |date: Option<BankDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let undated = row.booking_date.is_none() && row.value_date.is_none();
    let time = |text: &Option<Cow<'_, str>>| match text {
        Some(text) if undated => text.to_string(),
        _ => String::new(),
    };
    [
        date(row.booking_date),
        date(row.value_date),
        time(&row.booking_date_time),
        time(&row.value_date_time),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(text: &str, debtor_account: &str) -> Evidence {
        let row = Transaction {
            remittance_information: Some(text.to_owned().into()),
            debtor_account: Some(debtor_account.to_owned().into()),
            ..Transaction::default()
        };
        Evidence::of(&row, &Memory::default())
    }

    #[test]
    fn texts_resemble_when_half_of_the_words_agree_or_one_was_cut() {
        let same =
            |a: (&str, &str), b: (&str, &str)| evidence(a.0, a.1).resembles(&evidence(b.0, b.1));
        assert!(same(("Coffee Shop 4711", ""), ("COFFEE shop 4712", "")));
        assert!(same(
            ("Invoice 20260301 of the po", ""),
            ("Invoice 20260301 of the power company", "")
        ));
        assert!(!same(("Coffee Shop", ""), ("Invoice of the power company", "")));
        assert!(!same(("Coffee Shop", "DE1"), ("Coffee Shop", "DE2")));
        assert!(same(("", "DE1"), ("Coffee Shop", "DE1")));
        assert!(!same(("", ""), ("", "")), "nothing is no evidence");
    }
}
