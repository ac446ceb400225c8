//! Linking: from a person's wish to accounts that can be read, step by step, each step durable before the next.
//!
//! The reference is made and stored before the requisition is, so that an interrupted call is found again instead of
//! repeated. What is asked for is in [`super::terms`], what the requisition's states mean in [`super::requisition`].
//! Facts: provider's reference "Requisitions", read 2026-11.

use std::collections::BTreeSet;

use crate::model::agreement::{Agreement, Scope, Terms};
use crate::model::failure::{ConfigurationFault, Failure, FailureClass, Refusal, Throttled};
use crate::model::id::{InstitutionId, LinkId};
use crate::model::notice::EventCode;
use crate::model::port::{Answered, ApiCall, NewRequisition, Reply};
use crate::model::time::{DAY_MS, UtcInstant};

use super::agenda::Key;
use super::effect::PlannedCall;
use super::state::{AccountStatus, Link, LinkStatus, LinkStep, Purpose};
use super::{Aim, Planner, backoff};

/// A link that nobody finishes is given up after this time (the provider documents no life time of an unused link).
pub(super) const LINK_LIFETIME_MS: i64 = DAY_MS;
/// A linked requisition is looked at this often: the call is free, and tells of an end that no data call has met yet.
pub(super) const LINKED_POLL_MS: i64 = DAY_MS;
/// Tries of one step before the link is called failed.
pub(super) const STEP_TRIES_MAX: u32 = 20;

/// Records of links that are over and open no account any more; the oldest beyond are forgotten.
const OVER_KEPT_MAX: usize = 100;

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
    pub(super) fn link_wanted(&mut self, wish: &LinkWish, now: UtcInstant) {
        let asked = Terms {
            history_days: wish.history_days.unwrap_or(self.policy.history_days),
            access_days: wish.access_days.unwrap_or(self.policy.access_days),
            scopes: Scope::ALL.to_vec(),
            reconfirmation: false,
        };
        self.forget_old_links();
        self.begin_link(wish, asked, None, now);
    }

    /// Begins a link; `history_of`: only to bring the longer history of that one.
    pub(super) fn begin_link(
        &mut self,
        wish: &LinkWish,
        asked: Terms,
        history_of: Option<LinkId>,
        now: UtcInstant,
    ) {
        let purpose = history_of.map_or(Purpose::Continuous, |_link| Purpose::History);
        let link = Link {
            id: wish.link_id,
            institution_id: wish.institution.clone(),
            purpose,
            status: LinkStatus::Created,
            terms: asked.clone(),
            asked,
            reference: self.ids.reference(),
            account_selection: false,
            redirect_immediate: false,
            step: LinkStep::ReadInstitution,
            created_at: self.time.beginning(now),
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
            confirming: None,
            warned_days: None,
            end_announced: false,
            history_apart: None,
            history_link: None,
            history_of,
            kept: false,
            failure: None,
        };
        self.links.insert(link.id, link);
        self.link_changed(wish.link_id);
    }

    /// Drops the oldest records of links that are over and that no account goes by: people may try often.
    fn forget_old_links(&mut self) {
        let used: BTreeSet<LinkId> =
            self.accounts.values().map(|account| account.link_id).collect();
        let over = |link: &&Link| {
            let over = matches!(
                link.status,
                LinkStatus::Rejected | LinkStatus::Abandoned | LinkStatus::Replaced
            );
            over && link.step == LinkStep::Done && !link.kept && !used.contains(&link.id)
        };
        let over: Vec<LinkId> = self.links.values().filter(over).map(|link| link.id).collect();
        let old = over.len().saturating_sub(OVER_KEPT_MAX);
        for link_id in over.into_iter().take(old) {
            self.links.remove(&link_id);
            self.draft.links.remove(&link_id);
            self.draft.forgotten_links.push(link_id);
            self.touch(Key::Link(link_id));
        }
    }

    /// A person gives a link up: the requisition is removed at the provider as soon as that can be done.
    pub(super) fn unlink_wanted(&mut self, link_id: LinkId, now: UtcInstant) {
        let Some(link) = self.links.get(&link_id) else { return };
        match link.status {
            // Nothing depends on it any more, but it is still there.
            LinkStatus::Replaced if link.kept => {
                return self.remove_link(link_id, LinkStatus::Replaced, now);
            }
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
        link.kept = false;
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

    /// Gives a link that was replaced up without removing it at the provider.
    pub(super) fn keep_replaced(&mut self, link_id: LinkId) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.status = LinkStatus::Replaced;
        link.kept = link.requisition_id.is_some();
        link.url = None;
        link.end_announced = true;
        link.step = LinkStep::Done;
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
        if self.link_step_at(self.links.get(&link_id)?, now)? > now {
            return None;
        }
        let link = self.links.get_mut(&link_id)?;
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
                Reply::Agreement(agreement) => {
                    if step == LinkStep::CreateAgreement {
                        self.plan_allows();
                    }
                    self.agreement_read(link_id, &agreement, now);
                }
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

    fn agreement_read(&mut self, link_id: LinkId, agreement: &Agreement, now: UtcInstant) {
        let there = self.time.at(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        match link.step {
            LinkStep::CreateAgreement => {
                link.agreement_id = Some(agreement.id.clone());
                link.step = LinkStep::CreateRequisition;
            }
            LinkStep::ReadAgreement => {
                let days = agreement.access_valid_for_days.filter(|days| *days > 0);
                let days = days.unwrap_or(link.terms.access_days);
                let accepted = agreement.accepted.or(link.accepted_at).unwrap_or(there);
                link.accepted_at = Some(accepted);
                link.access_days = Some(days);
                link.access_expires_at = Some(accepted.plus_days(i64::from(days)));
                link.terms.reconfirmation =
                    agreement.reconfirmation.unwrap_or(link.terms.reconfirmation);
                self.settle_link(link_id, now);
            }
            _ => {}
        }
    }

    pub(super) fn settle_link(&mut self, link_id: LinkId, now: UtcInstant) {
        if let Some(link) = self.links.get_mut(&link_id) {
            link.step = LinkStep::Settled;
            link.next_at = now.plus_ms(LINKED_POLL_MS);
        }
        self.begin_confirming(link_id);
    }

    fn link_removed(&mut self, link_id: LinkId) {
        if let Some(link) = self.links.get_mut(&link_id) {
            link.step = LinkStep::Done;
        }
    }

    /// The step will be tried again, later and later, and not for ever.
    pub(super) fn link_step_failed(&mut self, link_id: LinkId, now: UtcInstant) {
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
}
