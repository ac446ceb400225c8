//! The banks of the world: invented names, real kinds of features, limits and oddities.
//!
//! Static data only. [`SANDBOX`] has the id under which the provider's own public test bank is
//! known.

use serde::Serialize;

use super::profiles::PROFILES;
use super::quirks::Quirk;

/// What kind of account a bank keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Salary, rent, cards.
    Current,
    /// Cards only, settled monthly.
    Card,
    /// A monthly transfer and interest.
    Savings,
}

/// One product, from which accounts are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) currency: &'static str,
}

/// A bank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Institution {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) bic: &'static str,
    /// As published.
    pub(super) total_days: u32,
    /// What it really accepts, where that is less than published.
    pub(super) accepted_days: Option<u32>,
    /// As published; `None`: absent, then 90.
    pub(super) access_days: Option<u32>,
    /// As published; only with reconfirmation.
    pub(super) reconfirmation_days: Option<u32>,
    pub(super) countries: &'static [&'static str],
    pub(super) features: &'static [&'static str],
    /// Scopes that must be asked for together.
    pub(super) scopes_together: &'static [&'static str],
    /// Ends the former consent when the person gives a new one.
    pub(super) revokes_previous: bool,
    /// Accounts are made of these in turn.
    pub(super) products: &'static [Product],
    /// How many, if the configuration does not say.
    pub(super) accounts: u32,
    pub(super) quirks: &'static [Quirk],
}

impl Institution {
    pub(super) fn has(&self, feature: &str) -> bool {
        self.features.contains(&feature)
    }

    pub(super) fn is(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Whether its answers hold pending rows. The public test bank shows some although it lists no
    /// feature.
    pub(super) fn shows_pending(&self) -> bool {
        self.has("pending_transactions") || self.id == SANDBOX
    }

    /// The country of its IBANs.
    pub(super) fn country(&self) -> &'static str {
        self.countries.first().copied().unwrap_or("XX")
    }

    pub(super) fn max_access_days(&self) -> u32 {
        self.access_days.unwrap_or(90)
    }

    /// The object of the list.
    pub(super) fn listed(&self) -> Listed {
        Listed {
            id: self.id,
            name: self.name,
            bic: self.bic,
            transaction_total_days: self.total_days.to_string(),
            max_access_valid_for_days: self.access_days.map(|days| days.to_string()),
            max_access_valid_for_days_reconfirmation: self
                .reconfirmation_days
                .map(|days| days.to_string()),
            countries: self.countries,
            logo: format!("https://logos.sandbox.invalid/{}.png", self.id),
            supported_features: None,
            identification_codes: None,
        }
    }

    /// The object of the detail.
    pub(super) fn detailed(&self) -> Listed {
        Listed {
            supported_features: Some(self.features),
            identification_codes: Some([]),
            ..self.listed()
        }
    }
}

/// An institution as answered; the last two only in the detail.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    id: &'static str,
    name: &'static str,
    bic: &'static str,
    transaction_total_days: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_access_valid_for_days: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_access_valid_for_days_reconfirmation: Option<String>,
    countries: &'static [&'static str],
    logo: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supported_features: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identification_codes: Option<[&'static str; 0]>,
}

/// The provider's public test bank: plain, 90 days, country `XX`.
pub const SANDBOX: &str = "SANDBOXFINANCE_SFIN0000";

/// Countries that the list may be asked for (the provider's published list, read 2026-11), and the
/// test bank's.
pub(super) const COUNTRIES: [&str; 32] = [
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IS", "IE", "IT",
    "LV", "LI", "LT", "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "GB", "XX",
];

pub(super) const CURRENT: Product =
    Product { kind: Kind::Current, name: "Main Account", currency: "EUR" };
pub(super) const SAVINGS: Product =
    Product { kind: Kind::Savings, name: "Savings", currency: "EUR" };
pub(super) const CARD: Product =
    Product { kind: Kind::Card, name: "Credit Account", currency: "EUR" };

pub(super) const fn in_currency(product: Product, currency: &'static str) -> Product {
    Product { currency, ..product }
}

/// A bank without any oddity: what the others deviate from.
pub(super) const PLAIN: Institution = Institution {
    id: SANDBOX,
    name: "Sandbox Finance",
    bic: "SFIN0000",
    total_days: 90,
    accepted_days: None,
    access_days: Some(90),
    reconfirmation_days: None,
    countries: &["XX"],
    features: &[],
    scopes_together: &[],
    revokes_previous: false,
    products: &[CURRENT, CARD],
    accounts: 2,
    quirks: &[],
};

