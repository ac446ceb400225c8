//! Scenarios of the planner without I/O: a scripted provider, months in milliseconds.

mod clocks;
mod confirming;
mod days;
mod guards;
mod order;
mod storm;
mod waiting;

use std::collections::BTreeMap;

use crate::model::account::{AccountFacts, Metadata, ProviderStatus};
use crate::model::agreement::{Agreement, Scope};
use crate::model::failure::{
    AccessEnd, ConfigurationFault, EdgeFault, Failure, FailureClass, Rate, Refusal, Throttled,
};
use crate::model::iban::Iban;
use crate::model::id::{
    AccountId, AgreementId, CallId, InstitutionId, LinkId, ProviderAccountId, RequisitionId,
};
use crate::model::institution::Institution;
use crate::model::notice::EventCode;
use crate::model::port::{Answered, ApiCall, Reply};
use crate::model::reconfirmation::{Confirmation, Reconfirmation, Reconfirmed};
use crate::model::requisition::{ConsentUrl, Requisition, RequisitionStatus};
use crate::model::time::{HOUR_MS, Now, UtcInstant, Zone};
use crate::planner::effect::{Batch, PullResult, Settlement};
use crate::planner::event::Event;
use crate::planner::policy::Policy;
use crate::planner::quota::LedgerRow;
use crate::planner::schedule::Schedule;
use crate::planner::state::{AccountStatus, LinkStatus};
use crate::planner::{Account, Effect, Planner, Snapshot, Step};

const T0: UtcInstant = UtcInstant::from_ms(1_790_000_000_000);

fn policy() -> Policy {
    let patterns = ["0 0 6,13,20 * * *".to_owned()];
    Policy {
        schedule: Schedule::new(&patterns, Zone::UTC, 600).unwrap(),
        zone: Zone::UTC,
        freshness_ms: 26 * HOUR_MS,
        calls_per_day: 4,
        manual_reserve: 1,
        accounts_per_minute: 100,
        error_budget: 3,
        error_hard_limit: 8,
        history_days: 90,
        access_days: 90,
        overlap_days: 30,
        warn_days: vec![14, 7, 3, 1],
        remove_replaced: true,
        redirect: "http://localhost:8437/linked".into(),
        call_timeout_ms: 120_000,
        rules: Vec::new(),
    }
}

fn failure(class: FailureClass, status: Option<u16>, counts: bool) -> Failure {
    Failure { class, counts, status, code: "test".into(), rate: Rate::default(), server_date: None }
}

/// What the scripted provider does; changed by the tests as they go.
struct Script {
    requisition: RequisitionStatus,
    accounts: Vec<(&'static str, &'static str)>,
    data: Option<Failure>,
    everything: Option<Failure>,
    metadata: ProviderStatus,
    refuse_terms: Vec<Refusal>,
    accepted: UtcInstant,
    /// Fails the scopes named, where `data` does not fail all.
    broken: Vec<Scope>,
    /// A page of the edge answers whatever concerns this handle.
    unserved: Option<&'static str>,
    /// Answers carry the provider's date.
    dated: bool,
    /// Days of access that the agreement gives.
    access_days: u32,
    /// Days of access that the institution gives if it is confirmed every 90 days.
    confirmed_days: Option<u32>,
    /// The page on which that is done, once it was asked for.
    page: Option<Reconfirmation>,
    /// Why there is none.
    no_page: Option<Refusal>,
}

struct Driver {
    planner: Planner,
    /// The true time.
    now: UtcInstant,
    /// How far our wall clock is ahead of it.
    wrong_ms: i64,
    script: Script,
    calls: Vec<(UtcInstant, String)>,
    events: Vec<(UtcInstant, EventCode)>,
    results: Vec<PullResult>,
    documents: Snapshot,
    next_call_id: i64,
}

