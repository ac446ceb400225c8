//! Accounts across links, through planner and store: a scripted provider, real rows, the real database.

mod late;
mod table;
mod undo;

use std::collections::BTreeMap;
use std::sync::Arc;

use banksyncd::config::AccountRule;
use banksyncd::daemon::run::remembered;
use banksyncd::gocardless::Rows;
use banksyncd::model::account::{AccountFacts, Metadata, ProviderStatus};
use banksyncd::model::agreement::{Agreement, Scope};
use banksyncd::model::failure::{Failure, FailureClass, Rate};
use banksyncd::model::iban::Iban;
use banksyncd::model::id::{
    AccountId, AgreementId, InstitutionId, LinkId, ProviderAccountId, RequisitionId,
};
use banksyncd::model::institution::Institution;
use banksyncd::model::notice::EventCode;
use banksyncd::model::port::{Answered, ApiCall, Reply};
use banksyncd::model::requisition::{ConsentUrl, Requisition, RequisitionStatus};
use banksyncd::model::time::{HOUR_MS, MINUTE_MS, Now, UtcInstant, Zone};
use banksyncd::planner::effect::{Effect, PlannedCall};
use banksyncd::planner::event::Event;
use banksyncd::planner::policy::Policy;
use banksyncd::planner::schedule::Schedule;
use banksyncd::planner::state::Account;
use banksyncd::planner::{Planner, Snapshot, Step};
use banksyncd::store::{
    Applied, EventFilter, Reservation, Store, StoredEvent, TransactionFilter, TransactionRow,
};

use crate::support::{answer, block_on, key, open, raw};

/// An account as the provider shows it through one link.
#[derive(Clone)]
pub(crate) struct Shown {
    handle: String,
    institution: &'static str,
    metadata: AccountFacts,
    /// `None`: the bank gives no details.
    details: Option<AccountFacts>,
    /// So many questions for them fail first.
    failures: u32,
    status: ProviderStatus,
    rows: Vec<String>,
}

/// Rows of one account's life, told apart by its letter.
pub(crate) fn rows(letter: &str, days: std::ops::RangeInclusive<u32>) -> Vec<String> {
    days.map(|day| raw(day, &format!("-{day}.50"), &format!("{letter}{day} {letter}shop"), ""))
        .collect()
}

/// Five payments in euros and no word about who it is.
pub(crate) fn shown(handle: &str, letter: &str) -> Shown {
    let facts = AccountFacts { currency: Some("EUR".into()), ..AccountFacts::default() };
    Shown {
        handle: handle.to_owned(),
        institution: "BANK",
        metadata: AccountFacts::default(),
        details: Some(facts),
        failures: 0,
        status: ProviderStatus::Ready,
        rows: rows(letter, 1..=5),
    }
}

impl Shown {
    pub(crate) fn iban(mut self, iban: &str) -> Self {
        self.metadata.iban = Iban::new(iban);
        self
    }

    /// Changes the details.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut AccountFacts)) -> Self {
        change(self.details.as_mut().unwrap());
        self
    }

    pub(crate) fn currency(self, code: &str) -> Self {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        self.with(|facts| facts.currency = code)
    }

    pub(crate) fn bban(self, text: &str) -> Self {
        self.with(|facts| facts.bban = Iban::new(text))
    }

    pub(crate) fn card(self, text: &str) -> Self {
        self.with(|facts| facts.masked_pan = Iban::new(text))
    }

    pub(crate) fn name(self, text: &str) -> Self {
        self.with(|facts| facts.name = Some(text.to_owned()))
    }

    pub(crate) fn product(self, text: &str) -> Self {
        self.with(|facts| facts.product = Some(text.to_owned()))
    }

    pub(crate) fn kind(self, text: &str) -> Self {
        self.with(|facts| facts.cash_account_type = Some(text.to_owned()))
    }

    pub(crate) fn at(mut self, institution: &'static str) -> Self {
        self.institution = institution;
        self
    }

    pub(crate) fn rows(mut self, rows: Vec<String>) -> Self {
        self.rows = rows;
        self
    }

    pub(crate) fn without_details(mut self) -> Self {
        self.details = None;
        self
    }

    pub(crate) fn with_late_details(mut self) -> Self {
        self.failures = 1;
        self
    }

    pub(crate) fn processing(mut self) -> Self {
        self.status = ProviderStatus::Processing;
        self
    }
}

/// When a life begins: the planner trusts no clock that is older than itself.
const START: UtcInstant = UtcInstant::from_ms(1_790_000_000_000);

/// Planner and store, and the provider that answers them.
pub(crate) struct Life {
    pub(crate) planner: Planner,
    pub(crate) store: Store,
    pub(crate) now: UtcInstant,
    /// By requisition.
    opened: BTreeMap<String, Vec<Shown>>,
    /// What the next requisition opens.
    next: Vec<Shown>,
    /// How often details were asked for, by handle.
    described: BTreeMap<String, u32>,
    deleted: Vec<String>,
    folder: tempfile::TempDir,
}

