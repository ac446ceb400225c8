//! Accounts across links: a new link brings new provider ids, the account keeps ours, its history and its quota.
//!
//! A new handle first gets a provisional document, is identified (metadata, details) and then either continues an account
//! that we know or becomes a new one. A full IBAN with the currency decides, whatever the institution id; without a full
//! IBAN the number as given, the currency and the institution must agree. Several candidates decide nothing.

use crate::model::account::AccountFacts;
use crate::model::agreement::Scope;
use crate::model::iban::Iban;
use crate::model::id::{AccountId, LinkId, ProviderAccountId};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;

use super::Planner;
use super::effect::{Pairing, RunOutcome};
use super::state::{Account, AccountStatus, Identifying, LinkStatus};

/// Whether two descriptions can be of one account: same number, and no different currency.
fn same_account(one: &AccountFacts, other: &AccountFacts, same_institution: bool) -> bool {
    let currencies_agree = match (&one.currency, &other.currency) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => true,
    };
    let equal = |one: &Option<Iban>, other: &Option<Iban>| match (one, other) {
        (Some(one), Some(other)) => Some(one.normalised() == other.normalised()),
        _ => None,
    };
    let full = |facts: &AccountFacts| facts.iban.as_ref().is_some_and(Iban::is_full);
    let numbers_agree = if full(one) && full(other) {
        equal(&one.iban, &other.iban) == Some(true)
    } else {
        let pairs = [
            equal(&one.iban, &other.iban),
            equal(&one.bban, &other.bban),
            equal(&one.masked_pan, &other.masked_pan),
        ];
        same_institution && pairs.contains(&Some(true)) && !pairs.contains(&Some(false))
    };
    currencies_agree && numbers_agree
}

impl Planner {
    /// A requisition names its accounts: those not yet known through it are begun.
    pub(super) fn discover(
        &mut self,
        link_id: LinkId,
        handles: &[ProviderAccountId],
        now: UtcInstant,
    ) {
        let Some(institution_id) = self.links.get(&link_id).map(|link| link.institution_id.clone())
        else {
            return;
        };
        for handle in handles {
            let Some(link) = self.links.get_mut(&link_id) else { return };
            // Once per link: an account that went on through a successor is not brought back by the old requisition.
            if link.handles.contains(handle) {
                continue;
            }
            link.handles.push(handle.clone());
            self.link_changed(link_id);
            let known =
                self.accounts.values().find(|account| account.provider_account_id == *handle);
            let id = match known.map(|account| (account.id, account.link_id)) {
                Some((id, through)) => {
                    if through != link_id {
                        self.move_account(id, link_id, now);
                    }
                    id
                }
                None => self.begin_account(link_id, institution_id.clone(), handle.clone(), now),
            };
            if let Some(link) = self.links.get_mut(&link_id)
                && !link.accounts.contains(&id)
            {
                link.accounts.push(id);
                self.link_changed(link_id);
            }
        }
    }

    fn begin_account(
        &mut self,
        link_id: LinkId,
        institution_id: crate::model::id::InstitutionId,
        provider_account_id: ProviderAccountId,
        now: UtcInstant,
    ) -> AccountId {
        let id = self.ids.account(now);
        let account = Account {
            id,
            provider_account_id,
            link_id,
            institution_id,
            facts: AccountFacts::default(),
            discovered_at: now,
            identifying: Some(Identifying::default()),
            status: AccountStatus::Processing,
            consecutive_failures: 0,
            tries: 0,
            failing: std::collections::BTreeMap::new(),
            pause: None,
            scopes_off: std::collections::BTreeSet::new(),
            quota: std::collections::BTreeMap::new(),
            details_at: None,
            metadata_at: None,
            slot_served: None,
            pull: None,
            retry_at: None,
            last_synced_at: None,
            full_pull_at: None,
            full_mark: None,
            window_mark: None,
            processing_since: None,
            stale_announced: false,
            leftover: None,
        };
        self.accounts.insert(id, account);
        self.changed(id);
        id
    }

    /// Details were read, or cannot be had.
    pub(super) fn details_settled(&mut self, id: AccountId, now: UtcInstant) {
        if let Some(identifying) =
            self.accounts.get_mut(&id).and_then(|account| account.identifying.as_mut())
        {
            identifying.details_settled = true;
        }
        self.identify(id, now);
    }

    /// Decides who a new handle is, once all that can be known is.
    pub(super) fn identify(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let done = Identifying { metadata_read: true, details_settled: true };
        if account.identifying != Some(done) || account.status == AccountStatus::Processing {
            return;
        }
        match self.candidates(account).as_slice() {
            [known] => self.pair(id, *known, now),
            several => {
                let ambiguous: Vec<String> = several.iter().map(ToString::to_string).collect();
                self.admit(id, &ambiguous);
            }
        }
    }

    /// Known accounts that a new handle may continue.
    fn candidates(&self, account: &Account) -> Vec<AccountId> {
        let id = account.id;
        self.accounts
            .values()
            .filter(|other| {
                other.id != id && other.identifying.is_none() && other.link_id != account.link_id
            })
            .filter(|other| {
                let same_institution = other.institution_id == account.institution_id;
                same_account(&account.facts, &other.facts, same_institution)
            })
            .map(|other| other.id)
            .collect()
    }

