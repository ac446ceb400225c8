//! Forgetting an account: everything that is stored of it goes, and it does not come back by itself.
//!
//! The present link goes on for its other accounts, and names the handle no more than once (see [`super::pairing`]). A
//! renewal gives the account another handle, so that something has to be remembered by which it is known again: 24 bits of a
//! salted hash of its number, too few to find the number among all that there are. A new handle of a renewal that has them is
//! dropped as soon as it is identified. Whoever links the bank anew, without renewing, wants it back and gets it.

use std::collections::BTreeSet;

use crate::model::account::AccountFacts;
use crate::model::iban::Iban;
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;

use super::agenda::Key;
use super::effect::{PullResult, RowsChanged, RunOutcome};
use super::likeness::full_iban;
use super::state::{Account, Forgotten};
use super::{Aim, Planner};

/// Hexadecimal digits of a mark.
const MARK_DIGITS: usize = 6;
const CONTEXT: &str = "banksyncd 2026-11 mark of a forgotten account";

impl Planner {
    /// A person wants an account forgotten.
    pub(super) fn forget_wanted(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let notice = account.notice(EventCode::AccountForgotten, "an account was forgotten");
        let (link_id, facts) = (account.link_id, account.facts.clone());
        let institution = account.institution_id.0.clone();
        let forgotten = Forgotten::of(self.ids.salt(), &facts, &institution);
        self.provider.forgotten.push(forgotten);
        self.draft.provider = true;
        self.drop_account(id, now);
        self.draft.notices.push(notice);
        self.forgotten_through(link_id, now);
    }

    /// Drops the new handles of a renewal that are of forgotten accounts; gives the others.
    pub(super) fn without_forgotten(
        &mut self,
        link_id: LinkId,
        new: &[AccountId],
        now: UtcInstant,
    ) -> Vec<AccountId> {
        let renews = self.links.get(&link_id).is_some_and(|link| link.replaces.is_some());
        let (gone, left): (Vec<_>, Vec<_>) =
            new.iter().copied().partition(|id| self.is_forgotten(*id));
        if !renews {
            // Somebody has linked it once more.
            for id in gone {
                self.remember(id);
            }
            return new.to_vec();
        }
        for id in &gone {
            self.drop_account(*id, now);
        }
        if !gone.is_empty() {
            self.forgotten_through(link_id, now);
        }
        left
    }

    pub(super) fn is_forgotten(&self, id: AccountId) -> bool {
        let Some(account) = self.accounts.get(&id) else { return false };
        self.provider.forgotten.iter().any(|forgotten| forgotten.is(account))
    }

    fn remember(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        self.provider.forgotten.retain(|forgotten| !forgotten.is(account));
        self.draft.provider = true;
    }

    /// Takes an account out of everything that is remembered, with all that it has absorbed.
    fn drop_account(&mut self, id: AccountId, now: UtcInstant) {
        let why = "the account is forgotten";
        self.pull_ended(id, RunOutcome::Failed, Some((why.to_owned(), None)), now);
        if self.wishes.remove(&id).is_some() {
            self.draft.endings.push(PullResult {
                account_id: id,
                outcome: None,
                reason: Some(why.to_owned()),
                next_allowed_at: None,
                rows: RowsChanged::default(),
            });
        }
        // Answers that are on their way have nowhere to go.
        self.flights.retain(|_ticket, flight| {
            !matches!(&flight.aim, Aim::Metadata(about) | Aim::Data(about, _) if *about == id)
        });
        let parts = self.parts(id);
        self.forget_doubts(id, id);
        for account in self.accounts.values_mut().filter(|other| other.resembles == Some(id)) {
            account.resembles = None;
            self.draft.accounts.insert(account.id);
        }
        self.unions.retain(|union| !parts.contains(&union.kept.id));
        self.ledger.forget(id);
        self.accounts.remove(&id);
        self.draft.accounts.remove(&id);
        self.draft.forgotten_accounts.push(id);
        self.touch(Key::Account(id));
        for link in self.links.values_mut().filter(|link| link.accounts.contains(&id)) {
            link.accounts.retain(|other| *other != id);
            self.draft.links.insert(link.id);
        }
    }

    /// Access that no account goes by any more is given back; one that waited for this account may be complete.
    fn forgotten_through(&mut self, link_id: LinkId, now: UtcInstant) {
        if self.accounts_of(link_id).is_empty() {
            self.unlink_wanted(link_id, now);
        } else {
            self.finish_renewal(link_id, now);
        }
        if let Some(successor) = self.successor(link_id) {
            self.finish_renewal(successor, now);
        }
    }
}

impl Forgotten {
    fn of(salt: String, facts: &AccountFacts, institution: &str) -> Self {
        let marks = marks(&salt, facts, institution);
        Self { salt, marks }
    }

    fn is(&self, account: &Account) -> bool {
        let marks = marks(&self.salt, &account.facts, &account.institution_id.0);
        !self.marks.is_disjoint(&marks)
    }
}

/// What an account is known by: its numbers; where it has none, its names.
fn marks(salt: &str, facts: &AccountFacts, institution: &str) -> BTreeSet<String> {
    let currency = facts.currency.as_deref().unwrap_or_default().to_ascii_uppercase();
    let bban = facts.bban.as_ref().map(|bban| format!("{institution} {}", bban.normalised()));
    let mut known: Vec<String> = full_iban(facts).into_iter().chain(bban).collect();
    if known.is_empty() {
        let card = facts.masked_pan.as_ref().map(Iban::normalised).unwrap_or_default();
        let words = [&facts.product, &facts.name, &facts.owner_name];
        let [product, name, owner] =
            words.map(|word| word.as_deref().unwrap_or_default().trim().to_lowercase());
        let words = [card, product, name, owner];
        if words.iter().any(|word| !word.is_empty()) {
            known.push(format!("{institution} {}", words.join("\n")));
        }
    }
    let mark = |text: String| {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(salt.as_bytes()).update(currency.as_bytes()).update(b"\n");
        let hash = hasher.update(text.as_bytes()).finalize();
        hash.to_hex().chars().take(MARK_DIGITS).collect()
    };
    known.into_iter().map(mark).collect()
}
