//! Reconfirmation of consent in Great Britain: every 90 days, from 14 days before to 14 days after
//! the day it is due (knowledge base article 20808205335452, read 2026-11).
//!
//! What data calls answer between the due day and a late reconfirmation is not published; the world
//! says `AccessExpiredError`, since the bank is the one that refuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::time::UtcInstant;

use super::super::text::{stamp, stamp_in_text};
use super::super::wire::{HttpRequest, HttpResponse};
use super::agreements::Agreement;
use super::input::Fields;
use super::people::Refused;
use super::problems::{FieldErrors, flat, not_found};
use super::requisitions::is_uri;
use super::{Answer, World};

/// Days between reconfirmations.
const PERIOD_DAYS: i64 = 90;
/// Days before and after the due day in which it is possible.
pub(super) const MARGIN_DAYS: i64 = 14;

/// One day on which access had to be confirmed, for tests and simulations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconfirmed {
    /// The day.
    pub due_at: UtcInstant,
    /// When the person answered.
    pub answered_at: Option<UtcInstant>,
    /// The answer was yes for at least one account.
    pub goes_on: bool,
}

/// One reconfirmation, from its request on.
#[derive(Debug)]
pub(super) struct Reconfirmation {
    created: UtcInstant,
    due: UtcInstant,
    redirect: Option<String>,
    submitted: Option<UtcInstant>,
    /// When each account was confirmed or rejected.
    outcomes: BTreeMap<String, Outcome>,
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Confirmed(UtcInstant),
    Rejected(UtcInstant),
}

impl Reconfirmation {
    fn window(&self) -> (UtcInstant, UtcInstant) {
        (self.due.plus_days(-MARGIN_DAYS), self.due.plus_days(MARGIN_DAYS))
    }

    fn json(&self, agreement: &str, accounts: &[String], base: &str) -> Value {
        let (from, to) = self.window();
        let outcome = |id: &String| {
            let (confirmed, rejected) = match self.outcomes.get(id) {
                Some(Outcome::Confirmed(at)) => (stamp(*at), String::new()),
                Some(Outcome::Rejected(at)) => (String::new(), stamp(*at)),
                None => (String::new(), String::new()),
            };
            (id.clone(), json!({"reconfirmed": confirmed, "rejected": rejected}))
        };
        let accounts: serde_json::Map<String, Value> = accounts.iter().map(outcome).collect();
        json!({
            "reconfirmation_url": format!("{base}/psd2/reconfirm/{agreement}"),
            "created": stamp(self.created),
            "url_valid_from": stamp(from), "url_valid_to": stamp(to),
            "redirect": self.redirect, "last_accessed": self.submitted.map(stamp),
            "last_submitted": self.submitted.map(stamp), "accounts": accounts,
        })
    }
}

/// The day on which an account must have been confirmed again; the last confirmation moves it on. Access that ends before is
/// not confirmed any more.
pub(super) fn due(terms: &Agreement, account: &str) -> Option<UtcInstant> {
    let first = terms.accepted?.plus_days(PERIOD_DAYS);
    let due = match terms
        .reconfirmation
        .as_ref()
        .and_then(|own| own.outcomes.get(account).map(|how| (own, how)))
    {
        Some((own, Outcome::Confirmed(_))) => own.due.plus_days(PERIOD_DAYS),
        _ => terms.reconfirmation.as_ref().map_or(first, |own| own.due),
    };
    Some(due).filter(|due| terms.ends_at().is_some_and(|end| *due < end))
}

/// All days on which access had to be confirmed, the next one included.
pub(super) fn days(terms: &Agreement, accounts: &[String]) -> Vec<Reconfirmed> {
    let open = accounts.iter().filter(|account| terms.reconfirms && !rejected(terms, account));
    let next = open.filter_map(|account| due(terms, account)).min();
    let next = next.map(|due_at| Reconfirmed { due_at, answered_at: None, goes_on: true });
    terms.reconfirmed.iter().copied().chain(next).collect()
}

/// Whether an account is without consent because nobody reconfirmed it.
pub(super) fn lapsed(terms: &Agreement, account: &str, now: UtcInstant) -> bool {
    rejected(terms, account) || due(terms, account).is_some_and(|due| due <= now)
}

/// When the last confirmation came, if it came late.
pub(super) fn reopened_at(terms: &Agreement) -> Option<UtcInstant> {
    let last = terms.reconfirmed.last()?;
    last.answered_at.filter(|at| *at > last.due_at)
}

/// Whether the person said no.
pub(super) fn rejected(terms: &Agreement, account: &str) -> bool {
    let outcome = terms.reconfirmation.as_ref().and_then(|own| own.outcomes.get(account));
    matches!(outcome, Some(Outcome::Rejected(_)))
}

impl World {
    pub(super) fn read_reconfirmation(&self, id: &str) -> Answer {
        let terms = self.reconfirmable(id)?;
        let Some(own) = &terms.reconfirmation else { return Err(not_found()) };
        let body = own.json(id, self.accounts_of(terms), &self.public_base);
        Ok(HttpResponse::json(200, &body))
    }

