//! End-user agreements: the terms of access, checked against what the institution allows.

use serde_json::{Value, json};

use crate::model::time::UtcInstant;

use super::super::text::stamp;
use super::super::wire::{HttpRequest, HttpResponse};
use super::input::{Fields, parameter, query};
use super::institutions::{self, Institution};
use super::problems::{FieldErrors, flat, invalid_uuid, not_found, payment_required};
use super::reconfirm::{Reconfirmation, Reconfirmed};
use super::route::is_uuid;
use super::{Answer, Scope, World};

/// Terms of access.
#[derive(Debug)]
pub(super) struct Agreement {
    pub(super) id: String,
    pub(super) created: UtcInstant,
    pub(super) institution: &'static Institution,
    pub(super) max_historical_days: i64,
    pub(super) access_valid_for_days: i64,
    pub(super) scopes: Vec<Scope>,
    pub(super) accepted: Option<UtcInstant>,
    pub(super) reconfirms: bool,
    pub(super) reconfirmation: Option<Reconfirmation>,
    /// What was answered so far.
    pub(super) reconfirmed: Vec<Reconfirmed>,
    /// The one requisition that it serves.
    pub(super) requisition: Option<String>,
}

impl Agreement {
    /// When access ends; `None` before acceptance.
    pub(super) fn ends_at(&self) -> Option<UtcInstant> {
        Some(self.accepted?.plus_days(self.access_valid_for_days))
    }

    /// Whether it delivers a long history once and nothing newer.
    pub(super) fn stands_still(&self) -> bool {
        let apart = self.institution.has("separate_continuous_history_consent");
        apart && self.max_historical_days > 90
    }

    pub(super) fn json(&self) -> Value {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        json!({
            "id": self.id, "created": stamp(self.created), "institution_id": self.institution.id,
            "max_historical_days": self.max_historical_days,
            "access_valid_for_days": self.access_valid_for_days, "access_scope": scopes,
            "accepted": self.accepted.map(stamp), "reconfirmation": self.reconfirms,
        })
    }
}

const FIELDS: [&str; 5] = [
    "institution_id",
    "max_historical_days",
    "access_valid_for_days",
    "access_scope",
    "reconfirmation",
];
/// Days of history and of access when nothing is said.
const DEFAULT_DAYS: i64 = 90;

impl World {
    pub(super) fn create_agreement(&mut self, now: UtcInstant, request: &HttpRequest) -> Answer {
        let fields = Fields::of(request, &FIELDS)?;
        let mut errors = FieldErrors::default();
        let id = fields.required_text("institution_id", &mut errors);
        let found = institutions::find(&id);
        if found.is_none() && !errors.has("institution_id") {
            unknown_institution(&mut errors, &id);
        }
        let history = fields.integer("max_historical_days", DEFAULT_DAYS, &mut errors);
        let access = fields.integer("access_valid_for_days", DEFAULT_DAYS, &mut errors);
        let reconfirms = fields.flag("reconfirmation", &mut errors);
        let scopes = scopes(&fields, &mut errors);
        if let Some(institution) = found {
            check_days(institution, (history, access, reconfirms), &mut errors);
            let together = institution.scopes_together;
            let asked = |name: &&&str| scopes.iter().any(|scope| scope.as_str() == **name);
            let count = together.iter().filter(asked).count();
            if !errors.has("access_scope") && count > 0 && count < together.len() {
                return Err(scope_dependency(together));
            }
        }
        errors.answer(400)?;
        let Some(institution) = found else { return Err(not_found()) };
        if reconfirms && !self.config.reconfirmation_allowed {
            let detail = "You do not have permission to enable reconfirmation.";
            return Err(flat(403, "", detail));
        }
        self.check_plan(institution, now)?;
        let terms = (history, access, reconfirms);
        let agreement = self.new_agreement(now, institution, terms, scopes);
        let body = agreement.json();
        self.agreements.insert(agreement.id.clone(), agreement);
        Ok(HttpResponse::json(201, &body))
    }

    /// An agreement on the terms that apply without one.
    pub(super) fn default_agreement(
        &mut self,
        now: UtcInstant,
        institution: &'static Institution,
    ) -> Agreement {
        self.new_agreement(
            now,
            institution,
            (DEFAULT_DAYS, DEFAULT_DAYS, false),
            Scope::ALL.to_vec(),
        )
    }

    fn new_agreement(
        &mut self,
        now: UtcInstant,
        institution: &'static Institution,
        (max_historical_days, access_valid_for_days, reconfirms): (i64, i64, bool),
        scopes: Vec<Scope>,
    ) -> Agreement {
        Agreement {
            id: self.rng.uuid(),
            created: now,
            institution,
            max_historical_days,
            access_valid_for_days,
            scopes,
            accepted: None,
            reconfirms,
            reconfirmation: None,
            reconfirmed: Vec::new(),
            requisition: None,
        }
    }

    /// Refuses when the plan's connections are used up; the public test bank is free.
    pub(super) fn check_plan(
        &self,
        institution: &Institution,
        now: UtcInstant,
    ) -> Result<(), HttpResponse> {
        let Some(free) = self.config.free_connections else { return Ok(()) };
        let used = self.connections(now);
        let used_up = institution.id != institutions::SANDBOX && used >= free;
        if used_up { Err(payment_required()) } else { Ok(()) }
    }

