//! A bank as the provider lists it.

use serde::{Deserialize, Serialize};

use super::id::InstitutionId;

/// An institution. Counts of days are `None` where the provider does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Institution {
    /// Such as `N26_NTSBDEB1`.
    pub id: InstitutionId,
    /// For people; not unique.
    pub name: String,
    /// Business identifier code, may be empty.
    #[serde(default)]
    pub bic: String,
    /// ISO 3166 codes, duplicates removed, in capitals.
    #[serde(default)]
    pub countries: Vec<String>,
    /// How many days of history the bank gives.
    #[serde(default)]
    pub transaction_total_days: Option<u32>,
    /// How long access may last without a new login.
    #[serde(default)]
    pub max_access_valid_for_days: Option<u32>,
    /// How long access may last without a new login if the person confirms it every 90 days; `None` where that is not offered.
    #[serde(default)]
    pub max_access_valid_for_days_reconfirmation: Option<u32>,
    /// `None` where only the list was read: the list has no features.
    #[serde(default)]
    pub supported_features: Option<Vec<String>>,
}

impl Institution {
    /// Whether a feature is listed.
    pub fn has_feature(&self, feature: &str) -> bool {
        self.supported_features.iter().flatten().any(|listed| listed == feature)
    }
}