    /// A handle that was refused before it was identified: an account of its own, unless it may be one that we know and
    /// that may still work through its old link. Then it stays unseen.
    pub(super) fn admit_if_new(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        let known_enough = account.identifying.is_some_and(|identifying| identifying.metadata_read);
        if known_enough && self.candidates(account).is_empty() {
            self.admit(id, &[]);
        }
    }

    /// A new handle is a new account.
    fn admit(&mut self, id: AccountId, ambiguous: &[String]) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.identifying = None;
        self.changed(id);
        let Some(account) = self.accounts.get(&id) else { return };
        let discovered = account.notice(EventCode::AccountDiscovered, "a new account");
        self.draft.notices.push(discovered);
        if !ambiguous.is_empty() {
            let message = "this account may continue one of several known ones";
            let notice = account
                .notice(EventCode::AccountsAmbiguous, message)
                .detail("candidates", ambiguous.join(" "));
            self.draft.notices.push(notice);
        }
    }

    /// A new handle continues a known account.
    fn pair(&mut self, provisional: AccountId, known: AccountId, now: UtcInstant) {
        let Some(new) = self.accounts.remove(&provisional) else { return };
        self.draft.accounts.remove(&provisional);
        self.touch(super::agenda::Key::Account(provisional));
        self.ledger.merge(provisional, known);
        self.draft.pair = Some(Pairing { from: provisional, into: known });
        if let Some(link) = self.links.get_mut(&new.link_id) {
            link.accounts.retain(|id| *id != provisional && *id != known);
            link.accounts.push(known);
            self.draft.links.insert(new.link_id);
        }
        if let Some(account) = self.accounts.get_mut(&known) {
            account.provider_account_id = new.provider_account_id;
            account.institution_id = new.institution_id;
            account.facts.merge(new.facts);
            account.details_at = new.details_at.or(account.details_at);
            for (scope, learned) in new.quota {
                let quota = account.quota.entry(scope).or_default();
                quota.limit = learned.limit.or(quota.limit);
                // The bank's own count knows no links: what was refused through the old one stays refused.
                quota.blocked_until = quota.blocked_until.max(learned.blocked_until);
                quota.announced_until = quota.announced_until.max(learned.announced_until);
            }
        }
        self.move_account(known, new.link_id, now);
        if let Some(account) = self.accounts.get_mut(&known) {
            // Counted by the provider for the new handle already.
            account.consecutive_failures = new.consecutive_failures;
            account.failing = new.failing;
            account.pause = new.pause;
            account.status = new.status;
            account.retry_at = new.retry_at;
        }
    }

    /// An account goes on through another link: what was wrong with it through the old one is over.
    fn move_account(&mut self, id: AccountId, link_id: LinkId, now: UtcInstant) {
        let why = "the account goes on through a new link".to_owned();
        self.pull_ended(id, RunOutcome::Failed, Some((why, None)), now);
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let old_link = std::mem::replace(&mut account.link_id, link_id);
        account.consecutive_failures = 0;
        account.tries = 0;
        account.failing.clear();
        account.pause = None;
        account.retry_at = None;
        account.leftover = None;
        account.scopes_off.clear();
        // Everything is asked for anew: the first answers through the new link show what it gives.
        account.full_pull_at = None;
        account.full_mark = None;
        account.window_mark = None;
        account.slot_served = None;
        account.status = AccountStatus::Ready;
        self.changed(id);
        let emptied = self.accounts_of(old_link).is_empty();
        if let Some(link) = self.links.get_mut(&link_id)
            && link.replaces.is_none()
            && emptied
        {
            link.replaces = Some(old_link);
            self.link_changed(link_id);
        }
        self.touch(super::agenda::Key::Link(old_link));
    }

    /// Once every account of a successor was pulled completely through it, the old requisition goes.
    pub(super) fn finish_renewal(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get(&link_id) else { return };
        let (Some(old_id), Some(accepted)) = (link.replaces, link.accepted_at) else { return };
        if self.links.get(&old_id).is_none_or(|old| old.replaced_by.is_some()) {
            return;
        }
        let account = |id: &AccountId| self.accounts.get(id);
        let complete = self.accounts_of(link_id).iter().filter_map(account).all(|account| {
            let over = account.status.is_over()
                || !self.policy.is_enabled(account)
                || [Scope::Balances, Scope::Transactions]
                    .iter()
                    .all(|scope| account.scopes_off.contains(scope));
            let pulled = account.identifying.is_none()
                && account.full_pull_at.is_some()
                && account.last_synced_at.is_some_and(|synced| synced >= accepted);
            over || pulled
        });
        // An account that was left behind keeps its access as long as that lasts.
        let left_behind = self
            .accounts_of(old_id)
            .iter()
            .filter_map(account)
            .any(|account| self.policy.is_enabled(account) && !account.status.is_over());
        if !complete || left_behind {
            return;
        }
        let institution = link.institution_id.clone();
        if let Some(old) = self.links.get_mut(&old_id) {
            old.replaced_by = Some(link_id);
        }
        self.remove_link(old_id, LinkStatus::Replaced, now);
        let replaced = Notice::new(EventCode::LinkReplaced, "a successor has taken over")
            .link(old_id)
            .institution(institution.clone())
            .detail("replaced_by", link_id.to_string());
        let renewed = Notice::new(
            EventCode::AccessRenewed,
            "access was renewed; accounts keep id and history",
        )
        .link(link_id)
        .institution(institution)
        .detail("replaces", old_id.to_string());
        self.draft.notices.extend([replaced, renewed]);
    }
}
