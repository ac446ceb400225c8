//! Pulls: what the answers to balances, transactions and details mean for the run and its account.

use crate::model::agreement::Scope;
use crate::model::failure::{Failure, FailureClass, Throttled};
use crate::model::id::{AccountId, RunId};
use crate::model::notice::EventCode;
use crate::model::port::{Answered, Reply};
use crate::model::time::{BankDate, MINUTE_MS, UtcInstant};
use crate::model::transaction::AnswerMark;

use super::agenda::Key;
use super::effect::{Comparison, Data, PullResult, RowsChanged, RunOutcome, RunRecord};
use super::state::Account;
use super::{Planner, quota};

/// A pull that has to wait longer than this for its next call ends and leaves the rest to a later one.
pub(super) const WAIT_WITHIN_PULL_MS: i64 = MINUTE_MS;

/// What a data call asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) scope: Scope,
    /// `None`: details of an account that is still being identified.
    pub(super) run_id: Option<RunId>,
    pub(super) date_from: Option<BankDate>,
}

impl Planner {
    /// A balances, transactions or details call was answered.
    pub(super) fn data_answered(
        &mut self,
        id: AccountId,
        asked: Asked,
        result: Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        let scope = asked.scope;
        if !self.accounts.contains_key(&id) {
            return;
        }
        self.changed(id);
        self.learn_limit(id, scope, &result, now);
        match (result, asked.run_id) {
            (Ok(answered), Some(run_id)) => self.data_read(id, asked, run_id, answered.reply, now),
            (Ok(answered), None) => {
                if let Reply::Details(facts) = answered.reply
                    && let Some(account) = self.accounts.get_mut(&id)
                {
                    account.facts.merge(facts);
                    account.details_at = Some(now);
                }
                self.account_well(id, scope);
                self.details_settled(id, now);
            }
            (Err(failure), Some(run_id)) => self.pull_failed(id, scope, run_id, &failure, now),
            (Err(failure), None) => self.details_failed(id, &failure, now),
        }
    }

    /// An answer through a handle that the account has left since: its rows are the account's, nothing else of it is.
    pub(super) fn late_answer(
        &mut self,
        id: AccountId,
        asked: Asked,
        result: Result<Answered, Failure>,
    ) {
        self.touch(Key::Account(id));
        let (Some(run_id), Ok(answered)) = (asked.run_id, result) else { return };
        if !self.accounts.contains_key(&id) {
            return;
        }
        self.draft.data = match answered.reply {
            Reply::Balances(balances) => Some(Data::Balances { account_id: id, run_id, balances }),
            Reply::Transactions(answer) => Some(Data::Transactions {
                account_id: id,
                run_id,
                date_from: asked.date_from,
                answer: Box::new(answer),
            }),
            _ => None,
        };
    }

    fn learn_limit(
        &mut self,
        id: AccountId,
        scope: Scope,
        result: &Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        let rate = match result {
            Ok(answered) => answered.rate,
            Err(failure) => failure.rate,
        };
        let Some(account) = self.accounts.get(&id) else { return };
        let used = self.allowance(account, scope, true, now).used;
        if let Some(account) = self.accounts.get_mut(&id) {
            let learned = Self::quota_mut(account, scope);
            if result.is_ok() {
                learned.refusals = 0;
            }
            quota::learn(learned, &rate, used, self.time.latest_by_us(now));
        }
    }

    /// The next pull of an account asks without a date, once.
    pub(super) fn ask_for_everything(&mut self, id: Option<AccountId>) {
        if let Some(account) = id.and_then(|id| self.accounts.get_mut(&id))
            && !account.wants_everything
        {
            account.wants_everything = true;
            let id = account.id;
            self.changed(id);
        }
    }

    /// One scope of a pull was read.
    fn data_read(
        &mut self,
        id: AccountId,
        asked: Asked,
        run_id: RunId,
        reply: Reply,
        now: UtcInstant,
    ) {
        let Asked { scope, date_from, .. } = asked;
        self.account_well(id, scope);
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let mut changed = false;
        match reply {
            Reply::Balances(balances) => {
                self.draft.data = Some(Data::Balances { account_id: id, run_id, balances });
            }
            Reply::Details(facts) => {
                account.facts.merge(facts);
                account.details_at = Some(now);
            }
            Reply::Transactions(answer) => {
                changed = true;
                remember(account, date_from, Some(answer.mark), now);
                self.draft.compare = account.resembles.map(|known| Comparison { new: id, known });
                let answer = Box::new(answer);
                self.draft.data =
                    Some(Data::Transactions { account_id: id, run_id, date_from, answer });
            }
            Reply::Unchanged { last_updated } => {
                remember(account, date_from, None, now);
                self.draft.data =
                    Some(Data::Unchanged { account_id: id, run_id, date_from, last_updated });
            }
            _ => {}
        }
        let Some(pull) = account.pull.as_mut() else { return };
        pull.todo.retain(|todo| *todo != scope);
        pull.changed |= changed;
        let next = pull.todo.first().copied();
        match next {
            None => self.pull_completed(id, now),
            Some(next) => self.go_on_or_leave(id, next, now),
        }
        if scope == Scope::Details {
            self.described(id, now);
        }
    }

    /// After one scope was read: the next follows at once, or the rest is left to a later pull.
    fn go_on_or_leave(&mut self, id: AccountId, next: Scope, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let Some(pull) = &account.pull else { return };
        let at = self.allowance(account, next, pull.manual, now).next_allowed_at;
        if at <= now.plus_ms(WAIT_WITHIN_PULL_MS) {
            let record = run_record(self.part_of(account), pull, None);
            self.draft.runs.push(record);
            return;
        }
        if next == Scope::Details {
            self.skip_details(id);
            self.pull_completed(id, now);
        } else {
            self.pull_ended(id, RunOutcome::Failed, Some(("quota spent".into(), Some(at))), now);
        }
    }

