//! Months at every bank of the sandbox: what its answers showed is stored exactly once, under ids that stay.
//!
//! The real client splits the answers, the real store reconciles them; windows are those of the planner: the first pull of a
//! day asks for everything, the others look thirty days back. Half-way every bank is linked anew, so that accounts come back
//! under other handles. What is listed is compared with the world's own account of what it showed; nobody is alarmed while
//! nothing is lost, everybody when something is; and matching all of it once more finds no difference.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

mod classes;
mod line;
mod plant;
#[path = "../support/vault.rs"]
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::model::id::{AccountId, LinkId, RunId, TransactionId};
use banksyncd::model::money::Amount;
use banksyncd::model::notice::EventCode;
use banksyncd::model::port::{Entropy, Reply};
use banksyncd::model::secret::DatabaseKey;
use banksyncd::model::time::{BankDate, UtcInstant};
use banksyncd::model::transaction::{AnswerMark, BookingStatus};
use banksyncd::planner::effect::{Batch, Data};
use banksyncd::planner::state::Account;
use banksyncd::sandbox::{HttpRequest, Phase, Quirk, SECRET_ID, SECRET_KEY, World, WorldConfig};
use banksyncd::sandbox::{Limits, fingerprint, row_print};
use banksyncd::store::{Store, TransactionFilter, TransactionRow};
use serde_json::{Value, json};

use line::Line;

/// 2026-03-02T09:00:00Z.
const START: UtcInstant = UtcInstant::from_ms(1_772_442_000_000);
/// How long each bank is looked at.
const DAYS: i64 = 80;
/// The bank is linked anew on this day.
const RELINKED_ON: i64 = 45;
/// On this day all internal ids change, at a bank where that happens.
const INCIDENT_ON: i64 = 60;
/// How far back a filtered pull looks.
const OVERLAP_DAYS: i64 = 30;
/// Accounts of a bank that are looked at.
const ACCOUNTS_MAX: usize = 2;

struct Fixed;

impl Entropy for Fixed {
    fn bits(&self) -> u128 {
        5
    }
}

/// One account on both sides.
struct Pair {
    ours: AccountId,
    theirs: String,
    bank_account: usize,
    currency: &'static str,
    full: Option<AnswerMark>,
    window: Option<(BankDate, AnswerMark)>,
    /// Our id of each booked movement, while nothing else looks the same.
    ids: BTreeMap<u64, TransactionId>,
    /// Our id of each movement while it was pending, and the amount that the bank named.
    reserved: BTreeMap<u64, (TransactionId, String)>,
    /// Movements that another one resembles in everything but ids.
    twins: BTreeSet<u64>,
    /// What texts say besides ids, by their fingerprints.
    read: BTreeMap<u64, Content>,
}

/// What a row says besides its ids.
#[derive(Clone)]
struct Content {
    amount: String,
    all: u64,
}

/// What was seen at a bank, so that no check is empty.
#[derive(Debug, Default)]
struct Seen {
    payments: usize,
    kept: usize,
    kept_on_booking: usize,
    /// Losses and doubles that were planted and told of.
    planted: usize,
}

/// A bank's answers, and the store that takes them in.
struct Months {
    institution: &'static str,
    line: Line,
    store: Store,
    pairs: Vec<Pair>,
    runs: u128,
    seen: Seen,
    /// What the balance proof said.
    told: Vec<(AccountId, EventCode, Amount)>,
    _folder: tempfile::TempDir,
}

fn post(line: &Line, token: &str, path: &str, body: &Value) -> Value {
    let request = HttpRequest::new("POST", &format!("/api/v2/{path}"))
        .with_header("authorization", &format!("Bearer {token}"))
        .with_json(body);
    let answer = line.world.lock().unwrap().handle(line.time.wall(), &request);
    assert!(answer.status < 300, "{path}: {:?}", answer.parsed());
    answer.parsed().unwrap()
}

