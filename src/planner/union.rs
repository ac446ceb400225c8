//! Two accounts become one, and one two again: by what a new link showed, by elimination, or by a person's word.
//!
//! The account whose id goes on takes over whichever connection works; the documents of both are kept as they were, so that
//! every union can be taken apart again, the newest first. Calls, runs and answers stay with the part whose handle was
//! called: that is how a split knows what is whose.

use std::collections::BTreeSet;

use crate::model::iban::Iban;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;

use super::agenda::Key;
use super::effect::{RunOutcome, Undo};
use super::likeness;
use super::state::{Account, AccountStatus, Pause, Union};
use super::{Aim, Flight, Planner};

/// What made two accounts one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A new handle is liked best by a known account.
    Likeness,
    /// What came after it was admitted as new: rows that agree with those of the one account left, or details.
    Later,
    /// A link that only brings history showed it.
    History,
    /// A person.
    Hand,
}

/// Why two accounts cannot be made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOne {
    /// Both names mean one account.
    #[error("an account cannot be merged with itself")]
    Same,
    /// One IBAN with several currencies is several accounts.
    #[error("accounts with different currencies are never one")]
    Currency,
}

/// Whether a person may make these two one.
///
/// # Errors
/// Why not.
pub fn may_be_one(kept: &Account, absorbed: &Account) -> Result<(), NotOne> {
    if kept.id == absorbed.id {
        return Err(NotOne::Same);
    }
    match likeness::same_currency(&kept.facts, &absorbed.facts) {
        Some(false) => Err(NotOne::Currency),
        _ => Ok(()),
    }
}

impl Planner {
    /// Unions that can be taken apart, oldest first.
    pub fn unions(&self) -> &[Union] {
        &self.unions
    }

    /// The part of an account whose handle is called now: itself, unless the handle came with an account that it absorbed.
    pub(super) fn part_of(&self, account: &Account) -> AccountId {
        let both = self.unions.iter().flat_map(|union| [&union.kept, &union.absorbed]);
        both.into_iter()
            .find(|before| before.provider_account_id == account.provider_account_id)
            .map_or(account.id, |before| before.id)
    }

    /// An account with all that it has absorbed, for as long as it is not absorbed itself.
    pub(super) fn parts(&self, id: AccountId) -> BTreeSet<AccountId> {
        let mut parts = BTreeSet::from([id]);
        // Newest first: what was absorbed by a part came together before the part was absorbed.
        for union in self.unions.iter().rev() {
            if parts.contains(&union.kept.id) {
                parts.insert(union.absorbed.id);
            }
        }
        parts
    }

    /// A person says that two accounts are one.
    pub(super) fn merge_wanted(&mut self, kept: AccountId, absorbed: AccountId, now: UtcInstant) {
        let both = self.accounts.get(&kept).zip(self.accounts.get(&absorbed));
        if both.is_some_and(|(kept, absorbed)| may_be_one(kept, absorbed).is_ok()) {
            self.join(kept, absorbed, By::Hand, now);
        }
    }

    /// Makes two accounts one.
    pub(super) fn join(&mut self, kept: AccountId, absorbed: AccountId, by: By, now: UtcInstant) {
        let (Some(before), Some(other)) = (self.accounts.get(&kept), self.accounts.get(&absorbed))
        else {
            return;
        };
        let (before, other) = (before.clone(), other.clone());
        // By hand two may come together that both work: the newer link goes on.
        let goes_on = match by {
            By::Likeness | By::Later => true,
            By::History => false,
            By::Hand => self.rank(&other) > self.rank(&before),
        };
        let left = if goes_on { kept } else { absorbed };
        let why = "the account goes on through another link".to_owned();
        self.pull_ended(left, RunOutcome::Failed, Some((why, None)), now);
        self.accounts.remove(&absorbed);
        self.draft.accounts.remove(&absorbed);
        self.touch(Key::Account(absorbed));
        self.ledger.merge(absorbed, kept);
        self.aim_anew(absorbed, kept, |_| true);
        let (old_link, was_paused) = (before.link_id, before.pause.is_some());
        if let Some(account) = self.accounts.get_mut(&kept) {
            take_over(account, &other, goes_on, by);
        }
        self.rename_in_links(absorbed, kept, |_| true);
        self.forget_doubts(absorbed, kept);
        self.changed(kept);
        if matches!(by, By::Later | By::Hand)
            && let Some(account) = self.accounts.get(&kept)
        {
            let notice = account
                .notice(EventCode::AccountsMerged, "two accounts are one from now on")
                .detail("absorbed", absorbed.to_string());
            self.draft.notices.push(notice);
        }
        if !was_paused {
            self.announce_pause(kept);
        }
        let union = Union { at: now, by_hand: by == By::Hand, kept: before, absorbed: other };
        self.draft.unions.push(union.clone());
        self.unions.push(union);
        if goes_on {
            self.left_link(old_link, kept);
        }
        if let Some(link_id) = self.accounts.get(&kept).map(|account| account.link_id) {
            self.finish_renewal(link_id, now);
        }
    }