    /// Details are a courtesy: a pull does not fail for them.
    fn skip_details(&mut self, id: AccountId) {
        if let Some(account) = self.accounts.get_mut(&id)
            && let Some(pull) = account.pull.as_mut()
        {
            pull.todo.retain(|scope| *scope != Scope::Details);
        }
    }

    fn pull_completed(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.last_synced_at = Some(now);
        account.stale_announced = false;
        account.leftover = None;
        let outcome = match &account.pull {
            Some(pull) if pull.changed => RunOutcome::Pulled,
            _ => RunOutcome::Unchanged,
        };
        let link_id = account.link_id;
        self.pull_ended(id, outcome, None, now);
        self.finish_renewal(link_id, now);
    }

    /// Ends the pull under way, well or not, and tells whoever waits for it.
    pub(super) fn pull_ended(
        &mut self,
        id: AccountId,
        outcome: RunOutcome,
        why: Option<(String, Option<UtcInstant>)>,
        now: UtcInstant,
    ) {
        self.changed(id);
        let due = self.accounts.get(&id).and_then(|account| {
            let slot = account.pull.as_ref()?.slot;
            // A slot that fell due while the pull ran is served by it, too.
            self.policy.schedule.due(id, account.slot_served, now).0.or(slot)
        });
        let Some(account) = self.accounts.get_mut(&id) else { return };
        // Without a pull there is nothing to tell; a wish that waits is looked at again, since the account has changed.
        let Some(pull) = account.pull.take() else { return };
        self.wishes.remove(&id);
        if outcome == RunOutcome::Failed {
            let rest: Vec<Scope> = pull
                .todo
                .iter()
                .copied()
                .filter(|scope| !account.scopes_off.contains(scope))
                .collect();
            let partial = rest.len() < 2 && !rest.is_empty();
            account.leftover = partial.then_some((now, rest));
        } else {
            account.slot_served = due.or(account.slot_served);
        }
        let (reason, next_allowed_at) = why.unzip();
        let reason: Option<String> = reason;
        let Some(account) = self.accounts.get(&id) else { return };
        let record = run_record(self.part_of(account), &pull, Some(outcome));
        let notice = match (outcome, &reason) {
            (RunOutcome::Failed, reason) => account
                .notice(EventCode::SyncFailed, "a pull ended without all of its data")
                .detail("reason", reason.clone().unwrap_or_default()),
            (outcome, _) => account
                .notice(EventCode::SyncCompleted, "a pull was completed")
                .detail("outcome", outcome.as_str()),
        };
        self.draft.notices.push(notice.run(pull.run_id));
        self.draft.runs.push(record);
        self.draft.endings.push(PullResult {
            account_id: id,
            outcome: Some(outcome),
            reason,
            next_allowed_at: next_allowed_at.flatten(),
            rows: RowsChanged::default(),
        });
    }

    /// One scope of a pull failed.
    fn pull_failed(
        &mut self,
        id: AccountId,
        scope: Scope,
        run_id: RunId,
        failure: &Failure,
        now: UtcInstant,
    ) {
        self.account_failed(id, scope, failure, now);
        let goes_on = matches!(
            failure.class,
            FailureClass::Token | FailureClass::Throttle { whom: Throttled::Company, .. }
        );
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let Some(pull) = account.pull.as_mut().filter(|pull| pull.run_id == run_id) else { return };
        if goes_on {
            return;
        }
        if failure.class == FailureClass::ScopeGone || scope == Scope::Details {
            pull.todo.retain(|todo| *todo != scope);
            let (next, only) = (pull.todo.first().copied(), pull.todo.is_empty());
            let alive = account.pause.is_none();
            if scope == Scope::Details {
                account.details_at = Some(now);
            }
            match next {
                Some(next) if alive => return self.go_on_or_leave(id, next, now),
                None if only && alive => return self.pull_completed(id, now),
                _ => {}
            }
        }
        let next_allowed_at =
            self.accounts.get(&id).and_then(|account| self.next_pull_at(account, now));
        self.pull_ended(id, RunOutcome::Failed, Some((failure.to_string(), next_allowed_at)), now);
    }

    /// Details of an account that is still being identified could not be read.
    fn details_failed(&mut self, id: AccountId, failure: &Failure, now: UtcInstant) {
        self.account_failed(id, Scope::Details, failure, now);
        let spent = self
            .accounts
            .get(&id)
            .is_none_or(|account| account.consecutive_failures >= self.policy.error_budget);
        let again_soon = !spent
            && matches!(
                failure.class,
                FailureClass::Token
                    | FailureClass::Configuration(_)
                    | FailureClass::Throttle { whom: Throttled::Company, .. }
                    | FailureClass::Wait { .. }
                    | FailureClass::Edge(crate::model::failure::EdgeFault::Unreachable)
            );
        if !again_soon {
            // Identity must do without them.
            self.details_settled(id, now);
        }
    }
}

/// Remembers an answer for recognising it again, and when the last one without filter came.
fn remember(
    account: &mut Account,
    date_from: Option<BankDate>,
    mark: Option<AnswerMark>,
    now: UtcInstant,
) {
    match date_from {
        None => {
            account.full_pull_at = Some(now);
            account.wants_everything = false;
            account.full_mark = mark.or(account.full_mark);
        }
        Some(date) => {
            if let Some(mark) = mark {
                account.window_mark = Some((date, mark));
            }
        }
    }
}

fn run_record(
    part: AccountId,
    pull: &super::state::Pull,
    outcome: Option<RunOutcome>,
) -> RunRecord {
    RunRecord { id: pull.run_id, account_id: part, started_at: pull.started_at, outcome }
}
