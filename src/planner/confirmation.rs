//! Confirming that access goes on: announced when it becomes possible, asked of the provider when a person wants it, looked at
//! until every account is answered for.
//!
//! Facts (provider's knowledge base, article 20808205335452, and its reference "Agreements", read 2026-11): access has to be
//! confirmed every 90 days, from 14 days before that day to 14 days after it, for each account; in between the day and a late
//! confirmation there are no data. From when the next 90 days count is not published; we count them from the day that was due,
//! unless the window that the provider names says otherwise.

use crate::model::failure::{ConfigurationFault, Failure, FailureClass, Refusal, Throttled};
use crate::model::id::{AccountId, AgreementId, LinkId};
use crate::model::notice::EventCode;
use crate::model::port::{Answered, ApiCall, Reply};
use crate::model::reconfirmation::{Confirmation, Reconfirmation};
use crate::model::time::{DAY_MS, HOUR_MS, UtcInstant};

use super::effect::PlannedCall;
use super::linking::STEP_TRIES_MAX;
use super::state::{Account, AccountStatus, ConfirmStep, Confirming, Link, LinkStatus};
use super::{Aim, Planner, backoff};

/// Days between confirmations.
const PERIOD_DAYS: i64 = 90;
/// Days before and after the day on which it is due in which it is possible.
const MARGIN_DAYS: i64 = 14;
/// The same in milliseconds.
const MARGIN_MS: i64 = MARGIN_DAYS * DAY_MS;
/// A page that nobody has answered for a day is looked at this often.
const LOOK_SLOWLY_MS: i64 = HOUR_MS;

impl Confirming {
    /// The first confirmation of an access that was given at `accepted` and ends at `end`.
    fn first(accepted: UtcInstant, end: Option<UtcInstant>) -> Self {
        Self {
            due_at: before(accepted.plus_days(PERIOD_DAYS), end),
            announced: false,
            step: ConfirmStep::Idle,
            next_at: accepted,
            attempts: 0,
            asked_at: None,
            asking: false,
            shown: None,
            failure: None,
        }
    }

    /// From when on it is possible to confirm.
    pub fn opens_at(&self) -> Option<UtcInstant> {
        self.due_at.map(|due| due.plus_days(-MARGIN_DAYS))
    }

    /// Until when it is possible.
    pub fn closes_at(&self) -> Option<UtcInstant> {
        self.due_at.map(|due| due.plus_days(MARGIN_DAYS))
    }

    /// The page of the present window.
    pub fn present(&self) -> Option<&Reconfirmation> {
        self.shown.as_ref().filter(|(due, _)| Some(*due) == self.due_at).map(|(_, shown)| shown)
    }

    /// Until when an account gives data without a further confirmation; `None`: until access ends.
    pub(super) fn holds_at(&self, account: &Account) -> Option<UtcInstant> {
        let confirmed = |shown: &Reconfirmation| {
            shown.answer(&account.provider_account_id) == Confirmation::Confirmed
        };
        self.due_at.filter(|_due| !self.present().is_some_and(confirmed))
    }

    /// Ends the present window and begins the next.
    fn move_on(&mut self, end: Option<UtcInstant>) {
        self.due_at = self.due_at.and_then(|due| before(due.plus_days(PERIOD_DAYS), end));
        self.announced = false;
        self.rest();
    }

    fn rest(&mut self) {
        self.step = ConfirmStep::Idle;
        self.attempts = 0;
        self.asking = false;
    }
}

/// A day that lies before the end of access.
fn before(due: UtcInstant, end: Option<UtcInstant>) -> Option<UtcInstant> {
    Some(due).filter(|due| end.is_none_or(|end| *due < end))
}

impl Link {
    /// Whether a confirmation is missing at the provider's time `there` that can still be made up for.
    pub(super) fn lacks_confirmation(&self, there: UtcInstant) -> bool {
        self.confirming.as_ref().is_some_and(|own| {
            own.due_at.is_some_and(|due| due <= there)
                && own.closes_at().is_some_and(|close| there < close)
        })
    }

    fn confirmable(&mut self) -> Option<&mut Confirming> {
        self.confirming.as_mut().filter(|_own| self.status.is_live())
    }
}

impl Planner {
    /// Access was given on terms that ask for confirmations.
    pub(super) fn begin_confirming(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let Some(accepted) = link.accepted_at.filter(|_at| link.terms.reconfirmation) else {
            return;
        };
        let end = link.access_expires_at;
        link.confirming.get_or_insert_with(|| Confirming::first(accepted, end));
    }

