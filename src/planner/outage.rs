//! The provider as a whole: outages, faults that a person must cure, the company's limit, and our own clock.
//!
//! While nothing answers, or while the secret is refused, only one call knocks at a time: the metadata of an account,
//! which costs no quota. Any answer at all ends an outage.

use crate::model::failure::{ConfigurationFault, EdgeFault, Failure, FailureClass, Throttled};
use crate::model::id::AccountId;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::Answered;
use crate::model::time::{MINUTE_MS, Now, UtcInstant};

use super::effect::{PlannedCall, Ticket};
use super::provider_time::Heard;
use super::state::Account;
use super::{Planner, backoff, quota};

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
        let fault = provider.fault.and(provider.fault_retry_at);
        let outage = provider.outage_since.and(provider.outage_retry_at);
        let closed = [provider.throttled_until, fault, outage, self.store_retry_at];
        let closed = closed.into_iter().flatten();
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
        let id = self.probed_account()?;
        self.metadata_call(id, now)
    }

    /// Another one at each try: that of one account may be all that is out of order.
    fn probed_account(&self) -> Option<AccountId> {
        let fit = |account: &&Account| {
            account.identifying.is_none()
                && !account.status.is_over()
                && self.links.get(&account.link_id).is_some_and(|link| link.status.is_live())
        };
        let mut fit = self.accounts.values().filter(fit);
        let turn = match self.provider.outage_tries {
            0 => 0,
            tries => usize::try_from(tries).ok()?.checked_rem(fit.clone().count())?,
        };
        fit.nth(turn).map(|account| account.id)
    }

    /// The process is up, or its configuration is new: a person may have cured what was wrong.
    pub(super) fn started(&mut self, now: UtcInstant) {
        self.store_retry_at = None;
        self.clock_went_back(now);
        self.enter_interrupted_calls(now);
        if self.provider.fault.is_some() {
            self.provider.fault_retry_at = Some(now);
        }
        if self.provider.outage_since.is_some() {
            self.provider.outage_retry_at = Some(now);
        }
        self.touch_all();
    }

    /// What an answer says about the provider as a whole, whoever asked.
    ///
    /// What an answer to a call that left before the trouble began says about it is out of date.
    pub(super) fn heard(
        &mut self,
        ticket: Ticket,
        result: &Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        let troubled = self.provider.fault.is_some() || self.provider.outage_since.is_some();
        if troubled && ticket <= self.trouble_since {
            return;
        }
        match result {
            Ok(_) => self.all_is_well(),
            Err(failure) => self.heard_failure(ticket, failure, now),
        }
        let troubled = self.provider.fault.is_some() || self.provider.outage_since.is_some();
        if troubled {
            self.trouble_since = Ticket(self.last_ticket);
            self.knock_later(now);
            self.touch_wishes();
        }
    }

    /// The plan let a link be made again: the next refusal is news.
    pub(super) fn plan_allows(&mut self) {
        self.draft.provider |= std::mem::take(&mut self.provider.plan_limit_announced);
    }

    fn all_is_well(&mut self) {
        self.token_failures = 0;
        self.fault_cleared();
        self.outage_over();
    }

    /// An answer that neither ended the trouble nor set the next knock (a page that is not the API's, for one) must not be
    /// asked for again at once.
    fn knock_later(&mut self, now: UtcInstant) {
        let provider = &mut self.provider;
        if provider.fault.is_some() && provider.fault_retry_at.is_none_or(|at| at <= now) {
            provider.fault_tries = provider.fault_tries.saturating_add(1);
            provider.fault_retry_at = Some(backoff::FAULT.next(provider.fault_tries, now));
            self.draft.provider = true;
        }
        if provider.outage_since.is_some() && provider.outage_retry_at.is_none_or(|at| at <= now) {
            provider.outage_tries = provider.outage_tries.saturating_add(1);
            provider.outage_retry_at = Some(backoff::OUTAGE.next(provider.outage_tries, now));
            self.draft.provider = true;
        }
    }

    fn heard_failure(&mut self, ticket: Ticket, failure: &Failure, now: UtcInstant) {
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
                let wait_s = wait_s.filter(|wait_s| *wait_s > 0).unwrap_or(COMPANY_WAIT_DEFAULT_S);
                let wait_s = wait_s.clamp(*COMPANY_WAIT_S.start(), *COMPANY_WAIT_S.end());
                self.provider.throttled_until =
                    Some(now.plus_s(i64::from(wait_s).saturating_add(1)));
                self.draft.provider = true;
                // Whoever waits for a pull is told, if it takes long.
                self.touch_wishes();
            }
            FailureClass::Throttle { whom: Throttled::AccountScope, .. }
            | FailureClass::Wait { .. }
            | FailureClass::Reconnect(_)
            | FailureClass::DeadAccount
            | FailureClass::ScopeGone
            | FailureClass::Suspended
            | FailureClass::InstitutionError
            | FailureClass::Bug(_) => self.all_is_well(),
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
        provider.outage_retry_at = Some(backoff::OUTAGE.next(provider.outage_tries, now));
        self.draft.provider = true;
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
                if !std::mem::replace(&mut self.provider.plan_limit_announced, true) {
                    let message = "the plan's limit of connections is reached";
                    self.draft.notices.push(Notice::new(EventCode::PlanLimitReached, message));
                    self.draft.provider = true;
                }
                return;
            }
        };
        if self.provider.fault != Some(fault) {
            self.provider.fault = Some(fault);
            self.provider.fault_tries = 0;
            self.draft.notices.push(Notice::new(code, message));
        }
        self.provider.fault_tries = self.provider.fault_tries.saturating_add(1);
        self.provider.fault_retry_at = Some(backoff::FAULT.next(self.provider.fault_tries, now));
        self.draft.provider = true;
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

    /// Asks for the time with a call that costs nothing, where several are possible and no other answer is on its way.
    pub(super) fn ask_the_time(&mut self, now: UtcInstant) -> Option<PlannedCall> {
        if self.time_question_at(now)? > now {
            return None;
        }
        self.time.asked(self.last_look.map_or(0, |look| look.mono_ms));
        self.probe(now)
    }

    /// When to ask the provider for the time, by our wall clock; without an account to ask about, other calls tell it.
    pub(super) fn time_question_at(&self, now: UtcInstant) -> Option<UtcInstant> {
        if !self.time.is_open() || !self.flights.is_empty() {
            return None;
        }
        self.probed_account()?;
        let mono_ms = self.last_look?.mono_ms;
        let wait_ms = self.time.ask_at_mono_ms().saturating_sub(mono_ms).max(0);
        Some(now.plus_ms(wait_ms))
    }

    /// What an answer says about the provider's clock.
    pub(super) fn hear_the_time(&mut self, result: &Result<Answered, Failure>) {
        let date = match result {
            Ok(answered) => answered.server_date,
            Err(failure) if failure.status.is_some() => failure.server_date,
            Err(_no_answer) => return,
        };
        let Some(look) = self.last_look else { return };
        match self.time.heard(date, look) {
            Heard::Nothing => return,
            Heard::Settled => {}
            Heard::Corrected(by_ms) => {
                self.prolong_blocks(by_ms, look.wall);
                let message = "the system clock and the provider's disagree: access and quota go by the provider's";
                let notice = Notice::new(EventCode::ClockStepped, message)
                    .detail("provider_ahead_s", by_ms.checked_div(1_000).unwrap_or(0));
                self.draft.notices.push(notice);
            }
        }
        self.keep_the_time();
        let there = self.time.at(look.wall);
        // What was entered while a liar was thought possible.
        self.ledger.time_settled(there);
        for link in self.links.values_mut().filter(|link| link.created_at > there) {
            link.created_at = there;
            self.draft.links.insert(link.id);
        }
        self.touch_all();
    }

    /// Until when we are blocked was noted by a time that proved wrong: the waits stay as long as they were.
    fn prolong_blocks(&mut self, by_ms: i64, now: UtcInstant) {
        let there = self.time.at(now);
        for account in self.accounts.values_mut() {
            let id = account.id;
            for learned in account.quota.values_mut().filter(|it| it.blocked_until.is_some()) {
                learned.blocked_until = learned.blocked_until.map(|at| at.plus_ms(by_ms.max(0)));
                quota::bound(learned, there);
                self.draft.accounts.insert(id);
            }
        }
    }

    fn keep_the_time(&mut self) {
        if let Some(distance_ms) = self.time.take_worth_keeping() {
            self.provider.clock_distance_ms = distance_ms;
            self.draft.provider = true;
        }
    }

    /// Notices when the wall clock moved against the monotonic one, and looks at everything anew.
    pub(super) fn look_at_the_clock(&mut self, now: Now) {
        let Some(before) = self.last_look.replace(now) else { return };
        let passed = now.mono_ms.saturating_sub(before.mono_ms);
        let moved = now.wall.since(before.wall);
        let step_ms = moved.saturating_sub(passed);
        if step_ms == 0 {
            return;
        }
        self.time.stepped(step_ms, step_ms >= CLOCK_STEP_MS);
        if step_ms.abs() < CLOCK_STEP_MS {
            return;
        }
        self.keep_the_time();
        let message =
            "the system clock moved against the running time: it was set, or the machine slept";
        let notice = Notice::new(EventCode::ClockStepped, message)
            .detail("step_s", step_ms.checked_div(1_000).unwrap_or(0));
        self.draft.notices.push(notice);
        if step_ms < 0 {
            self.clock_went_back(now.wall);
        }
        self.touch_all();
    }
}
