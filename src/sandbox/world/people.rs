//! The person at the bank: opens the link, authorises, cancels, selects accounts, revokes; and the
//! steps that a requisition takes because of it.

use std::collections::VecDeque;

use thiserror::Error;

use crate::model::time::UtcInstant;

use super::super::wire::encode;
use super::World;
use super::requisitions::{Requisition, Status};

/// Why the person cannot do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// There is no such requisition, account or agreement.
    #[error("no such thing in this world")]
    Unknown,
    /// The link was used before, or its requisition is over.
    #[error("the link has been used")]
    Used,
}

/// How the person's visit ended, for the browser's way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Cancelled,
    Reused,
}

impl World {
    /// The person opens the link: the requisition is at GC from then on.
    ///
    /// # Errors
    /// [`Refused`] if there is no such link or it was used.
    pub fn person_opens(&mut self, requisition: &str, now: UtcInstant) -> Result<(), Refused> {
        self.live_until(now);
        let own = self.requisitions.get_mut(requisition).ok_or(Refused::Unknown)?;
        match own.status {
            Status::CR => own.status = Status::GC,
            Status::GC | Status::UA | Status::SA | Status::GA => {}
            Status::LN | Status::RJ | Status::EX | Status::SU | Status::ER => {
                return Err(Refused::Used);
            }
        }
        Ok(())
    }

    /// The person logs in at the bank and agrees; the steps to LN follow as the configuration paces
    /// them.
    ///
    /// # Errors
    /// [`Refused`] if there is no such link or it was used.
    pub fn person_authorises(&mut self, requisition: &str, now: UtcInstant) -> Result<(), Refused> {
        self.person_opens(requisition, now)?;
        self.plan_steps(requisition, now);
        self.live_until(now);
        Ok(())
    }

    /// The same with only some of the bank's accounts, by their place (0 is the first); places that
    /// do not exist are left out, so an empty list links without any account.
    ///
    /// # Errors
    /// [`Refused`] if there is no such link or it was used.
    pub fn person_selects(
        &mut self,
        requisition: &str,
        places: &[usize],
        now: UtcInstant,
    ) -> Result<(), Refused> {
        self.person_opens(requisition, now)?;
        if let Some(own) = self.requisitions.get_mut(requisition) {
            own.selected = Some(places.to_vec());
        }
        self.person_authorises(requisition, now)
    }

    /// The person stops, or the bank refuses the login: the requisition is at RJ and over.
    ///
    /// # Errors
    /// [`Refused`] if there is no such link or it was used.
    pub fn person_cancels(&mut self, requisition: &str, now: UtcInstant) -> Result<(), Refused> {
        self.end_walk(requisition, now, Status::RJ)
    }

    /// The bank breaks down half-way: the requisition is at ER and over.
    ///
    /// # Errors
    /// [`Refused`] if there is no such link or it was used.
    pub fn bank_breaks_down(&mut self, requisition: &str, now: UtcInstant) -> Result<(), Refused> {
        self.end_walk(requisition, now, Status::ER)
    }

    fn end_walk(&mut self, id: &str, now: UtcInstant, status: Status) -> Result<(), Refused> {
        self.person_opens(id, now)?;
        if let Some(own) = self.requisitions.get_mut(id) {
            own.status = status;
            own.plan.clear();
        }
        self.walking.remove(id);
        Ok(())
    }

    /// The person ends a consent at the bank: its accounts answer `AccessExpiredError` from then
    /// on.
    ///
    /// # Errors
    /// [`Refused::Unknown`] if there is no such requisition or it is not linked.
    pub fn person_revokes(&mut self, requisition: &str, now: UtcInstant) -> Result<(), Refused> {
        self.live_until(now);
        let own = self.requisitions.get_mut(requisition).ok_or(Refused::Unknown)?;
        own.linked_at.ok_or(Refused::Unknown)?;
        own.revoked_at.get_or_insert(now);
        Ok(())
    }

    /// Lays out the steps from here to LN.
    pub(super) fn plan_steps(&mut self, id: &str, start: UtcInstant) {
        let Some(own) = self.requisitions.get_mut(id) else { return };
        let step_s = self.config.consent_step_s;
        let days =
            self.agreements.get(&own.agreement).map_or(90, |terms| terms.max_historical_days);
        let mut plan = VecDeque::from([(start, Status::GC), (start.plus_s(step_s), Status::UA)]);
        let mut at = start.plus_s(2 * step_s);
        if own.account_selection {
            plan.push_back((at, Status::SA));
            at = at.plus_s(step_s);
        }
        plan.push_back((at, Status::GA));
        // Without an immediate redirect the person waits until long history was read.
        let reading_s =
            if days > 90 && !own.redirect_immediate { self.config.processing_s } else { 0 };
        plan.push_back((at.plus_s(step_s).plus_s(reading_s), Status::LN));
        own.plan = plan;
        self.walking.insert(id.to_owned());
    }

    /// Takes all steps of linkings that are due.
    pub(super) fn walk(&mut self, now: UtcInstant) {
        if self.walking.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.walking) {
            while let Some((at, status)) = self.due_step(&id, now) {
                self.step(&id, at, status);
            }
            if self.requisitions.get(&id).is_some_and(|own| !own.plan.is_empty()) {
                self.walking.insert(id);
            }
        }
    }

    fn due_step(&mut self, id: &str, now: UtcInstant) -> Option<(UtcInstant, Status)> {
        let plan = &mut self.requisitions.get_mut(id)?.plan;
        let due = plan.front().is_some_and(|(at, _)| *at <= now);
        if due { plan.pop_front() } else { None }
    }

    fn step(&mut self, id: &str, at: UtcInstant, status: Status) {
        let Some(own) = self.requisitions.get_mut(id) else { return };
        own.status = status;
        match status {
            // Consent was given on the provider's page; access counts from here.
            Status::UA => {
                if let Some(terms) = self.agreements.get_mut(&own.agreement) {
                    terms.accepted.get_or_insert(at);
                }
            }
            Status::LN => {
                self.link(id, at);
                self.settle_down(id, at);
            }
            _ => {}
        }
    }

    /// Where the browser goes afterwards.
    pub(super) fn way_back(own: &Requisition, outcome: Outcome) -> String {
        let error = match outcome {
            Outcome::Success => String::new(),
            Outcome::Cancelled => {
                "&error=UserCancelledSession&details=User+cancelled+the+session.".to_owned()
            }
            Outcome::Reused => {
                "&error=RequisitionLinkReused&details=This+link+has+already+been+used.".to_owned()
            }
        };
        let joint = if own.redirect.contains('?') { '&' } else { '?' };
        format!("{}{joint}ref={}{error}", own.redirect, encode(&own.reference))
    }
}
