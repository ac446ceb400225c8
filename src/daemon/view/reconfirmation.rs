//! What a person sees of confirming that access goes on: until when, on which page, and the outcome for each account.

use serde::Serialize;

use super::{At, at};
use crate::model::id::{AccountId, LinkId};
use crate::model::reconfirmation::{Confirmation, Reconfirmed};
use crate::planner::state::{Account, Confirming, Link};

/// Where confirming stands.
#[derive(Clone, Debug, Serialize)]
pub struct ReconfirmationView<'a> {
    link_id: LinkId,
    institution_id: &'a str,
    due_at: Option<At>,
    opens_at: Option<At>,
    closes_at: Option<At>,
    asking: bool,
    url: Option<&'a str>,
    url_valid_from: Option<At>,
    url_valid_to: Option<At>,
    accounts: Vec<OutcomeView<'a>>,
    outcome_of: Option<At>,
    failure: Option<&'a str>,
}

/// The outcome for one account.
#[derive(Clone, Debug, Serialize)]
struct OutcomeView<'a> {
    account_id: Option<AccountId>,
    provider_account_id: &'a str,
    outcome: Confirmation,
    at: Option<At>,
}

/// Shows where confirming stands; `None` for a link whose access needs no confirmation.
///
/// The page is shown only while it can be used. Outcomes are those of the page that was made last, for the due date
/// `outcome_of`; before the first one, every account is open.
pub fn reconfirmation<'a>(
    link: &'a Link,
    accounts: &'a [Account],
) -> Option<ReconfirmationView<'a>> {
    let own = link.confirming.as_ref()?;
    let page = own.present().filter(|_page| link.status.is_live());
    Some(ReconfirmationView {
        link_id: link.id,
        institution_id: &link.institution_id.0,
        due_at: at(own.due_at),
        opens_at: at(own.opens_at()),
        closes_at: at(own.closes_at()),
        asking: own.asking,
        url: page.map(|page| page.url.0.as_str()),
        url_valid_from: at(page.and_then(|page| page.valid_from)),
        url_valid_to: at(page.and_then(|page| page.valid_to)),
        accounts: outcomes(own, link, accounts),
        outcome_of: at(own.shown.as_ref().map(|(due, _)| *due)),
        failure: own.failure.as_deref(),
    })
}

fn outcomes<'a>(
    own: &'a Confirming,
    link: &'a Link,
    accounts: &'a [Account],
) -> Vec<OutcomeView<'a>> {
    let ours = |handle: &str| {
        let found = accounts.iter().find(|account| account.provider_account_id.0 == handle);
        found.map(|account| account.id)
    };
    let said = |one: &'a Reconfirmed| OutcomeView {
        account_id: ours(&one.account.0),
        provider_account_id: &one.account.0,
        outcome: one.answer,
        at: at(one.at),
    };
    let open = |account: &'a Account| OutcomeView {
        account_id: Some(account.id),
        provider_account_id: &account.provider_account_id.0,
        outcome: Confirmation::Open,
        at: None,
    };
    match &own.shown {
        Some((_, shown)) => shown.accounts.iter().map(said).collect(),
        None => accounts.iter().filter(|account| account.link_id == link.id).map(open).collect(),
    }
}