    pub(super) fn list_agreements(&self, request: &HttpRequest) -> Answer {
        let mut all: Vec<&Agreement> = self.agreements.values().collect();
        all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        self.page(request, all.into_iter().map(Agreement::json).collect())
    }

    pub(super) fn agreement(&self, id: &str) -> Result<&Agreement, HttpResponse> {
        if !is_uuid(id) {
            return Err(invalid_uuid(id));
        }
        self.agreements.get(id).ok_or_else(not_found)
    }

    pub(super) fn delete_agreement(&mut self, id: &str) -> Answer {
        let agreement = self.agreement(id)?;
        if agreement.accepted.is_none() {
            let detail = format!("EUA '{id}' is not accepted.");
            return Err(flat(400, "End user agreement needs to be accepted.", &detail));
        }
        self.agreements.remove(id);
        let detail = format!("End User Agreement {id} deleted");
        let body = json!({"summary": "End User Agreement deleted", "detail": detail});
        Ok(HttpResponse::json(200, &body))
    }

    pub(super) fn accept_agreement(&self, id: &str) -> Answer {
        if self.agreement(id)?.accepted.is_some() {
            let detail = "End User Agreements cannot be accepted more than once";
            return Err(flat(405, "EUA cannot be accepted more than once", detail));
        }
        let detail = "Your company doesn't have permission to accept EUA. You'll have to use our \
                      default form for this action.";
        Err(flat(403, "Insufficient permissions", detail))
    }

    /// One page of a list; the links point to this server.
    pub(super) fn page(&self, request: &HttpRequest, all: Vec<Value>) -> Answer {
        let parameters = query(request, &["limit", "offset"])?;
        let number = |name| parameter(&parameters, name).and_then(|text| text.parse().ok());
        let limit: usize = number("limit").filter(|limit| *limit > 0).unwrap_or(100);
        let offset: usize = number("offset").unwrap_or(0);
        let count = all.len();
        let link = |offset: usize| {
            format!("{}{}?limit={limit}&offset={offset}", self.public_base, request.path)
        };
        let next = (offset + limit < count).then(|| link(offset + limit));
        let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
        let results: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
        let body = json!({"count": count, "next": next, "previous": previous, "results": results});
        Ok(HttpResponse::json(200, &body))
    }
}

pub(super) fn unknown_institution(errors: &mut FieldErrors, id: &str) {
    let detail = "Get Institution IDs from /institutions/?country={$COUNTRY_CODE}";
    errors.object("institution_id", &format!("Unknown Institution ID {id}"), detail);
}

fn check_days(
    institution: &Institution,
    (history, access, reconfirms): (i64, i64, bool),
    errors: &mut FieldErrors,
) {
    let accepted = institution.accepted_days.unwrap_or(institution.total_days);
    if !(1..=i64::from(accepted)).contains(&history) && !errors.has("max_historical_days") {
        // A bank that accepts less than it publishes names the published figure all the same.
        let detail = format!(
            "max_historical_days must be > 0 and <= {} transaction_total_days ({})",
            institution.id, institution.total_days
        );
        errors.object("max_historical_days", "Incorrect max_historical_days", &detail);
    }
    let longest = match institution.reconfirmation_days {
        Some(days) if reconfirms => days,
        _ => institution.max_access_days(),
    };
    if !(1..=i64::from(longest)).contains(&access) && !errors.has("access_valid_for_days") {
        let detail = format!("access_valid_for_days must be > 0 and <= {longest}");
        errors.object("access_valid_for_days", "Incorrect access_valid_for_days", &detail);
    }
    if reconfirms && institution.reconfirmation_days.is_none() {
        let detail = format!("Reconfirmation not supported for {}", institution.id);
        errors.object("reconfirmation", "Reconfirmation not supported", &detail);
    } else if reconfirms && access <= DEFAULT_DAYS {
        let detail = "Reconfirmation is not allowed when access_valid_for_days <= 90 days.";
        errors.object("reconfirmation", "Reconfirmation is not allowed", detail);
    }
}

fn scopes(fields: &Fields, errors: &mut FieldErrors) -> Vec<Scope> {
    let given = match fields.get("access_scope") {
        None => return Scope::ALL.to_vec(),
        Some(Value::Array(given)) => given,
        Some(_) => {
            errors.strings("access_scope", "Expected a list of items but got type \"str\".");
            return Vec::new();
        }
    };
    let choice = "['balances', 'details', 'transactions']";
    if given.is_empty() {
        let detail = format!("Please choose one or several of {choice}.");
        errors.objects("access_scope", "Field 'access_scope' may not be an empty list.", &detail);
    }
    let mut scopes = Vec::new();
    for value in given {
        match value.as_str().and_then(Scope::parse) {
            Some(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Some(_) => {}
            None => {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let summary = format!("Unknown value '{shown}' in access_scope");
                let detail = format!("Choose one or several from {choice}");
                errors.objects("access_scope", &summary, &detail);
            }
        }
    }
    scopes
}

/// Flat with lists: the shape in which this error was seen live.
fn scope_dependency(together: &[&str]) -> HttpResponse {
    let names: Vec<String> = together.iter().map(|name| format!("'{name}'")).collect();
    let detail = format!(
        "For this institution the following scopes are required together: [{}]",
        names.join(", ")
    );
    let body = json!({"summary": ["Institution access scope dependencies error"],
        "detail": [detail], "status_code": 400});
    HttpResponse::json(400, &body)
}
