//! The world: institutions, people, money and the provider between them and the daemon.
//!
//! A world never reads a clock: every method takes the instant. What it answers depends only on its
//! configuration, the instants and the requests so far, so two worlds of one seed give the same
//! bytes.

mod accounts;
mod agreements;
mod answer;
mod balances;
mod bank;
mod config;
mod control;
mod data;
mod deeds;
mod faces;
mod faults;
mod input;
mod institutions;
mod ledger;
mod limits;
mod log;
mod pages;
mod people;
mod problems;
mod profiles;
mod quirks;
mod reconfirm;
mod requisitions;
mod route;
mod rows;
mod society;
#[cfg(test)]
mod tests;
mod texts;
mod tokens;
mod truth;
mod weather;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::time::UtcInstant;

use super::rng::Rng;
use super::text::http_date;
use super::wire::{Delivery, HttpRequest, HttpResponse};

pub use accounts::AccountView;
pub use config::{Limits, QuotaRule, SECRET_ID, SECRET_KEY, WorldConfig};
pub use deeds::{Deed, Wish};
pub use faults::{Fault, FaultKind, FaultMatch, Shape, Spelling};
pub use institutions::SANDBOX;
pub use ledger::Phase;
pub use log::{Call, Cause, Log, Shown, Suspension};
pub use people::Refused;
pub use problems::BankProblem;
pub use quirks::Quirk;
pub use reconfirm::Reconfirmed;
pub use requisitions::{RequisitionView, Status};
pub use truth::{Comparison, LastAnswer, TruthRow};
pub use weather::Weather;
pub use witness::Witness;

use faults::{Faults, Place, Subject};
use limits::{Gates, Standing};
use route::Route;

/// An answer, or the error that ends the way to one.
type Answer = Result<HttpResponse, HttpResponse>;

/// The parts of an account's data that have a daily limit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What is on the account.
    Balances,
    /// Product, currency, owner.
    Details,
    /// What happened on it.
    Transactions,
}

impl Scope {
    /// All three, in the provider's order.
    pub const ALL: [Self; 3] = [Self::Balances, Self::Details, Self::Transactions];

    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balances => "balances",
            Self::Details => "details",
            Self::Transactions => "transactions",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A world of its own.
#[derive(Debug)]
pub struct World {
    config: WorldConfig,
    /// For ids and tokens; the ledgers have their own.
    rng: Rng,
    /// Where browsers and clients reach it: scheme, host and port.
    public_base: String,
    address_allowed: bool,
    tokens: tokens::Tokens,
    gates: Gates,
    agreements: BTreeMap<String, agreements::Agreement>,
    requisitions: BTreeMap<String, requisitions::Requisition>,
    references: BTreeSet<String>,
    /// Requisitions with steps to come.
    walking: BTreeSet<String>,
    accounts: BTreeMap<String, accounts::Account>,
    bank: Vec<bank::BankAccount>,
    incidents: Vec<(&'static str, UtcInstant)>,
    faults: Faults,
    /// When it began.
    start: UtcInstant,
    society: society::Society,
    agenda: deeds::Agenda,
    sky: weather::Sky,
    log: Log,
    /// Rows of the answer under way: they count as shown once it is delivered.
    staged: Option<answer::Staged>,
}

impl World {
    /// A world that begins at an instant, with accounts that have existed for a while.
    pub fn new(config: WorldConfig, start: UtcInstant) -> Self {
        let opened = start.plus_days(-i64::from(config.past_days));
        let (count, activity) = (config.accounts_per_institution, config.activity_percent);
        Self {
            rng: Rng::keyed(config.seed, &[0]),
            public_base: "https://sandbox.invalid".to_owned(),
            address_allowed: true,
            tokens: tokens::Tokens::default(),
            gates: Gates::default(),
            agreements: BTreeMap::new(),
            requisitions: BTreeMap::new(),
            references: BTreeSet::new(),
            walking: BTreeSet::new(),
            accounts: BTreeMap::new(),
            bank: bank::open_all(config.seed, count, activity, opened),
            incidents: Self::expected_incidents(start),
            faults: Faults::default(),
            start,
            society: society::Society::default(),
            agenda: deeds::Agenda::default(),
            sky: weather::Sky(Rng::keyed(config.seed, &[32])),
            log: Log::default(),
            staged: None,
            config,
        }
    }

    /// Scheme, host and port under which links point back to this world.
    pub fn set_public_base(&mut self, base: String) {
        self.public_base = base;
    }

    /// The limits; they may be changed at any time and hold from the next request on.
    pub fn limits_mut(&mut self) -> &mut Limits {
        &mut self.config.limits
    }

