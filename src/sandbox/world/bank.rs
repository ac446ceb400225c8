//! The banks' own accounts: who owns them, their numbers, their ledgers. They exist whether or not
//! anyone has linked them.
//!
//! What the provider makes of a linked one is `accounts`' matter.

use crate::model::time::{DAY_MS, UtcInstant};

use super::super::rng::{Rng, mix};
use super::faces::Gallery;
use super::institutions::{Institution, Product, all};
use super::ledger::{Ledger, Life};
use super::quirks::Quirk;

/// An account at a bank.
#[derive(Debug)]
pub(super) struct BankAccount {
    pub(super) institution: &'static Institution,
    /// Decides everything about it.
    pub(super) seed: u64,
    pub(super) product: Product,
    /// As the bank writes it: an IBAN or a masked card number.
    pub(super) iban: String,
    pub(super) owner: &'static str,
    pub(super) ledger: Ledger,
    /// Rows as last written.
    pub(super) gallery: Gallery,
    /// Transactions answers given.
    pub(super) retrievals: u64,
    /// When the bank closed it.
    pub(super) closed_at: Option<UtcInstant>,
    /// Access to it is over as soon as it is linked.
    pub(super) ends_at_once: bool,
}

const OWNERS: [&str; 6] = [
    "Alva Lindqvist",
    "Bruno Tannhaus",
    "Carla Morgenrot",
    "Dario Weissdorn",
    "Edda Kiesel",
    "Femke Rietveld",
];

/// Makes all accounts of all banks: `count` at each, or as many as the bank usually has.
pub(super) fn open_all(
    seed: u64,
    count: Option<u32>,
    activity_percent: u32,
    opened: UtcInstant,
) -> Vec<BankAccount> {
    let mut accounts = Vec::new();
    for (place, institution) in (0_u64..).zip(all()) {
        for number in 0..u64::from(count.unwrap_or(institution.accounts)) {
            let own = Rng::keyed(seed, &[10, place, number]).bits();
            accounts.push(open(institution, number, own, activity_percent, opened));
        }
    }
    accounts
}

fn open(
    institution: &'static Institution,
    number: u64,
    seed: u64,
    activity_percent: u32,
    opened: UtcInstant,
) -> BankAccount {
    let place = usize::try_from(number).unwrap_or(0).checked_rem(institution.products.len());
    let product = institution.products.get(place.unwrap_or(0)).copied().unwrap_or(FALLBACK);
    let digits =
        mix(u64::try_from(institution.id.len()).unwrap_or(0) ^ institution_key(institution));
    let counted = if institution.is(Quirk::SharedIban) { 0 } else { number };
    let digits_of_bank = digits.checked_rem(10_000_000).unwrap_or(0);
    let tidy = iban(institution.country(), digits_of_bank, counted + 4_000);
    let iban = if institution.is(Quirk::MaskedPanAsIban) {
        format!("**{:04}", seed.checked_rem(10_000).unwrap_or(0))
    } else if institution.is(Quirk::BareIban) {
        tidy.get(4..).unwrap_or(&tidy).to_owned()
    } else if institution.is(Quirk::SpacedIban) {
        spaced(&tidy)
    } else {
        tidy
    };
    let owner = OWNERS.get(usize::try_from(digits & 3).unwrap_or(0)).copied().unwrap_or("");
    let opened_day = opened.ms().div_euclid(DAY_MS);
    let life = Life {
        kind: product.kind,
        activity_percent,
        retracts: institution.is(Quirk::Retracts),
        tips: institution.is(Quirk::PendingOtherAmount),
    };
    let closed = institution.is(Quirk::ClosedAccount) && number == 1;
    BankAccount {
        institution,
        seed,
        product,
        iban,
        owner,
        ledger: Ledger::new(seed, life, opened_day),
        gallery: Gallery::default(),
        retrievals: 0,
        closed_at: closed.then_some(opened),
        ends_at_once: institution.is(Quirk::ExpiresAtOnce) && number == 1,
    }
}

/// In groups of four, the country in small letters.
fn spaced(iban: &str) -> String {
    let mut out = String::new();
    for (place, letter) in iban.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            out.push(' ');
        }
        out.push(if place < 2 { letter.to_ascii_lowercase() } else { letter });
    }
    out
}

/// For a bank without products, which the catalogue's test excludes.
const FALLBACK: Product =
    Product { kind: super::institutions::Kind::Savings, name: "", currency: "EUR" };

fn institution_key(institution: &Institution) -> u64 {
    super::super::rng::fingerprint(institution.id.as_bytes())
}

/// An IBAN in the format of a country (SWIFT IBAN registry), from a bank number and an account
/// number, with valid check digits (ISO 13616). Country `XX` writes Greenland's, as the provider's
/// test bank does.
pub(super) fn iban(country: &str, bank: u64, account: u64) -> String {
    let (country, letters, width) = match country {
        "DE" => ("DE", "", 18),
        "AT" => ("AT", "", 16),
        "PL" => ("PL", "", 24),
        "ES" => ("ES", "", 20),
        "LT" => ("LT", "", 16),
        "GB" => ("GB", "SNDX", 14),
        "DK" => ("DK", "", 14),
        "RO" => ("RO", "SNDX", 16),
        "PT" => ("PT", "", 21),
        "FR" => ("FR", "", 23),
        "BE" => ("BE", "", 12),
        "NL" => ("NL", "SNDX", 10),
        _ => ("GL", "", 14),
    };
    let number = format!("{bank:07}{account:0rest$}", rest = width - 7);
    let bban = format!("{letters}{}", number.get(number.len() - width..).unwrap_or(&number));
    let check = 98 - remainder_97(&format!("{bban}{country}00"));
    format!("{country}{check:02}{bban}")
}

/// ISO 7064 MOD 97-10 over digits and letters (A = 10).
fn remainder_97(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| {
        let shifted = if digit < 10 { rest * 10 } else { rest * 100 };
        (shifted + digit).rem_euclid(97)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_have_valid_check_digits_and_lengths() {
        for (country, length) in
            [("DE", 22), ("GB", 22), ("PL", 28), ("NL", 18), ("XX", 18), ("FR", 27)]
        {
            let iban = iban(country, 1_234_567, 4_711);
            assert_eq!(iban.len(), length, "{iban}");
            let (head, tail) = iban.split_at(4);
            let moved = format!("{tail}{head}");
            assert_eq!(remainder_97(&moved), 1, "{iban}");
        }
        // The published example of ISO 13616: DE89 3704 0044 0532 0130 00.
        assert_eq!(remainder_97("370400440532013000DE89"), 1);
    }

    #[test]
    fn every_bank_has_its_accounts() {
        let institutions = all().count();
        let all = open_all(1, None, 100, UtcInstant::EPOCH);
        assert_eq!(all.iter().filter(|account| account.institution.accounts == 22).count(), 22);
        let shared: Vec<_> =
            all.iter().filter(|account| account.institution.is(Quirk::SharedIban)).collect();
        assert!(shared.windows(2).all(|pair| pair[0].iban == pair[1].iban));
        assert!(shared.windows(2).all(|pair| pair[0].product.currency != pair[1].product.currency));
        assert_eq!(open_all(1, Some(3), 100, UtcInstant::EPOCH).len(), 3 * institutions);
        assert_eq!(spaced("GL89123"), "gl89 123");
    }
}
