//! Linking: from a person's wish to accounts that can be read, step by step, each step durable before the next.
//!
//! The institution's own maxima are respected; what it refuses all the same is lowered step by step (history: as asked → 90 →
//! 89; access: its maximum → 180 → 90; scopes widened as it says; account selection off) and what worked is remembered. The
//! reference is made and stored before the requisition is, so that an interrupted call is found again instead of repeated.
//! A browser that comes back proves nothing; only the requisition's status at the provider does.
//! Facts: provider's reference "Agreements" and "Requisitions", knowledge base 11529718632476 (separate continuous history
//! consent) and 11529656106908 (scopes that go together), read 2026-11.

use crate::model::agreement::{Agreement, Scope, Terms};
use crate::model::failure::{ConfigurationFault, Failure, FailureClass, Refusal, Throttled};
use crate::model::id::{InstitutionId, LinkId};
use crate::model::institution::Institution;
use crate::model::notice::EventCode;
use crate::model::port::{Answered, ApiCall, NewRequisition, Reply};
use crate::model::requisition::{Requisition, RequisitionStatus};
use crate::model::time::{DAY_MS, HOUR_MS, UtcInstant};

use super::agenda::Key;
use super::effect::{InstitutionUpdate, PlannedCall};
use super::state::{AccountStatus, Link, LinkStatus, LinkStep, Purpose, WorkedTerms};
use super::{Aim, Planner, backoff};

/// A link that nobody finishes is given up after this time (the provider documents no life time of an unused link).
pub(super) const LINK_LIFETIME_MS: i64 = DAY_MS;
/// A linked requisition is looked at this often: the call is free, and tells of an end that no data call has met yet.
const LINKED_POLL_MS: i64 = DAY_MS;
/// A linked requisition without accounts is looked at for so long before that is believed.
const EMPTY_LINK_MS: i64 = HOUR_MS;
/// History that every institution gives without special consent, in days.
const HISTORY_USUAL_DAYS: u32 = 90;
/// Some banks refuse 90 and take 89.
const HISTORY_LEAST_DAYS: u32 = 89;
/// Longest access in the EEA without a new login, in days (RTS 2018/389, article 10a).
const ACCESS_EEA_DAYS: u32 = 180;
/// Access that every institution gives, in days.
const ACCESS_USUAL_DAYS: u32 = 90;
/// Length of a page of requisitions at the provider.
const PAGE_LEN: u32 = 100;
/// Pages that are searched for an interrupted requisition.
const PAGES_MAX: u32 = 100;
/// Tries of one step before the link is called failed.
const STEP_TRIES_MAX: u32 = 20;

/// What a person wants.
#[derive(Debug)]
pub(super) struct LinkWish {
    pub(super) link_id: LinkId,
    pub(super) institution: InstitutionId,
    pub(super) history_days: Option<u32>,
    pub(super) access_days: Option<u32>,
    pub(super) replaces: Option<LinkId>,
}

impl Planner {
    /// Begins a link.
    pub(super) fn link_wanted(&mut self, wish: LinkWish, now: UtcInstant) {
        let asked = Terms {
            history_days: wish.history_days.unwrap_or(self.policy.history_days),
            access_days: wish.access_days.unwrap_or(self.policy.access_days),
            scopes: Scope::ALL.to_vec(),
        };
        let link = Link {
            id: wish.link_id,
            institution_id: wish.institution,
            purpose: Purpose::Continuous,
            status: LinkStatus::Created,
            terms: asked.clone(),
            asked,
            reference: self.ids.reference(),
            account_selection: false,
            redirect_immediate: false,
            step: LinkStep::ReadInstitution,
            created_at: now,
            agreement_id: None,
            requisition_id: None,
            url: None,
            accepted_at: None,
            access_expires_at: None,
            access_days: None,
            replaced_by: None,
            replaces: wish.replaces,
            accounts: Vec::new(),
            handles: Vec::new(),
            next_at: now,
            attempts: 0,
            warned_days: None,
            end_announced: false,
            failure: None,
        };
        self.links.insert(link.id, link);
        self.link_changed(wish.link_id);
    }

    /// A person gives a link up: the requisition is removed at the provider as soon as that can be done.
    pub(super) fn unlink_wanted(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get(&link_id) else { return };
        match link.status {
            // Over already; what is left of it at the provider is being removed, or was.
            LinkStatus::Abandoned | LinkStatus::Replaced => return,
            LinkStatus::Rejected | LinkStatus::Expired | LinkStatus::Revoked => {}
            _ => {
                let notice = link.notice(EventCode::LinkAbandoned, "a person gave the link up");
                self.draft.notices.push(notice);
            }
        }
        self.remove_link(link_id, LinkStatus::Abandoned, now);
        for id in self.accounts_of(link_id) {
            self.end_account(id, AccountStatus::Expired, now);
        }
    }

