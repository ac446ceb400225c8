//! Requisitions: one linking each, from its creation to the accounts that it gives, and its
//! removal.
//!
//! The steps in between are the person's; see `people`.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::model::time::UtcInstant;

use super::super::text::stamp;
use super::super::wire::{HttpRequest, HttpResponse};
use super::agreements::{Agreement, unknown_institution};
use super::input::Fields;
use super::institutions::{self, Institution};
use super::problems::{FieldErrors, invalid_uuid, not_found};
use super::reconfirm::{self, Reconfirmed};
use super::route::is_uuid;
use super::{Answer, World};

/// Where linking stands, in the provider's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// CREATED.
    CR,
    /// `GIVING_CONSENT`.
    GC,
    /// `UNDERGOING_AUTHENTICATION`.
    UA,
    /// `SELECTING_ACCOUNTS`.
    SA,
    /// `GRANTING_ACCESS`.
    GA,
    /// LINKED.
    LN,
    /// REJECTED.
    RJ,
    /// EXPIRED.
    EX,
    /// SUSPENDED.
    SU,
    /// ERROR: the bank failed half-way.
    ER,
}

impl Status {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CR => "CR",
            Self::GC => "GC",
            Self::UA => "UA",
            Self::SA => "SA",
            Self::GA => "GA",
            Self::LN => "LN",
            Self::RJ => "RJ",
            Self::EX => "EX",
            Self::SU => "SU",
            Self::ER => "ER",
        }
    }
}

/// What the world says about one of its requisitions, for tests and simulations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequisitionView {
    /// The provider's id.
    pub id: String,
    /// The institution's id.
    pub institution: &'static str,
    /// Its agreement.
    pub agreement: String,
    /// The client's reference.
    pub reference: String,
    /// Where it stands.
    pub status: Status,
    /// Accounts it linked.
    pub accounts: Vec<String>,
    /// When it was linked.
    pub linked_at: Option<UtcInstant>,
    /// When the agreement's days are over; `None` before acceptance.
    pub consent_ends_at: Option<UtcInstant>,
    /// When the person or the bank ended the consent.
    pub revoked_at: Option<UtcInstant>,
    /// Days on which access had to be confirmed, the next one included.
    pub reconfirmed: Vec<Reconfirmed>,
    /// It delivers a long history once and nothing newer.
    pub stands_still: bool,
}

/// One linking.
#[derive(Debug)]
pub(super) struct Requisition {
    pub(super) id: String,
    pub(super) created: UtcInstant,
    pub(super) redirect: String,
    pub(super) status: Status,
    pub(super) institution: &'static Institution,
    pub(super) agreement: String,
    pub(super) reference: String,
    pub(super) accounts: Vec<String>,
    pub(super) user_language: String,
    pub(super) account_selection: bool,
    pub(super) redirect_immediate: bool,
    /// Steps to come, in order.
    pub(super) plan: VecDeque<(UtcInstant, Status)>,
    /// Which of the bank's accounts the person selects; `None`: all.
    pub(super) selected: Option<Vec<usize>>,
    pub(super) linked_at: Option<UtcInstant>,
    /// When the person or the bank ended the consent.
    pub(super) revoked_at: Option<UtcInstant>,
}

const FIELDS: [&str; 8] = [
    "redirect",
    "institution_id",
    "agreement",
    "reference",
    "user_language",
    "ssn",
    "account_selection",
    "redirect_immediate",
];

impl World {
    pub(super) fn create_requisition(&mut self, now: UtcInstant, request: &HttpRequest) -> Answer {
        super::input::query(request, &[])?;
        let fields = Fields::of(request, &FIELDS)?;
        let mut errors = FieldErrors::default();
        let redirect = redirect(&fields, &mut errors);
        let id = fields.required_text("institution_id", &mut errors);
        let found = institutions::find(&id);
        if found.is_none() && !errors.has("institution_id") {
            unknown_institution(&mut errors, &id);
        }
        let reference = self.reference(&fields, &mut errors);
        let user_language = language(&fields, &mut errors);
        let account_selection = fields.flag("account_selection", &mut errors);
        let redirect_immediate = fields.flag("redirect_immediate", &mut errors);
        if let Some(institution) = found {
            check_features(institution, account_selection, &fields, &mut errors);
        }
        let agreement = fields.text("agreement", &mut errors);
        self.check_agreement(agreement.as_deref(), found, &mut errors)?;
        errors.answer(400)?;
        let Some(institution) = found else { return Err(not_found()) };
        self.check_plan(institution, now)?;
        let requisition = Requisition {
            id: self.rng.uuid(),
            created: now,
            redirect,
            status: Status::CR,
            institution,
            agreement: agreement.unwrap_or_default(),
            reference: reference.unwrap_or_default(),
            accounts: Vec::new(),
            user_language,
            account_selection,
            redirect_immediate,
            plan: VecDeque::new(),
            selected: None,
            linked_at: None,
            revoked_at: None,
        };
        Ok(HttpResponse::json(201, &self.enter(now, requisition)))
    }