fn content(raw: &str) -> Content {
    let mut row: Value = serde_json::from_str(raw).unwrap();
    let fields = row.as_object_mut().unwrap();
    for id in ["transactionId", "internalTransactionId", "entryReference"] {
        fields.remove(id);
    }
    let all = fingerprint(row.to_string().as_bytes());
    Content { amount: row["transactionAmount"]["amount"].to_string(), all }
}

impl Months {
    async fn new(institution: &'static str) -> Self {
        let limits = Limits { accounts_per_minute: 9_999, ..Limits::default() };
        let config = WorldConfig { seed: 7, limits, past_days: 120, ..WorldConfig::default() };
        let line = Line::new(World::new(config, START), START);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("months.db");
        let (store, _) =
            Store::open(path, DatabaseKey::from_bytes([9; 32]), START, &Fixed).await.unwrap();
        let mut months = Self {
            institution,
            line,
            store,
            pairs: Vec::new(),
            runs: 0,
            seen: Seen::default(),
            told: Vec::new(),
            _folder: folder,
        };
        months.link().await;
        months
    }

    /// Links the bank, for the first time or again: our accounts stay, their handles change.
    async fn link(&mut self) {
        let secrets = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let token = post(&self.line, "", "token/new/", &secrets);
        let token = token["access"].as_str().unwrap();
        let days = if self.institution.starts_with("LUSITANO") { 89 } else { 90 };
        let terms = json!({"institution_id": self.institution, "max_historical_days": days});
        let agreement = post(&self.line, token, "agreements/enduser/", &terms);
        let wish = json!({"institution_id": self.institution, "agreement": agreement["id"],
            "redirect": "https://host.example/back"});
        let requisition = post(&self.line, token, "requisitions/", &wish);
        let now = self.line.time.wall();
        let accounts = {
            let mut world = self.line.world.lock().unwrap();
            let id = requisition["id"].as_str().unwrap();
            world.person_authorises(id, now).unwrap();
            let all = world.accounts(now);
            all.into_iter().filter(|own| own.requisition == id).collect::<Vec<_>>()
        };
        let mut accounts: Vec<_> =
            accounts.into_iter().map(|own| (own.bank_account, own.id, own.currency)).collect();
        accounts.sort();
        let accounts = accounts.into_iter().take(ACCOUNTS_MAX).enumerate();
        for (place, (bank_account, theirs, currency)) in accounts {
            if let Some(pair) = self.pairs.get_mut(place) {
                pair.theirs = theirs;
                (pair.full, pair.window) = (None, None);
                continue;
            }
            let ours = AccountId::new(START.ms(), u128::try_from(place).unwrap() + 1);
            let text = json!({"id": ours, "provider_account_id": theirs, "link_id":
                LinkId::new(START.ms(), 1), "institution_id": self.institution,
                "discovered_at": START.ms()});
            let account: Account = serde_json::from_value(text).unwrap();
            self.apply(Batch { accounts: vec![account], ..Batch::default() }).await;
            self.pairs.push(Pair {
                ours,
                theirs,
                bank_account,
                currency,
                full: None,
                window: None,
                ids: BTreeMap::new(),
                reserved: BTreeMap::new(),
                twins: BTreeSet::new(),
                read: BTreeMap::new(),
            });
        }
    }

    async fn apply(&mut self, mut batch: Batch) {
        batch.at = Some(self.line.time.wall());
        let applied = self.store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
        for event in applied.events {
            let notice = event.notice;
            if [EventCode::BalanceMismatch, EventCode::BalanceExplained].contains(&notice.code) {
                let amount = Amount::parse(notice.details["amount"].as_str().unwrap()).unwrap();
                self.told.push((notice.account_id.unwrap(), notice.code, amount));
            }
        }
    }

