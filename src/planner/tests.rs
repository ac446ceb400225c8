//! Scenarios of the planner without I/O: a scripted provider, months in milliseconds.

use std::collections::BTreeMap;

use super::effect::{Batch, PullResult, Settlement};
use super::event::Event;
use super::policy::Policy;
use super::quota::LedgerRow;
use super::schedule::Schedule;
use super::state::{AccountStatus, LinkStatus};
use super::{Effect, Planner, Snapshot, Step};
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
use crate::model::requisition::{ConsentUrl, Requisition, RequisitionStatus};
use crate::model::time::{HOUR_MS, Now, UtcInstant, Zone};

const T0: UtcInstant = UtcInstant::from_ms(1_790_000_000_000);

fn policy() -> Policy {
    let patterns = ["0 0 6,13,20 * * *".to_owned()];
    Policy {
        schedule: Schedule::new(&patterns, Zone::UTC, 600).unwrap(),
        zone: Zone::UTC,
        freshness_ms: 26 * HOUR_MS,
        calls_per_day: 4,
        manual_reserve: 1,
        error_budget: 3,
        error_hard_limit: 8,
        history_days: 90,
        access_days: 90,
        overlap_days: 30,
        warn_days: vec![14, 7, 3, 1],
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
}

struct Driver {
    planner: Planner,
    now: UtcInstant,
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
            script: Script {
                requisition: RequisitionStatus::Created,
                accounts: vec![("p1", "DE89370400440532013000")],
                data: None,
                everything: None,
                metadata: ProviderStatus::Ready,
                refuse_terms: Vec::new(),
                accepted: T0,
            },
            calls: Vec::new(),
            events: Vec::new(),
            results: Vec::new(),
            documents: Snapshot::default(),
            next_call_id: 0,
        }
    }

    fn at(&self) -> Now {
        Now { wall: self.now, mono_ms: self.now.ms() }
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
                    if let Some((account_id, scope)) = call.spends {
                        self.next_call_id += 1;
                        let call_id = CallId(self.next_call_id);
                        let row =
                            LedgerRow { call_id, account_id, scope, at: self.now, unsettled: true };
                        self.documents.ledger.push(row);
                        self.planner
                            .on(self.at(), Event::Reserved { ticket: call.ticket, call_id });
                    }
                    let result = Box::new(self.answer(&call.call));
                    self.planner.on(self.at(), Event::Answered { ticket: call.ticket, result });
                }
                Step::SleepUntil(at) => {
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
        let mut accounts: BTreeMap<_, _> =
            self.documents.accounts.drain(..).map(|account| (account.id, account)).collect();
        if let Some(pair) = batch.pair {
            accounts.remove(&pair.from);
            for row in self.documents.ledger.iter_mut().filter(|row| row.account_id == pair.from) {
                row.account_id = pair.into;
            }
        }
        if let Some((call_id, settlement)) = batch.settle {
            self.documents
                .ledger
                .retain(|row| row.call_id != call_id || settlement != Settlement::Released);
            for row in self.documents.ledger.iter_mut().filter(|row| row.call_id == call_id) {
                *row = LedgerRow { at: self.now, unsettled: false, ..*row };
            }
        }
        accounts.extend(batch.accounts.into_iter().map(|account| (account.id, account)));
        self.documents.accounts = accounts.into_values().collect();
        let mut links: BTreeMap<_, _> =
            self.documents.links.drain(..).map(|link| (link.id, link)).collect();
        links.extend(batch.links.into_iter().map(|link| (link.id, link)));
        self.documents.links = links.into_values().collect();
        if let Some(provider) = batch.provider {
            self.documents.provider = provider;
        }
        self.events.extend(batch.notices.iter().map(|notice| (self.now, notice.code)));
        self.planner.on(self.at(), Event::Applied { number: batch.number, rows: None });
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
                supported_features: Some(vec!["account_selection".into()]),
            }),
            ApiCall::CreateAgreement { terms, .. } => {
                let too_long =
                    script.refuse_terms.contains(&Refusal::HistoryDays) && terms.history_days > 89;
                if too_long {
                    return Err(failure(
                        FailureClass::Bug(script.refuse_terms.clone()),
                        Some(400),
                        false,
                    ));
                }
                Reply::Agreement(self.agreement())
            }
            ApiCall::Agreement(_) => Reply::Agreement(self.agreement()),
            ApiCall::CreateRequisition(new) => Reply::Requisition(self.requisition(&new.reference)),
            ApiCall::Requisition(_) => Reply::Requisition(self.requisition("?")),
            ApiCall::DeleteRequisition(_) => Reply::Deleted,
            ApiCall::Metadata(id) => {
                let iban = script.accounts.iter().find(|(handle, _)| *handle == id.0).unwrap().1;
                let facts = AccountFacts { iban: Iban::new(iban), ..AccountFacts::default() };
                Reply::Metadata(Metadata { status: Some(script.metadata.clone()), facts })
            }
            ApiCall::Details(_) => Reply::Details(AccountFacts {
                currency: Some("EUR".into()),
                ..AccountFacts::default()
            }),
            ApiCall::Balances(_) | ApiCall::Transactions { .. } => match &script.data {
                Some(failure) => return Err(failure.clone()),
                None if matches!(call, ApiCall::Balances(_)) => Reply::Balances(Vec::new()),
                None => Reply::Unchanged { last_updated: None },
            },
            other => panic!("not in the script: {other:?}"),
        };
        Ok(Answered { reply, rate: Rate::default(), server_date: None })
    }

    fn agreement(&self) -> Agreement {
        Agreement {
            id: AgreementId::from("agreement"),
            institution_id: None,
            max_historical_days: Some(90),
            access_valid_for_days: Some(90),
            access_scope: None,
            accepted: Some(self.script.accepted),
        }
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

    fn count(&self, code: EventCode) -> usize {
        self.events.iter().filter(|(_, seen)| *seen == code).count()
    }

    fn calls_of(&self, what: &str) -> Vec<UtcInstant> {
        self.calls.iter().filter(|(_, name)| name == what).map(|(at, _)| *at).collect()
    }

    fn account(&self, id: AccountId) -> &super::Account {
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

#[test]
fn a_link_is_made_polled_and_pulled() {
    let (driver, link_id, account) = Driver::linked();
    let link = driver.planner.link(link_id).unwrap();
    assert_eq!(link.status, LinkStatus::Linked);
    assert_eq!(link.accounts, [account]);
    assert_eq!(link.access_expires_at, Some(driver.script.accepted.plus_days(90)));
    assert_eq!(link.url, None);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
    assert!(driver.account(account).last_synced_at.is_some());
    for code in [
        EventCode::LinkCreated,
        EventCode::LinkCompleted,
        EventCode::AccountDiscovered,
        EventCode::SyncCompleted,
    ] {
        assert_eq!(driver.count(code), 1, "{code:?}");
    }
    let documents = &driver.documents;
    assert_eq!(documents.accounts[0], *driver.account(account), "what is in memory was committed");
    assert_eq!(documents.links[0], *link);
}

#[test]
fn three_pulls_a_day_two_calls_each_and_one_of_them_unfiltered() {
    let (mut driver, _, _) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 10);
    let (balances, transactions) = (driver.calls_of("Balances"), driver.calls_of("Transactions"));
    assert!((30..=31).contains(&balances.len()), "{}", balances.len());
    assert_eq!(balances.len(), transactions.len());
    assert!(most_in_a_day(&balances) <= 4);
    assert_eq!(driver.calls_of("Details").len(), 1, "details: once, then monthly");
    assert_eq!(driver.calls_of("CreateRequisition").len(), 1);
}

#[test]
fn a_person_may_use_the_reserve_and_no_more() {
    let (mut driver, _, account) = Driver::linked();
    for _ in 0..6 {
        driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: false });
        driver.run_for(1_000);
    }
    assert_eq!(driver.calls_of("Balances").len(), 4);
    let last = driver.results.last().unwrap();
    assert_eq!(last.outcome, None);
    assert!(last.next_allowed_at.unwrap() > driver.now.plus_hours(23));
    driver.run_for(48 * HOUR_MS);
    assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4);
    assert!(driver.account(account).last_synced_at.unwrap() > driver.now.plus_hours(-12));
}

