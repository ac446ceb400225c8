//! A million rows: what inserting costs as the file grows, how fast the daemon is up and answers, and what a full listing
//! and a full export need.
//!
//! `cargo bench --bench million`. 50 accounts get 2,000 rows of set R each, ten times, each time newer ones. With
//! `BENCH_LINKS=10` it is ten links of 50 accounts with 2,000 rows each instead: what many accounts cost.

#![expect(clippy::expect_used, reason = "a benchmark that cannot measure has failed, as it should")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark takes the time and prints it"
)]

#[expect(dead_code, reason = "each benchmark uses its share of it")]
mod support;

use std::io::Read as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use support::daemon::{Daemon, Home, wait_for};
use support::data::{self, ROWS, Set};
use support::process::{Process, machine};
use support::provider::{ACCOUNTS, Provider};
use support::table::{Table, Unit, thousandths};

/// Each brings 2,000 rows for each of 50 accounts.
const ROUNDS: u64 = 10;
const ROWS_OF_A_ROUND: u64 = ACCOUNTS * ROWS;
const STARTS: usize = 5;
/// Each links 50 accounts more.
const KILLS: usize = 3;
/// Most growth of the cost of a row, in thousandths.
const GROWTH: u64 = 1_200;
const READY_US: u64 = 25_000;
const READY_AFTER_KILL_US: u64 = 50_000;
const STREAM_BYTES: u64 = 16_000_000;
const ANSWER_US: u64 = 20_000;
const EXPORT_US: u64 = 2_500_000;
const LIST: &[&str] = &["transactions", "--json"];
const EXPORT: &[&str] = &["export", "--format", "csv"];

fn main() {
    if !support::is_wanted() {
        return;
    }
    println!("{}", machine());
    let mut table = Table::default();
    let links = std::env::var("BENCH_LINKS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    // Accounts are numbered on from link to link: with one link, it is the rounds that make the difference.
    let age = Arc::new(AtomicU64::new(ROUNDS - 1));
    let source = Arc::clone(&age);
    let provider = Provider::start(move |account| {
        Arc::new(data::answer(Set::Realistic, account, source.load(Ordering::SeqCst)))
    });
    let home = Home::new(&provider.base);
    let daemon = fill(&home, &provider, &age, links, &mut table);
    daemon.stop();
    table.add("file of 1 M rows", Unit::Megabytes, None, home.bytes(""));
    for _ in 0..STARTS {
        let daemon = home.start();
        table.add("READY after a clean stop", Unit::Milliseconds, Some(READY_US), daemon.ready_us);
        daemon.stop();
    }
    let daemon = home.start();
    ask(&home, &mut table);
    daemon.stop();
    for (verb, cpu_us) in [(LIST, None), (EXPORT, Some(EXPORT_US))] {
        let daemon = home.start();
        stream(&home, &daemon, verb, cpu_us, &mut table);
        daemon.stop();
    }
    for _ in 0..KILLS {
        kill_amid_work(&home, &provider, &mut table);
    }
    println!("{table}");
}

/// Pulls a million rows through so many links and sees what each hundred thousand cost.
fn fill(
    home: &Home,
    provider: &Provider,
    age: &AtomicU64,
    links: u64,
    table: &mut Table,
) -> Daemon {
    let daemon = home.start();
    let process = daemon.process();
    let mut costs = Vec::new();
    for round in 0..ROUNDS {
        let (before_us, sent) = (process.cpu_us(), provider.sent());
        if round < links {
            daemon.link();
        } else {
            age.store(ROUNDS - 1 - round, Ordering::SeqCst);
            daemon.sync();
        }
        wait_for("all answers", || provider.sent() >= sent + ACCOUNTS);
        process.wait_until_quiet();
        let cost_ns =
            (process.cpu_us() - before_us).saturating_mul(1_000).div_euclid(ROWS_OF_A_ROUND);
        println!("{} rows: {cost_ns} ns a row", provider.sent() * ROWS);
        costs.push(cost_ns);
    }
    let mean =
        |costs: &[u64]| costs.iter().sum::<u64>().checked_div(costs.len().try_into().unwrap_or(1));
    let early = mean(costs.get(1..4).unwrap_or_default()).unwrap_or_default();
    let late = mean(costs.get(7..10).unwrap_or_default()).unwrap_or_default();
    let growth = thousandths(late, early);
    table.add("insert cost at 0.7 … 1 M ÷ at 0.1 … 0.4 M rows", Unit::Times, Some(GROWTH), growth);
    table.add("peak memory while a million rows came", Unit::Megabytes, None, process.peak());
    daemon
}

/// Kills the daemon while it stores, and starts it again.
fn kill_amid_work(home: &Home, provider: &Provider, table: &mut Table) {
    let daemon = home.start();
    let sent = provider.sent();
    daemon.link();
    wait_for("some answers", || provider.sent() >= sent + ACCOUNTS.div_euclid(2));
    daemon.kill();
    table.add("write-ahead log after the kill", Unit::Megabytes, None, home.bytes("-wal"));
    let daemon = home.start();
    table.add(
        "READY after kill -9",
        Unit::Milliseconds,
        Some(READY_AFTER_KILL_US),
        daemon.ready_us,
    );
    daemon.process().wait_until_quiet();
    daemon.stop();
}

/// How long the verbs that people type take, from the start of their process to its end.
fn ask(home: &Home, table: &mut Table) {
    for verb in ["status", "accounts", "quota"] {
        for _ in 0..STARTS {
            let begun = Instant::now();
            let said = home.command(&[verb]).output().expect("the client");
            let wall_us = begun.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
            assert!(said.stdout.len() > 100, "{said:?}");
            table.add(verb, Unit::Milliseconds, Some(ANSWER_US), wall_us);
        }
    }
}

/// Streams everything through a verb and looks at both ends while it does.
fn stream(home: &Home, daemon: &Daemon, verb: &[&str], cpu_us: Option<u64>, table: &mut Table) {
    daemon.process().wait_until_quiet();
    let (server, before_us, begun) = (daemon.process(), daemon.process().cpu_us(), Instant::now());
    let mut child = home.command(verb).stdout(Stdio::piped()).spawn().expect("the client");
    let client = Process(child.id());
    let mut output = child.stdout.take().expect("its output");
    let (mut rows, mut client_bytes, mut client_us) = (0_u64, 0, 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = output.read(&mut buffer).expect("lines");
        let Some(piece) = buffer.get(..length).filter(|piece| !piece.is_empty()) else { break };
        rows += piece.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        (client_bytes, client_us) = (client.peak().max(client_bytes), client.cpu_us());
    }
    let wall_us = begun.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
    assert!(child.wait().expect("an end").success() && rows >= 1_000_000, "{rows} rows");
    let name = verb.join(" ");
    let server_us = server.cpu_us() - before_us;
    table.add(&format!("{name}, wall"), Unit::Seconds, None, wall_us);
    table.add(&format!("{name}, processor time"), Unit::Seconds, cpu_us, server_us + client_us);
    table.add(&format!("{name}, of it the client's"), Unit::Seconds, None, client_us);
    let target = Some(STREAM_BYTES);
    table.add(&format!("{name}, peak of the daemon"), Unit::Megabytes, target, server.peak());
    table.add(&format!("{name}, peak of the client"), Unit::Megabytes, target, client_bytes);
}
