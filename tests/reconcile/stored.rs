//! The same banks in the store: it keeps the rows that the table in memory keeps, and replaying its answers finds nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::model::id::{AccountId, RunId};
use banksyncd::model::port::{Body, Entropy};
use banksyncd::model::secret::DatabaseKey;
use banksyncd::model::time::{BankDate, UtcInstant};
use banksyncd::model::transaction::{Answer, AnswerMark, BookingStatus, RowState, Span};
use banksyncd::planner::effect::{Batch, Data};
use banksyncd::store::{Store, TransactionFilter};
use serde_json::{Value, json};

use crate::bank::Bank;
use crate::table::{Content, Shown, Table};

/// Banks that are stored.
const CASES: u64 = 60;
const ANSWERS: u32 = 14;
const T0: UtcInstant = UtcInstant::from_ms(1_700_000_000_000);

struct Fixed;

impl Entropy for Fixed {
    fn bits(&self) -> u128 {
        7
    }
}

fn written(row: &Content) -> String {
    let time = if row.times { "T12:00:00" } else { "" };
    let date = |days: Option<i64>| {
        days.and_then(BankDate::from_epoch_days).map(|date| format!("{date}{time}"))
    };
    let mut written = json!({
        "transactionAmount": {
            "amount": format!("-{}.{:02}", -row.cents / 100, -row.cents % 100),
            "currency": "EUR",
        },
        "remittanceInformationUnstructured": row.text,
        "creditorName": row.party,
    });
    for (name, value) in [
        ("internalTransactionId", row.internal_id.clone()),
        ("transactionId", row.bank_id.clone()),
        (if row.times { "bookingDateTime" } else { "bookingDate" }, date(row.booking)),
        (if row.times { "valueDateTime" } else { "valueDate" }, date(row.value)),
    ] {
        if let Some(value) = value {
            written[name] = Value::String(value);
        }
    }
    written.to_string()
}

fn answer(shown: &Shown) -> Answer {
    let mut body = String::from("[");
    let mut spans = |rows: &[Content]| -> Vec<Span> {
        let span = |row: &Content| {
            let start = body.len();
            body.push_str(&written(row));
            let end = body.len();
            body.push(',');
            Span { start, end }
        };
        rows.iter().map(span).collect()
    };
    let booked = spans(&shown.booked);
    let pending = shown.pending.as_deref().map(spans);
    Answer {
        body: Body::new(body.into_bytes(), None).into_text().unwrap(),
        booked,
        pending,
        last_updated: shown.facts.last_updated.clone(),
        mark: AnswerMark { start: 0, len: 0, hash: [0; 16] },
    }
}

async fn open(path: &Path) -> Store {
    Store::open(path.to_owned(), DatabaseKey::from_bytes([7; 32]), T0, &Fixed).await.unwrap().0
}

/// What is listed in any state, by text.
type Rows4 = Vec<(String, BookingStatus, RowState)>;

async fn stored(store: &Store) -> Rows4 {
    let filter = TransactionFilter { all: true, ..TransactionFilter::default() };
    let rows = store.transactions(filter).collect().await.unwrap();
    let mut rows: Rows4 =
        rows.into_iter().map(|row| (row.raw, row.booking_status, row.state)).collect();
    rows.sort();
    rows
}

async fn live(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("x.db")).await;
    let id = AccountId::new(T0.ms(), 1);
    let account = json!({
        "id": id.to_string(), "provider_account_id": "handle", "institution_id": "BANK",
        "link_id": banksyncd::model::id::LinkId::new(T0.ms(), 1).to_string(), "discovered_at": 0,
    });
    let account = serde_json::from_value(account).unwrap();
    let batch = Batch { accounts: vec![account], at: Some(T0), ..Batch::default() };
    store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
    let (mut bank, mut table) = (Bank::new(seed), Table::default());
    let mut newest = BTreeMap::new();
    for round in 0..ANSWERS {
        bank.lives_on();
        let shown = bank.shows();
        table.apply(&shown);
        let (account_id, date_from) = (id, shown.facts.date_from);
        let rows = (shown.booked.clone(), shown.pending.clone());
        let again = newest.insert(date_from, rows.clone()) == Some(rows);
        let run_id = RunId::new(shown.facts.at.ms(), u128::from(round) + 1);
        let last_updated = shown.facts.last_updated.clone();
        // The adapter recognises the answer that came last for a window; half of the banks are asked by one that does.
        let data = if again && seed.is_multiple_of(2) {
            Data::Unchanged { account_id, run_id, date_from, last_updated }
        } else {
            let answer = Box::new(answer(&shown));
            Data::Transactions { account_id, run_id, date_from, answer }
        };
        let batch = Batch { data: Some(data), at: Some(shown.facts.at), ..Batch::default() };
        store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
    }
    let mut expected: Rows4 = table
        .rows
        .iter()
        .map(|row| (written(&row.content), row.stored.status, row.stored.state))
        .collect();
    expected.sort();
    assert_eq!(stored(&store).await, expected, "seed {seed}");
    let replayed = store.replay(Arc::new(Rows), false).await.unwrap();
    assert_eq!(replayed.differences, [], "seed {seed}");
    assert_eq!(replayed.answers, u64::from(ANSWERS));
    store.close().await.unwrap();
}

#[test]
fn the_store_keeps_the_same_rows_and_replays_them_without_a_difference() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for seed in 0..CASES {
        runtime.block_on(live(seed));
    }
}
