//! The linking process at the provider: a link for the browser, a status that walks, and the accounts at its end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{AgreementId, InstitutionId, ProviderAccountId, RequisitionId};

/// Where the process stands (API reference, "Statuses").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequisitionStatus {
    /// `CR`: made.
    Created,
    /// `GC`: on the provider's consent page.
    GivingConsent,
    /// `UA`: at the bank.
    UndergoingAuthentication,
    /// `RJ`: wrong credentials or check failed; final.
    Rejected,
    /// `SA`.
    SelectingAccounts,
    /// `GA`.
    GrantingAccess,
    /// `LN`: accounts are available.
    Linked,
    /// `EX`: access is over.
    Expired,
    /// `SU`.
    Suspended,
    /// `ER`.
    Error,
    /// Anything else, kept as given.
    Unknown(String),
}

impl RequisitionStatus {
    /// From the two-letter code, case ignored.
    pub fn from_code(code: &str) -> Self {
        match code.to_ascii_uppercase().as_str() {
            "CR" => Self::Created,
            "GC" => Self::GivingConsent,
            "UA" => Self::UndergoingAuthentication,
            "RJ" => Self::Rejected,
            "SA" => Self::SelectingAccounts,
            "GA" => Self::GrantingAccess,
            "LN" => Self::Linked,
            "EX" => Self::Expired,
            "SU" => Self::Suspended,
            "ER" => Self::Error,
            _ => Self::Unknown(code.to_owned()),
        }
    }
}

/// The link that a person opens in a browser. It is used once; until then it is as good as a key, so `Debug` masks it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsentUrl(pub String);

impl fmt::Debug for ConsentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsentUrl(***)")
    }
}

/// A requisition as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requisition {
    /// The provider's id.
    pub id: RequisitionId,
    /// Where it stands.
    pub status: RequisitionStatus,
    /// For which institution, if the answer says.
    pub institution_id: Option<InstitutionId>,
    /// Its agreement, if the answer says.
    pub agreement: Option<AgreementId>,
    /// Our own unguessable reference.
    pub reference: String,
    /// Empty until linked, and sometimes afterwards.
    pub accounts: Vec<ProviderAccountId>,
    /// For the browser.
    pub link: Option<ConsentUrl>,
}