#[test]
fn failures_pause_ask_try_after_1_3_7_days_and_never_reach_nine() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.script.metadata = ProviderStatus::Error;
    let before = driver.calls_of("Balances").len();
    driver.run_for(24 * HOUR_MS * 60);
    let tries = driver.calls_of("Balances").split_off(before);
    assert_eq!(tries.len(), 6, "three to the pause, then one after 1, 3 and 7 days");
    let pause = driver.account(account).pause.unwrap();
    for (tried, days) in tries[3..].iter().zip([1, 3, 7]) {
        let off = tried.since(pause.since.plus_days(days));
        assert!((0..HOUR_MS).contains(&off), "{days} days: off by {off} ms");
    }
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert_eq!(driver.account(account).status, AccountStatus::Paused);
    assert_eq!(driver.count(EventCode::AccountStale), 1);
    for _ in 0..9 {
        driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: true });
        driver.run_for(24 * HOUR_MS);
    }
    assert_eq!(
        driver.calls_of("Balances").len() - before,
        8,
        "the hard limit holds for force, too"
    );
}

#[test]
fn ready_lifts_the_pause_and_a_success_recovers() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.run_for(24 * HOUR_MS);
    driver.script.data = None;
    driver.run_for(48 * HOUR_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
    assert_eq!(driver.account(account).consecutive_failures, 0);
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert_eq!(driver.count(EventCode::AccountRecovered), 1);
}

