//! The end of access: warned of, reached, or taken back. After it no data call is made through the link, and it is announced
//! once.

use crate::model::failure::AccessEnd;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::{MINUTE_MS, UtcInstant};

use super::Planner;
use super::agenda::Key;
use super::consent::{self, ConsentDue};
use super::effect::RunOutcome;
use super::linking::{LINK_LIFETIME_MS, LINKED_POLL_MS};
use super::state::{Account, AccountStatus, Link, LinkStatus, LinkStep};

/// So long before the end of access no data call leaves any more: it must arrive before.
pub(super) const END_MARGIN_MS: i64 = MINUTE_MS;

impl Planner {
    /// The provider says that access through this account's link is over.
    pub(super) fn access_refused(&mut self, id: AccountId, end: AccessEnd, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let link_id = account.link_id;
        let Some(link) = self.links.get(&link_id) else { return };
        // The provider may look at its clock a little before we read its answer.
        let there = self.time.latest(now).plus_ms(END_MARGIN_MS);
        let ended = link.access_expires_at.is_some_and(|end| end <= there);
        let never_worked = account.last_synced_at.is_none();
        let sibling_works = self.accounts_of(link_id).iter().any(|other| {
            *other != id && self.accounts.get(other).is_some_and(|it| it.last_synced_at.is_some())
        });
        match end {
            AccessEnd::Expired => self.access_ran_out(link_id, now),
            // What is missing can still be made up for; until then nothing is asked for.
            AccessEnd::ExpiredOrRevoked if link.lacks_confirmation(there) => {}
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

    /// The provider says that access ran out: so it may look while a confirmation is missing that can be made up for.
    pub(super) fn access_ran_out(&mut self, link_id: LinkId, now: UtcInstant) {
        let there = self.time.latest(now).plus_ms(END_MARGIN_MS);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.lacks_confirmation(there) {
            link.next_at = now.plus_ms(LINKED_POLL_MS);
            self.link_changed(link_id);
        } else {
            self.access_over(link_id, LinkStatus::Expired, now);
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

    /// When a link next needs a warning, an announcement or to be given up, by our wall clock.
    fn consent_due_at(&self, link: &Link, now: UtcInstant) -> Option<UtcInstant> {
        let ahead_ms = self.time.least_ms();
        let there = now.plus_ms(ahead_ms);
        let due = if link.status.is_pending() {
            let given_up = matches!(link.step, LinkStep::Delete { .. } | LinkStep::Done);
            (!given_up).then(|| link.created_at.plus_ms(LINK_LIFETIME_MS))
        } else if link.status.is_live() {
            let ends = |end| match self.consent_due(link, end, there) {
                ConsentDue::NothingUntil(at) => at,
                ConsentDue::Warn(_) | ConsentDue::Ended => there,
            };
            let consent = link.access_expires_at.map(ends);
            let others = [Self::confirmation_due_at(link), link.history_ends_at()];
            consent.into_iter().chain(others.into_iter().flatten()).min()
        } else {
            None
        };
        Some(due?.plus_ms(ahead_ms.saturating_neg()))
    }

    fn consent_due(&self, link: &Link, end: UtcInstant, there: UtcInstant) -> ConsentDue {
        consent::due(end, link.access_days, &self.policy.warn_days, link.warned_days, there)
    }

    /// Whether something hangs on the time that only the provider can confirm: our wall clock alone ends nothing and
    /// announces nothing.
    pub(super) fn awaits_the_time(&self, link: &Link, now: UtcInstant) -> bool {
        self.time.is_unconfirmed() && self.consent_due_at(link, now).is_some_and(|at| at <= now)
    }

    /// When the next chore of a link is due, by our wall clock.
    pub(super) fn link_chore_at(&self, link: &Link, now: UtcInstant) -> Option<UtcInstant> {
        self.consent_due_at(link, now).filter(|_| !self.awaits_the_time(link, now))
    }

    /// When the next call for a link is due.
    pub(super) fn link_call_at(&self, link: &Link, now: UtcInstant) -> Option<UtcInstant> {
        let step = self.link_step_at(link, now);
        step.into_iter().chain(Self::confirm_call_at(link)).min()
    }

    /// When its next step in linking may be taken.
    pub(super) fn link_step_at(&self, link: &Link, now: UtcInstant) -> Option<UtcInstant> {
        match link.step {
            LinkStep::Done => None,
            LinkStep::Settled if link.attempts == 0 && self.awaits_the_time(link, now) => Some(now),
            LinkStep::Settled => link.status.is_live().then_some(link.next_at),
            _ => Some(link.next_at),
        }
    }

    /// When the provider gives no data of an account any more as things stand, by its clock: access ends, or is not confirmed.
    pub(super) fn data_end_at(&self, account: &Account) -> Option<UtcInstant> {
        let link = self.links.get(&account.link_id)?;
        let confirmed = link.confirming.as_ref().and_then(|own| own.holds_at(account));
        link.access_expires_at.into_iter().chain(confirmed).min()
    }

    /// Whether data of an account can be had at the provider's time `there`, and for a moment longer.
    pub(super) fn gives_access(&self, account: &Account, there: UtcInstant) -> bool {
        let live = self.links.get(&account.link_id).is_some_and(|link| link.status.is_live());
        let safe = there.plus_ms(END_MARGIN_MS);
        live && self.data_end_at(account).is_none_or(|end| safe < end)
    }

    /// Warnings before the end of access, the end itself, and links that nobody finished.
    pub(super) fn look_at_consent(&mut self, link_id: LinkId, now: UtcInstant) {
        let there = self.time.earliest(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.status.is_pending() {
            if there >= link.created_at.plus_ms(LINK_LIFETIME_MS) {
                let notice = link
                    .notice(EventCode::LinkAbandoned, "nobody finished linking; it was given up");
                self.draft.notices.push(notice);
                self.remove_link(link_id, LinkStatus::Abandoned, now);
            }
            return;
        }
        let Some(link) = self.links.get(&link_id) else { return };
        let Some(end) = link.access_expires_at.filter(|_| link.status.is_live()) else { return };
        match self.consent_due(link, end, there) {
            ConsentDue::NothingUntil(_) => {}
            ConsentDue::Ended => self.access_over(link_id, LinkStatus::Expired, now),
            ConsentDue::Warn(days) => {
                let Some(link) = self.links.get_mut(&link_id) else { return };
                link.warned_days = Some(days);
                let left = consent::days_left(end, there);
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
