//! The provider as a whole: outages, faults that a person must cure, the company's limit, and our own clock.
//!
//! While nothing answers, or while the secret is refused, only one call knocks at a time: the metadata of an account,
//! which costs no quota. Any answer at all ends an outage.

use crate::model::failure::{ConfigurationFault, EdgeFault, Failure, FailureClass, Throttled};
use crate::model::id::AccountId;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Answered, ApiCall};
use crate::model::time::{MINUTE_MS, Now, UtcInstant};

use super::agenda::Key;
use super::effect::{Effect, PlannedCall, PullResult, RowsChanged, Ticket};
use super::state::AccountStatus;
use super::{Aim, Planner, backoff};

/// Earlier than this program: a wall clock that says so is wrong, and no call is planned by it.
const CLOCK_SANE_FROM: UtcInstant = UtcInstant::from_ms(1_767_225_600_000);
/// Wall and monotonic time may drift apart by this much between two looks; more is a step (or a sleep).
const CLOCK_STEP_MS: i64 = 5 * MINUTE_MS;
/// Bounds of the wait that a company-wide 429 can impose, in seconds.
const COMPANY_WAIT_S: std::ops::RangeInclusive<u32> = 1..=3_600;
/// The wait where a company-wide 429 names none, in seconds.
const COMPANY_WAIT_DEFAULT_S: u32 = 60;

/// Whether calls may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Yes.
    Open,
    /// One at a time, to find out whether things are well again.
    Probe,
    /// No.
    ClosedUntil(UtcInstant),
}

impl Planner {
    /// Whether calls may leave now.
    pub(super) fn gate(&self, now: UtcInstant) -> Gate {
        if now < CLOCK_SANE_FROM {
            return Gate::ClosedUntil(now.plus_ms(MINUTE_MS));
        }
        let provider = &self.provider;
        let throttled = provider
            .throttled_until
            .map(|until| until.min(now.plus_s(i64::from(*COMPANY_WAIT_S.end()))));
        let fault = provider.fault.and(provider.fault_retry_at);
        let outage = provider.outage_since.and(provider.outage_retry_at);
        let closed = [throttled, fault, outage, self.store_retry_at].into_iter().flatten();
        if let Some(until) = closed.filter(|until| *until > now).max() {
            return Gate::ClosedUntil(until);
        }
        if provider.fault.is_some() || provider.outage_since.is_some() {
            Gate::Probe
        } else {
            Gate::Open
        }
    }

    /// A call that costs nothing, to see whether the provider answers.
    pub(super) fn probe(&mut self, now: UtcInstant) -> Option<PlannedCall> {
        let account = self.accounts.values().find(|account| {
            account.identifying.is_none()
                && matches!(account.status, AccountStatus::Ready | AccountStatus::Processing)
                && self.links.get(&account.link_id).is_some_and(|link| link.status.is_live())
        })?;
        let (id, provider_id) = (account.id, account.provider_account_id.clone());
        Some(self.launch(Aim::Metadata(id), ApiCall::Metadata(provider_id), None, now))
    }

    /// The process is up, or its configuration is new: a person may have cured what was wrong.
    pub(super) fn started(&mut self, now: UtcInstant) {
        self.store_retry_at = None;
        if self.provider.fault.is_some() {
            self.provider.fault_retry_at = Some(now);
        }
        if self.provider.outage_since.is_some() {
            self.provider.outage_retry_at = Some(now);
        }
        self.touch_all();
    }

    /// What an answer says about the provider as a whole, whoever asked.
    pub(super) fn heard(
        &mut self,
        ticket: Ticket,
        result: &Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        let Err(failure) = result else {
            self.token_failures = 0;
            self.fault_cleared();
            self.outage_over();
            return;
        };
        match &failure.class {
            FailureClass::Edge(
                EdgeFault::Unreachable | EdgeFault::NoAnswer | EdgeFault::NotTheApi,
            ) => self.outage_goes_on(failure, now),
            FailureClass::Edge(EdgeFault::NotUnderstood) => {}
            FailureClass::Configuration(fault) => {
                self.outage_over();
                self.fault_found(*fault, now);
            }
            FailureClass::Token => {
                self.outage_over();
                // Calls that were under way together met the same bad token: that is one refusal, not several.
                if ticket <= self.token_doubted {
                    return;
                }
                self.token_doubted = Ticket(self.last_ticket);
                self.token_failures = self.token_failures.saturating_add(1);
                let wait_ms = backoff::TOKEN.wait_ms(self.token_failures);
                if wait_ms > 0 {
                    self.provider.throttled_until = Some(now.plus_ms(wait_ms));
                    self.draft.provider = true;
                }
            }
            FailureClass::Throttle { wait_s, whom: Throttled::Company } => {
                self.outage_over();
                let wait_s = wait_s.unwrap_or(COMPANY_WAIT_DEFAULT_S);
                let wait_s = wait_s.clamp(*COMPANY_WAIT_S.start(), *COMPANY_WAIT_S.end());
                self.provider.throttled_until =
                    Some(now.plus_s(i64::from(wait_s).saturating_add(1)));
                self.draft.provider = true;
            }
            FailureClass::Throttle { whom: Throttled::AccountScope, .. }
            | FailureClass::Wait { .. }
            | FailureClass::Reconnect(_)
            | FailureClass::DeadAccount
            | FailureClass::ScopeGone
            | FailureClass::Suspended
            | FailureClass::InstitutionError
            | FailureClass::Bug(_) => {
                self.token_failures = 0;
                self.fault_cleared();
                self.outage_over();
            }
        }
    }