    /// Which of two connections is worth more: one that works, then the newer one.
    fn rank(&self, account: &Account) -> (bool, Option<UtcInstant>) {
        let link = self.links.get(&account.link_id);
        let works = link.is_some_and(|link| link.status.is_live()) && !account.status.is_over();
        (works, link.map(|link| link.created_at))
    }

    /// An account goes on through another link than this one: if it was the last, the other link is its successor.
    pub(super) fn left_link(&mut self, old_link: LinkId, id: AccountId) {
        let emptied = self.accounts_of(old_link).is_empty();
        let Some(link_id) = self.accounts.get(&id).map(|account| account.link_id) else { return };
        if let Some(link) = self.links.get_mut(&link_id)
            && link_id != old_link
            && link.replaces.is_none()
            && emptied
        {
            link.replaces = Some(old_link);
            self.link_changed(link_id);
        }
        self.touch(Key::Link(old_link));
    }

    /// Calls under way for one account are another's from now on, as far as their handles say so.
    fn aim_anew(&mut self, from: AccountId, to: AccountId, is_its: impl Fn(&Flight) -> bool) {
        for flight in self.flights.values_mut().filter(|flight| is_its(flight)) {
            match &mut flight.aim {
                Aim::Metadata(id) | Aim::Data(id, _) if *id == from => *id = to,
                _ => continue,
            }
            if let Some((account, _)) = flight.spends.as_mut() {
                *account = to;
            }
        }
    }

    fn rename_in_links(&mut self, from: AccountId, to: AccountId, which: impl Fn(LinkId) -> bool) {
        for link in self.links.values_mut().filter(|link| which(link.id)) {
            if let Some(place) = link.accounts.iter().position(|id| *id == from) {
                link.accounts.retain(|id| *id != to);
                match link.accounts.get_mut(place) {
                    Some(slot) => *slot = to,
                    None => link.accounts.push(to),
                }
                link.accounts.retain(|id| *id != from);
                self.draft.links.insert(link.id);
            }
        }
    }

    /// Nobody asks any more whether somebody continues an account that is part of another one now.
    pub(super) fn forget_doubts(&mut self, absorbed: AccountId, kept: AccountId) {
        self.end_doubts(|_doubtful, known| known == absorbed || known == kept);
    }

    /// Nobody asks any more whether the first continues the second, for all pairs of which that is settled.
    pub(super) fn end_doubts(&mut self, settled: impl Fn(AccountId, AccountId) -> bool) {
        let mut changed = Vec::new();
        for account in self.accounts.values_mut() {
            let (id, before) = (account.id, account.may_continue.len());
            account.may_continue.retain(|known| !settled(id, *known));
            if account.may_continue.len() < before {
                changed.push(id);
            }
        }
        for id in changed {
            let doubts = self.accounts.get(&id).map(|account| account.may_continue.clone());
            let off = doubts.unwrap_or_default().iter().any(|known| self.is_off(*known));
            if let Some(account) = self.accounts.get_mut(&id) {
                account.born_off = off;
            }
            self.changed(id);
        }
    }

    /// Takes the newest union of an account apart.
    pub(super) fn split_wanted(&mut self, kept: AccountId) {
        let Some(place) = self.unions.iter().rposition(|union| union.kept.id == kept) else {
            return;
        };
        let Some(present) = self.accounts.get(&kept).cloned() else { return };
        let part = self.part_of(&present);
        let union = self.unions.remove(place);
        let absorbed = union.absorbed.id;
        let parts = self.parts(absorbed);
        let works = parts.contains(&part);
        let (mut one, mut other) = if works {
            (union.kept, gone_on(&present, union.absorbed, union.at))
        } else {
            (gone_on(&present, union.kept, union.at), union.absorbed)
        };
        let theirs = other.provider_account_id.clone();
        self.rest(if works { &mut one } else { &mut other });
        other.identifying = None;
        let links = [one.link_id, other.link_id];
        let notice = other
            .notice(EventCode::AccountDiscovered, "an account of its own again")
            .detail("split_from", kept.to_string());
        self.accounts.insert(kept, one);
        self.accounts.insert(absorbed, other);
        self.ledger.split(kept, absorbed, &parts);
        self.aim_anew(kept, absorbed, |flight| flight.handle.as_ref() == Some(&theirs));
        let [own, its] = links;
        self.rename_in_links(kept, absorbed, |link| link == its && link != own);
        for (link_id, id) in [(own, kept), (its, absorbed)] {
            if let Some(link) = self.links.get_mut(&link_id)
                && !link.accounts.contains(&id)
            {
                link.accounts.push(id);
                self.draft.links.insert(link_id);
            }
            self.touch(Key::Link(link_id));
        }
        self.changed(kept);
        self.changed(absorbed);
        self.draft.undo = Some(Undo { kept, absorbed, through_absorbed: works });
        self.draft.notices.push(notice);
    }

