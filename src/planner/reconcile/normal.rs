//! Forms to compare, never to store: texts without case, accents' encoding and runs of blanks, ids that say something.

use unicode_normalization::UnicodeNormalization;

use crate::model::iban::normalise;
use crate::model::money::Amount;
use crate::model::transaction::Transaction;

/// Ids shorter than this are counters or codes of the bank, not ids.
const ID_LEN_MIN: usize = 3;

/// What banks write where they have no id.
const PLACEHOLDERS: [&str; 7] =
    ["NOTPROVIDED", "NOTAVAILABLE", "NONREF", "UNKNOWN", "NONE", "NULL", "NA"];

/// An id as evidence: `None` where it is blank, a placeholder, too short or one character over and over.
pub(super) fn id(text: Option<&str>) -> Option<&str> {
    let text = text?.trim();
    let bare = normalise(text);
    let first = text.chars().next()?;
    let constant = text.chars().all(|letter| letter == first);
    (text.chars().count() >= ID_LEN_MIN && !constant && !PLACEHOLDERS.contains(&bare.as_str()))
        .then_some(text)
}

/// A text without case, compatibility forms and runs of blanks.
pub(super) fn text(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let folded: String = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.nfkc().flat_map(char::to_lowercase).collect()
    };
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same number is the same key, whatever its scale.
pub(super) fn amount(amount: Option<Amount>) -> Option<(i128, u8)> {
    amount.map(Amount::trimmed).map(|amount| (amount.units(), amount.scale()))
}

/// The currency without case.
pub(super) fn currency(row: &Transaction) -> Option<String> {
    row.currency.as_deref().map(|currency| currency.trim().to_ascii_uppercase())
}

/// Both parties, names and account numbers.
pub(super) fn parties(row: &Transaction) -> [String; 4] {
    [
        text(row.creditor_name.as_deref()),
        text(row.debtor_name.as_deref()),
        row.creditor_account.as_deref().map(normalise).unwrap_or_default(),
        row.debtor_account.as_deref().map(normalise).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_say_nothing_are_none() {
        for nothing in ["", " ", "NOTPROVIDED", "not provided", "0000000000", "-", "12", "N/A"] {
            assert_eq!(id(Some(nothing)), None, "{nothing}");
        }
        assert_eq!(id(Some(" 2025012701773517-1 ")), Some("2025012701773517-1"));
        assert_eq!(id(None), None);
    }

    #[test]
    fn amounts_compare_by_value_and_texts_by_words() {
        assert_eq!(amount(Amount::parse("-10.5000")), amount(Amount::parse("-10.5")));
        assert_eq!(amount(Amount::parse("100")), amount(Amount::parse("1e2")));
        assert_ne!(amount(Amount::parse("10")), amount(Amount::parse("1")));
        assert_eq!(text(Some("  CAFÉ\n Ⅳ ")), text(Some("cafe\u{301} iv")));
    }
}