    async fn pull(&mut self, place: usize, date_from: Option<BankDate>) {
        self.runs += 1;
        let run_id = RunId::new(self.line.time.wall().ms(), self.runs);
        let account_id = self.pairs[place].ours;
        if let Some(Reply::Balances(balances)) = self.line.balances(&self.pairs[place].theirs).await
        {
            let data = Data::Balances { account_id, run_id, balances };
            self.apply(Batch { data: Some(data), ..Batch::default() }).await;
        }
        let pair = &self.pairs[place];
        let known = match date_from {
            None => pair.full,
            Some(date) => pair.window.filter(|(own, _)| *own == date).map(|(_, mark)| mark),
        };
        let Some(reply) = self.line.transactions(&pair.theirs, date_from, known).await else {
            return;
        };
        let data = match reply {
            Reply::Transactions(answer) => {
                let pair = &mut self.pairs[place];
                match date_from {
                    None => pair.full = Some(answer.mark),
                    Some(date) => pair.window = Some((date, answer.mark)),
                }
                Data::Transactions { account_id, run_id, date_from, answer: Box::new(answer) }
            }
            Reply::Unchanged { last_updated } => {
                Data::Unchanged { account_id, run_id, date_from, last_updated }
            }
            other => panic!("{other:?}"),
        };
        self.apply(Batch { data: Some(data), ..Batch::default() }).await;
        self.check(place).await;
    }

    async fn check(&mut self, place: usize) {
        let (ours, bank_account) = (self.pairs[place].ours, self.pairs[place].bank_account);
        let filter = TransactionFilter {
            account_id: Some(ours),
            pending: true,
            ..TransactionFilter::default()
        };
        let rows = self.store.transactions(filter).collect().await.unwrap();
        let booked = || rows.iter().filter(|row| row.booking_status == BookingStatus::Booked);
        let now = self.line.time.wall();
        let (mut found, shown) = {
            let world = self.line.world.lock().unwrap();
            let listed = booked().map(|row| row.raw.as_str());
            let found = world.compare(bank_account, listed, now);
            (found, world.last_answer(&self.pairs[place].theirs).unwrap().rows.clone())
        };
        let lacks = |quirk: &Quirk| matches!(quirk, Quirk::Flickers | Quirk::UndatedFees);
        if World::quirks(self.institution).iter().any(lacks) {
            // What a covering answer lacks is not listed, until it comes back: rows that were hidden, and rows without a
            // date that a new link no longer reaches back to.
            let there = |key: &u64| shown.iter().any(|(own, ..)| own == key);
            found.lost.retain(there);
        }
        self.line.garden.lock().unwrap().weed(&self.pairs[place].theirs, &mut found);
        assert!(found.is_clean(), "{} at {now}: {found:?}", self.institution);
        self.seen.payments = self.seen.payments.max(found.payments);
        self.check_ids(place, &rows, &shown);
    }

    /// Each movement of the answer keeps the row that it had.
    fn check_ids(&mut self, place: usize, rows: &[TransactionRow], shown: &[(u64, Phase, u64)]) {
        let tidy = World::quirks(self.institution).iter().all(|quirk| !blurs_booking(*quirk));
        let pair = &mut self.pairs[place];
        let mut by_text: BTreeMap<u64, Vec<&TransactionRow>> = BTreeMap::new();
        for row in rows {
            by_text.entry(row_print(&row.raw)).or_default().push(row);
        }
        let mut alike: BTreeMap<(Phase, u64), Vec<u64>> = BTreeMap::new();
        for (key, phase, text) in shown {
            if let Some(row) = by_text.get(text).and_then(|rows| rows.first()) {
                let read = pair.read.entry(*text).or_insert_with(|| content(&row.raw));
                alike.entry((*phase, read.all)).or_default().push(*key);
            }
        }
        pair.twins.extend(alike.into_values().filter(|keys| keys.len() > 1).flatten());
        for (key, phase, text) in shown {
            let Some([row]) = by_text.get(text).map(Vec::as_slice) else { continue };
            if pair.twins.contains(key) {
                continue;
            }
            if *phase == Phase::Pending && !pair.ids.contains_key(key) {
                pair.reserved.insert(*key, (row.id, pair.read[text].amount.clone()));
            }
            if *phase == Phase::Pending {
                continue;
            }
            let before = pair.ids.insert(*key, row.id);
            assert!(before.is_none_or(|own| own == row.id), "{}: {}", self.institution, row.raw);
            self.seen.kept += usize::from(before.is_some());
            if let Some((reserved, amount)) = pair.reserved.remove(key) {
                let kept = reserved == row.id;
                // Another amount is followed only by ids that this account has proven.
                let same = amount == pair.read[text].amount;
                assert!(kept || !same || !tidy, "{} when booked: {}", self.institution, row.raw);
                self.seen.kept_on_booking += usize::from(kept);
            }
        }
    }