    /// Completes what the client left open and takes the requisition in.
    fn enter(&mut self, now: UtcInstant, mut requisition: Requisition) -> Value {
        if requisition.reference.is_empty() {
            requisition.reference.clone_from(&requisition.id);
        }
        if requisition.agreement.is_empty() {
            let agreement = self.default_agreement(now, requisition.institution);
            requisition.agreement.clone_from(&agreement.id);
            self.agreements.insert(agreement.id.clone(), agreement);
        }
        if let Some(agreement) = self.agreements.get_mut(&requisition.agreement) {
            agreement.requisition = Some(requisition.id.clone());
        }
        let (id, body) = (requisition.id.clone(), self.requisition_json(&requisition, now));
        self.references.insert(requisition.reference.clone());
        self.requisitions.insert(id.clone(), requisition);
        if let Some(after_s) = self.config.auto_authorise_after_s {
            self.plan_steps(&id, now.plus_s(after_s));
        }
        self.meet(&id, now);
        body
    }

    fn reference(&self, fields: &Fields, errors: &mut FieldErrors) -> Option<String> {
        let reference = fields.text("reference", errors)?;
        if reference.chars().count() > 256 {
            errors.strings("reference", "Ensure this field has no more than 256 characters.");
        } else if self.references.contains(&reference) {
            let detail = format!("Client reference: {reference} already exists");
            errors.object("reference", "Client reference must be unique", &detail);
        }
        Some(reference)
    }

    fn check_agreement(
        &self,
        id: Option<&str>,
        institution: Option<&'static Institution>,
        errors: &mut FieldErrors,
    ) -> Result<(), HttpResponse> {
        let (Some(id), Some(institution)) = (id, institution) else { return Ok(()) };
        if !is_uuid(id) {
            let detail = format!(
                "{id} is not a valid EndUserAgreement UUID.  Please specify valid agreement from \
                 /api/agreements/enduser/ or create a new one"
            );
            errors.object("agreement", "Invalid EndUserAgreement ID", &detail);
            return Ok(());
        }
        let Some(agreement) = self.agreements.get(id) else {
            let mut missing = FieldErrors::default();
            let summary = format!("ID {id} not found");
            missing.object("agreement", &summary, "Please check whether you specified a valid ID");
            return missing.answer(404);
        };
        let (wanted, own) = (institution.id, agreement.institution.id);
        if wanted != own {
            let detail = format!(
                "Provided Institution ID: '{wanted}' for requisition does not match EUA \
                 institution ID '{own}'. Please provide correct institution ID: '{own}'"
            );
            errors.object("agreement", &format!("Incorrect Institution ID {wanted}"), &detail);
        } else if let Some(other) = &agreement.requisition {
            let detail = format!(
                "The agreement is already associated with requisition {other}. Please provide a \
                 valid agreement or use a different requisition."
            );
            errors.object("agreement", &format!("Agreement {id} is already associated"), &detail);
        }
        Ok(())
    }

    pub(super) fn requisition_json(&self, requisition: &Requisition, now: UtcInstant) -> Value {
        let link = format!(
            "{}/psd2/start/{}/{}",
            self.public_base, requisition.id, requisition.institution.id
        );
        json!({
            "id": requisition.id, "created": stamp(requisition.created),
            "redirect": requisition.redirect, "status": self.status(requisition, now).as_str(),
            "institution_id": requisition.institution.id, "agreement": requisition.agreement,
            "reference": requisition.reference, "accounts": requisition.accounts,
            "user_language": requisition.user_language, "link": link, "ssn": null,
            "account_selection": requisition.account_selection,
            "redirect_immediate": requisition.redirect_immediate,
        })
    }

    /// The status at an instant: what the steps reached, unless access is over or every account is
    /// suspended.
    pub(super) fn status(&self, requisition: &Requisition, now: UtcInstant) -> Status {
        if requisition.status != Status::LN {
            return requisition.status;
        }
        let agreement = self.agreements.get(&requisition.agreement);
        if agreement.and_then(Agreement::ends_at).is_none_or(|end| end <= now) {
            return Status::EX;
        }
        let suspended = |id: &String| {
            self.accounts.get(id).is_some_and(|account| account.suspended_at.is_some())
        };
        if !requisition.accounts.is_empty() && requisition.accounts.iter().all(suspended) {
            return Status::SU;
        }
        Status::LN
    }

