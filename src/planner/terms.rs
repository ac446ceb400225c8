//! The terms of a link: what is asked for, and what is asked for next where the institution refuses.
//!
//! Facts: provider's reference "Agreements", knowledge base 11529718632476 (separate continuous history consent) and
//! 11529656106908 (scopes that go together), read 2026-11.

use crate::model::failure::Refusal;
use crate::model::id::LinkId;
use crate::model::institution::Institution;

use super::Planner;
use super::effect::InstitutionUpdate;
use super::linking::STEP_TRIES_MAX;
use super::state::{LinkStep, Purpose};

/// History that every institution gives without special consent, in days.
const HISTORY_USUAL_DAYS: u32 = 90;
/// Some banks refuse 90 and take 89.
const HISTORY_LEAST_DAYS: u32 = 89;
/// Longest access in the EEA without a new login, in days (RTS 2018/389, article 10a).
const ACCESS_EEA_DAYS: u32 = 180;
/// Access that every institution gives, in days; none that is confirmed in between is shorter than that.
const ACCESS_USUAL_DAYS: u32 = 90;

impl Planner {
    /// The institution's limits are known: settles what to ask for.
    pub(super) fn institution_read(&mut self, link_id: LinkId, institution: &Institution) {
        let update = InstitutionUpdate::One(Box::new(institution.clone()));
        self.draft.institutions = Some(update);
        let Some(link) = self.links.get_mut(&link_id) else { return };
        if link.step != LinkStep::ReadInstitution {
            return;
        }
        let asked = link.terms.clone();
        let total = institution.transaction_total_days.unwrap_or(HISTORY_USUAL_DAYS);
        // Longer history at such institutions is a one-time delivery without anything newer.
        let apart = institution.has_feature("separate_continuous_history_consent");
        let longer = asked.history_days.min(total);
        link.history_apart = Some(longer).filter(|days| apart && *days > HISTORY_USUAL_DAYS);
        let history = link.is_history();
        let worked = self.provider.worked.get(&institution.id.0);
        let worked = worked.filter(|worked| worked.asked == asked && !history);
        if let Some(worked) = worked {
            link.terms = worked.terms.clone();
            link.account_selection = worked.account_selection;
        } else {
            let most = if apart && !history { HISTORY_USUAL_DAYS } else { total };
            link.terms.history_days = longer.min(most).max(1);
            let most = institution.max_access_valid_for_days.unwrap_or(ACCESS_EEA_DAYS);
            // Longer access, for the price of a confirmation every 90 days.
            let confirmed = institution
                .max_access_valid_for_days_reconfirmation
                .filter(|longer| *longer > most.max(ACCESS_USUAL_DAYS) && asked.access_days > most);
            link.terms.access_days = asked.access_days.min(confirmed.unwrap_or(most)).max(1);
            link.terms.reconfirmation =
                confirmed.is_some() && link.terms.access_days > ACCESS_USUAL_DAYS;
            link.account_selection = institution.has_feature("account_selection");
        }
        link.redirect_immediate = link.terms.history_days > HISTORY_USUAL_DAYS;
        link.step = LinkStep::CreateAgreement;
    }

    /// The institution refused the terms: asks for less, step by step.
    pub(super) fn lower_terms(&mut self, link_id: LinkId, refusals: &[Refusal]) {
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
                Refusal::Reconfirmation => {
                    terms.access_days = terms.access_days.min(ACCESS_USUAL_DAYS);
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
        terms.reconfirmation &= terms.access_days > ACCESS_USUAL_DAYS;
        if link.purpose == Purpose::History && terms.history_days <= HISTORY_USUAL_DAYS {
            return self.link_failed(link_id, "the institution gives no longer history after all");
        }
        if terms.scopes.is_empty() || *terms == before || link.attempts >= STEP_TRIES_MAX {
            self.link_failed(link_id, "the institution refuses all terms that we can offer");
        }
    }
}
