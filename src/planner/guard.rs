//! What follows from a failed call of an account: the guard against suspension, and the ends of access.
//!
//! The provider suspends an account for good after ten failures in a row. We pause at the error budget (three), ask the free
//! metadata call whether the account is well, try again 1, 3 and 7 days later while it is not, and never make more than the
//! hard limit (eight) in a row, forced calls included. The counter is part of the account's document: a restart keeps it.
//! Facts: provider's knowledge base 11529566180892 and 16671586189212, read 2026-11.

use crate::model::agreement::Scope;
use crate::model::failure::{ConfigurationFault, Failure, FailureClass, Refusal, Throttled};
use crate::model::id::AccountId;
use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;

use super::agenda::Key;
use super::effect::Settlement;
use super::state::{AccountStatus, Pause};
use super::{Planner, backoff, quota};

/// Trial calls of a paused account, in days after the pause.
const TRIAL_DAYS: [i64; 3] = [1, 3, TRIAL_DAYS_LAST];
/// The longest of them.
const TRIAL_DAYS_LAST: i64 = 7;

/// A spent quota is announced once in so many hours: a little less than its window.
const ANNOUNCED_HOURS: i64 = 20;

/// How many days after a pause the next trial is due; `None` when all were made.
pub(super) fn trial_day(trials: u32) -> Option<i64> {
    usize::try_from(trials).ok().and_then(|trial| TRIAL_DAYS.get(trial)).copied()
}

impl Planner {
    /// Notes that an account's document changed.
    pub(super) fn changed(&mut self, id: AccountId) {
        self.draft.accounts.insert(id);
        self.touch(Key::Account(id));
    }

