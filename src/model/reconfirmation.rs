//! Confirming that access goes on: where the login at the bank lasts longer than the law lets consent last (Great Britain), the
//! person says so again every 90 days, for each account, on a page of the provider's.

use serde::{Deserialize, Serialize};

use super::id::ProviderAccountId;
use super::requisition::ConsentUrl;
use super::time::UtcInstant;

/// What the person has said about one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// Nothing yet.
    #[default]
    Open,
    /// Access goes on.
    Confirmed,
    /// Access is to end.
    Rejected,
}

/// One account of a reconfirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconfirmed {
    /// The provider's handle.
    pub account: ProviderAccountId,
    /// The answer.
    pub answer: Confirmation,
    /// When it was given, if the provider says.
    pub at: Option<UtcInstant>,
}

/// A reconfirmation as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconfirmation {
    /// For the browser.
    pub url: ConsentUrl,
    /// From when on it works, if the answer says.
    pub valid_from: Option<UtcInstant>,
    /// Until when it works, if the answer says.
    pub valid_to: Option<UtcInstant>,
    /// In the order of the answer.
    pub accounts: Vec<Reconfirmed>,
}

impl Reconfirmation {
    /// What was said about an account; [`Confirmation::Open`] if it is not among them.
    pub fn answer(&self, account: &ProviderAccountId) -> Confirmation {
        let own = self.accounts.iter().find(|own| own.account == *account);
        own.map_or(Confirmation::Open, |own| own.answer)
    }

    /// Whether nothing is open any more.
    pub fn is_answered(&self) -> bool {
        let answered = |own: &Reconfirmed| own.answer != Confirmation::Open;
        !self.accounts.is_empty() && self.accounts.iter().all(answered)
    }
}
