//! Measures the store alone: `cargo bench --bench store [-- ROWS_IN_ALL | year]`.
//!
//! Two data sets, generated here: S repetitive, R with realistic entropy; 50 accounts × 2,000 rows each. Times are CPU of
//! the writing thread (`/proc/self/task/*/schedstat`, nanoseconds), so that a busy machine matters little; sizes are the
//! file's against the JSON's.
//! With a number of rows, more accounts are added up to it, and opening and listing are measured at that size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program: it may fail loudly, reads the clock and prints"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use banksyncd::gocardless::Rows;
use banksyncd::model::agreement::Scope;
use banksyncd::model::balance::Balance;
use banksyncd::model::id::{AccountId, LinkId, ProviderAccountId, RunId};
use banksyncd::model::money::{Amount, Currency, Money};
use banksyncd::model::notice::{EventCode, Notice};
use banksyncd::model::port::{Body, Entropy};
use banksyncd::model::secret::DatabaseKey;
use banksyncd::model::time::{BankDate, UtcInstant};
use banksyncd::model::transaction::{Answer, AnswerMark, Span};
use banksyncd::planner::effect::{Batch, Data, RunOutcome, RunRecord, Settlement};
use banksyncd::planner::state::Account;
use banksyncd::store::{Reservation, Store, TransactionFilter};

const ACCOUNTS: u64 = 50;
const ROWS: u64 = 2_000;
const T0: UtcInstant = UtcInstant::from_ms(1_761_897_600_000);

/// 2025-11-20T05:00:00Z, a year before the newest row.
const FIRST_PULL: UtcInstant = UtcInstant::from_ms(1_763_614_800_000);

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn signed_below(&mut self, limit: u64) -> i64 {
        i64::try_from(self.below(limit)).unwrap()
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }

    fn words(&mut self, count: u64) -> String {
        const SYLLABLES: [&str; 24] = [
            "ka", "mer", "lo", "tin", "sa", "ber", "gu", "von", "dri", "pel", "ash", "no", "wei",
            "kon", "ri", "zu", "fal", "me", "och", "stra", "bi", "len", "har", "dt",
        ];
        let mut text = String::new();
        for word in 0..count {
            if word > 0 {
                text.push(' ');
            }
            for _ in 0..2 + self.below(3) {
                text.push_str(SYLLABLES[usize::try_from(self.below(24)).unwrap()]);
            }
        }
        text
    }
}

/// A row; `n` counts from the newest. Three rows a day.
fn row(realistic: bool, account: u64, n: u64, random: &mut Random) -> String {
    let date = BankDate::from_ymd(2026, 11, 20)
        .unwrap()
        .plus_days(-i64::try_from(n / 3).unwrap())
        .unwrap();
    if !realistic {
        return format!(
            concat!(
                r#"{{"transactionId":"{a:04}{n:08}-1","entryReference":"{a:04}{n:08}-1","bookingDate":"{d}","valueDate":"{d}","#,
                r#""transactionAmount":{{"amount":"-{x}.{y:02}","currency":"EUR"}},"creditorName":"Supermarket {s}","#,
                r#""creditorAccount":{{"iban":"DE89370400440532013000"}},"#,
                r#""remittanceInformationUnstructured":"Card payment at Supermarket {s}, thank you for your purchase","#,
                r#""bankTransactionCode":"PMNT-CCRD-POSD","proprietaryBankTransactionCode":"PURCHASE","#,
                r#""internalTransactionId":"{a:016x}{n:016x}"}}"#
            ),
            a = account,
            n = n,
            d = date,
            x = 1 + n % 90,
            y = n % 100,
            s = n % 40
        );
    }
    let (party, text) = (random.words(2), random.words(5));
    format!(
        concat!(
            r#"{{"transactionId":"{id}","entryReference":"{reference}","endToEndId":"{end}","bookingDate":"{d}","valueDate":"{d}","#,
            r#""bookingDateTime":"{d}T{h:02}:{m:02}:{s:02}.{f:03}Z","#,
            r#""transactionAmount":{{"amount":"-{x}.{y:02}","currency":"EUR"}},"creditorName":"{party}","#,
            r#""creditorAccount":{{"iban":"DE{iban}"}},"#,
            r#""remittanceInformationUnstructured":"{text} {number}","#,
            r#""bankTransactionCode":"PMNT-CCRD-POSD","proprietaryBankTransactionCode":"NTRF+{code}","#,
            r#""internalTransactionId":"{internal_a:016x}{internal_b:016x}"}}"#
        ),
        id = random.digits(22),
        reference = random.digits(16),
        end = random.digits(18),
        d = date,
        h = random.below(24),
        m = random.below(60),
        s = random.below(60),
        f = random.below(1000),
        x = random.below(900),
        y = random.below(100),
        party = party,
        iban = random.digits(20),
        text = text,
        number = random.digits(10),
        code = random.digits(3),
        internal_a = random.next(),
        internal_b = random.next()
    )
}