    pub(super) fn request_reconfirmation(
        &mut self,
        now: UtcInstant,
        id: &str,
        request: &HttpRequest,
    ) -> Answer {
        let redirect = redirect(request)?;
        let terms = self.reconfirmable(id)?;
        if terms.accepted.is_none() {
            let detail = format!("EUA '{id}' is not accepted.");
            return Err(flat(400, "End user agreement needs to be accepted.", &detail));
        }
        let accounts = self.accounts_of(terms).to_vec();
        if accounts.is_empty() {
            let requisition = terms.requisition.as_deref().unwrap_or("");
            let detail = format!(
                "For associated requisition '{requisition}', there are no accounts linked."
            );
            return Err(flat(400, "No accounts linked.", &detail));
        }
        let open = accounts.iter().filter(|account| !rejected(terms, account));
        let Some(due) = open.filter_map(|account| due(terms, account)).min() else {
            let detail = format!(
                "For EUA '{id}' with access valid for {} days there are no accounts left to \
                 reconfirm after {}.",
                terms.access_valid_for_days,
                stamp_in_text(now)
            );
            return Err(flat(400, "No accounts left to reconfirm.", &detail));
        };
        if now > due.plus_days(MARGIN_DAYS) {
            let until = stamp_in_text(due.plus_days(MARGIN_DAYS));
            let detail = format!("For EUA '{id}' reconfirmation period was until {until}.");
            return Err(flat(400, "Reconfirmation requested after acceptance period.", &detail));
        }
        let base = self.public_base.clone();
        let Some(terms) = self.agreements.get_mut(id) else { return Err(not_found()) };
        if terms.reconfirmation.as_ref().is_none_or(|own| own.due < due) {
            // Who said no stays out; who said yes is asked again.
            let mut outcomes =
                terms.reconfirmation.take().map(|own| own.outcomes).unwrap_or_default();
            outcomes.retain(|_, outcome| matches!(outcome, Outcome::Rejected(_)));
            let own = Reconfirmation { created: now, due, redirect, submitted: None, outcomes };
            let (from, until) = own.window();
            terms.reconfirmation = Some(own);
            self.asked_again(id, (from.max(now), until));
        }
        let Some(terms) = self.agreements.get(id) else { return Err(not_found()) };
        let body = terms.reconfirmation.as_ref().map(|own| own.json(id, &accounts, &base));
        Ok(HttpResponse::json(201, &body))
    }

    /// The person opens the reconfirmation URL and answers for all accounts, those in `rejected`
    /// with no.
    ///
    /// # Errors
    /// [`Refused::Unknown`] if nothing was requested, [`Refused::Used`] outside the window in which
    /// the URL works.
    pub fn person_reconfirms(
        &mut self,
        agreement: &str,
        rejected: &[String],
        now: UtcInstant,
    ) -> Result<(), Refused> {
        let terms = self.agreements.get(agreement).ok_or(Refused::Unknown)?;
        let accounts = self.accounts_of(terms).to_vec();
        let terms = self.agreements.get_mut(agreement).ok_or(Refused::Unknown)?;
        let own = terms.reconfirmation.as_mut().ok_or(Refused::Unknown)?;
        let (from, to) = own.window();
        if now < from || now > to {
            return Err(Refused::Used);
        }
        let again = own.submitted.replace(now).is_some();
        let goes_on = accounts.iter().any(|account| !rejected.contains(account));
        if !again {
            let answered = Reconfirmed { due_at: own.due, answered_at: Some(now), goes_on };
            terms.reconfirmed.push(answered);
        }
        for account in accounts {
            let outcome = if rejected.contains(&account) {
                Outcome::Rejected(now)
            } else {
                Outcome::Confirmed(now)
            };
            own.outcomes.insert(account, outcome);
        }
        Ok(())
    }

    fn reconfirmable(&self, id: &str) -> Result<&Agreement, HttpResponse> {
        let terms = self.agreement(id)?;
        if !self.config.reconfirmation_allowed {
            return Err(flat(403, "", "You do not have permission to perform this action."));
        }
        if !terms.reconfirms {
            let detail = format!("Reconfirmation is not enabled for agreement '{id}'.");
            return Err(flat(400, "Reconfirmation is not enabled.", &detail));
        }
        Ok(terms)
    }

    pub(super) fn accounts_of(&self, terms: &Agreement) -> &[String] {
        let own = terms.requisition.as_ref().and_then(|id| self.requisitions.get(id));
        own.map_or(&[], |own| own.accounts.as_slice())
    }
}

fn redirect(request: &HttpRequest) -> Result<Option<String>, HttpResponse> {
    if request.body.is_empty() {
        return Ok(None);
    }
    let fields = Fields::of(request, &["redirect"])?;
    if fields.get("redirect").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let mut errors = FieldErrors::default();
    let redirect = fields.text("redirect", &mut errors);
    if redirect.as_deref().is_some_and(|text| !is_uri(text)) {
        let detail = "Redirect URI must have a valid URI structure";
        errors.objects("redirect", "Invalid redirect URI", detail);
    }
    errors.answer(400)?;
    Ok(redirect)
}
