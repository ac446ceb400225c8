//! What follows from a failed call of an account: the guard against suspension, and the ends of access.
//!
//! The provider suspends an account for good after ten failures in a row. We pause at the error budget (three), ask the free
//! metadata call whether the account is well, try again 1, 3 and 7 days later while it is not, and never make more than the
//! hard limit (eight) in a row, forced calls included. The counter is part of the account's document: a restart keeps it.
//! Facts: provider's knowledge base 11529566180892 and 16671586189212, read 2026-11.

use crate::model::account::{Metadata, ProviderStatus};
use crate::model::agreement::Scope;
use crate::model::failure::{AccessEnd, Failure, FailureClass, Refusal, Throttled};
use crate::model::id::{AccountId, LinkId};
use crate::model::notice::EventCode;
use crate::model::port::{Answered, Reply};
use crate::model::time::{HOUR_MS, UtcInstant};

use super::agenda::Key;
use super::effect::RunOutcome;
use super::state::{AccountStatus, LinkStatus, Pause};
use super::{Planner, backoff, quota};

/// Trial calls of a paused account, in days after the pause.
const TRIAL_DAYS: [i64; 3] = [1, 3, TRIAL_DAYS_LAST];
/// The longest of them.
const TRIAL_DAYS_LAST: i64 = 7;

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

    /// A data call succeeded: whatever was wrong with the account is over.
    pub(super) fn account_well(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.consecutive_failures = 0;
        account.retry_at = None;
        account.processing_since = None;
        let was_paused = account.pause.take().is_some();
        // An answer that was on its way when access ended does not bring access back.
        if self.links.get(&account.link_id).is_some_and(|link| link.status.is_live()) {
            account.status = AccountStatus::Ready;
        }
        if was_paused && let Some(account) = self.accounts.get(&id) {
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
        // A pull goes on as soon as the gate is open again, which `heard` has closed as long as needed.
        let gate_decides = matches!(
            failure.class,
            FailureClass::Token
                | FailureClass::Configuration(_)
                | FailureClass::Throttle { whom: Throttled::Company, .. }
        );
        let retry_at = Self::account_retry_at(account, now);
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
        let over = matches!(
            account.status,
            AccountStatus::Expired | AccountStatus::Suspended | AccountStatus::Inactive
        );
        if account.consecutive_failures < budget || over {
            return;
        }
        account.status = AccountStatus::Paused;
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
        if first && let Some(account) = self.accounts.get(&id) {
            let failures = account.consecutive_failures;
            let message =
                "repeated failures: calls are paused before the provider suspends the account";
            let notice =
                account.notice(EventCode::AccountPaused, message).detail("failures", failures);
            self.draft.notices.push(notice);
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
        let quota = Self::quota_mut(account, scope);
        let until = quota::throttle(quota, wait_s, now);
        let announced = quota.announced_until.is_some_and(|announced| announced > now);
        if announced {
            return;
        }
        quota.announced_until = Some(until);
        if let Some(account) = self.accounts.get(&id) {
            let notice = account
                .notice(EventCode::QuotaSpent, "no calls are left for now")
                .scope(scope)
                .detail("next_allowed_at", until.to_string());
            self.draft.notices.push(notice);
        }
    }

    fn processing(&mut self, id: AccountId, now: UtcInstant) {
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
    fn account_over(
        &mut self,
        id: AccountId,
        status: AccountStatus,
        code: EventCode,
        message: &str,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.identifying = None;
        if account.status == status {
            return;
        }
        account.status = status;
        account.pause = None;
        self.changed(id);
        if let Some(account) = self.accounts.get(&id) {
            let notice = account.notice(code, message);
            self.draft.notices.push(notice);
        }
    }

    pub(super) fn suspended(&mut self, id: AccountId) {
        let message = "the provider suspended the account; only a new link helps";
        self.account_over(id, AccountStatus::Suspended, EventCode::AccountSuspended, message);
    }

    /// The provider says that access through this account's link is over.
    fn access_refused(&mut self, id: AccountId, end: AccessEnd, now: UtcInstant) {
        let Some(account) = self.accounts.get(&id) else { return };
        let link_id = account.link_id;
        let Some(link) = self.links.get(&link_id) else { return };
        let ended = link.access_expires_at.is_some_and(|end| end <= now);
        let never_worked = account.last_synced_at.is_none();
        let sibling_works = self.accounts.values().any(|other| {
            other.id != id && other.link_id == link_id && other.last_synced_at.is_some()
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
        link.step = super::state::LinkStep::Done;
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
        let accounts: Vec<AccountId> = self
            .accounts
            .values()
            .filter(|account| account.link_id == link_id)
            .map(|account| account.id)
            .collect();
        for id in accounts {
            self.end_account(id, AccountStatus::Expired, now);
        }
    }

    /// Sets the status of an account whose link is over; its own worse status stays.
    pub(super) fn end_account(&mut self, id: AccountId, status: AccountStatus, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        if !matches!(account.status, AccountStatus::Suspended | AccountStatus::Inactive) {
            account.status = status;
            account.pause = None;
            account.identifying = None;
        }
        self.changed(id);
        self.pull_ended(id, RunOutcome::Failed, Some(("access has ended".into(), None)), now);
    }

    /// The free metadata call was answered.
    pub(super) fn metadata_answered(
        &mut self,
        id: AccountId,
        result: Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        self.touch(Key::Account(id));
        match result {
            Ok(Answered { reply: Reply::Metadata(metadata), .. }) => {
                self.metadata_read(id, metadata, now);
            }
            Ok(_) => self.metadata_failed(id, None, now),
            Err(failure) => self.metadata_failed(id, Some(&failure), now),
        }
    }

    fn metadata_read(&mut self, id: AccountId, metadata: Metadata, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.metadata_at = Some(now);
        account.facts.merge(metadata.facts);
        account.retry_at = None;
        if let Some(identifying) = account.identifying.as_mut() {
            identifying.metadata_read = true;
        }
        let link_id = account.link_id;
        self.changed(id);
        match metadata.status {
            None | Some(ProviderStatus::Ready) => self.metadata_ready(id),
            Some(ProviderStatus::Discovered | ProviderStatus::Processing) => {
                self.processing(id, now);
            }
            Some(ProviderStatus::Error) => self.metadata_error(id, now),
            Some(ProviderStatus::Expired) => self.access_over(link_id, LinkStatus::Expired, now),
            Some(ProviderStatus::Suspended) => self.suspended(id),
            Some(ProviderStatus::Unknown(word)) => {
                self.strange_word("account.status", &word);
                self.metadata_ready(id);
                if let Some(account) = self.accounts.get_mut(&id)
                    && account.pause.is_none()
                {
                    account.status = AccountStatus::Unknown;
                }
            }
        }
        self.identify(id);
    }

    /// The provider says that the account is well.
    fn metadata_ready(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match account.pause.as_mut() {
            Some(pause) => pause.lifted = true,
            None => account.status = AccountStatus::Ready,
        }
        account.processing_since = None;
        self.changed(id);
    }

    /// The provider says that the account is not well: a paused one stays so.
    fn metadata_error(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        match account.pause.as_mut() {
            Some(pause) => {
                let asked = now.since(pause.since).checked_div(HOUR_MS).unwrap_or(0).clamp(0, 3);
                let looks = u32::try_from(asked).unwrap_or(0).saturating_add(1);
                pause.ask_at = backoff::PAUSED.next(looks, now);
            }
            // Not by our doing: go on by the other signs.
            None if account.status == AccountStatus::Processing => {
                account.status = AccountStatus::Ready;
            }
            None => {}
        }
        self.changed(id);
    }

    fn metadata_failed(&mut self, id: AccountId, failure: Option<&Failure>, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        let link_id = account.link_id;
        let retry_at = Self::account_retry_at(account, now);
        if let Some(pause) = account.pause.as_mut() {
            pause.ask_at = retry_at;
        } else if account.identifying.is_some() {
            // A person waits for this account.
            account.retry_at = Some(backoff::LINK_STEP.next(2, now));
        } else {
            account.retry_at = Some(retry_at);
        }
        self.changed(id);
        match failure.map(|failure| &failure.class) {
            Some(FailureClass::Suspended) => self.suspended(id),
            Some(FailureClass::Reconnect(end)) => self.access_refused(id, *end, now),
            Some(FailureClass::Bug(_)) => self.poll_soon(link_id, now),
            Some(FailureClass::Wait { processing: true }) => self.processing(id, now),
            Some(
                FailureClass::Token
                | FailureClass::Throttle { .. }
                | FailureClass::Configuration(_),
            ) => {
                if let Some(account) = self.accounts.get_mut(&id) {
                    account.retry_at = None;
                }
            }
            _ => {}
        }
    }

    /// Announces an account without fresh data, once per spell.
    pub(super) fn announce_stale(&mut self, id: AccountId, now: UtcInstant) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.stale_announced = true;
        let fresh = account.last_synced_at.unwrap_or(account.discovered_at);
        let hours = now.since(fresh).checked_div(HOUR_MS).unwrap_or(0);
        self.changed(id);
        if let Some(account) = self.accounts.get(&id) {
            let notice = account
                .notice(EventCode::AccountStale, "no fresh data for longer than the objective")
                .detail("hours", hours);
            self.draft.notices.push(notice);
        }
    }

    /// Asks for a link's state at the next opportunity.
    pub(super) fn poll_soon(&mut self, link_id: LinkId, now: UtcInstant) {
        if let Some(link) = self.links.get_mut(&link_id)
            && link.status.is_live()
            && link.next_at > now
        {
            link.next_at = now;
            self.draft.links.insert(link_id);
            self.touch(Key::Link(link_id));
        }
    }
}
