//! A store in a temporary folder, and batches and answers to feed it with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::model::account::AccountFacts;
use banksyncd::model::id::{AccountId, InstitutionId, LinkId, ProviderAccountId, RunId};
use banksyncd::model::port::{Body, Entropy};
use banksyncd::model::secret::DatabaseKey;
use banksyncd::model::time::{BankDate, UtcInstant};
use banksyncd::model::transaction::{Answer, AnswerMark, Span};
use banksyncd::planner::effect::{Batch, Data};
use banksyncd::planner::state::Account;
use banksyncd::store::{Applied, Error, Snapshot, Store, TransactionFilter, TransactionRow};

/// Two days into the world of the tests.
pub(crate) const T0: UtcInstant = UtcInstant::from_ms(1_761_897_600_000);

pub(crate) struct FixedEntropy(pub(crate) u128);

impl Entropy for FixedEntropy {
    fn bits(&self) -> u128 {
        self.0
    }
}

pub(crate) fn key() -> DatabaseKey {
    DatabaseKey::from_bytes([7; 32])
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) async fn open(path: &Path, key: DatabaseKey) -> Result<(Store, Snapshot), Error> {
    Store::open(path.to_owned(), key, T0, &FixedEntropy(0x5555_5555_5555_5555_5555_5555_5555_5555))
        .await
}

pub(crate) fn account_id(n: u128) -> AccountId {
    AccountId::new(T0.ms(), n)
}

pub(crate) fn run_id(n: u128) -> RunId {
    RunId::new(T0.ms(), n)
}

pub(crate) fn account(n: u128) -> Account {
    let text = format!(
        r#"{{"id":"{}","provider_account_id":"handle-{n}","link_id":"{}","institution_id":"BANK","discovered_at":{}}}"#,
        account_id(n),
        LinkId::new(T0.ms(), 1),
        T0.ms()
    );
    let mut account: Account = serde_json::from_str(&text).unwrap();
    account.facts = AccountFacts { currency: Some("EUR".into()), ..AccountFacts::default() };
    assert_eq!(account.institution_id, InstitutionId::from("BANK"));
    assert_eq!(account.provider_account_id, ProviderAccountId(format!("handle-{n}")));
    account
}

/// A row like a bank's: day of March 2026, amount, text; further members as they are.
pub(crate) fn raw(day: u32, amount: &str, text: &str, more: &str) -> String {
    format!(
        r#"{{"bookingDate":"2026-03-{day:02}","transactionAmount":{{"amount":"{amount}","currency":"EUR"}},"remittanceInformationUnstructured":"{text}"{more}}}"#
    )
}

pub(crate) fn day(day: u32) -> Option<BankDate> {
    BankDate::from_ymd(2026, 3, day)
}

/// An answer of these rows, as the adapter would give it.
pub(crate) fn answer<S: AsRef<str>>(
    booked: &[S],
    pending: Option<&[S]>,
    last_updated: Option<&str>,
) -> Answer {
    let mut body = String::from(r#"{"transactions":"#);
    let start = body.len();
    body.push_str(r#"{"booked":["#);
    let booked = put_list(&mut body, booked);
    body.push(']');
    let pending = pending.map(|rows| {
        body.push_str(r#","pending":["#);
        let spans = put_list(&mut body, rows);
        body.push(']');
        spans
    });
    body.push('}');
    let value = &body[start..];
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(value.as_bytes()).as_bytes()[..16]);
    let mark = AnswerMark {
        start: u32::try_from(start).unwrap(),
        len: u32::try_from(value.len()).unwrap(),
        hash,
    };
    body.push('}');
    Answer {
        body: Body::new(body.into_bytes(), None).into_text().unwrap(),
        booked,
        pending,
        last_updated: last_updated.map(str::to_owned),
        mark,
    }
}

fn put_list<S: AsRef<str>>(body: &mut String, rows: &[S]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        let start = body.len();
        body.push_str(row.as_ref());
        spans.push(Span { start, end: body.len() });
    }
    spans
}

/// A store with one account, and the hours that have passed.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) at: UtcInstant,
    runs: u128,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(&folder.path().join("x.db"), key()).await.unwrap();
        let world = Self { folder, store, at: T0, runs: 0 };
        let batch = Batch { accounts: vec![account(1)], ..Batch::default() };
        world.apply(batch).await.unwrap();
        world
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("x.db")
    }

    pub(crate) fn wait_hours(&mut self, hours: i64) {
        self.at = self.at.plus_hours(hours);
    }

    pub(crate) async fn apply(&self, mut batch: Batch) -> Result<Applied, Error> {
        batch.at = Some(self.at);
        self.store.apply(Arc::new(batch), Arc::new(Rows)).await
    }

    fn next_run(&mut self) -> RunId {
        self.runs += 1;
        RunId::new(self.at.ms(), self.runs)
    }

    pub(crate) async fn pull(&mut self, date_from: Option<BankDate>, answer: Answer) -> Applied {
        let data = Data::Transactions {
            account_id: account_id(1),
            run_id: self.next_run(),
            date_from,
            answer: Box::new(answer),
        };
        self.apply(Batch { data: Some(data), ..Batch::default() }).await.unwrap()
    }

    /// Pulls these booked rows without filter and without a pending list.
    pub(crate) async fn pull_rows<S: AsRef<str>>(&mut self, booked: &[S]) -> Applied {
        self.pull(None, answer(booked, None, None)).await
    }

    pub(crate) async fn unchanged(
        &mut self,
        date_from: Option<BankDate>,
        last_updated: Option<&str>,
    ) -> Applied {
        let data = Data::Unchanged {
            account_id: account_id(1),
            run_id: self.next_run(),
            date_from,
            last_updated: last_updated.map(str::to_owned),
        };
        self.apply(Batch { data: Some(data), ..Batch::default() }).await.unwrap()
    }

    pub(crate) async fn list(&self, filter: TransactionFilter) -> Vec<TransactionRow> {
        self.store.transactions(filter).collect().await.unwrap()
    }

    pub(crate) async fn listed(&self) -> Vec<TransactionRow> {
        self.list(TransactionFilter::default()).await
    }

    pub(crate) async fn all(&self) -> Vec<TransactionRow> {
        self.list(TransactionFilter { all: true, ..TransactionFilter::default() }).await
    }

    pub(crate) async fn verified(&self) {
        let checks = self.store.verify(Arc::new(Rows), |_| ()).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    }
}
