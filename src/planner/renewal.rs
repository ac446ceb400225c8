//! A successor takes over: the old requisition goes once nothing depends on it any more.

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::{EventCode, Notice};
use crate::model::time::UtcInstant;

use super::Planner;
use super::effect::RunOutcome;
use super::state::{AccountStatus, LinkStatus};

impl Planner {
    /// An account goes on through another link under its handle: what was wrong with it through the old one is over.
    pub(super) fn move_account(&mut self, id: AccountId, link_id: LinkId, now: UtcInstant) {
        let why = "the account goes on through a new link".to_owned();
        self.pull_ended(id, RunOutcome::Failed, Some((why, None)), now);
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let old_link = std::mem::replace(&mut account.link_id, link_id);
        account.consecutive_failures = 0;
        account.tries = 0;
        account.failing.clear();
        // Calls go on at once; the first success through the new link tells that a pause is over.
        if let Some(pause) = account.pause.as_mut() {
            pause.lifted = true;
        }
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
        self.left_link(old_link, id);
    }

    /// Once every account of a successor was pulled completely through it, the old requisition goes.
    pub(super) fn finish_renewal(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get(&link_id) else { return };
        if link.is_history() {
            return;
        }
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
        if self.policy.remove_replaced {
            self.remove_link(old_id, LinkStatus::Replaced, now);
        } else {
            self.keep_replaced(old_id);
        }
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
