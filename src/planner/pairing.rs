//! Accounts across links: a new link brings new provider ids, the account keeps ours, its history, its quota and its name.
//!
//! A new handle first gets a provisional document and is identified (metadata, details). When all handles of its link are,
//! they are compared with the accounts that we know, all at once: a pair is made where both like each other best (see
//! `likeness`). Where two are liked alike nobody guesses: the handle becomes a new account and a person is asked.
//! What is left over on both sides is paired by elimination, and only when the rows of the first pull agree. Details that come
//! later than that may still answer the question.

use std::collections::BTreeSet;

use crate::model::account::AccountFacts;
use crate::model::id::{AccountId, InstitutionId, LinkId, ProviderAccountId};
use crate::model::notice::EventCode;
use crate::model::time::{MINUTE_MS, UtcInstant};

use super::Planner;
use super::agenda::Key;
use super::effect::Compared;
use super::likeness::{Likeness, Shared, contradict, likeness, same_iban};
use super::state::{Account, AccountStatus, Identifying, Link};
use super::union::By;

/// Handles of one link wait for each other so long before they are compared with what is known: one that the provider is
/// still reading must not hold up the others for days.
const SIBLINGS_WAIT_MS: i64 = 15 * MINUTE_MS;
/// So many rows of the first pull must exist under the one account that is left, before elimination makes it that.
const SHARED_ROWS_MIN: u64 = 3;

/// A new handle and an account that it may continue.
#[derive(Clone, Copy)]
struct Candidate {
    new: AccountId,
    known: AccountId,
    likeness: Likeness,
}

impl Account {
    /// Whether everything that can be known about a new handle is known, and only the comparison is missing.
    pub(super) fn is_identified(&self) -> bool {
        let done = Identifying { metadata_read: true, details_settled: true };
        self.identifying == Some(done)
            && self.status != AccountStatus::Processing
            && !self.status.is_over()
    }

