//! The terms of access that the end user agrees to: how far back, how long, to what.

use serde::{Deserialize, Serialize};

use super::id::{AgreementId, InstitutionId};
use super::time::UtcInstant;

/// What an access grants; the provider counts calls per account and scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Product, currency, owner.
    Details,
    /// What is on the account.
    Balances,
    /// What happened on it.
    Transactions,
}

impl Scope {
    /// All of them, in the order of the ledger.
    pub const ALL: [Self; 3] = [Self::Details, Self::Balances, Self::Transactions];

    /// The word of the wire and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::Balances => "balances",
            Self::Transactions => "transactions",
        }
    }

    /// From the word of the wire.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What we ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Days of history, at least 1.
    pub history_days: u32,
    /// Days of access, at least 1.
    pub access_days: u32,
    /// Never empty.
    pub scopes: Vec<Scope>,
    /// The person confirms access every 90 days, so that it may last longer (Great Britain).
    #[serde(default)]
    pub reconfirmation: bool,
}

/// An end user agreement at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The provider's id.
    pub id: AgreementId,
    /// Whom it is about, if the answer says.
    pub institution_id: Option<InstitutionId>,
    /// Days of history granted, if the answer says.
    pub max_historical_days: Option<u32>,
    /// Days of access, counted from `accepted`.
    pub access_valid_for_days: Option<u32>,
    /// The scopes granted, if the answer says; words not understood are left out.
    pub access_scope: Option<Vec<Scope>>,
    /// When the end user agreed.
    pub accepted: Option<UtcInstant>,
    /// Whether access has to be confirmed in between, if the answer says.
    pub reconfirmation: Option<bool>,
}

impl Agreement {
    /// When access ends: `accepted + access_valid_for_days`.
    pub fn access_expires_at(&self) -> Option<UtcInstant> {
        Some(self.accepted?.plus_days(i64::from(self.access_valid_for_days?)))
    }
}
