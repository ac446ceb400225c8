//! Accounts as the provider knows them: one for each of the bank's accounts that a requisition
//! links, with metadata, failure counter and suspension.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::time::{DAY_MS, UtcInstant};

use super::super::rng::Rng;
use super::super::text::stamp;
use super::super::wire::HttpResponse;
use super::agreements::Agreement;
use super::limits::Quota;
use super::log::Cause;
use super::people::Refused;
use super::problems::{flat, not_found};
use super::quirks::Quirk;
use super::reconfirm;
use super::route::is_uuid;
use super::{Answer, Scope, World};

/// A linked account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) requisition: String,
    /// Place among the banks' accounts.
    pub(super) bank: usize,
    pub(super) created: UtcInstant,
    pub(super) last_accessed: Option<UtcInstant>,
    pub(super) quotas: BTreeMap<Scope, Quota>,
    /// Counted failures in a row, now and at worst.
    pub(super) failures: u32,
    pub(super) worst_failures: u32,
    pub(super) suspended_at: Option<UtcInstant>,
    /// PROCESSING until then.
    pub(super) ready_at: UtcInstant,
    /// No row newer than this is ever shown (one-time extended history).
    pub(super) frozen_at: Option<UtcInstant>,
    /// No booking before this day is shown.
    pub(super) first_day: i64,
}

/// Whether the data of an account may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    /// Its requisition or agreement is gone.
    NoAgreement,
    /// The agreement's days are over.
    Expired {
        agreement: String,
        days: i64,
        at: UtcInstant,
    },
    /// Ended by the person or the bank, or not reconfirmed in time.
    Revoked,
}

/// What the world says about one of its accounts, for tests and simulations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// The provider's id.
    pub id: String,
    /// The requisition that gives access to it.
    pub requisition: String,
    /// The institution's id.
    pub institution: &'static str,
    /// The bank's own account behind it: the same for every link.
    pub bank_account: usize,
    /// As the bank writes it.
    pub iban: String,
    /// Its currency.
    pub currency: &'static str,
    /// As the metadata say it.
    pub status: &'static str,
    /// Counted failures in a row now.
    pub failures: u32,
    /// The most there ever were.
    pub worst_failures: u32,
}

impl World {
    /// Makes the accounts of a requisition that has just been linked.
    pub(super) fn link(&mut self, id: &str, at: UtcInstant) {
        let Some(own) = self.requisitions.get(id) else { return };
        let institution = own.institution;
        let terms = self.agreements.get(&own.agreement);
        let days = terms.map_or(90, |terms| terms.max_historical_days);
        let long = days > 90;
        let frozen = terms.is_some_and(Agreement::stands_still);
        let slow = long && own.redirect_immediate;
        let ready_at = if slow { at.plus_s(self.config.processing_s) } else { at };
        let first_day = at.ms().div_euclid(DAY_MS) - days;
        let chosen = |place: usize| own.selected.as_ref().is_none_or(|list| list.contains(&place));
        let banks: Vec<usize> = self
            .bank
            .iter()
            .enumerate()
            .filter(|(_, bank)| std::ptr::eq(bank.institution, institution))
            .enumerate()
            .filter(|(place, _)| chosen(*place))
            .map(|(_, (bank, _))| bank)
            .collect();
        if institution.revokes_previous {
            self.revoke_others(id, at);
        }
        let mut ids = Vec::new();
        for bank in banks {
            let account = Account {
                id: self.account_id(bank, institution.is(Quirk::StableAccountIds)),
                requisition: id.to_owned(),
                bank,
                created: at,
                last_accessed: None,
                quotas: BTreeMap::new(),
                failures: 0,
                worst_failures: 0,
                suspended_at: None,
                ready_at,
                frozen_at: frozen.then_some(at),
                first_day,
            };
            ids.push(account.id.clone());
            self.take_in(account);
        }
        if let Some(own) = self.requisitions.get_mut(id) {
            own.accounts = ids;
            own.linked_at = Some(at);
        }
    }

    /// A known account keeps what outlives a link: creation, calls of the day, the worst that
    /// happened.
    fn take_in(&mut self, mut account: Account) {
        if let Some(old) = self.accounts.remove(&account.id) {
            account.created = old.created;
            account.last_accessed = old.last_accessed;
            account.quotas = old.quotas;
            account.worst_failures = old.worst_failures;
        }
        self.accounts.insert(account.id.clone(), account);
    }

    fn account_id(&mut self, bank: usize, stable: bool) -> String {
        if stable {
            let key = self.bank.get(bank).map_or(0, |account| account.seed);
            return Rng::keyed(key, &[20]).uuid();
        }
        self.rng.uuid()
    }

    fn revoke_others(&mut self, id: &str, at: UtcInstant) {
        let Some(institution) = self.requisitions.get(id).map(|own| own.institution) else {
            return;
        };
        for (other, own) in &mut self.requisitions {
            let same = std::ptr::eq(own.institution, institution);
            if other != id && same && own.linked_at.is_some() {
                own.revoked_at.get_or_insert(at);
            }
        }
    }