    /// An account whose handle was not called any more: it begins where its link stands now.
    fn rest(&self, account: &mut Account) {
        account.pull = None;
        account.retry_at = None;
        account.leftover = None;
        ask_everything(account);
        let live = self.links.get(&account.link_id).is_some_and(|link| link.status.is_live());
        if !live && !account.status.is_over() {
            account.status = AccountStatus::Expired;
        }
    }
}

/// The first answers after a change of handle or of rows are whole ones: marks speak of rows that were another's.
fn ask_everything(account: &mut Account) {
    account.full_pull_at = None;
    account.full_mark = None;
    account.window_mark = None;
}

/// What is true of an account through its handle stays true; who it is comes from before.
fn gone_on(present: &Account, before: Account, since: UtcInstant) -> Account {
    let synced = present.last_synced_at.filter(|at| *at > since);
    let mut account = Account {
        id: before.id,
        facts: before.facts,
        discovered_at: before.discovered_at,
        last_synced_at: synced.or(before.last_synced_at),
        former: before.former,
        born_off: before.born_off,
        may_continue: Vec::new(),
        resembles: None,
        ..present.clone()
    };
    ask_everything(&mut account);
    account
}

/// An account becomes the whole of itself and another one; `goes_on`: through the other's handle.
fn take_over(account: &mut Account, other: &Account, goes_on: bool, by: By) {
    let names = |account: &Account| {
        let iban = account.facts.iban.as_ref().filter(|iban| iban.is_full()).map(Iban::normalised);
        account.former.iter().cloned().chain(iban).collect::<Vec<_>>()
    };
    let former: Vec<String> = names(account).into_iter().chain(names(other)).collect();
    account.former.extend(former);
    account.former.insert(other.id.to_string());
    account.discovered_at = account.discovered_at.min(other.discovered_at);
    account.last_synced_at = account.last_synced_at.max(other.last_synced_at);
    account.resembles = None;
    account.may_continue.clear();
    for (scope, learned) in &other.quota {
        let quota = account.quota.entry(*scope).or_default();
        quota.limit =
            if goes_on { learned.limit.or(quota.limit) } else { quota.limit.or(learned.limit) };
        // The bank's own count knows no links: what was refused through one stays refused through the other.
        quota.blocked_until = quota.blocked_until.max(learned.blocked_until);
        quota.announced_until = quota.announced_until.max(learned.announced_until);
    }
    ask_everything(account);
    if !goes_on {
        let mut facts = other.facts.clone();
        facts.merge(account.facts.clone());
        account.facts = facts;
        return;
    }
    account.facts.merge(other.facts.clone());
    account.provider_account_id.clone_from(&other.provider_account_id);
    account.link_id = other.link_id;
    account.institution_id.clone_from(&other.institution_id);
    account.details_at = other.details_at.or(account.details_at);
    account.metadata_at = other.metadata_at;
    // What was wrong with it through the old handle is over; what the provider counted for the new one holds.
    account.status = other.status;
    account.consecutive_failures = other.consecutive_failures;
    account.tries = other.tries;
    account.failing.clone_from(&other.failing);
    // Only a success ends a pause that was announced.
    account.pause = other.pause.or(account.pause.map(|pause| Pause { lifted: true, ..pause }));
    account.retry_at = other.retry_at;
    account.processing_since = other.processing_since;
    account.scopes_off.clone_from(&other.scopes_off);
    account.pull.clone_from(&other.pull);
    account.leftover.clone_from(&other.leftover);
    account.slot_served = match by {
        By::Likeness | By::History => None,
        By::Later | By::Hand => other.slot_served,
    };
}
