//! What people and clients ask for: pulls now, answers about institutions.

use crate::model::agreement::Scope;
use crate::model::failure::{Failure, FailureClass, Refusal};
use crate::model::id::AccountId;
use crate::model::port::{Answered, ApiCall, Reply};
use crate::model::time::UtcInstant;

use super::agenda::Key;
use super::effect::{
    Effect, InstitutionUpdate, PlannedCall, PullResult, Refused, RowsChanged, RunOutcome,
};
use super::event::{AskId, Question};
use super::outage::Gate;
use super::pull::WAIT_WITHIN_PULL_MS;
use super::state::AccountStatus;
use super::{Aim, Planner};

impl Planner {
    /// A person wants pulls: begins those that may be begun and says of the others why not and until when.
    pub(super) fn pull_wanted(&mut self, accounts: &[AccountId], force: bool, now: UtcInstant) {
        if self.provider.outage_since.is_some() {
            self.provider.outage_retry_at = Some(now);
        }
        for id in accounts {
            let held_back = match self.gate(now) {
                // Worth waiting for.
                Gate::ClosedUntil(until) if until <= now.plus_ms(WAIT_WITHIN_PULL_MS) => None,
                Gate::ClosedUntil(until) => Some(("calls are held back".to_owned(), Some(until))),
                Gate::Open | Gate::Probe => None,
            };
            let obstacle = self.obstacle(*id, force, now).or(held_back);
            if let Some((reason, next_allowed_at)) = obstacle {
                self.leave_out(*id, reason, next_allowed_at);
                continue;
            }
            // A wish that waits already keeps its force.
            *self.wishes.entry(*id).or_default() |= force;
            if let Some(account) = self.accounts.get_mut(id) {
                account.retry_at = None;
                account.leftover = None;
            }
            self.changed(*id);
        }
    }

    fn leave_out(&mut self, id: AccountId, reason: String, next_allowed_at: Option<UtcInstant>) {
        let left_out = PullResult {
            account_id: id,
            outcome: None,
            reason: Some(reason),
            next_allowed_at,
            rows: RowsChanged::default(),
        };
        self.effects.push_back(Effect::Pulled(Box::new(left_out)));
    }

    /// Ends a pull that cannot go on and answers a wish that cannot be met any more: nobody waits for ever.
    ///
    /// For an account without a call under way, whenever something about it has changed.
    pub(super) fn settle_waiting(&mut self, id: AccountId, now: UtcInstant) {
        if !self.accounts.contains_key(&id) {
            if self.wishes.remove(&id).is_some() {
                self.leave_out(id, "the account goes on under another id".into(), None);
            }
            return;
        }
        if self.wishes.contains_key(&id)
            && let Some((reason, until)) = self.throttled(now)
        {
            // A pull that has begun goes on when it may; the person is told not to wait for it.
            self.wishes.remove(&id);
            self.leave_out(id, reason, until);
        }
        let Some(account) = self.accounts.get(&id) else { return };
        let wish = self.wishes.get(&id).copied();
        let trouble = self.trouble(now).filter(|_| wish.is_some());
        if account.pull.is_some() {
            let why = match self.pull_due(account, now) {
                None => Some(("the account cannot be called any more".to_owned(), None)),
                Some(due) if due.at > now.plus_ms(WAIT_WITHIN_PULL_MS) => {
                    Some(("the rest has to wait".to_owned(), Some(due.at)))
                }
                Some(_) => trouble,
            };
            if why.is_some() {
                self.pull_ended(id, RunOutcome::Failed, why, now);
            }
        } else if let Some(force) = wish
            && let Some((reason, until)) = self.obstacle(id, force, now).or(trouble)
        {
            self.wishes.remove(&id);
            self.leave_out(id, reason, until);
        }
    }

    /// The provider's limit for all calls of the company is reached, for longer than a person should wait.
    fn throttled(&self, now: UtcInstant) -> Option<(String, Option<UtcInstant>)> {
        let until = self.provider.throttled_until?;
        let long = until > now.plus_ms(WAIT_WITHIN_PULL_MS);
        long.then(|| ("the provider's limit for all calls is reached".to_owned(), Some(until)))
    }

    /// Why the provider cannot be called for a long time.
    fn trouble(&self, now: UtcInstant) -> Option<(String, Option<UtcInstant>)> {
        let provider = &self.provider;
        let (reason, until) = if provider.fault.is_some() {
            ("the provider refuses all calls", provider.fault_retry_at)
        } else if provider.outage_since.is_some() {
            ("the provider does not answer", provider.outage_retry_at)
        } else {
            return None;
        };
        until.filter(|until| *until > now).map(|until| (reason.to_owned(), Some(until)))
    }