    /// A person wants to confirm: the page is made, or looked at once more.
    pub(super) fn reconfirm_wanted(&mut self, link_id: LinkId, now: UtcInstant) {
        let there = self.time.latest(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let Some(own) = link.confirmable() else { return };
        if own.opens_at().is_none_or(|open| there < open) {
            return;
        }
        let usable = own.present().map(|page| page.valid_to.is_none_or(|to| there < to));
        own.step = match (usable, own.step) {
            (Some(true), _) | (None, ConfirmStep::Look) => ConfirmStep::Look,
            (Some(false) | None, _) => ConfirmStep::Make,
        };
        (own.asked_at, own.asking) = (Some(now), true);
        own.attempts = 0;
        own.failure = None;
        own.next_at = now;
        self.link_changed(link_id);
    }

    /// When the next announcement or end by a missing confirmation is due, by the provider's clock.
    pub(super) fn confirmation_due_at(link: &Link) -> Option<UtcInstant> {
        let own = link.confirming.as_ref().filter(|_own| link.status.is_live())?;
        match own.step {
            _ if !own.announced => own.opens_at(),
            ConfirmStep::Idle => own.closes_at(),
            // A person may have confirmed in the last minute, or while this machine slept: the provider's answer tells.
            ConfirmStep::Make | ConfirmStep::Look => None,
        }
    }

    /// When the provider is to be asked about a confirmation next.
    pub(super) fn confirm_call_at(link: &Link) -> Option<UtcInstant> {
        let own = link.confirming.as_ref().filter(|_own| link.status.is_live())?;
        (own.step != ConfirmStep::Idle).then_some(own.next_at)
    }

    /// The call that a confirmation needs, if it is due.
    pub(super) fn call_for_confirmation(
        &mut self,
        link_id: LinkId,
        now: UtcInstant,
    ) -> Option<PlannedCall> {
        let link = self.links.get_mut(&link_id)?;
        if Self::confirm_call_at(link)? > now {
            return None;
        }
        let agreement: AgreementId = link.agreement_id.clone()?;
        let own = link.confirming.as_mut()?;
        let step = own.step;
        let call = match step {
            ConfirmStep::Idle => return None,
            ConfirmStep::Make => {
                // Committed before the call leaves: if its answer is lost, the page is looked for first.
                own.step = ConfirmStep::Look;
                self.link_changed(link_id);
                ApiCall::CreateReconfirmation(agreement)
            }
            ConfirmStep::Look => ApiCall::Reconfirmation(agreement),
        };
        Some(self.launch(Aim::Confirmation(link_id, step), call, None, now))
    }

    /// The provider has answered about a confirmation.
    pub(super) fn confirmation_answered(
        &mut self,
        link_id: LinkId,
        step: ConfirmStep,
        result: Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        self.link_changed(link_id);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let Some(own) = link.confirmable().filter(|own| own.step == ConfirmStep::Look) else {
            return;
        };
        match result.map(|answered| answered.reply) {
            Ok(Reply::Reconfirmation(shown)) => self.confirmation_shown(link_id, shown, now),
            Ok(_) => Self::confirm_later(own, step, now),
            Err(failure) => self.confirmation_refused(link_id, step, &failure, now),
        }
    }

    fn confirm_later(own: &mut Confirming, step: ConfirmStep, now: UtcInstant) {
        own.step = step;
        own.attempts = own.attempts.saturating_add(1);
        own.next_at = backoff::LINK_STEP.next(own.attempts, now);
        if own.attempts >= STEP_TRIES_MAX {
            own.failure = Some("the provider did not answer usefully".to_owned());
            own.rest();
        }
    }

    fn confirmation_shown(&mut self, link_id: LinkId, shown: Reconfirmation, now: UtcInstant) {
        let Some(own) = self.links.get_mut(&link_id).and_then(|link| link.confirming.as_mut())
        else {
            return;
        };
        let Some(mut due) = own.due_at else { return own.rest() };
        // What is found may be the page of ninety days ago.
        if shown.valid_to.is_some_and(|to| to <= due.plus_days(-MARGIN_DAYS)) {
            return Self::confirm_later(own, ConfirmStep::Make, now);
        }
        // The provider knows best which day it waits for.
        if let Some(named) = due_of(&shown).filter(|named| named.since(due).abs() <= MARGIN_MS) {
            due = named;
            own.due_at = Some(due);
        }
        let answered = shown.is_answered();
        own.shown = Some((due, shown));
        own.attempts = 0;
        own.asking = false;
        let age_ms = own.asked_at.map_or(0, |asked| now.since(asked));
        own.next_at = now.plus_ms(look_wait_ms(age_ms));
        for id in self.accounts_of(link_id) {
            self.changed(id);
        }
        let over = self.time.earliest(now);
        if answered {
            self.confirmed(link_id, now);
        } else if over >= due.plus_days(MARGIN_DAYS) {
            self.window_closed(link_id, now);
        }
    }

    /// Every account is answered for.
    fn confirmed(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get(&link_id) else { return };
        let said = |confirmation| {
            let shown = link.confirming.as_ref().and_then(Confirming::present);
            let all = shown.into_iter().flat_map(|shown| &shown.accounts);
            all.filter(|own| own.answer == confirmation).count()
        };
        let confirmed = said(Confirmation::Confirmed);
        let notice = link
            .notice(EventCode::ReconfirmationDone, "a person has said whether access goes on")
            .detail("confirmed", confirmed)
            .detail("rejected", said(Confirmation::Rejected));
        self.draft.notices.push(notice);
        if confirmed == 0 {
            return self.access_over(link_id, LinkStatus::Revoked, now);
        }
        let message = "the account holder did not confirm access to this account";
        self.next_window(link_id, Confirmation::Rejected, (EventCode::AccessRevoked, message));
    }

    /// Ends the accounts with this answer and begins the next window for the others.
    fn next_window(
        &mut self,
        link_id: LinkId,
        out: Confirmation,
        (code, message): (EventCode, &str),
    ) {
        for id in self.accounts_with(link_id, out) {
            self.account_over(id, AccountStatus::Expired, code, message);
        }
        for id in self.accounts_of(link_id) {
            self.changed(id);
        }
        if let Some(link) = self.links.get_mut(&link_id) {
            let end = link.access_expires_at;
            if let Some(own) = link.confirming.as_mut() {
                own.move_on(end);
            }
        }
        self.link_changed(link_id);
    }

    /// The accounts of a link that still work and of which this was said.
    fn accounts_with(&self, link_id: LinkId, confirmation: Confirmation) -> Vec<AccountId> {
        let present = self.links.get(&link_id).and_then(|link| link.confirming.as_ref());
        let Some(shown) = present.map(Confirming::present) else { return Vec::new() };
        let is_so = |id: &AccountId| {
            self.accounts.get(id).is_some_and(|account| {
                let answer = shown.map(|shown| shown.answer(&account.provider_account_id));
                !account.status.is_over() && answer.unwrap_or_default() == confirmation
            })
        };
        self.accounts_of(link_id).into_iter().filter(is_so).collect()
    }

    fn confirmation_refused(
        &mut self,
        link_id: LinkId,
        step: ConfirmStep,
        failure: &Failure,
        now: UtcInstant,
    ) {
        let over = self.time.earliest(now);
        let Some(own) = self.links.get_mut(&link_id).and_then(|link| link.confirming.as_mut())
        else {
            return;
        };
        // An answered refusal made nothing.
        let again = if failure.releases_reservation() { step } else { ConfirmStep::Look };
        let refusals = match &failure.class {
            FailureClass::Bug(refusals) => refusals.as_slice(),
            FailureClass::Token
            | FailureClass::Throttle { whom: Throttled::Company, .. }
            | FailureClass::Configuration(
                ConfigurationFault::Credentials | ConfigurationFault::IpNotAllowed,
            ) => {
                // The gate decides when.
                own.step = again;
                own.next_at = now;
                return;
            }
            _ => return Self::confirm_later(own, again, now),
        };
        let has = |refusal| refusals.contains(&refusal);
        if has(Refusal::NothingToReconfirm) {
            own.due_at = None;
            own.rest();
            for id in self.accounts_of(link_id) {
                self.changed(id);
            }
        } else if has(Refusal::ReconfirmationOver) && own.due_at.is_some_and(|due| due <= over) {
            self.window_closed(link_id, now);
        } else if step == ConfirmStep::Look && has(Refusal::NotFound) {
            Self::confirm_later(own, ConfirmStep::Make, now);
        } else {
            let why = "the provider makes no page to confirm access: renew the link instead";
            own.failure = Some(why.to_owned());
            own.rest();
        }
    }

    /// Announces that access can be confirmed, or ends what nobody confirmed in time.
    pub(super) fn look_at_confirmation(&mut self, link_id: LinkId, now: UtcInstant) {
        let there = self.time.earliest(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if Self::confirmation_due_at(link).is_none_or(|at| there < at) {
            return;
        }
        let Some(own) = link.confirming.as_mut() else { return };
        if own.closes_at().is_some_and(|close| close <= there) {
            return self.window_closed(link_id, now);
        }
        own.announced = true;
        let (due, close) = (own.due_at, own.closes_at());
        let day = |at: Option<UtcInstant>| at.map(|at| at.to_string());
        let notice = link
            .notice(EventCode::ReconfirmationDue, "access has to be confirmed, or its data stop")
            .detail("due_at", day(due))
            .detail("closes_at", day(close));
        self.draft.notices.push(notice);
        self.link_changed(link_id);
    }

    /// Nobody confirmed in time: what was not confirmed is over.
    fn window_closed(&mut self, link_id: LinkId, now: UtcInstant) {
        if self.accounts_with(link_id, Confirmation::Confirmed).is_empty() {
            return self.access_over(link_id, LinkStatus::Expired, now);
        }
        let message = "nobody confirmed access to this account in time";
        self.next_window(link_id, Confirmation::Open, (EventCode::AccessExpired, message));
    }
}

/// The day that a page is for, where its window says so: it is in the middle.
fn due_of(shown: &Reconfirmation) -> Option<UtcInstant> {
    let (from, to) = (shown.valid_from?, shown.valid_to?);
    let odd_ms = to.since(from).saturating_sub(2 * MARGIN_MS).abs();
    (odd_ms < DAY_MS).then(|| to.plus_ms(-MARGIN_MS))
}

/// How long to wait between two looks at a page that has been there for so long.
fn look_wait_ms(age_ms: i64) -> i64 {
    if age_ms >= DAY_MS { LOOK_SLOWLY_MS } else { backoff::poll_wait_ms(age_ms) }
}