    /// Adds a fault.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// What the world remembers.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Ids and names of the institutions whose answers are the same until something happens.
    pub fn institutions() -> impl Iterator<Item = (&'static str, &'static str)> {
        institutions::CATALOG.iter().map(|institution| (institution.id, institution.name))
    }

    /// Ids and names of all institutions: the former, and those with one kind of oddity each.
    pub fn profiles() -> impl Iterator<Item = (&'static str, &'static str)> {
        institutions::all().map(|institution| (institution.id, institution.name))
    }

    /// The oddities of an institution; empty if there is no such one.
    pub fn quirks(institution: &str) -> &'static [Quirk] {
        institutions::find(institution).map_or(&[], |own| own.quirks)
    }

    /// Answers a request as the provider would at this instant.
    pub fn handle(&mut self, now: UtcInstant, request: &HttpRequest) -> HttpResponse {
        self.live_until(now);
        let path = request.path.as_str();
        let mut response = if let Some(rest) = path.strip_prefix("/api/v2/") {
            self.api(now, request, rest)
        } else if path.starts_with("/psd2/start/") {
            self.page_start(now, request)
        } else if path.starts_with("/psd2/reconfirm/") {
            self.page_reconfirm(now, request)
        } else if path.starts_with("/sandbox/") {
            self.control(now, request)
        } else {
            not_here()
        };
        if response.header("date").is_none() {
            response.set("date", http_date(now));
        }
        response
    }

    fn api(&mut self, now: UtcInstant, request: &HttpRequest, rest: &str) -> HttpResponse {
        let Some(route) = Route::parse(rest) else {
            if Route::parse(&format!("{rest}/")).is_some() {
                let query = if request.query.is_empty() { "" } else { "?" };
                let target = format!("{}/{query}{}", request.path, request.query);
                return HttpResponse::redirect(301, &target);
            }
            return not_here();
        };
        let subject = self.subject(&route, request);
        self.staged = None;
        let mut response = if let Some(fault) = self.fault(Place::Edge, &subject, now) {
            fault.edge_answer()
        } else {
            let (standing, admitted) =
                self.gates.admit(route.class(&request.method), &self.config.limits, now);
            let answer = if admitted {
                self.dispatch(now, request, &route, &subject)
            } else {
                Err(self.refuse(&route, request, standing))
            };
            let mut response = answer.unwrap_or_else(|error| error);
            set_company_headers(&mut response, standing);
            self.note_token(now, &route, &response);
            response
        };
        if let Some(fault) = self.fault(Place::Answer, &subject, now) {
            fault.spoil(&mut response);
            if let FaultKind::DateSkew { seconds } = fault {
                response.set("date", http_date(now.plus_s(seconds)));
            }
        }
        self.remember(now, request, subject, &response);
        response
    }

    fn refuse(&self, route: &Route, request: &HttpRequest, standing: Standing) -> HttpResponse {
        let (limit, _, period) = route.class(&request.method).limit(&self.config.limits);
        problems::rate_limit(limit, period, standing.reset_s)
    }

    fn dispatch(
        &mut self,
        now: UtcInstant,
        request: &HttpRequest,
        route: &Route,
        subject: &Subject,
    ) -> Answer {
        let method = request.method.as_str();
        if !route.methods().contains(&method) {
            let detail = format!("Method \"{method}\" not allowed.");
            return Err(problems::flat(405, "Method not allowed", &detail));
        }
        if !matches!(route, Route::TokenNew | Route::TokenRefresh) {
            self.authenticate(now, request)?;
        }
        if !matches!(
            route,
            Route::Institutions | Route::Agreements | Route::Requisitions | Route::Data(..)
        ) {
            input::query(request, &[])?;
        }
        match (route, method) {
            (Route::TokenNew, _) => self.token_new(now, request),
            (Route::TokenRefresh, _) => self.token_refresh(now, request),
            (Route::Institutions, _) => institutions_list(request),
            (Route::Institution(id), _) => institution(id),
            (Route::Agreements, "POST") => self.create_agreement(now, request),
            (Route::Agreements, _) => self.list_agreements(request),
            (Route::Agreement(id), "DELETE") => self.delete_agreement(id),
            (Route::Agreement(id), _) => Ok(HttpResponse::json(200, &self.agreement(id)?.json())),
            (Route::Accept(id), _) => self.accept_agreement(id),
            (Route::Reconfirm(id), "POST") => self.request_reconfirmation(now, id, request),
            (Route::Reconfirm(id), _) => self.read_reconfirmation(id),
            (Route::Requisitions, "POST") => self.create_requisition(now, request),
            (Route::Requisitions, _) => self.list_requisitions(now, request),
            (Route::Requisition(id), "DELETE") => self.delete_requisition(now, id),
            (Route::Requisition(id), _) => {
                let own = self.requisition(id)?;
                Ok(HttpResponse::json(200, &self.requisition_json(own, now)))
            }
            (Route::Metadata(id), _) => self.metadata(now, id),
            (Route::Data(id, scope), _) => self.data(now, request, (id, *scope), subject),
        }
    }

