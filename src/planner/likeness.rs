//! Whether two descriptions are of one account, and how much speaks for it. Pure comparison; what follows from it is decided
//! in [`super::pairing`].
//!
//! A full IBAN with the currency decides, whatever the institution id. Without it the number that both have (domestic, or a
//! masked card number) decides within one institution, and after that currency, product and name. What differs where it
//! must not (another number, another currency) rules a pair out, however alike the names are.

use crate::model::account::AccountFacts;
use crate::model::iban::Iban;

/// Last digits of a masked number that are worth comparing.
const PAN_TAIL_MIN: usize = 3;
/// Digits that two spellings of a domestic number must share at their ends: banks leave their own code out, or not.
const BBAN_TAIL_MIN: usize = 6;

/// The number that two descriptions share, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    /// None: only currency, product and name agree.
    Names,
    /// A masked card number.
    MaskedPan,
    /// The domestic number.
    Bban,
    /// The whole IBAN.
    Iban,
}

/// How much speaks for two descriptions being of one account; more is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Likeness {
    pub(super) number: Shared,
    /// Known on both sides.
    currency: bool,
    masked_pan: bool,
    kind: bool,
    product: bool,
    name: bool,
}

impl Likeness {
    /// Whether the IBAN is all that speaks for it, which may stand for an account in each of several currencies.
    pub(super) fn is_bare_iban(self) -> bool {
        self.number == Shared::Iban
            && !(self.currency || self.masked_pan || self.product || self.name)
    }
}

/// Two words, compared without case and outer blanks; `None` where one is missing.
fn same_word(one: Option<&str>, other: Option<&str>) -> Option<bool> {
    let word =
        |text: Option<&str>| Some(text?.trim().to_lowercase()).filter(|text| !text.is_empty());
    Some(word(one)? == word(other)?)
}

/// The currency, where one is named: `XXX` is ISO 4217 for none.
fn currency(facts: &AccountFacts) -> Option<&str> {
    facts.currency.as_deref().filter(|code| !code.eq_ignore_ascii_case("XXX"))
}

/// Whether the currencies of two descriptions agree; `None` where one is not known.
pub(super) fn same_currency(one: &AccountFacts, other: &AccountFacts) -> Option<bool> {
    same_word(currency(one), currency(other))
}

/// The IBAN without spaces, where all of it is known.
pub(super) fn full_iban(facts: &AccountFacts) -> Option<String> {
    facts.iban.as_ref().filter(|iban| iban.is_full()).map(Iban::normalised)
}

/// Whether the whole IBANs of two descriptions agree; `None` where one is not known.
pub(super) fn same_iban(one: &AccountFacts, other: &AccountFacts) -> Option<bool> {
    Some(full_iban(one)? == full_iban(other)?)
}

/// The domestic numbers of both: as given, or as the end of the IBAN. Numbers of which one is the end of the other agree;
/// only two that were both given can contradict each other.
fn same_bban(one: &AccountFacts, other: &AccountFacts) -> Option<bool> {
    let given = |facts: &AccountFacts| facts.bban.as_ref().map(Iban::normalised);
    let within =
        |facts: &AccountFacts| full_iban(facts).and_then(|iban| iban.get(4..).map(str::to_owned));
    let (mine, theirs) = (given(one), given(other));
    let both_given = mine.is_some() && theirs.is_some();
    let (mine, theirs) = (mine.or_else(|| within(one))?, theirs.or_else(|| within(other))?);
    let (short, long) = if mine.len() <= theirs.len() { (mine, theirs) } else { (theirs, mine) };
    let agree = short == long || (short.len() >= BBAN_TAIL_MIN && long.ends_with(&short));
    (agree || both_given).then_some(agree)
}

/// Beginning and end of a masked card number, digits only.
fn pan(facts: &AccountFacts) -> Option<(String, String)> {
    let suffix = facts.iban.as_ref().filter(|iban| !iban.is_full());
    let text = facts.masked_pan.as_ref().or(suffix)?.as_str();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let masked = |letter: char| matches!(letter, '*' | 'x' | 'X' | '•' | '#');
    let (head, tail) = match (text.find(masked), text.rfind(masked)) {
        (Some(first), Some(last)) => (text.get(..first)?, text.get(last..)?),
        _ => ("", text),
    };
    let tail = digits(tail);
    (tail.len() >= PAN_TAIL_MIN).then(|| (digits(head), tail))
}

/// Masked card numbers, masked more or less: what both show must be the same.
fn same_pan(one: &AccountFacts, other: &AccountFacts) -> Option<bool> {
    let ((head, tail), (other_head, other_tail)) = (pan(one)?, pan(other)?);
    let begins = head.starts_with(&other_head) || other_head.starts_with(&head);
    let ends = tail.ends_with(&other_tail) || other_tail.ends_with(&tail);
    Some(begins && ends)
}

fn same_kind(one: &AccountFacts, other: &AccountFacts) -> Option<bool> {
    same_word(one.cash_account_type.as_deref(), other.cash_account_type.as_deref())
}

/// Whether something rules out that both are of one account.
pub(super) fn contradict(one: &AccountFacts, other: &AccountFacts) -> bool {
    let differ = |same: Option<bool>| same == Some(false);
    if differ(same_currency(one, other)) {
        return true;
    }
    match same_iban(one, other) {
        Some(same) => !same,
        None => {
            differ(same_bban(one, other))
                || differ(same_pan(one, other))
                || differ(same_kind(one, other))
        }
    }
}

