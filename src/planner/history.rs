//! The longer history of institutions that give it only once and apart (their feature
//! `separate_continuous_history_consent`): a second link brings it, and then goes.
//!
//! Facts (provider's knowledge base, article 11529718632476, read 2026-11): there, access with more than 90 days of history
//! delivers once and then stands still for as long as it lasts. Data from now on need access of their own with at most 90 days,
//! under other account ids. So the link that goes on asks for 90 days, and when a person has finished it, another one is made
//! for the history. Its accounts stay unseen: each is pulled once, becomes part of the account that it is, and when all of them
//! have, the link is removed at the provider.

use crate::model::agreement::{Scope, Terms};
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::{DAY_MS, UtcInstant};

use super::Planner;
use super::agenda::Key;
use super::linking::LinkWish;
use super::state::{Account, AccountStatus, Link, LinkStatus, Purpose};
use super::union::By;

/// A history that has not come after so long does not come any more.
const LIFETIME_MS: i64 = 7 * DAY_MS;
/// It needs no longer access than every institution gives, in days.
const ACCESS_DAYS: u32 = 90;

impl Link {
    /// Whether it only brings the history of another one.
    pub fn is_history(&self) -> bool {
        self.purpose == Purpose::History
    }

    /// When a history that has not come is given up, by the provider's clock.
    pub(super) fn history_ends_at(&self) -> Option<UtcInstant> {
        let accepted = self.accepted_at.filter(|_at| self.is_history() && self.status.is_live())?;
        Some(accepted.plus_ms(LIFETIME_MS))
    }
}

impl Planner {
    /// A link gives access: where its institution keeps a longer history apart, and it was asked for, another link is made
    /// for it. Who renews has the history already.
    pub(super) fn begin_history(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let Some(history_days) = link.history_apart else { return };
        if link.is_history() || link.replaces.is_some() || link.history_link.is_some() {
            return;
        }
        let wish = LinkWish {
            link_id: self.ids.link(now),
            institution: link.institution_id.clone(),
            history_days: None,
            access_days: None,
            replaces: None,
        };
        link.history_link = Some(wish.link_id);
        let asked = Terms {
            history_days,
            access_days: link.asked.access_days.min(ACCESS_DAYS),
            scopes: Scope::ALL.to_vec(),
            reconfirmation: false,
        };
        self.link_changed(link_id);
        self.begin_link(&wish, asked, Some(link_id), now);
    }

    /// Whether an account came through a link that only brings history.
    pub(super) fn brings_history(&self, account: &Account) -> bool {
        self.links.get(&account.link_id).is_some_and(Link::is_history)
    }

    /// When who a new handle is can be decided: one that brings history waits for its transactions, not for a pull alone, which
    /// is complete without them where the bank refuses that scope; and until the accounts are known that it may be part of.
    pub(super) fn pairing_due(&self, account: &Account) -> Option<UtcInstant> {
        let link = self.links.get(&account.link_id)?;
        let Some(of) = link.history_of else { return account.pairing_due() };
        let open = |other: &&Account| {
            other.link_id == of && other.identifying.is_some() && !other.status.is_over()
        };
        let waits = !account.is_identified() || self.accounts.values().any(|own| open(&own));
        account.full_pull_at.filter(|_at| !waits)
    }

    /// Makes an account that has brought its history part of the one that it is.
    pub(super) fn take_history_in(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        if self.pairing_due(account).is_none() {
            return;
        }
        let link_id = account.link_id;
        match self.likest(id).as_slice() {
            [known] => self.join(*known, id, By::History, now),
            known => self.admit(id, known.to_vec()),
        }
        let through = |account: &&Account| account.link_id == link_id;
        if self.accounts.values().find(through).is_none() {
            self.history_complete(link_id, now);
        }
    }

    /// Everything that a link was made for is there: it goes.
    pub(super) fn history_complete(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.replaced_by = link.history_of;
        let by = link.history_of.map(|of| of.to_string());
        let message = "its history is complete: the link that goes on has it";
        let notice = link.notice(EventCode::LinkReplaced, message).detail("replaced_by", by);
        self.draft.notices.push(notice);
        self.remove_link(link_id, LinkStatus::Replaced, now);
    }

    /// Gives a history up that did not come in time.
    pub(super) fn look_at_history(&mut self, link_id: LinkId, now: UtcInstant) {
        let there = self.time.earliest(now);
        let ends_at = self.links.get(&link_id).and_then(Link::history_ends_at);
        if ends_at.is_none_or(|end| there < end) {
            return;
        }
        let came = |id: &AccountId| {
            self.accounts.get(id).is_some_and(|account| {
                account.identifying.is_none() && account.full_pull_at.is_some()
            })
        };
        let why = if self.accounts_of(link_id).iter().any(came) {
            "its history came, but nothing shows whose it is: it is kept as an account of its own until `banksyncd accounts merge` makes it part of another one"
        } else {
            "the bank did not give its history in time"
        };
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.failure = Some(why.to_owned());
        let notice = link.notice(EventCode::LinkFailed, why).detail("reason", why);
        self.draft.notices.push(notice);
        self.remove_link(link_id, LinkStatus::Abandoned, now);
        for id in self.accounts_of(link_id) {
            self.end_account(id, AccountStatus::Expired, now);
        }
    }

    /// The accounts of a link are known: whatever waited for that to bring their history is looked at again.
    pub(super) fn touch_history_of(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get(&link_id).and_then(|link| link.history_link) else {
            return;
        };
        for id in self.accounts_of(link) {
            self.touch(Key::Account(id));
        }
    }
}