    /// A data call succeeded: the provider's count of failures in a row is over. A pause lasts until every scope that failed
    /// works: a bank that gives balances and no transactions would else be paused and well again for ever.
    pub(super) fn account_well(&mut self, id: AccountId, scope: Scope) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.consecutive_failures = 0;
        account.tries = 0;
        account.retry_at = None;
        account.processing_since = None;
        account.failing.remove(&scope);
        if !account.failing.is_empty() && account.pause.is_some() {
            return self.changed(id);
        }
        let was_paused = account.pause.take().is_some();
        // An answer that was on its way when access ended does not bring access back.
        if self.links.get(&account.link_id).is_some_and(|link| link.status.is_live()) {
            account.status = AccountStatus::Ready;
        }
        if was_paused
            && let Some(account) = self.accounts.get(&id)
            && account.identifying.is_none()
        {
            let notice = account.notice(EventCode::AccountRecovered, "the account works again");
            self.draft.notices.push(notice);
        }
        self.changed(id);
    }

    /// A data call failed: counts it, and does what its class asks for.
    pub(super) fn account_failed(
        &mut self,
        id: AccountId,
        scope: Scope,
        failure: &Failure,
        now: UtcInstant,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if failure.counts {
            account.consecutive_failures = account.consecutive_failures.saturating_add(1);
        }
        // Details are read too seldom to tell whether the account works.
        if failure.counts && scope != Scope::Details {
            let in_a_row = account.failing.entry(scope).or_default();
            *in_a_row = in_a_row.saturating_add(1);
        }
        if account.status.is_over() {
            // Access ended while the call was on its way.
            return self.changed(id);
        }
        // A pull goes on as soon as the gate is open again, which `heard` has closed as long as needed.
        let gate_decides = matches!(
            failure.class,
            FailureClass::Token
                | FailureClass::Configuration(
                    ConfigurationFault::Credentials | ConfigurationFault::IpNotAllowed
                )
                | FailureClass::Throttle { whom: Throttled::Company, .. }
        );
        if !gate_decides {
            account.tries = account.tries.saturating_add(1);
        }
        let retry_at = Self::account_retry_at(account, Some(&failure.class), now);
        account.retry_at = (!gate_decides).then_some(retry_at);
        let link_id = account.link_id;
        self.changed(id);
        match &failure.class {
            FailureClass::Throttle { wait_s, whom: Throttled::AccountScope } => {
                self.scope_throttled(id, scope, *wait_s, now);
            }
            FailureClass::Wait { processing: true } => self.processing(id, now),
            FailureClass::Reconnect(end) => self.access_refused(id, *end, now),
            FailureClass::DeadAccount => {
                self.account_over(
                    id,
                    AccountStatus::Inactive,
                    EventCode::AccountInactive,
                    "the bank says that the account is closed",
                );
            }
            FailureClass::Suspended => self.suspended(id),
            FailureClass::ScopeGone => self.scope_gone(id, scope),
            FailureClass::Bug(refusals) => {
                if refusals.contains(&Refusal::NotFound) {
                    // The handle is gone: perhaps the requisition was removed elsewhere.
                    self.poll_soon(link_id, now);
                }
            }
            FailureClass::Token
            | FailureClass::Configuration(_)
            | FailureClass::Throttle { whom: Throttled::Company, .. }
            | FailureClass::Wait { processing: false }
            | FailureClass::InstitutionError
            | FailureClass::Edge(_) => {}
        }
        self.guard(id, now);
    }

    /// Pauses an account whose failures have reached the budget.
    fn guard(&mut self, id: AccountId, now: UtcInstant) {
        let budget = self.policy.error_budget;
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let in_a_row = account.failing.values().copied().max().unwrap_or_default();
        if account.consecutive_failures.max(in_a_row) < budget || account.status.is_over() {
            return;
        }
        account.status = AccountStatus::Paused;
        self.draft.accounts.insert(id);
        let first = account.pause.is_none();
        let pause = account.pause.get_or_insert(Pause {
            since: now,
            trials: 0,
            ask_at: now,
            lifted: false,
        });
        if pause.lifted {
            // READY was premature: each time it is believed later, so that the hard limit is not burnt in a day.
            let days = trial_day(pause.trials).unwrap_or(TRIAL_DAYS_LAST);
            let trials = pause.trials.saturating_add(1);
            *pause = Pause { since: now, trials, ask_at: now.plus_days(days), lifted: false };
        }
        if first {
            self.announce_pause(id);
        }
    }

    /// Tells of a pause. A handle that is still being identified is nobody yet: its pause is told when it is somebody whose
    /// pause was not.
    pub(super) fn announce_pause(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get(&id) else { return };
        if account.pause.is_none() || account.identifying.is_some() {
            return;
        }
        let message =
            "repeated failures: calls are paused before the provider suspends the account";
        let notice = account
            .notice(EventCode::AccountPaused, message)
            .detail("failures", account.consecutive_failures);
        self.draft.notices.push(notice);
    }

    /// Calls that were under way when the last process ended: without an answer they count, like every silent call, so that
    /// a machine that goes down again and again does not reach the provider's ten.
    pub(super) fn enter_interrupted_calls(&mut self, now: UtcInstant) {
        for row in std::mem::take(&mut self.interrupted) {
            self.draft.settle = Some((row.call_id, Settlement::Unanswered));
            // It counts from when it may have ended, however long ago that was.
            let ended = row.at.plus_ms(self.policy.call_timeout_ms);
            self.draft.settled_at = Some(ended.min(self.time.latest(now)));
            if let Some(account) = self.accounts.get_mut(&row.account_id) {
                account.consecutive_failures = account.consecutive_failures.saturating_add(1);
                self.changed(row.account_id);
            }
            self.flush(now);
            self.guard(row.account_id, now);
        }
    }

    fn scope_throttled(
        &mut self,
        id: AccountId,
        scope: Scope,
        wait_s: Option<u32>,
        now: UtcInstant,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.retry_at = None;
        account.tries = 0;
        let quota = Self::quota_mut(account, scope);
        let there = self.time.latest_by_us(now);
        let until = quota::throttle(quota, wait_s, there);
        let announced = quota.announced_until.is_some_and(|announced| announced > there);
        if announced {
            return;
        }
        // Short waits that come again and again are one spent window.
        quota.announced_until = Some(until.max(there.plus_hours(ANNOUNCED_HOURS)));
        if let Some(account) = self.accounts.get(&id) {
            let notice = account
                .notice(EventCode::QuotaSpent, "no calls are left for now")
                .scope(scope)
                .detail("next_allowed_at", until.to_string());
            self.draft.notices.push(notice);
        }
    }

    pub(super) fn processing(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.status = AccountStatus::Processing;
        let since = *account.processing_since.get_or_insert(now);
        // Slower the longer it lasts: minutes at first, an hour in the end.
        let looks = now.since(since).checked_div(60_000).unwrap_or(0).clamp(0, 60).wrapping_add(1);
        account.retry_at = Some(backoff::PROCESSING.next(u32::try_from(looks).unwrap_or(1), now));
        self.changed(id);
    }

    fn scope_gone(&mut self, id: AccountId, scope: Scope) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.failing.remove(&scope);
        if !account.scopes_off.insert(scope) {
            return;
        }
        if let Some(account) = self.accounts.get(&id) {
            let message =
                "the bank gives nothing for this scope; it is switched off for this account";
            let notice = account.notice(EventCode::ScopeRefused, message).scope(scope);
            self.draft.notices.push(notice);
        }
    }

    /// An account is over, for as long as this link lasts. The pull that found out ends by itself.
    pub(super) fn account_over(
        &mut self,
        id: AccountId,
        status: AccountStatus,
        code: EventCode,
        message: &str,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if account.status == status {
            return;
        }
        account.status = status;
        account.pause = None;
        self.changed(id);
        self.admit_if_new(id);
        if let Some(account) = self.accounts.get(&id) {
            let notice = account.notice(code, message);
            self.draft.notices.push(notice);
        }
    }

    pub(super) fn suspended(&mut self, id: AccountId) {
        let message = "the provider suspended the account; only a new link helps";
        self.account_over(id, AccountStatus::Suspended, EventCode::AccountSuspended, message);
    }
}