fn policy(rules: Vec<AccountRule>) -> Policy {
    Policy {
        remove_replaced: true,
        schedule: Schedule::new(&["0 0 6 * * *".to_owned()], Zone::UTC, 1).unwrap(),
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
        warn_days: vec![14],
        redirect: "http://localhost:8437/linked".into(),
        call_timeout_ms: 120_000,
        rules,
    }
}

impl Life {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = block_on(open(&folder.path().join("x.db"), key())).unwrap();
        Self {
            planner: Planner::restore(Snapshot::default(), policy(Vec::new()), [7; 32]),
            store,
            now: START,
            opened: BTreeMap::new(),
            next: Vec::new(),
            described: BTreeMap::new(),
            deleted: Vec::new(),
            folder,
        }
    }

    pub(crate) fn at(&self) -> Now {
        Now { wall: self.now, mono_ms: self.now.ms() }
    }

    pub(crate) fn rules(&mut self, rules: Vec<AccountRule>) {
        self.planner.set_policy(policy(rules), self.at());
    }

    /// Links these, and waits for the first pulls.
    pub(crate) fn link(&mut self, accounts: &[Shown], replaces: Option<LinkId>) -> LinkId {
        self.next = accounts.to_vec();
        let link_id = self.planner.new_link_id(self.now);
        let institution = accounts.first().map_or("BANK", |account| account.institution);
        let wish = Event::LinkWanted {
            link_id,
            institution: InstitutionId::from(institution),
            history_days: None,
            access_days: None,
            replaces,
        };
        self.planner.on(self.at(), wish);
        self.run_for(30 * MINUTE_MS);
        link_id
    }

    /// The process ends, and another one begins with what the store remembers.
    pub(crate) fn restart(&mut self) {
        block_on(self.store.close()).unwrap();
        let (store, found) = block_on(open(&self.folder.path().join("x.db"), key())).unwrap();
        self.store = store;
        let rules = self.planner.policy().rules.clone();
        self.planner = Planner::restore(remembered(found), policy(rules), [9; 32]);
        self.planner.on(self.at(), Event::Started);
    }

    /// The next process knows the same accounts as this one.
    pub(crate) fn assert_remembered(&mut self, name: &str) {
        let before: Vec<Account> = self.planner.accounts().cloned().collect();
        self.restart();
        let after: Vec<Account> = self.planner.accounts().cloned().collect();
        assert_eq!(before, after, "{name}: after a restart");
    }

    pub(crate) fn run_for(&mut self, ms: i64) {
        let end = self.now.plus_ms(ms);
        for _ in 0..20_000 {
            match self.planner.next(self.at()) {
                Step::Do(Effect::Apply(batch)) => {
                    let number = batch.number;
                    let applied =
                        block_on(self.store.apply(Arc::from(batch), Arc::new(Rows))).unwrap();
                    let Applied { rows, compared, wants_everything, .. } = applied;
                    let event = Event::Applied { number, rows, compared, wants_everything };
                    self.planner.on(self.at(), event);
                }
                Step::Do(Effect::Call(call)) => self.call(*call),
                Step::Do(Effect::Pulled(_) | Effect::Told(..)) => {}
                Step::SleepUntil(at) if at > end => {
                    self.now = end;
                    return;
                }
                Step::SleepUntil(at) => self.now = at,
            }
        }
        panic!("the planner spins");
    }

    fn call(&mut self, planned: PlannedCall) {
        let PlannedCall { ticket, call, spends, at } = planned;
        if let Some((account_id, scope)) = spends {
            let provider_account_id = match &call {
                ApiCall::Details(id) | ApiCall::Balances(id) => id.clone(),
                ApiCall::Transactions { account, .. } => account.clone(),
                other => panic!("{other:?} spends nothing"),
            };
            let reservation = Reservation { account_id, scope, provider_account_id, at };
            let call_id = block_on(self.store.reserve(reservation)).unwrap();
            self.planner.on(self.at(), Event::Reserved { ticket, call_id });
        }
        let reply = match &call {
            ApiCall::Details(id) => self.details(id),
            other => Ok(self.answer(other)),
        };
        let result = Box::new(reply.map(good));
        self.planner.on(self.at(), Event::Answered { ticket, result });
    }

    fn show(&self, handle: &ProviderAccountId) -> &Shown {
        let all = self.opened.values().flatten();
        all.rev().find(|shown| shown.handle == handle.0).unwrap()
    }

    /// What a handle shows from now on.
    pub(crate) fn change(&mut self, handle: &str, change: impl Fn(&mut Shown)) {
        let all = self.opened.values_mut().flatten();
        all.filter(|shown| shown.handle == handle).for_each(change);
    }

    fn answer(&mut self, call: &ApiCall) -> Reply {
        match call {
            ApiCall::Institution(id) => Reply::Institution(Institution {
                id: id.clone(),
                name: "Test".into(),
                bic: String::new(),
                countries: vec!["DE".into()],
                transaction_total_days: Some(90),
                max_access_valid_for_days: Some(90),
                max_access_valid_for_days_reconfirmation: None,
                supported_features: Some(Vec::new()),
            }),
            ApiCall::CreateAgreement { .. } | ApiCall::Agreement(_) => {
                Reply::Agreement(Agreement {
                    id: AgreementId::from("agreement"),
                    institution_id: None,
                    max_historical_days: Some(90),
                    access_valid_for_days: Some(90),
                    access_scope: None,
                    accepted: Some(self.now),
                    reconfirmation: None,
                })
            }
            ApiCall::CreateRequisition(new) => {
                let id = format!("requisition-{:03}", self.opened.len());
                self.opened.insert(id.clone(), std::mem::take(&mut self.next));
                Reply::Requisition(self.requisition(&id, &new.reference))
            }
            ApiCall::Requisition(id) => Reply::Requisition(self.requisition(&id.0, "?")),
            ApiCall::DeleteRequisition(id) => {
                self.deleted.push(id.0.clone());
                Reply::Deleted
            }
            ApiCall::Metadata(id) => {
                let shown = self.show(id);
                let status = Some(shown.status.clone());
                Reply::Metadata(Metadata { status, facts: shown.metadata.clone() })
            }
            ApiCall::Balances(_) => Reply::Balances(Vec::new()),
            ApiCall::Transactions { account, .. } => {
                Reply::Transactions(answer(&self.show(account).rows, None, None))
            }
            other => panic!("not in the script: {other:?}"),
        }
    }

    fn details(&mut self, id: &ProviderAccountId) -> Result<Reply, Failure> {
        let asked = self.described.entry(id.0.clone()).or_default();
        *asked += 1;
        let asked = *asked;
        let shown = self.show(id);
        if asked <= shown.failures {
            return Err(failure(FailureClass::InstitutionError, 500));
        }
        let details = shown.details.clone();
        details.map(Reply::Details).ok_or_else(|| failure(FailureClass::ScopeGone, 403))
    }

    fn requisition(&self, id: &str, reference: &str) -> Requisition {
        let handles = self.opened[id].iter().map(|shown| shown.handle.as_str());
        Requisition {
            id: RequisitionId::from(id),
            status: RequisitionStatus::Linked,
            institution_id: None,
            agreement: Some(AgreementId::from("agreement")),
            reference: reference.to_owned(),
            accounts: handles.map(ProviderAccountId::from).collect(),
            link: Some(ConsentUrl("https://example.invalid/".into())),
        }
    }

    /// The account that is called through a handle.
    pub(crate) fn through(&self, handle: &str) -> Option<&Account> {
        self.planner.accounts().find(|account| account.provider_account_id.0 == handle)
    }

    pub(crate) fn rows_of(&self, account: AccountId, all: bool) -> Vec<TransactionRow> {
        let account_id = Some(account);
        let filter = TransactionFilter { account_id, all, ..TransactionFilter::default() };
        block_on(self.store.transactions(filter).collect()).unwrap()
    }

    pub(crate) fn events(&self, code: EventCode) -> Vec<StoredEvent> {
        let filter = EventFilter { code: Some(code), ..EventFilter::default() };
        block_on(self.store.events(filter).collect()).unwrap()
    }

    pub(crate) fn used(&self, account: AccountId, scope: Scope) -> u32 {
        let account = self.planner.account(account).unwrap();
        self.planner.allowance(account, scope, true, self.now).used
    }

    pub(crate) fn verified(&self) {
        let checks = block_on(self.store.verify(Arc::new(Rows), |_| ())).unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    }

    /// Matching all stored answers anew makes the same of them.
    #[track_caller]
    pub(crate) fn replayed(&self) {
        let replayed = block_on(self.store.replay(Arc::new(Rows), false)).unwrap();
        assert!(replayed.differences.is_empty(), "{:#?}", replayed.differences);
    }

    /// What a handle's account lists is what the bank shows, each row as often; older rows stay.
    #[track_caller]
    pub(crate) fn assert_listed(&self, handle: &str) {
        let account = self.through(handle).unwrap();
        let mut truth = self.show(&ProviderAccountId::from(handle)).rows.clone();
        let rows = self.rows_of(account.id, false);
        let oldest =
            rows.iter().filter(|row| truth.contains(&row.raw)).map(|row| row.effective_date).min();
        let covered =
            rows.into_iter().filter(|row| oldest.is_none_or(|date| row.effective_date >= date));
        let mut listed: Vec<String> = covered.map(|row| row.raw).collect();
        listed.sort_unstable();
        truth.sort_unstable();
        assert_eq!(listed, truth, "{handle}");
    }
}

fn good(reply: Reply) -> Answered {
    Answered { reply, rate: Rate::default(), server_date: None }
}

fn failure(class: FailureClass, status: u16) -> Failure {
    Failure {
        counts: class == FailureClass::InstitutionError,
        class,
        status: Some(status),
        code: "test".into(),
        rate: Rate::default(),
        server_date: None,
    }
}