#[test]
fn access_ends_with_four_warnings_one_event_and_no_further_call() {
    let (mut driver, link_id, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 91);
    assert_eq!(driver.count(EventCode::AccessExpiring), 4);
    assert_eq!(driver.count(EventCode::AccessExpired), 1);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
    assert_eq!(driver.account(account).status, AccountStatus::Expired);
    let end = driver.script.accepted.plus_days(90);
    assert!(driver.calls.iter().all(|(at, _)| *at <= end), "no call after the end");
}

#[test]
fn a_revocation_is_told_apart_and_announced_once() {
    let (mut driver, link_id, account) = Driver::linked();
    driver.script.data =
        Some(failure(FailureClass::Reconnect(AccessEnd::ExpiredOrRevoked), Some(401), true));
    driver.run_for(24 * HOUR_MS * 5);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Revoked);
    assert_eq!(driver.account(account).status, AccountStatus::Expired);
    assert_eq!(driver.count(EventCode::AccessRevoked), 1);
    assert_eq!(driver.count(EventCode::AccessExpired), 0);
}

#[test]
fn a_daily_429_waits_and_the_slot_is_not_skipped() {
    let (mut driver, _, account) = Driver::linked();
    let whom = Throttled::AccountScope;
    driver.script.data =
        Some(failure(FailureClass::Throttle { wait_s: Some(7_200), whom }, Some(429), false));
    driver.run_for(24 * HOUR_MS);
    let refused = driver.calls_of("Balances");
    driver.script.data = None;
    driver.run_for(3 * HOUR_MS);
    let good = driver.calls_of("Balances").split_off(refused.len());
    assert!(!good.is_empty(), "the slot waited");
    assert!(good[0].since(*refused.last().unwrap()) >= 7_200_000);
    assert_eq!(driver.account(account).consecutive_failures, 0);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
}

#[test]
fn an_outage_knocks_with_free_calls_and_is_announced_once() {
    let (mut driver, _, _) = Driver::linked();
    let before = driver.calls_of("Balances").len();
    driver.script.data = Some(failure(FailureClass::Edge(EdgeFault::Unreachable), None, false));
    driver.run_for(24 * HOUR_MS);
    assert!(driver.calls_of("Balances").len() - before <= 4, "the quota is not burnt");
    assert!(driver.count(EventCode::ProviderUnavailable) >= 1);
    assert_eq!(driver.count(EventCode::AccountPaused), 0);
    driver.script.data = None;
    driver.run_for(48 * HOUR_MS);
    assert_eq!(
        driver.count(EventCode::ProviderUnavailable),
        driver.count(EventCode::ProviderRecovered)
    );
}

