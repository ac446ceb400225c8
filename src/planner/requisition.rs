//! What a requisition's state at the provider means for its link. Nothing else, a browser that comes back least of all,
//! proves that access was given.

use crate::model::id::{LinkId, ProviderAccountId};
use crate::model::notice::EventCode;
use crate::model::requisition::{Requisition, RequisitionStatus};
use crate::model::time::{HOUR_MS, UtcInstant};

use super::linking::LINKED_POLL_MS;
use super::state::{LinkStatus, LinkStep, WorkedTerms};
use super::{Planner, backoff};

/// A linked requisition without accounts is looked at for so long before that is believed.
const EMPTY_LINK_MS: i64 = HOUR_MS;
/// Length of a page of requisitions at the provider.
const PAGE_LEN: u32 = 100;
/// Pages that are searched for an interrupted requisition.
const PAGES_MAX: u32 = 100;

impl Planner {
    /// The requisition as the provider shows it: just made, or looked at.
    pub(super) fn requisition_read(
        &mut self,
        link_id: LinkId,
        requisition: Requisition,
        now: UtcInstant,
    ) {
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
            RequisitionStatus::Expired if was_live => self.access_ran_out(link_id, now),
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

    pub(super) fn requisition_made(
        &mut self,
        link_id: LinkId,
        requisition: &Requisition,
        now: UtcInstant,
    ) {
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
        if !link.is_history() {
            self.provider.worked.insert(link.institution_id.0.clone(), worked);
            self.draft.provider = true;
        }
        self.draft.notices.push(notice);
    }

    pub(super) fn still_waiting(&mut self, link_id: LinkId, status: LinkStatus, now: UtcInstant) {
        let there = self.time.at(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.status.is_live() {
            // The provider never goes back from linked: a strange word there changes nothing.
            link.next_at = now.plus_ms(LINKED_POLL_MS);
            return;
        }
        link.status = status;
        link.next_at = now.plus_ms(backoff::poll_wait_ms(there.since(link.created_at)));
    }

    /// The person has agreed.
    pub(super) fn linked(
        &mut self,
        link_id: LinkId,
        accounts: &[ProviderAccountId],
        now: UtcInstant,
    ) {
        let there = self.time.at(now);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        let first = !link.status.is_live();
        link.status = LinkStatus::Linked;
        link.url = None;
        let accepted = *link.accepted_at.get_or_insert(there);
        if first {
            // Until the agreement was read: what was asked for, from now on.
            link.access_days = Some(link.terms.access_days);
            link.access_expires_at = Some(accepted.plus_days(i64::from(link.terms.access_days)));
        }
        if accounts.is_empty() && link.accounts.is_empty() && there.since(accepted) < EMPTY_LINK_MS
        {
            link.step = LinkStep::Poll;
            link.next_at = now.plus_ms(backoff::poll_wait_ms(there.since(accepted)).max(5_000));
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
            self.begin_history(link_id, now);
        }
        self.discover(link_id, accounts, now);
    }

    pub(super) fn link_failed(&mut self, link_id: LinkId, why: &str) {
        let Some(link) = self.links.get_mut(&link_id) else { return };
        link.status = LinkStatus::Rejected;
        // What was made at the provider for it is of no use any more.
        link.step = match &link.requisition_id {
            Some(_) => LinkStep::Delete { then: LinkStatus::Rejected },
            None => LinkStep::Done,
        };
        link.attempts = 0;
        link.url = None;
        link.failure = Some(why.to_owned());
        if let Some(link) = self.links.get(&link_id) {
            let notice = link.notice(EventCode::LinkFailed, "linking failed").detail("reason", why);
            self.draft.notices.push(notice);
        }
    }

    pub(super) fn link_suspended(&mut self, link_id: LinkId) {
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
    pub(super) fn requisitions_read(
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
}
