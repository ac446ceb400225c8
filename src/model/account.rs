//! An account: what the provider says about it. What we make of it (status, pauses, quota) is the planner's.

use serde::{Deserialize, Serialize};

use super::iban::Iban;

/// The provider's view of an account's health (metadata call, free of the daily quota).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderStatus {
    /// Found, not read yet.
    Discovered,
    /// Being read for the first time.
    Processing,
    /// Fine.
    Ready,
    /// The last reads failed.
    Error,
    /// Access is over.
    Expired,
    /// Only a new link heals it.
    Suspended,
    /// Anything else, kept as given.
    Unknown(String),
}

impl ProviderStatus {
    /// From the provider's word, case ignored.
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "DISCOVERED" => Self::Discovered,
            "PROCESSING" => Self::Processing,
            "READY" => Self::Ready,
            "ERROR" => Self::Error,
            "EXPIRED" => Self::Expired,
            "SUSPENDED" => Self::Suspended,
            _ => Self::Unknown(word.to_owned()),
        }
    }
}

/// Answer of the metadata call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// `None` where the answer has no status.
    pub status: Option<ProviderStatus>,
    /// What it says about the account.
    pub facts: AccountFacts,
}

/// What describes an account to people and to pairing. Everything is optional, blanks count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountFacts {
    /// Which bank, as the metadata says it.
    pub institution_id: Option<String>,
    /// May be a masked card number.
    pub iban: Option<Iban>,
    /// Domestic number.
    pub bban: Option<Iban>,
    /// Masked card number.
    pub masked_pan: Option<Iban>,
    /// ISO 4217 as given.
    pub currency: Option<String>,
    /// The account's own name, else its display name.
    pub name: Option<String>,
    /// The bank's product.
    pub product: Option<String>,
    /// Personal data: database and socket only, never a log.
    pub owner_name: Option<String>,
    /// ISO 20022 code.
    pub cash_account_type: Option<String>,
}

impl AccountFacts {
    /// Adds what `newer` knows; what it does not know stays. A masked number does not take the place of a whole IBAN.
    pub fn merge(&mut self, newer: Self) {
        fn take<T>(slot: &mut Option<T>, newer: Option<T>) {
            if newer.is_some() {
                *slot = newer;
            }
        }
        take(&mut self.institution_id, newer.institution_id);
        let whole = |iban: &Option<Iban>| iban.as_ref().is_some_and(Iban::is_full);
        if !whole(&self.iban) || whole(&newer.iban) {
            take(&mut self.iban, newer.iban);
        }
        take(&mut self.bban, newer.bban);
        take(&mut self.masked_pan, newer.masked_pan);
        take(&mut self.currency, newer.currency);
        take(&mut self.name, newer.name);
        take(&mut self.product, newer.product);
        take(&mut self.owner_name, newer.owner_name);
        take(&mut self.cash_account_type, newer.cash_account_type);
    }
}