    async fn pass(&mut self) {
        for day in 0..DAYS {
            if day == RELINKED_ON {
                self.link().await;
            }
            if day == INCIDENT_ON {
                let now = self.line.time.wall();
                self.line.world.lock().unwrap().incident(self.institution, now);
            }
            self.day().await;
        }
        // Whatever the balances are like: nothing was lost, so that nobody may be alarmed.
        assert_eq!(self.told, [], "{}", self.institution);
    }

    async fn day(&mut self) {
        for (pull, hours) in [7, 17].into_iter().enumerate() {
            self.line.wait_hours(hours);
            let today = self.line.time.wall().utc_date();
            let from = (pull > 0).then(|| today.plus_days(-OVERLAP_DAYS).unwrap());
            for place in 0..self.pairs.len() {
                self.pull(place, from).await;
            }
        }
    }

    /// All is well with the database, and matching all answers anew gives the same rows under the same ids.
    async fn replayed(&self) {
        let checks = self.store.verify(Arc::new(Rows), |_| ()).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
        let everything = || {
            let filter = TransactionFilter { all: true, ..TransactionFilter::default() };
            self.store.transactions(filter).collect()
        };
        let before = everything().await.unwrap();
        let replayed = self.store.replay(Arc::new(Rows), true).await.unwrap();
        assert_eq!(replayed.differences, [], "{}", self.institution);
        assert!(replayed.answers > 100, "{}", self.institution);
        assert!(everything().await.unwrap() == before, "{}", self.institution);
    }
}

/// Whether a bank may show a booked row that nothing certain links with its pending row.
fn blurs_booking(quirk: Quirk) -> bool {
    matches!(
        quirk,
        Quirk::NoTransactionId
            | Quirk::BlankIds
            | Quirk::ReusedIds
            | Quirk::NotProvidedIds
            | Quirk::LongIds
            | Quirk::ConstantIds
            | Quirk::IdsPerRetrieval
            | Quirk::TemporaryIds
            | Quirk::MalformedPendingIds
            | Quirk::PendingOtherId
            | Quirk::PendingOtherAmount
            | Quirk::PositivePendingDebits
            | Quirk::ForeignAmount
    )
}

/// Lives through months at every bank of a part of the list.
fn part(number: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (institution, _) in World::profiles().skip(number).step_by(4) {
        runtime.block_on(async {
            let mut months = Months::new(institution).await;
            months.pass().await;
            if plant::is_provable(institution) {
                months.plants().await;
            }
            months.replayed().await;
            let seen = &months.seen;
            assert!(seen.payments > 20 && seen.kept > 1_000, "{institution}: {seen:?}");
            let quirks = World::quirks(institution);
            let blurred = quirks.iter().any(|quirk| blurs_booking(*quirk));
            assert!(blurred || seen.kept_on_booking > 20, "{institution}: {seen:?}");
            assert_eq!(
                plant::is_provable(institution),
                seen.planted >= 4,
                "{institution}: {seen:?}"
            );
        });
    }
}

#[test]
fn every_payment_is_stored_once_at_the_first_quarter_of_the_banks() {
    part(0);
}

#[test]
fn every_payment_is_stored_once_at_the_second_quarter_of_the_banks() {
    part(1);
}

#[test]
fn every_payment_is_stored_once_at_the_third_quarter_of_the_banks() {
    part(2);
}

#[test]
fn every_payment_is_stored_once_at_the_last_quarter_of_the_banks() {
    part(3);
}