impl Driver {
    fn new() -> Self {
        Self {
            planner: Planner::restore(Snapshot::default(), policy(), [7; 32]),
            now: T0,
            wrong_ms: 0,
            script: Script {
                requisition: RequisitionStatus::Created,
                accounts: vec![("p1", "DE89370400440532013000")],
                data: None,
                everything: None,
                metadata: ProviderStatus::Ready,
                refuse_terms: Vec::new(),
                accepted: T0,
                broken: Vec::new(),
                unserved: None,
                dated: false,
                access_days: 90,
                confirmed_days: None,
                page: None,
                no_page: None,
            },
            calls: Vec::new(),
            events: Vec::new(),
            results: Vec::new(),
            documents: Snapshot::default(),
            next_call_id: 0,
        }
    }

    fn at(&self) -> Now {
        Now { wall: self.now.plus_ms(self.wrong_ms), mono_ms: self.now.ms() }
    }

    fn link(&mut self, replaces: Option<LinkId>) -> LinkId {
        let link_id = self.planner.new_link_id(self.now);
        let institution = InstitutionId::from("TEST_BANK");
        let wish = Event::LinkWanted {
            link_id,
            institution,
            history_days: None,
            access_days: None,
            replaces,
        };
        self.planner.on(self.at(), wish);
        self.run_for(1_000);
        link_id
    }

    fn linked() -> (Self, LinkId, AccountId) {
        let mut driver = Self::new();
        let link_id = driver.link(None);
        driver.script.requisition = RequisitionStatus::Linked;
        driver.script.accepted = driver.now;
        driver.run_for(60_000);
        let account = driver.planner.accounts().next().unwrap().id;
        (driver, link_id, account)
    }

    fn run_for(&mut self, ms: i64) {
        let end = self.now.plus_ms(ms);
        for _ in 0..200_000 {
            match self.planner.next(self.at()) {
                Step::Do(Effect::Apply(batch)) => self.apply(*batch),
                Step::Do(Effect::Pulled(result)) => self.results.push(*result),
                Step::Do(Effect::Told(..)) => {}
                Step::Do(Effect::Call(call)) => {
                    self.calls.push((self.now, name(&call.call)));
                    if let Some((part, scope)) = call.spends {
                        let account_id = self.whole(part);
                        self.next_call_id += 1;
                        let call_id = CallId(self.next_call_id);
                        let row = LedgerRow {
                            call_id,
                            account_id,
                            part,
                            scope,
                            at: call.at,
                            unsettled: true,
                        };
                        self.documents.ledger.push(row);
                        self.planner
                            .on(self.at(), Event::Reserved { ticket: call.ticket, call_id });
                    }
                    let result = Box::new(self.answer(&call.call));
                    self.planner.on(self.at(), Event::Answered { ticket: call.ticket, result });
                }
                Step::SleepUntil(at) => {
                    let at = at.plus_ms(-self.wrong_ms);
                    if at > end {
                        self.now = end;
                        return;
                    }
                    assert!(at > self.now, "a sleep must end later");
                    self.now = at;
                }
            }
        }
        panic!("the planner spins: {:?}", self.calls.iter().rev().take(5).collect::<Vec<_>>());
    }

    fn apply(&mut self, batch: Batch) {
        self.events.extend(batch.notices.iter().map(|notice| (self.now, notice.code)));
        let number = batch.number;
        self.keep(batch, self.now);
        let told = Event::Applied { number, rows: None, compared: None, wants_everything: None };
        self.planner.on(self.at(), told);
    }