    pub(super) fn list_requisitions(&self, now: UtcInstant, request: &HttpRequest) -> Answer {
        let mut all: Vec<&Requisition> = self.requisitions.values().collect();
        all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        let all = all.into_iter().map(|own| self.requisition_json(own, now)).collect();
        self.page(request, all)
    }

    pub(super) fn requisition(&self, id: &str) -> Result<&Requisition, HttpResponse> {
        if !is_uuid(id) {
            return Err(invalid_uuid(id));
        }
        self.requisitions.get(id).ok_or_else(not_found)
    }

    pub(super) fn delete_requisition(&mut self, now: UtcInstant, id: &str) -> Answer {
        let view = self.requisition_view(self.requisition(id)?, now);
        self.requisitions.remove(id);
        self.agreements.remove(&view.agreement);
        self.log.note_deletion(now, view);
        let detail = format!("Requisition {id} deleted with all its End User Agreements");
        let body = json!({"summary": "Requisition deleted", "detail": detail});
        Ok(HttpResponse::json(200, &body))
    }

    fn requisition_view(&self, own: &Requisition, now: UtcInstant) -> RequisitionView {
        let terms = self.agreements.get(&own.agreement);
        let reconfirmed =
            terms.map_or_else(Vec::new, |terms| reconfirm::days(terms, &own.accounts));
        let refused = reconfirmed.iter().filter(|day| !day.goes_on);
        let refused_at = refused.filter_map(|day| day.answered_at).min();
        RequisitionView {
            id: own.id.clone(),
            institution: own.institution.id,
            agreement: own.agreement.clone(),
            reference: own.reference.clone(),
            status: self.status(own, now),
            accounts: own.accounts.clone(),
            linked_at: own.linked_at,
            consent_ends_at: terms.and_then(Agreement::ends_at),
            revoked_at: own.revoked_at.into_iter().chain(refused_at).min(),
            reconfirmed,
            stands_still: terms.is_some_and(Agreement::stands_still),
        }
    }

    /// All requisitions that have not been deleted, oldest first; for the others see
    /// [`super::Log::deletions`].
    pub fn requisitions(&mut self, now: UtcInstant) -> Vec<RequisitionView> {
        self.live_until(now);
        let mut all: Vec<&Requisition> = self.requisitions.values().collect();
        all.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        all.into_iter().map(|own| self.requisition_view(own, now)).collect()
    }

    /// Requisitions that count as usage now.
    pub(super) fn connections(&self, now: UtcInstant) -> u32 {
        let counts = |own: &&Requisition| {
            own.institution.id != institutions::SANDBOX && self.status(own, now) == Status::LN
        };
        u32::try_from(self.requisitions.values().filter(counts).count()).unwrap_or(u32::MAX)
    }
}

fn redirect(fields: &Fields, errors: &mut FieldErrors) -> String {
    if fields.get("redirect") == Some(&Value::Null) {
        let detail = "Where an end user will be redirected after finishing authentication in the \
                      Institution";
        errors.object("redirect", "Redirect URL is required", detail);
        return String::new();
    }
    let redirect = fields.required_text("redirect", errors);
    if errors.has("redirect") {
        return redirect;
    }
    if redirect.chars().count() > 1_024 {
        errors.strings("redirect", "Ensure this field has no more than 1024 characters.");
    } else if !is_uri(&redirect) {
        let detail = "Redirect URI must have a valid URI structure";
        errors.object("redirect", "Invalid redirect URI", detail);
    }
    redirect
}

/// A scheme, `://` and something without blanks after it.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(plain)
        && !rest.is_empty()
        && !rest.contains(char::is_whitespace)
}

fn language(fields: &Fields, errors: &mut FieldErrors) -> String {
    let Some(language) = fields.text("user_language", errors) else { return "EN".to_owned() };
    if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        let summary = "Provided user_language is invalid or not supported";
        let detail = format!("'{language}' is an invalid or unsupported language");
        errors.object("user_language", summary, &detail);
    }
    language
}

fn check_features(
    institution: &Institution,
    account_selection: bool,
    fields: &Fields,
    errors: &mut FieldErrors,
) {
    if account_selection && !institution.has("account_selection") {
        let detail = format!("Account selection not supported for {}", institution.id);
        errors.object("account_selection", "Account selection not supported", &detail);
    }
    let ssn = fields.get("ssn").is_some_and(|value| !value.is_null());
    if ssn && !institution.has("ssn_verification") {
        let detail = format!("SSN verification not supported for {}", institution.id);
        errors.object("ssn", "SSN verification not supported", &detail);
    }
}