    /// When a handle that waits for the others of its link has waited long enough.
    pub(super) fn pairing_due(&self) -> Option<UtcInstant> {
        self.is_identified().then(|| self.discovered_at.plus_ms(SIBLINGS_WAIT_MS))
    }
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
        let history = self.links.get(&link_id).is_some_and(Link::is_history);
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
                // A bank whose ids outlive a link: the history comes through the link that goes on.
                Some(_) if history => continue,
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
        if history && !handles.is_empty() && self.accounts_of(link_id).is_empty() {
            self.history_complete(link_id, now);
        }
    }

    fn begin_account(
        &mut self,
        link_id: LinkId,
        institution_id: InstitutionId,
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
            scopes_off: BTreeSet::new(),
            quota: std::collections::BTreeMap::new(),
            details_at: None,
            metadata_at: None,
            slot_served: None,
            pull: None,
            retry_at: None,
            last_synced_at: None,
            full_pull_at: None,
            wants_everything: false,
            full_mark: None,
            window_mark: None,
            processing_since: None,
            stale_announced: false,
            leftover: None,
            may_continue: Vec::new(),
            resembles: None,
            born_off: false,
            former: BTreeSet::new(),
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

    /// Decides who the new handles of an account's link are, once all that can be known of them is.
    pub(super) fn identify(&mut self, id: AccountId, now: UtcInstant) {
        let Some(link_id) = self.accounts.get(&id).map(|account| account.link_id) else { return };
        if self.links.get(&link_id).is_some_and(Link::is_history) {
            return self.take_history_in(id, now);
        }
        let through = || self.accounts.values().filter(|account| account.link_id == link_id);
        let new: Vec<AccountId> =
            through().filter(|account| account.is_identified()).map(|account| account.id).collect();
        let open = through().any(|account| {
            account.identifying.is_some() && !account.is_identified() && !account.status.is_over()
        });
        let overdue = through().any(|account| account.pairing_due().is_some_and(|at| at <= now));
        for id in &new {
            self.touch(Key::Account(*id));
        }
        if !new.is_empty() && (!open || overdue) {
            self.pair_up(link_id, &new, now);
        }
    }

    fn pair_up(&mut self, link_id: LinkId, new: &[AccountId], now: UtcInstant) {
        let new = self.without_forgotten(link_id, new, now);
        let mut candidates: Vec<Candidate> = new
            .iter()
            .flat_map(|id| self.candidates(*id))
            .filter(|pair| self.is_told_apart(pair))
            .collect();
        let mut left: BTreeSet<AccountId> = new.iter().copied().collect();
        for joined in self.join_best(&mut candidates, By::Likeness, now) {
            left.remove(&joined);
        }
        let doubtful = |id: &AccountId| candidates.iter().any(|other| other.new == *id);
        let (doubtful, alone): (BTreeSet<AccountId>, _) = left.into_iter().partition(doubtful);
        for id in doubtful {
            let known = candidates.iter().filter(|other| other.new == id).map(|other| other.known);
            self.admit(id, known.collect());
        }
        self.eliminate(link_id, &alone);
        self.touch_history_of(link_id);
    }

    /// Joins pairs for as long as one likes each other best; the new handles of those. What is left is in doubt.
    fn join_best(
        &mut self,
        candidates: &mut Vec<Candidate>,
        by: By,
        now: UtcInstant,
    ) -> Vec<AccountId> {
        let mut joined = Vec::new();
        while let Some(found) = best(candidates) {
            candidates.retain(|other| other.new != found.new && other.known != found.known);
            joined.push(found.new);
            self.join(found.known, found.new, by, now);
        }
        joined
    }

    /// Details were read of an account that had to be admitted without: where a person was asked who it is, they may tell.
    pub(super) fn described(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        if account.may_continue.is_empty() {
            return;
        }
        let link_id = account.link_id;
        // What the answer changed belongs to the account as it was called.
        self.flush(now);
        let asked = |pair: &Candidate| {
            self.accounts.get(&pair.new).is_some_and(|new| new.may_continue.contains(&pair.known))
        };
        // With its siblings: two of them may be as like the same account.
        let mut candidates: Vec<Candidate> = self
            .accounts
            .values()
            .filter(|account| account.link_id == link_id && !account.may_continue.is_empty())
            .flat_map(|account| self.candidates(account.id))
            .filter(|pair| asked(pair) && self.is_told_apart(pair))
            .collect();
        self.join_best(&mut candidates, By::Later, now);
        let Some(account) = self.accounts.get(&id) else { return };
        let contradicts = |known: &&AccountId| {
            let known = self.accounts.get(*known);
            known.is_some_and(|known| contradict(&account.facts, &known.facts))
        };
        let ruled_out: BTreeSet<AccountId> =
            account.may_continue.iter().filter(contradicts).copied().collect();
        self.end_doubts(|doubtful, known| doubtful == id && ruled_out.contains(&known));
    }

    /// Whether a pair is more than two accounts on one IBAN. Where several are on it and neither the currency nor a name is
    /// known (the details could not be had), the rows of the first pull have to say which one it is.
    fn is_told_apart(&self, pair: &Candidate) -> bool {
        let Some(new) = self.accounts.get(&pair.new) else { return false };
        !pair.likeness.is_bare_iban()
            || self
                .accounts
                .values()
                .filter(|other| ![pair.new, pair.known].contains(&other.id))
                .all(|other| same_iban(&other.facts, &new.facts) != Some(true))
    }

    /// The known accounts that a new handle is likest: one, or several that are liked alike.
    pub(super) fn likest(&self, id: AccountId) -> Vec<AccountId> {
        let candidates = self.candidates(id);
        let most = candidates.iter().map(|own| own.likeness).max();
        let likest = candidates.iter().filter(|own| Some(own.likeness) == most);
        likest.map(|own| own.known).collect()
    }

    /// Known accounts that a new handle may continue.
    fn candidates(&self, id: AccountId) -> Vec<Candidate> {
        let Some(new) = self.accounts.get(&id) else { return Vec::new() };
        let like = |known: &Account| {
            let same_institution = known.institution_id == new.institution_id;
            let found = likeness(&new.facts, &known.facts, same_institution)?;
            // Names alone could be another person's: an account whose link works is not taken away for them.
            (found.number > Shared::Names || self.is_predecessor(known, new.link_id))
                .then_some(Candidate { new: id, known: known.id, likeness: found })
        };
        self.known_besides(new.link_id).filter_map(like).collect()
    }

    /// Accounts that we know, but not through this link.
    fn known_besides(&self, link_id: LinkId) -> impl Iterator<Item = &Account> {
        let known =
            move |account: &&Account| account.identifying.is_none() && account.link_id != link_id;
        self.accounts.values().filter(known)
    }

    /// Whether an account has to go on through this link or not at all: its own is the one to be replaced, or is over.
    fn is_predecessor(&self, known: &Account, link_id: LinkId) -> bool {
        let link = self.links.get(&link_id);
        let before = link.and_then(|link| link.replaces.or(link.history_of));
        before == Some(known.link_id)
            || self.links.get(&known.link_id).is_none_or(|link| !link.status.is_live())
    }

    /// Handles that nothing speaks for: where one account is left for one of them and nothing rules it out, the rows of the
    /// first pull decide. Where more are left, a person does.
    fn eliminate(&mut self, link_id: LinkId, alone: &BTreeSet<AccountId>) {
        let fits = |new: &Account, known: &Account| {
            known.institution_id == new.institution_id
                && self.is_predecessor(known, link_id)
                && !contradict(&new.facts, &known.facts)
        };
        let pairs: Vec<(AccountId, AccountId)> = alone
            .iter()
            .filter_map(|id| self.accounts.get(id))
            .flat_map(|new| self.known_besides(link_id).map(move |known| (new, known)))
            .filter(|(new, known)| fits(new, known))
            .map(|(new, known)| (new.id, known.id))
            .collect();
        for id in alone {
            let left: Vec<AccountId> =
                pairs.iter().filter(|(new, _)| new == id).map(|(_, known)| *known).collect();
            match left.as_slice() {
                [known]
                    if pairs.iter().filter(|(_, other)| other == known).count() == 1
                        && !self.is_off(*known) =>
                {
                    let known = *known;
                    self.admit(*id, Vec::new());
                    if let Some(account) = self.accounts.get_mut(id) {
                        account.resembles = Some(known);
                    }
                }
                _ => self.admit(*id, left),
            }
        }
    }

    /// The rows of a pull were compared with those of the one account that is left.
    pub(super) fn compared(&mut self, found: &Compared, now: UtcInstant) {
        let (id, known) = (found.accounts.new, found.accounts.known);
        let still = self.accounts.get_mut(&id).filter(|new| new.resembles == Some(known));
        let Some(account) = still else { return };
        account.resembles = None;
        let link_id = account.link_id;
        self.changed(id);
        let free = self.known_besides(link_id).any(|other| other.id == known);
        if free && found.shared >= SHARED_ROWS_MIN {
            self.join(known, id, By::Later, now);
        } else if free && (found.shared > 0 || found.rows < SHARED_ROWS_MIN) {
            self.ask(id, vec![known]);
        }
    }

    /// A handle that was refused before it was identified: an account of its own, unless it may be one that we know and
    /// that may still work through its old link. Then it stays unseen.
    pub(super) fn admit_if_new(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        let known_enough = account.identifying.is_some_and(|identifying| identifying.metadata_read);
        if known_enough && self.candidates(id).is_empty() && !self.is_forgotten(id) {
            self.admit(id, Vec::new());
        }
    }

    /// A new handle is a new account.
    pub(super) fn admit(&mut self, id: AccountId, may_continue: Vec<AccountId>) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.identifying = None;
        let notice = account.notice(EventCode::AccountDiscovered, "a new account");
        self.draft.notices.push(notice);
        self.announce_pause(id);
        self.changed(id);
        if !may_continue.is_empty() {
            self.ask(id, may_continue);
        }
    }

    /// Asks a person which account a new one continues. What was switched off does not come back on meanwhile.
    fn ask(&mut self, id: AccountId, may_continue: Vec<AccountId>) {
        let off = may_continue.iter().any(|known| self.is_off(*known));
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let commands: Vec<String> =
            may_continue.iter().map(|known| merge_command(*known, id)).collect();
        let message = format!(
            "this account may continue one that is known: say so with `{}`",
            commands.join("` or `")
        );
        let known: Vec<String> = may_continue.iter().map(ToString::to_string).collect();
        let notice = account
            .notice(EventCode::AccountsAmbiguous, &message)
            .detail("candidates", known)
            .detail("commands", commands);
        account.may_continue = may_continue;
        account.born_off = off;
        self.draft.notices.push(notice);
        self.changed(id);
    }

    pub(super) fn is_off(&self, id: AccountId) -> bool {
        self.accounts.get(&id).is_some_and(|account| !self.policy.is_enabled(account))
    }
}

/// The command by which a person says that two accounts are one.
pub fn merge_command(kept: AccountId, absorbed: AccountId) -> String {
    format!("banksyncd accounts merge {kept} {absorbed}")
}

/// A pair of which each likes the other more than anybody else.
fn best(candidates: &[Candidate]) -> Option<Candidate> {
    let rivals = |one: &Candidate, other: &Candidate| {
        (one.new == other.new) != (one.known == other.known) && other.likeness >= one.likeness
    };
    let no_rival = |one: &&Candidate| !candidates.iter().any(|other| rivals(one, other));
    candidates.iter().find(no_rival).copied()
}
