//! What somebody who stands beside the world may ask at any instant without changing anything: one account, its
//! consent, its calls of the day.

use crate::model::time::UtcInstant;

use super::accounts::Access;
use super::reconfirm;
use super::{Scope, World};

/// The truth about a linked account at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The bank's own account behind it: the same for every link.
    pub bank_account: usize,
    /// The requisition that gives access to it.
    pub requisition: String,
    /// When the agreement's days are over; `None` if there is no agreement any more.
    pub consent_ends_at: Option<UtcInstant>,
    /// The person or the bank ended the consent before.
    pub revoked: bool,
    /// From then on there are no data unless the person confirms access.
    pub confirm_by: Option<UtcInstant>,
    /// When a confirmation that came late brought the data back.
    pub reopened_at: Option<UtcInstant>,
    /// The bank closed it.
    pub closed: bool,
    /// The provider suspended it.
    pub suspended: bool,
    /// Counted failures in a row.
    pub failures: u32,
    /// As the metadata say it.
    pub status: &'static str,
    /// It shows its history as it was when it was linked, and nothing newer.
    pub stands_still: bool,
}

impl World {
    /// One account; `None` if there is no such one.
    pub fn witness(&self, account: &str, now: UtcInstant) -> Option<Witness> {
        let own = self.accounts.get(account)?;
        let bank = self.bank.get(own.bank)?;
        let terms = self
            .requisitions
            .get(&own.requisition)
            .and_then(|requisition| self.agreements.get(&requisition.agreement));
        let confirmed = terms.filter(|terms| terms.reconfirms);
        let rejected = confirmed.is_some_and(|terms| reconfirm::rejected(terms, account));
        let confirm_by = confirmed.and_then(|terms| reconfirm::due(terms, account));
        let confirm_by = confirm_by.filter(|_due| !rejected);
        // Only that nobody has confirmed yet, which can still be made up for.
        let lacking = confirm_by.is_some_and(|due| due <= now) && !self.is_revoked(own, now);
        Some(Witness {
            bank_account: own.bank,
            requisition: own.requisition.clone(),
            consent_ends_at: terms.and_then(super::agreements::Agreement::ends_at),
            revoked: self.access(own, now) == Access::Revoked && !lacking,
            confirm_by,
            reopened_at: confirmed.and_then(reconfirm::reopened_at),
            closed: bank.closed_at.is_some_and(|at| at <= now),
            suspended: own.suspended_at.is_some(),
            failures: own.failures,
            status: self.account_status(own, now),
            stands_still: own.frozen_at.is_some(),
        })
    }

    /// When the next call of an account and scope is allowed again; `None` while calls are left.
    pub fn daily_reset(
        &mut self,
        account: &str,
        scope: Scope,
        now: UtcInstant,
    ) -> Option<UtcInstant> {
        let limits = self.config.limits;
        let quota = self.accounts.get_mut(account)?.quotas.entry(scope).or_default();
        let standing = quota.standing(&limits, now);
        (standing.remaining == 0).then(|| now.plus_s(standing.reset_s))
    }
}