    /// What faults and the log know about a request.
    fn subject(&self, route: &Route, request: &HttpRequest) -> Subject {
        let (account, scope) = match route {
            Route::Metadata(id) => (Some(id), None),
            Route::Data(id, scope) => (Some(id), Some(*scope)),
            _ => (None, None),
        };
        let known = account.and_then(|id| self.accounts.get(id));
        Subject {
            method: request.method.clone(),
            path: request.path.clone(),
            account: known.map(|own| own.id.clone()),
            scope,
            institution: known
                .and_then(|own| self.bank.get(own.bank))
                .map(|own| own.institution.id),
        }
    }

    fn note_token(&mut self, now: UtcInstant, route: &Route, response: &HttpResponse) {
        if response.status == 200 && matches!(route, Route::TokenNew | Route::TokenRefresh) {
            self.log.note_token(now, *route == Route::TokenNew);
        }
    }

    fn remember(
        &mut self,
        now: UtcInstant,
        request: &HttpRequest,
        subject: Subject,
        response: &HttpResponse,
    ) {
        let delivered = matches!(response.delivery, Delivery::Whole | Delivery::Late { .. });
        let staged = self.staged.take().filter(|_| delivered && self.config.remember_shown);
        if let Some((account, staged)) = subject.account.as_ref().zip(staged) {
            self.log.note_shown(account, staged, now);
        }
        let call = Call {
            at: now,
            method: subject.method,
            path: subject.path,
            query: request.query.clone(),
            status: response.status,
            account: subject.account,
            scope: subject.scope,
            delivered,
        };
        self.log.note_call(call, self.config.log_capacity);
    }
}

/// What a web server says about a path it does not know.
fn not_here() -> HttpResponse {
    HttpResponse::html(404, "<h1>Not Found</h1><p>The requested resource was not found.</p>")
}

fn set_company_headers(response: &mut HttpResponse, standing: Standing) {
    response.set("http_x_ratelimit_limit", standing.limit.to_string());
    response.set("http_x_ratelimit_remaining", standing.remaining.to_string());
    response.set("http_x_ratelimit_reset", standing.reset_s.to_string());
}

/// Features that the list can be filtered by, as `{feature}_supported`.
const FILTERS: [&str; 11] = [
    "access_scopes",
    "account_selection",
    "business_accounts",
    "card_accounts",
    "corporate_accounts",
    "pending_transactions",
    "private_accounts",
    "read_debtor_account",
    "read_refund_account",
    "separate_continuous_history_consent",
    "ssn_verification",
];

fn institutions_list(request: &HttpRequest) -> Answer {
    let names: Vec<String> = FILTERS.iter().map(|name| format!("{name}_supported")).collect();
    let known: Vec<&str> =
        names.iter().map(String::as_str).chain(std::iter::once("country")).collect();
    let parameters = input::query(request, &known)?;
    let country = input::parameter(&parameters, "country").map(str::to_ascii_uppercase);
    if let Some(country) =
        country.as_ref().filter(|own| !institutions::COUNTRIES.contains(&own.as_str()))
    {
        let mut errors = problems::FieldErrors::default();
        let detail = format!("{country} is not a valid choice.");
        errors.object("country", "Invalid country choice.", &detail);
        errors.answer(400)?;
    }
    let wanted = |own: &&'static institutions::Institution| {
        let here = country.as_deref().is_none_or(|country| own.countries.contains(&country));
        here && FILTERS.iter().zip(&names).all(|(feature, name)| {
            match input::parameter(&parameters, name) {
                None => true,
                Some(value) => own.has(feature) == value.eq_ignore_ascii_case("true"),
            }
        })
    };
    let list: Vec<_> =
        institutions::all().filter(wanted).map(institutions::Institution::listed).collect();
    Ok(HttpResponse::json(200, &list))
}

fn institution(id: &str) -> Answer {
    let own = institutions::find(id).ok_or_else(problems::not_found)?;
    Ok(HttpResponse::json(200, &own.detailed()))
}
