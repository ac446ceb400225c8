//! What people and clients ask for: pulls now, answers about institutions.

use crate::model::agreement::Scope;
use crate::model::failure::{Failure, FailureClass, Refusal};
use crate::model::id::AccountId;
use crate::model::port::{Answered, ApiCall, Reply};
use crate::model::time::UtcInstant;

use super::agenda::Key;
use super::effect::{Effect, InstitutionUpdate, PlannedCall, PullResult, Refused, RowsChanged};
use super::event::{AskId, Question};
use super::outage::Gate;
use super::state::AccountStatus;
use super::{Aim, Planner};

impl Planner {
    /// A person wants pulls: begins those that may be begun and says of the others why not and until when.
    pub(super) fn pull_wanted(&mut self, accounts: &[AccountId], force: bool, now: UtcInstant) {
        if self.provider.outage_since.is_some() {
            self.provider.outage_retry_at = Some(now);
        }
        for id in accounts {
            if let Some((reason, next_allowed_at)) = self.obstacle(*id, force, now) {
                let left_out = PullResult {
                    account_id: *id,
                    outcome: None,
                    reason: Some(reason),
                    next_allowed_at,
                    rows: RowsChanged::default(),
                };
                self.effects.push_back(Effect::Pulled(Box::new(left_out)));
            } else {
                self.wishes.insert(*id, force);
                if let Some(account) = self.accounts.get_mut(id) {
                    account.retry_at = None;
                    account.leftover = None;
                    // A pull under way becomes the person's: what is kept for `sync` is for it, too.
                    if let Some(pull) = account.pull.as_mut() {
                        pull.manual = true;
                    }
                }
                self.touch(Key::Account(*id));
            }
        }
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
        if let Gate::ClosedUntil(until) = self.gate(now) {
            return Some(("calls are held back".into(), Some(until)));
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
        if account.consecutive_failures >= self.policy.error_hard_limit {
            return because("too many failures in a row: only a new link helps");
        }
        if account.pause.is_some_and(|pause| !pause.lifted) && !force {
            return because("paused after repeated failures: --force tries all the same");
        }
        if let Some(pull) = &account.pull {
            // A restart may have interrupted it before a call for which no quota is left.
            let next = pull.todo.first().filter(|_| !self.is_busy(Key::Account(id)))?;
            let at = self.allowance(account, *next, true, now).next_allowed_at;
            return (at > now).then(|| ("quota spent".into(), Some(at)));
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