/// What speaks for one account; `None` if nothing does, or something speaks against it.
pub(super) fn likeness(
    one: &AccountFacts,
    other: &AccountFacts,
    same_institution: bool,
) -> Option<Likeness> {
    if contradict(one, other) {
        return None;
    }
    let agree = |same: Option<bool>| same == Some(true);
    let masked_pan = agree(same_pan(one, other));
    let currency = agree(same_currency(one, other));
    let product = same_word(one.product.as_deref(), other.product.as_deref());
    let name = agree(same_word(one.name.as_deref(), other.name.as_deref()));
    let owners = same_word(one.owner_name.as_deref(), other.owner_name.as_deref());
    let number = if agree(same_iban(one, other)) {
        Shared::Iban
    } else if !same_institution {
        return None;
    } else if agree(same_bban(one, other)) {
        Shared::Bban
    } else if masked_pan {
        Shared::MaskedPan
    } else if currency && name && product != Some(false) && owners != Some(false) {
        Shared::Names
    } else {
        return None;
    };
    let kind = agree(same_kind(one, other));
    Some(Likeness { number, currency, masked_pan, kind, product: agree(product), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(iban: &str, currency: &str) -> AccountFacts {
        AccountFacts {
            iban: Iban::new(iban),
            currency: Some(currency.to_owned()).filter(|code| !code.is_empty()),
            ..AccountFacts::default()
        }
    }

    fn number(one: &AccountFacts, other: &AccountFacts) -> Option<Shared> {
        likeness(one, other, true).map(|found| found.number)
    }

    #[test]
    fn a_full_iban_and_the_currency_decide() {
        let known = facts("DE89370400440532013000", "EUR");
        for (iban, currency, so) in [
            ("de89 3704 0044 0532 0130 00", "EUR", true),
            ("DE89370400440532013000", "", true),
            ("DE89370400440532013000", "XXX", true),
            ("DE89370400440532013000", "USD", false),
            ("DE02120300000000202051", "EUR", false),
        ] {
            let found = likeness(&known, &facts(iban, currency), false);
            assert_eq!(found.map(|found| found.number), so.then_some(Shared::Iban), "{iban}");
        }
    }

    #[test]
    fn domestic_numbers_agree_in_any_length_and_within_an_iban() {
        let bban = |text: &str| AccountFacts { bban: Iban::new(text), ..AccountFacts::default() };
        let whole = bban("3704 0044 0532 0130 00");
        assert_eq!(number(&whole, &bban("370400440532013000")), Some(Shared::Bban));
        assert_eq!(number(&whole, &bban("0532013000")), Some(Shared::Bban));
        assert_eq!(number(&whole, &facts("DE89370400440532013000", "")), Some(Shared::Bban));
        assert_eq!(number(&whole, &bban("370400440532013001")), None);
        assert!(contradict(&whole, &bban("370400440532013001")));
        assert!(!contradict(&whole, &facts("DE02120300000000202051", "")), "another spelling");
        assert_eq!(likeness(&whole, &whole, false), None, "another bank has other numbers");
    }

    #[test]
    fn masked_numbers_agree_in_what_both_show() {
        let card =
            |text: &str| AccountFacts { masked_pan: Iban::new(text), ..AccountFacts::default() };
        let known = card("525412******3241");
        for (text, so) in [
            ("5254 12XX XXXX 3241", true),
            ("**3241", true),
            ("525412******3242", false),
            ("412345******3241", false),
        ] {
            assert_eq!(number(&known, &card(text)).is_some(), so, "{text}");
            assert_eq!(contradict(&known, &card(text)), !so, "{text}");
        }
        assert_eq!(number(&known, &facts("**3241", "")), Some(Shared::MaskedPan));
        assert_eq!(number(&known, &facts("3241", "")), Some(Shared::MaskedPan));
        assert_eq!(number(&known, &card("**1")), None, "too little to compare");
    }

    #[test]
    fn names_decide_only_with_the_currency_and_never_against_the_owner() {
        let named = |name: &str, product: &str, owner: &str| AccountFacts {
            name: Some(name.into()),
            product: Some(product.into()),
            owner_name: Some(owner.into()),
            currency: Some("EUR".into()),
            ..AccountFacts::default()
        };
        let known = named("Wallet", "Basic", "Alva");
        assert_eq!(number(&known, &named("wallet ", "Basic", "alva")), Some(Shared::Names));
        assert_eq!(number(&known, &named("Wallet", "Gold", "Alva")), None);
        assert_eq!(number(&known, &named("Wallet", "Basic", "Bruno")), None);
        assert_eq!(number(&known, &named("Purse", "Basic", "Alva")), None);
        let unknown = AccountFacts { currency: None, ..known.clone() };
        assert_eq!(number(&known, &unknown), None);
    }

    #[test]
    fn more_evidence_is_greater() {
        let known =
            AccountFacts { product: Some("Giro".into()), ..facts("DE89370400440532013000", "EUR") };
        let like = |other: &AccountFacts| likeness(&known, other, true).unwrap();
        let same = like(&known);
        assert!(same > like(&facts("DE89370400440532013000", "EUR")));
        assert!(
            like(&facts("DE89370400440532013000", "EUR"))
                > like(&facts("DE89370400440532013000", ""))
        );
    }
}