    fn outage_goes_on(&mut self, failure: &Failure, now: UtcInstant) {
        let provider = &mut self.provider;
        if provider.outage_since.is_none() {
            provider.outage_since = Some(now);
            provider.outage_tries = 0;
            let notice =
                Notice::new(EventCode::ProviderUnavailable, "the provider does not answer")
                    .detail("failure", failure.to_string());
            self.draft.notices.push(notice);
        }
        provider.outage_tries = provider.outage_tries.saturating_add(1);
        let retry_at = backoff::OUTAGE.next(provider.outage_tries, now);
        provider.outage_retry_at = Some(retry_at);
        self.draft.provider = true;
        self.leave_wishes_out("the provider does not answer", retry_at);
    }

    /// A person who asked for a pull is not kept waiting for one that cannot begin: it is left out, saying until when.
    fn leave_wishes_out(&mut self, reason: &str, until: UtcInstant) {
        let begun =
            |id: &AccountId| self.accounts.get(id).is_some_and(|account| account.pull.is_some());
        let waiting: Vec<AccountId> = self.wishes.keys().copied().filter(|id| !begun(id)).collect();
        for id in waiting {
            self.wishes.remove(&id);
            self.touch(Key::Account(id));
            let left_out = PullResult {
                account_id: id,
                outcome: None,
                reason: Some(reason.to_owned()),
                next_allowed_at: Some(until),
                rows: RowsChanged::default(),
            };
            self.effects.push_back(Effect::Pulled(Box::new(left_out)));
        }
    }

    fn outage_over(&mut self) {
        if self.provider.outage_since.take().is_none() {
            return;
        }
        self.provider.outage_tries = 0;
        self.provider.outage_retry_at = None;
        self.draft.provider = true;
        self.draft
            .notices
            .push(Notice::new(EventCode::ProviderRecovered, "the provider answers again"));
    }

    /// Stops all calls until a person has changed something; says so once.
    fn fault_found(&mut self, fault: ConfigurationFault, now: UtcInstant) {
        let (code, message) = match fault {
            ConfigurationFault::Credentials => (
                EventCode::CredentialsRejected,
                "the provider refuses the API secret; all calls stop",
            ),
            ConfigurationFault::IpNotAllowed => (
                EventCode::IpNotAllowed,
                "the provider refuses this machine's address; all calls stop",
            ),
            // The plan only limits new links: nothing else has to stop.
            ConfigurationFault::PlanLimit => {
                let message = "the plan's limit of connections is reached";
                self.draft.notices.push(Notice::new(EventCode::PlanLimitReached, message));
                return;
            }
        };
        if self.provider.fault != Some(fault) {
            self.provider.fault = Some(fault);
            self.provider.fault_tries = 0;
            self.draft.notices.push(Notice::new(code, message));
        }
        self.provider.fault_tries = self.provider.fault_tries.saturating_add(1);
        let retry_at = backoff::FAULT.next(self.provider.fault_tries, now);
        self.provider.fault_retry_at = Some(retry_at);
        self.draft.provider = true;
        self.leave_wishes_out("the provider refuses all calls", retry_at);
    }

    fn fault_cleared(&mut self) {
        if self.provider.fault.take().is_some() {
            self.provider.fault_retry_at = None;
            self.provider.fault_tries = 0;
            self.draft.provider = true;
        }
    }

    /// Announces a word of the provider that we do not know, once.
    pub(super) fn strange_word(&mut self, field: &str, word: &str) {
        /// More words than this are noise, not news.
        const WORDS_MAX: usize = 256;
        /// Longer words are cut.
        const WORD_CHARS_MAX: usize = 64;
        let word: String = word.chars().take(WORD_CHARS_MAX).collect();
        let words = &mut self.provider.strange_words;
        if words.len() < WORDS_MAX && words.insert(format!("{field}={word}")) {
            self.draft.provider = true;
            let notice = Notice::new(
                EventCode::ValueNotUnderstood,
                "the provider uses a word that is not known",
            )
            .detail("field", field)
            .detail("value", word);
            self.draft.notices.push(notice);
        }
    }

    /// Notices when the wall clock moved against the monotonic one, and looks at everything anew.
    pub(super) fn look_at_the_clock(&mut self, now: Now) {
        let Some(before) = self.last_look.replace(now) else { return };
        let passed = now.mono_ms.saturating_sub(before.mono_ms);
        let moved = now.wall.since(before.wall);
        let step_ms = moved.saturating_sub(passed);
        if step_ms.abs() < CLOCK_STEP_MS {
            return;
        }
        let message =
            "the system clock moved against the running time: it was set, or the machine slept";
        let notice = Notice::new(EventCode::ClockStepped, message)
            .detail("step_s", step_ms.checked_div(1_000).unwrap_or(0));
        self.draft.notices.push(notice);
        self.touch_all();
    }
}
