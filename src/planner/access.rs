//! The end of access: warned of, reached, or taken back. After it no data call is made through the link, and it is announced
//! once.

use crate::model::failure::AccessEnd;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;

use super::Planner;
use super::agenda::Key;
use super::consent::{self, ConsentDue};
use super::effect::RunOutcome;
use super::linking::LINK_LIFETIME_MS;
use super::state::{AccountStatus, LinkStatus, LinkStep};

impl Planner {
    /// The provider says that access through this account's link is over.
    pub(super) fn access_refused(&mut self, id: AccountId, end: AccessEnd, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let link_id = account.link_id;
        let Some(link) = self.links.get(&link_id) else { return };
        let ended = link.access_expires_at.is_some_and(|end| end <= now);
        let never_worked = account.last_synced_at.is_none();
        let sibling_works = self.accounts_of(link_id).iter().any(|other| {
            *other != id && self.accounts.get(other).is_some_and(|it| it.last_synced_at.is_some())
        });
        match end {
            AccessEnd::Expired => self.access_over(link_id, LinkStatus::Expired, now),
            AccessEnd::ExpiredOrRevoked if ended => {
                self.access_over(link_id, LinkStatus::Expired, now);
            }
            // Some banks answer so for single accounts (deposits) right after linking: the others go on.
            AccessEnd::ExpiredOrRevoked if never_worked && sibling_works => {
                let message = "the bank gives no access to this account";
                self.account_over(id, AccountStatus::Expired, EventCode::AccessRevoked, message);
            }
            AccessEnd::ExpiredOrRevoked => self.access_over(link_id, LinkStatus::Revoked, now),
        }
    }

    /// Access through a link is over: no further data calls, one event.
    pub(super) fn access_over(&mut self, link_id: LinkId, status: LinkStatus, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if !link.status.is_live() {
            return;
        }
        link.status = status;
        link.next_at = now;
        link.step = LinkStep::Done;
        let announce = !std::mem::replace(&mut link.end_announced, true);
        let (code, message) = match status {
            LinkStatus::Revoked => {
                (EventCode::AccessRevoked, "access was ended before its time; renew the link")
            }
            _ => (EventCode::AccessExpired, "access has ended; renew the link"),
        };
        let notice = link.notice(code, message);
        if announce {
            self.draft.notices.push(notice);
        }
        self.draft.links.insert(link_id);
        self.touch(Key::Link(link_id));
        for id in self.accounts_of(link_id) {
            self.end_account(id, AccountStatus::Expired, now);
        }
    }

    /// The accounts that go on through a link, in the order of its requisition.
    pub(super) fn accounts_of(&self, link_id: LinkId) -> Vec<AccountId> {
        let Some(link) = self.links.get(&link_id) else { return Vec::new() };
        let through = |id: &&AccountId| {
            self.accounts.get(id).is_some_and(|account| account.link_id == link_id)
        };
        link.accounts.iter().filter(through).copied().collect()
    }

    /// Sets the status of an account whose link is over; its own worse status stays.
    pub(super) fn end_account(&mut self, id: AccountId, status: AccountStatus, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if !matches!(account.status, AccountStatus::Suspended | AccountStatus::Inactive) {
            // One that is still being identified stays so, unseen: it may be a known account whose old link works.
            account.status = status;
            account.pause = None;
        }
        self.changed(id);
        self.pull_ended(id, RunOutcome::Failed, Some(("access has ended".into(), None)), now);
    }

    /// Warnings before the end of access, the end itself, and links that nobody finished.
    pub(super) fn look_at_consent(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.status.is_pending() {
            if now >= link.created_at.plus_ms(LINK_LIFETIME_MS) {
                let notice = link
                    .notice(EventCode::LinkAbandoned, "nobody finished linking; it was given up");
                self.draft.notices.push(notice);
                self.remove_link(link_id, LinkStatus::Abandoned, now);
            }
            return;
        }
        let Some(end) = link.access_expires_at.filter(|_| link.status.is_live()) else { return };
        match consent::due(end, link.access_days, &self.policy.warn_days, link.warned_days, now) {
            ConsentDue::NothingUntil(_) => {}
            ConsentDue::Ended => self.access_over(link_id, LinkStatus::Expired, now),
            ConsentDue::Warn(days) => {
                link.warned_days = Some(days);
                let left = consent::days_left(end, now);
                let notice = link
                    .notice(EventCode::AccessExpiring, "access ends soon; renew the link")
                    .detail("days", days)
                    .detail("days_left", left)
                    .detail("access_expires_at", end.to_string());
                self.draft.notices.push(notice);
                self.link_changed(link_id);
            }
        }
    }
}