#[test]
fn a_wrong_secret_stops_everything_once_and_is_retried_slowly() {
    let (mut driver, _, _) = Driver::linked();
    let fault = FailureClass::Configuration(ConfigurationFault::Credentials);
    driver.script.everything = Some(failure(fault, Some(401), false));
    let before = driver.calls.len();
    driver.run_for(24 * HOUR_MS);
    assert_eq!(driver.count(EventCode::CredentialsRejected), 1);
    assert!((3..=6).contains(&(driver.calls.len() - before)), "{}", driver.calls.len() - before);
    driver.script.everything = None;
    driver.planner.on(driver.at(), Event::Started);
    driver.run_for(1_000);
    assert!(driver.planner.provider().fault.is_none(), "a restart tries at once");
}

#[test]
fn refused_terms_are_lowered_until_the_institution_agrees() {
    let mut driver = Driver::new();
    driver.script.refuse_terms = vec![Refusal::HistoryDays];
    let link_id = driver.link(None);
    let link = driver.planner.link(link_id).unwrap();
    assert_eq!(link.terms.history_days, 89);
    assert_eq!(link.status, LinkStatus::Created);
    assert_eq!(driver.calls_of("CreateAgreement").len(), 2);
    let again = driver.link(None);
    assert_eq!(driver.planner.link(again).unwrap().terms.history_days, 89);
    assert_eq!(driver.calls_of("CreateAgreement").len(), 3, "what worked is remembered");
}

#[test]
fn a_link_that_nobody_finishes_is_given_up() {
    let mut driver = Driver::new();
    let link_id = driver.link(None);
    driver.run_for(48 * HOUR_MS);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Abandoned);
    assert_eq!(driver.count(EventCode::LinkAbandoned), 1);
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
}

#[test]
fn a_renewal_keeps_the_account_and_removes_the_old_link() {
    let (mut driver, old, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 10);
    driver.script.requisition = RequisitionStatus::Created;
    driver.script.accounts = vec![("p2", "de89 3704 0044 0532 0130 00")];
    let new = driver.link(Some(old));
    driver.run_for(60_000);
    assert_eq!(
        driver.planner.link(old).unwrap().status,
        LinkStatus::Linked,
        "untouched until then"
    );
    driver.script.requisition = RequisitionStatus::Linked;
    driver.script.accepted = driver.now;
    driver.run_for(24 * HOUR_MS);
    assert_eq!(driver.planner.accounts().count(), 1);
    let kept = driver.account(account);
    assert_eq!(kept.provider_account_id, ProviderAccountId::from("p2"));
    assert_eq!(kept.link_id, new);
    let replaced = driver.planner.link(old).unwrap();
    assert_eq!((replaced.status, replaced.replaced_by), (LinkStatus::Replaced, Some(new)));
    assert_eq!(driver.count(EventCode::LinkReplaced), 1);
    assert_eq!(driver.count(EventCode::AccessRenewed), 1);
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
    assert_eq!(driver.documents.accounts.len(), 1);
    assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4, "the quota came along");
}

#[test]
fn a_restart_forgets_nothing() {
    let (mut driver, _, account) = Driver::linked();
    driver.run_for(51 * HOUR_MS);
    let calls = driver.calls.len();
    for _ in 0..20 {
        driver.planner = Planner::restore(driver.documents.clone(), policy(), [9; 32]);
        driver.planner.on(driver.at(), Event::Started);
        driver.run_for(1_000);
    }
    assert_eq!(driver.calls.split_off(calls), [], "restarts cause no calls");
    driver.now = driver.now.plus_days(3);
    driver.run_for(1_000);
    assert_eq!(
        driver.calls.len() - calls,
        3,
        "one catch-up: balances, transactions, a look at the requisition"
    );
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
}

#[test]
fn a_scope_that_the_bank_refuses_is_switched_off_alone() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::ScopeGone, Some(403), false));
    driver.run_for(24 * HOUR_MS * 3);
    assert_eq!(driver.count(EventCode::ScopeRefused), 2);
    assert_eq!(
        driver.account(account).scopes_off.iter().copied().collect::<Vec<_>>(),
        [Scope::Balances, Scope::Transactions]
    );
}