fn rows(realistic: bool, account: u64) -> Vec<String> {
    let mut random = Random(account);
    (0..ROWS).map(|n| row(realistic, account, n, &mut random)).collect()
}

fn answer(rows: &[String]) -> Answer {
    let mut body = String::from(r#"{"transactions":{"booked":["#);
    let mut booked = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        booked.push(Span { start: body.len(), end: body.len() + row.len() });
        body.push_str(row);
    }
    body.push_str("]}}");
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(body.as_bytes()).as_bytes()[..16]);
    let mark = AnswerMark { start: 0, len: u32::try_from(body.len()).unwrap(), hash };
    let body = Body::new(body.into_bytes(), None).into_text().unwrap();
    Answer { body, booked, pending: None, last_updated: None, mark }
}

struct Fixed;

impl Entropy for Fixed {
    fn bits(&self) -> u128 {
        1 << 127
    }
}

/// CPU nanoseconds of the threads whose name begins so.
fn cpu_ns(name: &str) -> u64 {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        if fs::read_to_string(path.join("comm")).unwrap().starts_with(name) {
            let text = fs::read_to_string(path.join("schedstat")).unwrap();
            sum += text.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    sum
}

fn memory_kib(what: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn account_id(n: u64) -> AccountId {
    AccountId::new(T0.ms(), u128::from(n) + 1)
}

async fn put_account(store: &Store, n: u64) {
    let text = format!(
        r#"{{"id":"{}","provider_account_id":"handle-{n}","link_id":"{}","institution_id":"BANK","discovered_at":0}}"#,
        account_id(n),
        LinkId::new(T0.ms(), 1)
    );
    let account: Account = serde_json::from_str(&text).unwrap();
    let batch = Batch { accounts: vec![account], at: Some(T0), ..Batch::default() };
    store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
}

struct Pass {
    store: Store,
    round: u128,
}

impl Pass {
    async fn data(&mut self, n: u64, data: impl FnOnce(RunId) -> Data) -> u64 {
        self.round += 1;
        let at = T0.plus_ms(i64::try_from(self.round).unwrap());
        let id = RunId::new(at.ms(), self.round);
        let outcome = Some(RunOutcome::Pulled);
        let run = RunRecord { id, account_id: account_id(n), started_at: at, outcome };
        let batch =
            Batch { data: Some(data(id)), runs: vec![run], at: Some(at), ..Batch::default() };
        let before = cpu_ns("store-write");
        let applied = self.store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
        let spent = cpu_ns("store-write") - before;
        let ids = applied.events.iter().map(|event| event.id).collect();
        self.store.mark_logged(ids).await.unwrap();
        spent
    }

    /// A pull as the daemon makes it: each call is reserved, then its answer is committed.
    async fn whole_pull(
        &mut self,
        run_id: RunId,
        started_at: UtcInstant,
        balances: Vec<Balance>,
        (date_from, answer): (Option<BankDate>, Answer),
    ) -> u64 {
        let account_id = account_id(0);
        let before = cpu_ns("store-write");
        let answers = [
            (Scope::Balances, Data::Balances { account_id, run_id, balances }),
            (
                Scope::Transactions,
                Data::Transactions { account_id, run_id, date_from, answer: Box::new(answer) },
            ),
        ];
        for (after_s, (scope, data)) in (1..).zip(answers) {
            let at = started_at.plus_s(after_s);
            let reservation = Reservation {
                account_id,
                scope,
                provider_account_id: ProviderAccountId(
                    "7e944232-bda9-40bc-b784-660c7ab5fe78".into(),
                ),
                at,
            };
            let call = self.store.reserve(reservation).await.unwrap();
            let last = scope == Scope::Transactions;
            let outcome = last.then_some(RunOutcome::Pulled);
            let done = Notice::new(EventCode::SyncCompleted, "a pull was completed".to_owned())
                .account(account_id)
                .run(run_id)
                .detail("outcome", "pulled");
            let batch = Batch {
                settle: Some((call, Settlement::Succeeded)),
                data: Some(data),
                runs: vec![RunRecord { id: run_id, account_id, started_at, outcome }],
                notices: last.then_some(done).into_iter().collect(),
                at: Some(at),
                ..Batch::default()
            };
            let applied = self.store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
            let ids = applied.events.iter().map(|event| event.id).collect();
            self.store.mark_logged(ids).await.unwrap();
        }
        cpu_ns("store-write") - before
    }

    async fn pull(&mut self, n: u64, rows: &[String]) -> u64 {
        let answer = Box::new(answer(rows));
        self.data(n, |run_id| Data::Transactions {
            account_id: account_id(n),
            run_id,
            date_from: None,
            answer,
        })
        .await
    }

    /// Each of the first accounts once more as it was, and then with 1 % of its rows new, on this day of November.
    async fn again(&mut self, realistic: bool, day: u32) -> (u64, u64) {
        let (mut unchanged, mut changed) = (0, 0);
        for n in 0..ACCOUNTS {
            unchanged += self.unchanged(n).await;
            let mut fresh = Random(n + u64::from(day) * 1_000_000);
            let mut rows = rows(realistic, n);
            rows.truncate(rows.len() - 20);
            let date = format!(r#"bookingDate":"2026-11-{day}","x":"#);
            let newer = (0..20).map(|place| {
                let number = 100_000 * u64::from(day) - place;
                row(realistic, n, number, &mut fresh).replace("2026", "2025").replacen(
                    r#"bookingDate":"#,
                    &date,
                    1,
                )
            });
            let rows: Vec<String> = newer.chain(rows).collect();
            changed += self.pull(n, &rows).await;
        }
        (unchanged, changed)
    }

    async fn unchanged(&mut self, n: u64) -> u64 {
        self.data(n, |run_id| Data::Unchanged {
            account_id: account_id(n),
            run_id,
            date_from: None,
            last_updated: None,
        })
        .await
    }
}

async fn open(path: &Path) -> Store {
    Store::open(path.to_owned(), DatabaseKey::from_bytes([7; 32]), T0, &Fixed).await.unwrap().0
}

fn file_bytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

async fn measure(realistic: bool, all_rows: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let mut pass = Pass { store: open(&path).await, round: 0 };
    let (mut first, mut json) = (0, 0);
    for n in 0..ACCOUNTS {
        put_account(&pass.store, n).await;
        let rows = rows(realistic, n);
        json += rows.iter().map(|row| u64::try_from(row.len()).unwrap() + 1).sum::<u64>();
        first += pass.pull(n, &rows).await;
    }
    let total = ACCOUNTS * ROWS;
    println!(
        "{} first sync: {} ms, {} ns a row, {} bytes of JSON a row",
        if realistic { "R" } else { "S" },
        first / 1_000_000,
        first / total,
        json / total
    );
    let (unchanged, changed) = pass.again(realistic, 21).await;
    println!(
        "  2,000 rows unchanged: {} us; 1 % new: {} us",
        unchanged / ACCOUNTS / 1000,
        changed / ACCOUNTS / 1000
    );
    println!("  memory: {} KiB now, {} KiB at most", memory_kib("VmRSS"), memory_kib("VmHWM"));
    pass.store.close().await.unwrap();
    println!(
        "  file: {} bytes, {} per mille of the JSON",
        file_bytes(&path),
        file_bytes(&path) * 1000 / json
    );
    if all_rows > total {
        grow(realistic, all_rows, &path, pass.round).await;
    }
}

async fn grow(realistic: bool, all_rows: u64, path: &Path, round: u128) {
    let mut pass = Pass { store: open(path).await, round };
    let mut line = String::new();
    for block in 1..all_rows / (ACCOUNTS * ROWS) {
        let mut spent = 0;
        for n in block * ACCOUNTS..(block + 1) * ACCOUNTS {
            put_account(&pass.store, n).await;
            spent += pass.pull(n, &rows(realistic, n)).await;
        }
        write!(line, " {}", spent / (ACCOUNTS * ROWS)).unwrap();
    }
    println!("  ns a row in each further 100,000:{line}");
    let (unchanged, changed) = pass.again(realistic, 22).await;
    println!(
        "  at that size unchanged: {} us; 1 % new: {} us",
        unchanged / ACCOUNTS / 1000,
        changed / ACCOUNTS / 1000
    );
    pass.store.close().await.unwrap();
    let begin = Instant::now();
    let store = open(path).await;
    println!("  open: {} us", begin.elapsed().as_micros());
    println!("  memory: {} KiB before listing", memory_kib("VmRSS"));
    let (begin, cpu) = (Instant::now(), cpu_ns("store-read"));
    let (mut listing, mut count) = (store.transactions(TransactionFilter::default()), 0);
    while let Some(rows) = listing.next().await.unwrap() {
        count += rows.len();
    }
    let cpu = (cpu_ns("store-read") - cpu) / 1_000_000;
    println!("  listed {count} rows in {} ms, {cpu} ms of CPU", begin.elapsed().as_millis());
    println!(
        "  memory: {} KiB after listing, {} KiB at most",
        memory_kib("VmRSS"),
        memory_kib("VmHWM")
    );
    let begin = Instant::now();
    let checks = store.verify(Arc::new(Rows), |_| ()).await.unwrap();
    println!(
        "  verified in {} ms: {}",
        begin.elapsed().as_millis(),
        checks.iter().all(|check| check.ok)
    );
    println!("  memory: {} KiB now, {} KiB at most", memory_kib("VmRSS"), memory_kib("VmHWM"));
    store.close().await.unwrap();
}

/// A year of one account: four pulls a day, one of them without filter, three new rows a day. Each pull reserves two calls,
/// reads two balances (which change when rows come) and says that it is done. How much of the file is answers, versions,
/// balances, runs, events and the ledger, and not the rows themselves?
async fn year(realistic: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("year.db");
    let mut pass = Pass { store: open(&path).await, round: 0 };
    put_account(&pass.store, 0).await;
    let mut random = Random(7);
    let days = ROWS / 3 + 365;
    let all: Vec<String> = (0..days * 3).map(|n| row(realistic, 0, n, &mut random)).collect();
    // What is on the account when row `n` is the newest, in cents: row by row from the oldest.
    let mut sums: Vec<i64> = all
        .iter()
        .rev()
        .scan(10_000_000, |sum, row| {
            *sum += cents(row);
            Some(*sum)
        })
        .collect();
    sums.reverse();
    let mut spent = 0;
    for pull in 0..365_u64 * 4 {
        // The newest come first: row `n` is on day `n / 3`, and the day of this pull is `365 - pull / 4`. Banks show whole days.
        let newest = usize::try_from(365 * 3 - (pull * 3).div_ceil(4)).unwrap();
        let shown_days = if pull % 4 == 0 { ROWS / 3 } else { 30 };
        let oldest = usize::try_from((365 - pull / 4 + shown_days) * 3).unwrap();
        let today = FIRST_PULL.plus_days(i64::try_from(pull / 4).unwrap()).utc_date();
        let from = today.plus_days(-29).filter(|_| pull % 4 != 0);
        let at = FIRST_PULL
            .plus_hours(6 * i64::try_from(pull).unwrap())
            .plus_ms(random.signed_below(60_000));
        let id = RunId::new(at.ms(), u128::from(random.next()) << 64 | u128::from(random.next()));
        let mut answer = answer(&all[newest..oldest.min(all.len())]);
        answer.last_updated = Some(format!("{}T04:05:{:02}.000000Z", today, pull % 60));
        let booked = sums[newest];
        spent += pass.whole_pull(id, at, balances(booked, today), (from, answer)).await;
    }
    let count =
        pass.store.transactions(TransactionFilter::default()).collect().await.unwrap().len();
    pass.store.close().await.unwrap();
    let with_all = file_bytes(&path);
    let mut rows_only = Pass { store: open(&folder.path().join("rows.db")).await, round: 0 };
    put_account(&rows_only.store, 0).await;
    rows_only.pull(0, &all[..count.min(all.len())]).await;
    rows_only.store.close().await.unwrap();
    let plain = file_bytes(&folder.path().join("rows.db"));
    println!(
        "  a year, {count} rows: {with_all} bytes, {} per mille over the rows ({plain} bytes); {} us a pull",
        with_all * 1000 / plain - 1000,
        spent / 1_460_000
    );
    println!("    tables: {}", tables(&path, &folder.path().join("rows.db")));
}

/// Bytes of each table and index that has more than its first page, and in brackets of the same with the rows alone.
fn tables(path: &Path, rows_only: &Path) -> String {
    let [all, plain] = [path, rows_only].map(|path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.key(None::<&str>, format!("x'{}'", "07".repeat(32)).as_bytes(), false).unwrap();
        let sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<Vec<(String, i64)>, _>>().unwrap()
    });
    let before =
        |name: &str| plain.iter().find(|(own, _)| own == name).map_or(0, |(_, size)| *size);
    let large = all.iter().filter(|(_, size)| *size > 4096);
    let words = large.map(|(name, size)| format!("{name} {size} ({})", before(name)));
    words.collect::<Vec<_>>().join(", ")
}

/// The amount of a row.
fn cents(row: &str) -> i64 {
    let (_, rest) = row.split_once(r#""amount":""#).unwrap();
    let amount = Amount::parse(rest.split('"').next().unwrap()).unwrap();
    i64::try_from(amount.rescale(2).unwrap().units()).unwrap()
}

/// Two balances of an account with so many cents.
fn balances(booked: i64, today: BankDate) -> Vec<Balance> {
    ["interimBooked", "expected"]
        .into_iter()
        .zip(0..)
        .map(|(balance_type, place)| {
            let cents = booked - place * 1_050;
            let amount = Amount::new(i128::from(cents), 2).unwrap();
            let raw = format!(
                r#"{{"balanceAmount":{{"amount":"{amount}","currency":"EUR"}},"balanceType":"{balance_type}","referenceDate":"{today}"}}"#
            );
            Balance {
                balance_type: balance_type.to_owned(),
                money: Some(Money { amount, currency: Currency("EUR".to_owned()) }),
                reference_date: Some(today),
                raw,
            }
        })
        .collect()
}

fn main() {
    let all_rows = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(0);
    // Sizes do not depend on how the program was built: this part is worth running on its own.
    let only_year = std::env::args().any(|word| word == "year");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for realistic in [false, true] {
        if !only_year {
            runtime.block_on(measure(realistic, all_rows));
        }
        runtime.block_on(year(realistic));
    }
}