    /// Commits a batch, as the store does.
    fn keep(&mut self, batch: Batch, at: UtcInstant) {
        let mut accounts: BTreeMap<_, _> =
            self.documents.accounts.drain(..).map(|account| (account.id, account)).collect();
        for union in batch.unions {
            let (kept, absorbed) = (union.kept.id, union.absorbed.id);
            accounts.remove(&absorbed);
            for row in self.documents.ledger.iter_mut().filter(|row| row.account_id == absorbed) {
                row.account_id = kept;
            }
            self.documents.unions.push(union);
        }
        if let Some((call_id, settlement)) = batch.settle {
            self.documents
                .ledger
                .retain(|row| row.call_id != call_id || settlement != Settlement::Released);
            for row in self.documents.ledger.iter_mut().filter(|row| row.call_id == call_id) {
                *row = LedgerRow { at: batch.settled_at.unwrap_or(at), unsettled: false, ..*row };
            }
        }
        accounts.extend(batch.accounts.into_iter().map(|account| (account.id, account)));
        batch.forgotten_accounts.iter().for_each(|id| drop(accounts.remove(id)));
        self.documents.accounts = accounts.into_values().collect();
        let mut links: BTreeMap<_, _> =
            self.documents.links.drain(..).map(|link| (link.id, link)).collect();
        links.extend(batch.links.into_iter().map(|link| (link.id, link)));
        batch.forgotten_links.iter().for_each(|id| drop(links.remove(id)));
        self.documents.links = links.into_values().collect();
        if let Some(provider) = batch.provider {
            self.documents.provider = provider;
        }
    }

    #[expect(clippy::panic_in_result_fn, reason = "a call outside the script is a broken test")]
    fn answer(&self, call: &ApiCall) -> Result<Answered, Failure> {
        let script = &self.script;
        if let Some(failure) = &script.everything {
            return Err(failure.clone());
        }
        let reply = match call {
            ApiCall::Institution(id) => Reply::Institution(Institution {
                id: id.clone(),
                name: "Test".into(),
                bic: String::new(),
                countries: vec!["DE".into()],
                transaction_total_days: Some(90),
                max_access_valid_for_days: Some(90),
                max_access_valid_for_days_reconfirmation: script.confirmed_days,
                supported_features: Some(vec!["account_selection".into()]),
            }),
            ApiCall::CreateAgreement { terms, .. } => {
                let too_long =
                    script.refuse_terms.contains(&Refusal::HistoryDays) && terms.history_days > 89;
                let unwanted =
                    script.refuse_terms.contains(&Refusal::Reconfirmation) && terms.reconfirmation;
                if too_long || unwanted {
                    return Err(failure(
                        FailureClass::Bug(script.refuse_terms.clone()),
                        Some(400),
                        false,
                    ));
                }
                Reply::Agreement(self.agreement())
            }
            ApiCall::Agreement(_) => Reply::Agreement(self.agreement()),
            ApiCall::CreateReconfirmation(_) | ApiCall::Reconfirmation(_) => {
                let made = matches!(call, ApiCall::Reconfirmation(_));
                match (&script.no_page, &script.page) {
                    (None, Some(page)) => Reply::Reconfirmation(page.clone()),
                    (why, _) => {
                        let not_found = Some(Refusal::NotFound).filter(|_| made);
                        let why = why.clone().or(not_found).into_iter().collect();
                        return Err(failure(FailureClass::Bug(why), Some(400), false));
                    }
                }
            }
            ApiCall::CreateRequisition(new) => Reply::Requisition(self.requisition(&new.reference)),
            ApiCall::Requisition(_) => Reply::Requisition(self.requisition("?")),
            ApiCall::DeleteRequisition(_) => Reply::Deleted,
            ApiCall::Metadata(id)
            | ApiCall::Balances(id)
            | ApiCall::Transactions { account: id, .. }
                if script.unserved == Some(id.0.as_str()) =>
            {
                return Err(failure(FailureClass::Edge(EdgeFault::NotTheApi), Some(502), false));
            }
            ApiCall::Metadata(id) => {
                let iban = script.accounts.iter().find(|(handle, _)| *handle == id.0).unwrap().1;
                let facts = AccountFacts { iban: Iban::new(iban), ..AccountFacts::default() };
                Reply::Metadata(Metadata { status: Some(script.metadata.clone()), facts })
            }
            ApiCall::Details(_) if script.broken.contains(&Scope::Details) => {
                return Err(failure(FailureClass::Wait { processing: false }, Some(503), true));
            }
            ApiCall::Details(_) => Reply::Details(AccountFacts {
                currency: Some("EUR".into()),
                ..AccountFacts::default()
            }),
            ApiCall::Balances(_) | ApiCall::Transactions { .. } => match &script.data {
                Some(failure) => return Err(failure.clone()),
                None if script.broken.iter().any(|scope| name(call) == format!("{scope:?}")) => {
                    return Err(failure(FailureClass::InstitutionError, Some(500), true));
                }
                None if matches!(call, ApiCall::Balances(_)) => Reply::Balances(Vec::new()),
                None => Reply::Unchanged { last_updated: None },
            },
            other => panic!("not in the script: {other:?}"),
        };
        let server_date = script.dated.then_some(self.now);
        Ok(Answered { reply, rate: Rate::default(), server_date })
    }

