//! The first sync of 50 accounts × 2,000 rows, and the same with nothing new: the whole daemon, from outside.
//!
//! `cargo bench --bench first_sync`. `BENCH_RUNS` sets how often each data set is pulled into a new database (5 unless said
//! otherwise); the last daemon of each set is watched for a minute.

#![expect(clippy::expect_used, reason = "a benchmark that cannot measure has failed, as it should")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark takes the time and prints it"
)]

#[expect(dead_code, reason = "each benchmark uses its share of it")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::daemon::{Home, wait_for};
use support::data::{self, Set};
use support::process::{machine, pause};
use support::provider::{ACCOUNTS, Provider};
use support::table::{Table, Unit, thousandths};

/// What is promised of a data set.
struct Targets {
    first_us: u64,
    /// Thousandths of the JSON's bytes.
    file: u64,
}

const PEAK_BYTES: u64 = 28_000_000;
const IDLE_BYTES: u64 = 15_000_000;
const NOTHING_NEW_US: u64 = 150_000;

fn main() {
    if !support::is_wanted() {
        return;
    }
    let runs = std::env::var("BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("{}", machine());
    let mut table = Table::default();
    for (set, targets) in [
        (Set::Repetitive, Targets { first_us: 900_000, file: 600 }),
        (Set::Realistic, Targets { first_us: 1_100_000, file: 900 }),
    ] {
        let answers: Vec<_> =
            (0..ACCOUNTS).map(|account| Arc::new(data::answer(set, account, 0))).collect();
        for run in 1..=runs {
            measure(set, &targets, &answers, run == runs, &mut table);
        }
    }
    println!("{table}");
}

fn measure(set: Set, targets: &Targets, answers: &[Arc<Vec<u8>>], last: bool, table: &mut Table) {
    let letter = set.letter();
    let canned = answers.to_vec();
    let provider = Provider::start(move |account| {
        let place = usize::try_from(account).unwrap_or_default();
        canned.get(place).cloned().unwrap_or_default()
    });
    let home = Home::new(&provider.base);
    let daemon = home.start();
    let process = daemon.process();
    daemon.link();
    wait_for("all answers", || provider.sent() == ACCOUNTS);
    let ended = process.wait_until_quiet();
    let begun = provider.take_first_call().unwrap_or(ended);
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let json_bytes = provider.sent_bytes();
    let mut add = |what: &str, unit, target, value| {
        table.add(&format!("{letter}: {what}"), unit, target, value);
    };
    add("JSON", Unit::Megabytes, None, json_bytes);
    add("first sync, processor time", Unit::Seconds, Some(targets.first_us), process.cpu_us());
    add("first sync, wall", Unit::Seconds, None, micros(ended.duration_since(begun)));
    add("first sync, peak memory", Unit::Megabytes, Some(PEAK_BYTES), process.peak());
    if last {
        for (what, after_s, target) in [
            ("memory 5 s after the first sync", 5, None),
            ("memory a minute after the first sync", 60, Some(IDLE_BYTES)),
        ] {
            pause(Duration::from_secs(after_s).saturating_sub(ended.elapsed()));
            add(what, Unit::Megabytes, target, process.resident());
        }
    }
    // The first pull of a day asks for everything, the next ones for a window: the first of these is new to the daemon.
    for (what, target) in [
        ("same bytes in another window, processor time", None),
        ("nothing new, processor time", Some(NOTHING_NEW_US)),
        ("nothing new again, processor time", Some(NOTHING_NEW_US)),
    ] {
        let (before_us, begun) = (process.cpu_us(), Instant::now());
        daemon.sync();
        process.wait_until_quiet();
        add(what, Unit::Seconds, target, process.cpu_us() - before_us);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    add("peak memory of all", Unit::Megabytes, Some(PEAK_BYTES), process.peak());
    let rows = daemon.ask("GET", "/v1/transactions", "").matches(r#""revision":1"#).count();
    daemon.stop();
    add("file ÷ JSON", Unit::Times, Some(targets.file), thousandths(home.bytes(""), json_bytes));
    assert_eq!(u64::try_from(rows), Ok(ACCOUNTS * data::ROWS), "every row is listed");
}