    /// Removes a link at the provider and gives it its last status.
    pub(super) fn remove_link(&mut self, link_id: LinkId, then: LinkStatus, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.status = then;
        link.url = None;
        link.end_announced = true;
        link.next_at = now;
        link.attempts = 0;
        link.step = match &link.requisition_id {
            Some(_) => LinkStep::Delete { then },
            None => LinkStep::Done,
        };
        self.link_changed(link_id);
    }

    pub(super) fn link_changed(&mut self, link_id: LinkId) {
        self.draft.links.insert(link_id);
        self.touch(Key::Link(link_id));
    }

    /// The next call of a link, if it is due.
    pub(super) fn call_for_link(
        &mut self,
        link_id: LinkId,
        now: UtcInstant,
    ) -> Option<PlannedCall> {
        let link = self.links.get_mut(&link_id)?;
        if link.next_at > now {
            return None;
        }
        let step = link.step;
        let call = match step {
            LinkStep::ReadInstitution => ApiCall::Institution(link.institution_id.clone()),
            LinkStep::CreateAgreement => ApiCall::CreateAgreement {
                institution: link.institution_id.clone(),
                terms: link.terms.clone(),
            },
            LinkStep::CreateRequisition => {
                let call = ApiCall::CreateRequisition(NewRequisition {
                    institution: link.institution_id.clone(),
                    agreement: link.agreement_id.clone()?,
                    redirect: self.policy.redirect.clone(),
                    reference: link.reference.clone(),
                    account_selection: link.account_selection,
                    redirect_immediate: link.redirect_immediate,
                });
                // Committed before the call leaves: if its answer is lost, the requisition is looked for first.
                link.step = LinkStep::FindRequisition { offset: 0 };
                self.link_changed(link_id);
                call
            }
            LinkStep::FindRequisition { offset } => ApiCall::Requisitions { offset },
            LinkStep::Poll | LinkStep::Settled => {
                ApiCall::Requisition(link.requisition_id.clone()?)
            }
            LinkStep::ReadAgreement => ApiCall::Agreement(link.agreement_id.clone()?),
            LinkStep::Delete { .. } => ApiCall::DeleteRequisition(link.requisition_id.clone()?),
            LinkStep::Done => return None,
        };
        Some(self.launch(Aim::Link(link_id, step), call, None, now))
    }