    fn agreement(&self) -> Agreement {
        Agreement {
            id: AgreementId::from("agreement"),
            institution_id: None,
            max_historical_days: Some(90),
            access_valid_for_days: Some(self.script.access_days),
            access_scope: None,
            accepted: Some(self.script.accepted),
            reconfirmation: None,
        }
    }

    /// Links with so many days of access at an institution that gives 730 if they are confirmed.
    fn confirming(days: u32, accounts: Vec<(&'static str, &'static str)>) -> (Self, LinkId) {
        let mut driver = Self::new();
        driver.script.accounts = accounts;
        driver.script.confirmed_days = Some(730);
        driver.script.access_days = days;
        let link_id = driver.planner.new_link_id(driver.now);
        let wish = Event::LinkWanted {
            link_id,
            institution: InstitutionId::from("TEST_BANK"),
            history_days: None,
            access_days: Some(days),
            replaces: None,
        };
        driver.planner.on(driver.at(), wish);
        driver.run_for(1_000);
        driver.script.requisition = RequisitionStatus::Linked;
        driver.script.accepted = driver.now;
        driver.run_for(60_000);
        (driver, link_id)
    }

    fn requisition(&self, reference: &str) -> Requisition {
        let linked = self.script.requisition == RequisitionStatus::Linked;
        let accounts =
            self.script.accounts.iter().map(|(handle, _)| ProviderAccountId::from(*handle));
        Requisition {
            id: RequisitionId::from("requisition"),
            status: self.script.requisition.clone(),
            institution_id: None,
            agreement: Some(AgreementId::from("agreement")),
            reference: reference.to_owned(),
            accounts: accounts.filter(|_| linked).collect(),
            link: Some(ConsentUrl("https://example.invalid/".into())),
        }
    }

    /// The account that a part belongs to.
    fn whole(&self, part: AccountId) -> AccountId {
        let absorbed = self.planner.unions().iter().find(|union| union.absorbed.id == part);
        absorbed.map_or(part, |union| self.whole(union.kept.id))
    }

    fn count(&self, code: EventCode) -> usize {
        self.events.iter().filter(|(_, seen)| *seen == code).count()
    }

    fn calls_of(&self, what: &str) -> Vec<UtcInstant> {
        self.calls.iter().filter(|(_, name)| name == what).map(|(at, _)| *at).collect()
    }

    fn account(&self, id: AccountId) -> &Account {
        self.planner.account(id).unwrap()
    }
}

fn name(call: &ApiCall) -> String {
    let text = format!("{call:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// The largest number of instants within any window of 24 hours.
fn most_in_a_day(instants: &[UtcInstant]) -> usize {
    let within = |first: &UtcInstant| {
        instants.iter().filter(|at| *at >= first && at.since(*first) < 24 * HOUR_MS).count()
    };
    instants.iter().map(within).max().unwrap_or(0)
}