pub(super) const RETAIL: &[&str] =
    &["access_scopes", "account_selection", "pending_transactions", "private_accounts"];

/// All banks, ordered by nothing but habit.
pub(super) static CATALOG: [Institution; 13] = [
    // The public test bank shows pending rows although it lists no feature.
    PLAIN,
    // Well-behaved, long access and long history.
    Institution {
        id: "NORDLICHT_NOLIDEM1",
        name: "Nordlicht Bank",
        bic: "NOLIDEM1",
        total_days: 730,
        access_days: Some(180),
        countries: &["DE", "AT"],
        features: RETAIL,
        products: &[CURRENT, SAVINGS],
        ..PLAIN
    },
    // Details and balances only together; amounts without sign; text in an array.
    Institution {
        id: "WISLANA_WISAPLPW",
        name: "Bank Wislana",
        bic: "WISAPLPW",
        total_days: 365,
        access_days: Some(180),
        countries: &["PL"],
        features: RETAIL,
        scopes_together: &["balances", "details"],
        products: &[in_currency(CURRENT, "PLN")],
        accounts: 1,
        quirks: &[Quirk::UnsignedAmounts, Quirk::TextOnlyInArray, Quirk::DateTimes],
        ..PLAIN
    },
    // No account selection; refuses its own maximum of history; ids repeat; ends the old consent on
    // a new one.
    Institution {
        id: "CASTELLANA_CSTLESMM",
        name: "Caja Castellana",
        bic: "CSTLESMM",
        total_days: 730,
        accepted_days: Some(90),
        access_days: Some(180),
        countries: &["ES"],
        features: &["access_scopes", "pending_transactions", "private_accounts"],
        revokes_previous: true,
        products: &[CURRENT],
        accounts: 1,
        quirks: &[Quirk::ReusedIds, Quirk::FourDecimals, Quirk::OldestFirst, Quirk::NoPendingKey],
        ..PLAIN
    },
    // Extended history comes once and stands still; data of 90 days flow on.
    Institution {
        id: "BALTIJA_BLTJLT22",
        name: "Baltijos Taupomasis",
        bic: "BLTJLT22",
        total_days: 730,
        access_days: Some(180),
        countries: &["LT", "LV", "EE"],
        features: &[
            "access_scopes",
            "account_selection",
            "pending_transactions",
            "private_accounts",
            "separate_continuous_history_consent",
        ],
        products: &[CURRENT, SAVINGS],
        quirks: &[Quirk::TextInStructured, Quirk::ExchangeArray],
        ..PLAIN
    },
    // Reconfirmation; masked card number for an IBAN; inverted signs; credit as available balance;
    // times in dates.
    Institution {
        id: "ALBIONCARDS_ALBNGB21",
        name: "Albion Cards",
        bic: "ALBNGB21",
        total_days: 730,
        reconfirmation_days: Some(730),
        countries: &["GB"],
        features: &[
            "access_scopes",
            "card_accounts",
            "pending_transactions",
            "private_accounts",
            "reconfirmation_of_consent",
        ],
        products: &[in_currency(CARD, "GBP")],
        accounts: 1,
        quirks: &[
            Quirk::MaskedPanAsIban,
            Quirk::InvertedSign,
            Quirk::CreditAsAvailable,
            Quirk::BookingDateWithTime,
            Quirk::CurrencyXxx,
        ],
        ..PLAIN
    },
    // Value dates weeks ahead; pending rows come back under another id; only one balance type.
    Institution {
        id: "FJORDKASSEN_FJRDDKKK",
        name: "Fjordkassen",
        bic: "FJRDDKKK",
        total_days: 365,
        access_days: Some(180),
        countries: &["DK", "NO"],
        features: RETAIL,
        products: &[in_currency(CURRENT, "DKK")],
        accounts: 1,
        quirks: &[
            Quirk::FutureValueDates,
            Quirk::PendingOtherId,
            Quirk::LongIds,
            Quirk::InformationOnly,
        ],
        ..PLAIN
    },
    // No ids on card rows; positive pending debits; internal ids change at incidents.
    Institution {
        id: "TIMISANA_TMSAROBU",
        name: "Banca Timisana",
        bic: "TMSAROBU",
        total_days: 180,
        access_days: Some(180),
        countries: &["RO"],
        features: RETAIL,
        products: &[in_currency(CURRENT, "RON"), CURRENT],
        quirks: &[
            Quirk::NotProvidedIds,
            Quirk::PositivePendingDebits,
            Quirk::InternalIdsChange,
            Quirk::StableAccountIds,
        ],
        ..PLAIN
    },
    // Publishes 90 days and accepts 89; plus signs; the year 5207; names its access not at all.
    Institution {
        id: "LUSITANO_LUSIPTPL",
        name: "Banco Lusitano",
        bic: "LUSIPTPL",
        total_days: 90,
        accepted_days: Some(89),
        access_days: None,
        countries: &["PT"],
        features: &["pending_transactions", "private_accounts"],
        products: &[CURRENT],
        accounts: 1,
        quirks: &[
            Quirk::PlusSign,
            Quirk::Year5207,
            Quirk::RepeatedBalanceTypes,
            Quirk::PaddedNames,
        ],
        ..PLAIN
    },
    // No transaction id at all; pending rows without dates; ends the old consent on a new one.
    Institution {
        id: "BOUCLE_BOUCFRPP",
        name: "Banque de la Boucle",
        bic: "BOUCFRPP",
        total_days: 730,
        access_days: Some(180),
        countries: &["FR"],
        features: RETAIL,
        revokes_previous: true,
        products: &[CURRENT, SAVINGS],
        quirks: &[Quirk::NoTransactionId, Quirk::PendingWithoutDates, Quirk::TextInAdditional],
        ..PLAIN
    },
    // One IBAN for several currencies; exchange as an object; no internal ids.
    Institution {
        id: "GLOBEWALLET_GLWTBEBB",
        name: "Globe Wallet",
        bic: "GLWTBEBB",
        total_days: 730,
        access_days: Some(180),
        countries: &["BE", "DE", "FR", "NL", "LT", "GB"],
        features: RETAIL,
        products: &[CURRENT, in_currency(CARD, "GBP"), in_currency(CARD, "USD")],
        accounts: 3,
        quirks: &[
            Quirk::SharedIban,
            Quirk::ExchangeObject,
            Quirk::NoInternalId,
            Quirk::CurrencyXxx,
        ],
        ..PLAIN
    },
    // One account for each "space".
    Institution {
        id: "SPACES_SPCSDEB2",
        name: "Spaces Direkt",
        bic: "SPCSDEB2",
        total_days: 90,
        access_days: Some(180),
        countries: &["DE", "ES", "IT"],
        features: RETAIL,
        products: &[CURRENT, SAVINGS, SAVINGS, SAVINGS],
        accounts: 22,
        quirks: &[Quirk::EmptyBalances],
        ..PLAIN
    },
    // Blank ids; pending placeholders under the booked row's id.
    Institution {
        id: "POLDER_POLDNL2U",
        name: "Polderbank",
        bic: "POLDNL2U",
        total_days: 540,
        access_days: Some(180),
        countries: &["NL"],
        features: RETAIL,
        products: &[CURRENT],
        accounts: 1,
        quirks: &[Quirk::BlankIds, Quirk::PendingPlaceholder],
        ..PLAIN
    },
];

/// All banks: the catalogue, then the profiles.
pub(super) fn all() -> impl Iterator<Item = &'static Institution> {
    CATALOG.iter().chain(&PROFILES)
}

/// A bank by its id.
pub(super) fn find(id: &str) -> Option<&'static Institution> {
    all().find(|institution| institution.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_countries_known() {
        let mut ids: Vec<_> = all().map(|institution| institution.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().count());
        for institution in all() {
            assert!(institution.countries.iter().all(|own| COUNTRIES.contains(own)));
            assert!(!institution.products.is_empty());
            assert!(institution.id.ends_with(institution.bic), "{}", institution.id);
        }
    }

    #[test]
    fn day_counts_are_strings_and_the_detail_has_features() {
        let plain = find(SANDBOX).unwrap();
        let listed = serde_json::to_value(plain.listed()).unwrap();
        assert_eq!(listed["transaction_total_days"], "90");
        assert!(listed.get("supported_features").is_none());
        let detailed = serde_json::to_value(plain.detailed()).unwrap();
        assert_eq!(detailed["supported_features"], serde_json::json!([]));
        assert_eq!(detailed["identification_codes"], serde_json::json!([]));
    }
}