    /// Looks again at every wish: the provider as a whole has changed.
    pub(super) fn touch_wishes(&mut self) {
        self.wishes.keys().for_each(|id| self.agenda.touch(Key::Account(*id)));
    }

    /// Why an account cannot be pulled now at a person's wish, and when it can.
    fn obstacle(
        &self,
        id: AccountId,
        force: bool,
        now: UtcInstant,
    ) -> Option<(String, Option<UtcInstant>)> {
        let because = |reason: &str| Some((reason.to_owned(), None));
        let Some(account) = self.accounts.get(&id) else { return because("no such account") };
        if self.provider.fault.is_some() {
            return Some(("the provider refuses all calls".into(), self.provider.fault_retry_at));
        }
        if !self.policy.is_enabled(account) {
            return because("switched off in the configuration");
        }
        if account.identifying.is_some() {
            return because("still being identified");
        }
        match account.status {
            AccountStatus::Expired => return because("access has ended: renew its link"),
            AccountStatus::Suspended => {
                return because("suspended by the provider: renew its link");
            }
            AccountStatus::Inactive => return because("closed at the bank"),
            AccountStatus::Processing => {
                return because("the provider is still reading it for the first time");
            }
            AccountStatus::Ready | AccountStatus::Paused | AccountStatus::Unknown => {}
        }
        if !self.links.get(&account.link_id).is_some_and(|link| link.status.is_live()) {
            return because("its link gives no access");
        }
        let link = self.links.get(&account.link_id);
        if !self.gives_access(account, self.time.at(now))
            && link.is_some_and(|link| link.lacks_confirmation(self.time.latest(now)))
        {
            let command = format!("banksyncd reconfirm {}", account.link_id);
            return Some((format!("access has to be confirmed first: `{command}`"), None));
        }
        if account.consecutive_failures >= self.policy.error_hard_limit {
            return because("too many failures in a row: only a new link helps");
        }
        if account.pause.is_some_and(|pause| !pause.lifted) && !force {
            return because("paused after repeated failures: --force tries all the same");
        }
        if account.pull.is_some() {
            return None;
        }
        let scopes = [Scope::Balances, Scope::Transactions];
        let offered = scopes.into_iter().filter(|scope| !account.scopes_off.contains(scope));
        match offered.map(|scope| self.allowance(account, scope, true, now).next_allowed_at).max() {
            None => because("the bank gives nothing for this account"),
            Some(at) if at > now => Some(("quota spent".into(), Some(at))),
            Some(_) => None,
        }
    }

    /// The next question of a client. It may knock during an outage, since a person is waiting.
    pub(super) fn next_ask(&mut self, gate: &Gate, now: UtcInstant) -> Option<PlannedCall> {
        let (ask, question) = self.asks.pop_front()?;
        let closed = match gate {
            Gate::ClosedUntil(until) if self.provider.outage_since.is_none() => Some(*until),
            Gate::ClosedUntil(_) | Gate::Open | Gate::Probe => None,
        };
        if let Some(until) = closed {
            let refused = Refused {
                reason: "calls are held back".into(),
                until: Some(until),
                unknown: false,
            };
            self.effects.push_back(Effect::Told(ask, Err(refused)));
            return None;
        }
        let call = match &question {
            Question::Institutions { country } => {
                ApiCall::Institutions { country: country.clone() }
            }
            Question::Institution(id) => ApiCall::Institution(id.clone()),
        };
        Some(self.launch(Aim::Ask(ask, question), call, None, now))
    }

    /// Passes an answer on to the client, and keeps it.
    pub(super) fn ask_answered(
        &mut self,
        ask: AskId,
        question: Question,
        result: Result<Answered, Failure>,
    ) {
        let told = match result.map(|answered| answered.reply) {
            Ok(Reply::Institutions(institutions)) => {
                let country = match question {
                    Question::Institutions { country } => country,
                    Question::Institution(_) => None,
                };
                let update =
                    InstitutionUpdate::List { country, institutions: institutions.clone() };
                self.draft.institutions = Some(update);
                Ok(institutions)
            }
            Ok(Reply::Institution(institution)) => {
                self.draft.institutions =
                    Some(InstitutionUpdate::One(Box::new(institution.clone())));
                Ok(vec![institution])
            }
            Ok(_) => Err(Refused {
                reason: "the answer does not fit".into(),
                until: None,
                unknown: false,
            }),
            Err(failure) => {
                let unknown = matches!(&failure.class, FailureClass::Bug(refusals)
                if refusals.iter().any(|refusal| {
                    matches!(refusal, Refusal::NotFound | Refusal::UnknownInstitution)
                }));
                Err(Refused { reason: failure.to_string(), until: None, unknown })
            }
        };
        self.effects.push_back(Effect::Told(ask, told));
    }
}