    pub(super) fn access(&self, account: &Account, now: UtcInstant) -> Access {
        let Some(own) = self.requisitions.get(&account.requisition) else {
            return Access::NoAgreement;
        };
        let Some(terms) = self.agreements.get(&own.agreement) else { return Access::NoAgreement };
        match terms.ends_at() {
            None => return Access::NoAgreement,
            Some(end) if end <= now => {
                let (agreement, days) = (terms.id.clone(), terms.access_valid_for_days);
                return Access::Expired { agreement, days, at: end };
            }
            Some(_) => {}
        }
        let lapsed = terms.reconfirms && reconfirm::lapsed(terms, &account.id, now);
        if lapsed || self.is_revoked(account, now) { Access::Revoked } else { Access::Open }
    }

    /// Whether the person or the bank ended the consent that an account goes by.
    pub(super) fn is_revoked(&self, account: &Account, now: UtcInstant) -> bool {
        let own = self.requisitions.get(&account.requisition);
        own.and_then(|own| own.revoked_at).is_some_and(|at| at <= now)
    }

    pub(super) fn account_status(&self, account: &Account, now: UtcInstant) -> &'static str {
        if account.suspended_at.is_some() {
            "SUSPENDED"
        } else if matches!(self.access(account, now), Access::Expired { .. }) {
            "EXPIRED"
        } else if now < account.ready_at {
            "PROCESSING"
        } else if account.failures >= self.config.error_after {
            "ERROR"
        } else {
            "READY"
        }
    }

    /// The metadata: free of the daily limit, without a look at the bank.
    pub(super) fn metadata(&self, now: UtcInstant, id: &str) -> Answer {
        let account = self.account(id)?;
        let Some(bank) = self.bank.get(account.bank) else { return Err(not_found()) };
        if !self.requisitions.contains_key(&account.requisition) {
            return Err(not_found());
        }
        let body = json!({
            "id": account.id, "created": stamp(account.created),
            "last_accessed": account.last_accessed.map(stamp), "iban": bank.iban, "bban": "",
            "status": self.account_status(account, now), "institution_id": bank.institution.id,
            "owner_name": "", "name": bank.product.name,
        });
        Ok(HttpResponse::json(200, &body))
    }

    pub(super) fn account(&self, id: &str) -> Result<&Account, HttpResponse> {
        if !is_uuid(id) {
            let detail = format!("{id} is not a valid Account UUID. ");
            return Err(flat(400, "Invalid Account ID", &detail));
        }
        self.accounts.get(id).ok_or_else(|| {
            let detail = "Please check whether you specified a valid Account ID";
            flat(404, &format!("Account ID {id} not found"), detail)
        })
    }

    /// One more failure, if it counts; the tenth in a row suspends.
    pub(super) fn count_failure(&mut self, id: &str, now: UtcInstant) {
        let limit = self.config.suspend_after;
        let Some(account) = self.accounts.get_mut(id) else { return };
        account.failures += 1;
        account.worst_failures = account.worst_failures.max(account.failures);
        if account.failures >= limit && account.suspended_at.is_none() {
            account.suspended_at = Some(now);
            self.log.note_suspension(id, Cause::Failures, now);
            self.after_suspension(id, now);
        }
    }

    /// Suspends an account for a reason that has nothing to do with the daemon.
    ///
    /// # Errors
    /// [`Refused::Unknown`] if there is no such account.
    pub fn suspend(&mut self, account: &str, now: UtcInstant) -> Result<(), Refused> {
        let own = self.accounts.get_mut(account).ok_or(Refused::Unknown)?;
        if own.suspended_at.is_none() {
            own.suspended_at = Some(now);
            self.log.note_suspension(account, Cause::Elsewhere, now);
        }
        Ok(())
    }

    /// The bank closes the account: it answers `AccountInactiveError` for ever.
    ///
    /// # Errors
    /// [`Refused::Unknown`] if there is no such account.
    pub fn close_account(&mut self, account: &str, now: UtcInstant) -> Result<(), Refused> {
        let bank = self.accounts.get(account).ok_or(Refused::Unknown)?.bank;
        let own = self.bank.get_mut(bank).ok_or(Refused::Unknown)?;
        own.closed_at.get_or_insert(now);
        Ok(())
    }

    /// Another application reads the same account through the provider: its calls count too.
    ///
    /// # Errors
    /// [`Refused::Unknown`] if there is no such account.
    pub fn other_app_uses(
        &mut self,
        account: &str,
        scope: Scope,
        calls: u32,
        now: UtcInstant,
    ) -> Result<(), Refused> {
        let limits = self.config.limits;
        let own = self.accounts.get_mut(account).ok_or(Refused::Unknown)?;
        let quota = own.quotas.entry(scope).or_default();
        for _ in 0..calls.min(quota.standing(&limits, now).remaining) {
            quota.count(&limits, now);
        }
        Ok(())
    }

    /// All accounts that were ever linked, by id.
    pub fn accounts(&mut self, now: UtcInstant) -> Vec<AccountView> {
        self.live_until(now);
        let view = |account: &Account| {
            let bank = self.bank.get(account.bank)?;
            Some(AccountView {
                id: account.id.clone(),
                requisition: account.requisition.clone(),
                institution: bank.institution.id,
                bank_account: account.bank,
                iban: bank.iban.clone(),
                currency: bank.product.currency,
                status: self.account_status(account, now),
                failures: account.failures,
                worst_failures: account.worst_failures,
            })
        };
        self.accounts.values().filter_map(view).collect()
    }
}