    /// A step of a link was answered: the step that it was taken for, which may not be the present one any more.
    pub(super) fn link_answered(
        &mut self,
        link_id: LinkId,
        step: LinkStep,
        result: Result<Answered, Failure>,
        now: UtcInstant,
    ) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        // While a requisition is being made, the step that is remembered is the one for a lost answer.
        let expected = match step {
            LinkStep::CreateRequisition => LinkStep::FindRequisition { offset: 0 },
            step => step,
        };
        if link.step != expected {
            return self.late_step(link_id, result, now);
        }
        if result.is_ok() {
            link.next_at = now;
            // Before there is a requisition, an answer is not yet progress: refusals may go round in a circle.
            if link.requisition_id.is_some() {
                link.attempts = 0;
            }
        }
        self.link_changed(link_id);
        match result {
            Ok(answered) => match answered.reply {
                Reply::Institution(institution) => self.institution_read(link_id, &institution),
                Reply::Agreement(agreement) => self.agreement_read(link_id, &agreement, now),
                Reply::Requisition(requisition) => {
                    self.requisition_read(link_id, requisition, now);
                }
                Reply::Requisitions { count, results, page_len } => {
                    self.requisitions_read(link_id, count, results, page_len, now);
                }
                Reply::Deleted => self.link_removed(link_id),
                _ => self.link_step_failed(link_id, now),
            },
            Err(failure) => self.link_refused(link_id, step, &failure, now),
        }
    }

    /// The link was given up while a call for it was on its way: a requisition that was made by it all the same goes, too.
    fn late_step(&mut self, link_id: LinkId, result: Result<Answered, Failure>, now: UtcInstant) {
        self.touch(Key::Link(link_id));
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let made = match result.map(|answered| answered.reply) {
            Ok(Reply::Requisition(requisition)) => Some(requisition),
            Ok(Reply::Requisitions { results, .. }) => {
                results.into_iter().find(|requisition| requisition.reference == link.reference)
            }
            _ => None,
        };
        if let Some(requisition) = made.filter(|_| link.requisition_id.is_none()) {
            link.requisition_id = Some(requisition.id);
            link.step = LinkStep::Delete { then: link.status };
            link.next_at = now;
            self.link_changed(link_id);
        }
    }

    /// The institution's limits are known: settles what to ask for.
    fn institution_read(&mut self, link_id: LinkId, institution: &Institution) {
        let update = InstitutionUpdate::One(Box::new(institution.clone()));
        self.draft.institutions = Some(update);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.step != LinkStep::ReadInstitution {
            return;
        }
        let asked = link.terms.clone();
        let worked =
            self.provider.worked.get(&institution.id.0).filter(|worked| worked.asked == asked);
        if let Some(worked) = worked {
            link.terms = worked.terms.clone();
            link.account_selection = worked.account_selection;
        } else {
            let total = institution.transaction_total_days.unwrap_or(HISTORY_USUAL_DAYS);
            // Longer history at such institutions is a one-time delivery without anything newer.
            let most = if institution.has_feature("separate_continuous_history_consent") {
                total.min(HISTORY_USUAL_DAYS)
            } else {
                total
            };
            link.terms.history_days = asked.history_days.min(most).max(1);
            let most = institution.max_access_valid_for_days.unwrap_or(ACCESS_EEA_DAYS);
            link.terms.access_days = asked.access_days.min(most).max(1);
            link.account_selection = institution.has_feature("account_selection");
        }
        link.redirect_immediate = link.terms.history_days > HISTORY_USUAL_DAYS;
        link.step = LinkStep::CreateAgreement;
    }

    fn agreement_read(&mut self, link_id: LinkId, agreement: &Agreement, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        match link.step {
            LinkStep::CreateAgreement => {
                link.agreement_id = Some(agreement.id.clone());
                link.step = LinkStep::CreateRequisition;
            }
            LinkStep::ReadAgreement => {
                let days = agreement.access_valid_for_days.filter(|days| *days > 0);
                let days = days.unwrap_or(link.terms.access_days);
                let accepted = agreement.accepted.or(link.accepted_at).unwrap_or(now);
                link.accepted_at = Some(accepted);
                link.access_days = Some(days);
                link.access_expires_at = Some(accepted.plus_days(i64::from(days)));
                self.settle_link(link_id, now);
            }
            _ => {}
        }
    }

    fn settle_link(&mut self, link_id: LinkId, now: UtcInstant) {
        if let Some(link) = self.links.get_mut(&link_id) {
            link.step = LinkStep::Settled;
            link.next_at = now.plus_ms(LINKED_POLL_MS);
        }
    }

    /// The requisition as the provider shows it: just made, or looked at.
    fn requisition_read(&mut self, link_id: LinkId, requisition: Requisition, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if matches!(link.step, LinkStep::FindRequisition { .. }) {
            self.requisition_made(link_id, &requisition, now);
        } else if link.requisition_id.as_ref() != Some(&requisition.id) {
            // Somebody else's: it says nothing about this link.
            return self.link_step_failed(link_id, now);
        }
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if let Some(agreement) = requisition.agreement {
            link.agreement_id = Some(agreement);
        }
        let was_live = link.status.is_live();
        match requisition.status {
            RequisitionStatus::Linked => self.linked(link_id, &requisition.accounts, now),
            RequisitionStatus::Expired if was_live => {
                self.access_over(link_id, LinkStatus::Expired, now);
            }
            RequisitionStatus::Suspended => self.link_suspended(link_id),
            RequisitionStatus::Rejected | RequisitionStatus::Error | RequisitionStatus::Expired
                if !was_live =>
            {
                self.link_failed(link_id, "the bank or the person refused, or the link ran out");
            }
            RequisitionStatus::Created => self.still_waiting(link_id, LinkStatus::Created, now),
            RequisitionStatus::GivingConsent
            | RequisitionStatus::UndergoingAuthentication
            | RequisitionStatus::SelectingAccounts
            | RequisitionStatus::GrantingAccess => {
                self.still_waiting(link_id, LinkStatus::Authenticating, now);
            }
            RequisitionStatus::Rejected | RequisitionStatus::Error | RequisitionStatus::Expired => {
                self.access_over(link_id, LinkStatus::Revoked, now);
            }
            RequisitionStatus::Unknown(word) => {
                self.strange_word("requisition.status", &word);
                self.still_waiting(link_id, LinkStatus::Unknown, now);
            }
        }
    }

    fn requisition_made(&mut self, link_id: LinkId, requisition: &Requisition, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.requisition_id = Some(requisition.id.clone());
        link.url.clone_from(&requisition.link);
        link.step = LinkStep::Poll;
        link.attempts = 0;
        link.next_at = now.plus_ms(backoff::poll_wait_ms(0));
        let worked = WorkedTerms {
            asked: link.asked.clone(),
            terms: link.terms.clone(),
            account_selection: link.account_selection,
        };
        let notice = link
            .notice(EventCode::LinkCreated, "a link waits for a person at the bank")
            .detail("history_days", link.terms.history_days)
            .detail("access_days", link.terms.access_days);
        self.provider.worked.insert(link.institution_id.0.clone(), worked);
        self.draft.provider = true;
        self.draft.notices.push(notice);
    }

    fn still_waiting(&mut self, link_id: LinkId, status: LinkStatus, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.status.is_live() {
            // The provider never goes back from linked: a strange word there changes nothing.
            link.next_at = now.plus_ms(LINKED_POLL_MS);
            return;
        }
        link.status = status;
        link.next_at = now.plus_ms(backoff::poll_wait_ms(now.since(link.created_at)));
    }

    /// The person has agreed.
    fn linked(
        &mut self,
        link_id: LinkId,
        accounts: &[crate::model::id::ProviderAccountId],
        now: UtcInstant,
    ) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let first = !link.status.is_live();
        link.status = LinkStatus::Linked;
        link.url = None;
        let accepted = *link.accepted_at.get_or_insert(now);
        if first {
            // Until the agreement was read: what was asked for, from now on.
            link.access_days = Some(link.terms.access_days);
            link.access_expires_at = Some(accepted.plus_days(i64::from(link.terms.access_days)));
        }
        if accounts.is_empty() && link.accounts.is_empty() && now.since(accepted) < EMPTY_LINK_MS {
            link.step = LinkStep::Poll;
            link.next_at = now.plus_ms(backoff::poll_wait_ms(now.since(accepted)).max(5_000));
        } else if first || link.step == LinkStep::Poll {
            link.step = match link.agreement_id {
                Some(_) => LinkStep::ReadAgreement,
                None => LinkStep::Settled,
            };
            link.next_at = now;
        } else {
            link.next_at = now.plus_ms(LINKED_POLL_MS);
        }
        if first && let Some(link) = self.links.get(&link_id) {
            let notice = link
                .notice(EventCode::LinkCompleted, "access was given")
                .detail("accounts", accounts.len());
            self.draft.notices.push(notice);
        }
        self.discover(link_id, accounts, now);
    }

    fn link_failed(&mut self, link_id: LinkId, why: &str) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.status = LinkStatus::Rejected;
        link.step = LinkStep::Done;
        link.url = None;
        link.failure = Some(why.to_owned());
        if let Some(link) = self.links.get(&link_id) {
            let notice = link.notice(EventCode::LinkFailed, "linking failed").detail("reason", why);
            self.draft.notices.push(notice);
        }
    }

    fn link_suspended(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.status = LinkStatus::Suspended;
        link.step = LinkStep::Done;
        link.url = None;
        let notice = link.notice(
            EventCode::AccountSuspended,
            "the provider suspended the link; only a new one helps",
        );
        let accounts = self.accounts_of(link_id);
        if accounts.is_empty() {
            self.draft.notices.push(notice);
        }
        for id in accounts {
            self.suspended(id);
        }
    }

    /// Looks for our reference after an interrupted call.
    fn requisitions_read(
        &mut self,
        link_id: LinkId,
        count: u32,
        results: Vec<Requisition>,
        page_len: u32,
        now: UtcInstant,
    ) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let LinkStep::FindRequisition { offset } = link.step else { return };
        let ours = results.into_iter().find(|requisition| requisition.reference == link.reference);
        if let Some(requisition) = ours {
            return self.requisition_read(link_id, requisition, now);
        }
        let next = offset.saturating_add(page_len);
        let more = page_len > 0 && next < count && next < PAGES_MAX.saturating_mul(PAGE_LEN);
        link.step = if more {
            LinkStep::FindRequisition { offset: next }
        } else {
            LinkStep::CreateRequisition
        };
    }

    fn link_removed(&mut self, link_id: LinkId) {
        if let Some(link) = self.links.get_mut(&link_id) {
            link.step = LinkStep::Done;
        }
    }

    /// The step will be tried again, later and later, and not for ever.
    fn link_step_failed(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.attempts = link.attempts.saturating_add(1);
        link.next_at = backoff::LINK_STEP.next(link.attempts, now);
        let removing = matches!(link.step, LinkStep::Delete { .. });
        if link.attempts >= STEP_TRIES_MAX && (removing || link.status.is_pending()) {
            if removing {
                // The provider will let it run out.
                link.step = LinkStep::Done;
            } else {
                self.link_failed(link_id, "the provider did not answer usefully");
            }
        }
    }

    /// A step of a link failed.
    fn link_refused(
        &mut self,
        link_id: LinkId,
        step: LinkStep,
        failure: &Failure,
        now: UtcInstant,
    ) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        // An answered refusal made nothing: the requisition may be asked for again.
        let making = step == LinkStep::CreateRequisition && failure.releases_reservation();
        let refusals = match &failure.class {
            FailureClass::Bug(refusals) => refusals.as_slice(),
            FailureClass::Token | FailureClass::Throttle { whom: Throttled::Company, .. } => {
                if making {
                    link.step = LinkStep::CreateRequisition;
                }
                link.next_at = now;
                return;
            }
            FailureClass::Configuration(fault) => {
                if *fault == ConfigurationFault::PlanLimit && link.status.is_pending() {
                    return self.link_failed(link_id, "the plan's limit of connections is reached");
                }
                if making {
                    link.step = LinkStep::CreateRequisition;
                }
                return self.link_step_failed(link_id, now);
            }
            _ => {
                if making && failure.status.is_some_and(|status| status < 500) {
                    link.step = LinkStep::CreateRequisition;
                }
                return self.link_step_failed(link_id, now);
            }
        };
        match link.step {
            LinkStep::ReadInstitution => self.link_failed(link_id, "there is no such institution"),
            LinkStep::CreateAgreement => self.lower_terms(link_id, refusals),
            LinkStep::FindRequisition { .. } | LinkStep::CreateRequisition => {
                self.requisition_refused(link_id, refusals, now);
            }
            LinkStep::Delete { .. } => self.link_removed(link_id),
            LinkStep::ReadAgreement => self.settle_link(link_id, now),
            LinkStep::Poll | LinkStep::Settled if link.status.is_live() => {
                self.access_over(link_id, LinkStatus::Revoked, now);
            }
            LinkStep::Poll | LinkStep::Settled => {
                self.link_failed(link_id, "the provider does not know this link any more");
            }
            LinkStep::Done => {}
        }
    }

    fn requisition_refused(&mut self, link_id: LinkId, refusals: &[Refusal], now: UtcInstant) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if refusals.contains(&Refusal::ReferenceTaken) {
            link.step = LinkStep::FindRequisition { offset: 0 };
            self.link_step_failed(link_id, now);
        } else if refusals.contains(&Refusal::AccountSelection) && link.account_selection {
            link.account_selection = false;
            link.step = LinkStep::CreateRequisition;
        } else if refusals.contains(&Refusal::AgreementTaken)
            || refusals.contains(&Refusal::NotFound)
        {
            link.step = LinkStep::CreateAgreement;
            self.link_step_failed(link_id, now);
        } else if refusals.contains(&Refusal::Redirect) {
            self.link_failed(
                link_id,
                "the provider refuses the redirect address of the configuration",
            );
        } else {
            self.link_failed(link_id, "the provider refuses the requisition");
        }
    }

    /// The institution refused the terms: asks for less, step by step.
    fn lower_terms(&mut self, link_id: LinkId, refusals: &[Refusal]) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.attempts = link.attempts.saturating_add(1);
        let before = link.terms.clone();
        let terms = &mut link.terms;
        for refusal in refusals {
            match refusal {
                Refusal::HistoryDays => {
                    terms.history_days = match terms.history_days {
                        days if days > HISTORY_USUAL_DAYS => HISTORY_USUAL_DAYS,
                        days => days.min(HISTORY_LEAST_DAYS),
                    };
                }
                Refusal::AccessDays { max } => {
                    let ladder =
                        [max.unwrap_or(ACCESS_EEA_DAYS), ACCESS_EEA_DAYS, ACCESS_USUAL_DAYS];
                    let lower =
                        ladder.into_iter().find(|days| *days > 0 && *days < terms.access_days);
                    terms.access_days = lower.unwrap_or(terms.access_days);
                }
                Refusal::Scopes { required, unsupported } => {
                    terms
                        .scopes
                        .extend(required.iter().filter(|scope| !before.scopes.contains(scope)));
                    terms.scopes.retain(|scope| !unsupported.contains(scope));
                }
                _ => {}
            }
        }
        if terms.scopes.is_empty() || *terms == before || link.attempts >= STEP_TRIES_MAX {
            self.link_failed(link_id, "the institution refuses all terms that we can offer");
        }
    }
}
