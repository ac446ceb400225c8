//! `simulate` from outside: the report, the same run for the same seed, and options that are refused.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use banksyncd::model::time::UtcInstant;
use banksyncd::sandbox::{Weather, Wish, World, WorldConfig};
use serde_json::Value;

fn simulate(arguments: &[&str]) -> Output {
    // Nothing of the surroundings may matter.
    Command::new(env!("CARGO_BIN_EXE_banksyncd"))
        .arg("simulate")
        .args(arguments)
        .env("BANKSYNCD_CONFIG", "/nonexistent/banksyncd.toml")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn report(arguments: &[&str]) -> Vec<Value> {
    let output = simulate(arguments);
    assert_eq!(output.status.code(), Some(0), "{} {}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_quiet_month_has_every_field_and_keeps_every_promise() {
    let reports = report(&["--days", "30", "--seeds", "3..4", "--faults", "none", "--json"]);
    let seeds: Vec<_> = reports.iter().map(|report| report["seed"].clone()).collect();
    assert_eq!(seeds, [3, 4]);
    for report in &reports {
        for field in [
            "days",
            "accounts",
            "pulls",
            "calls",
            "tokens_minted",
            "rows_shown",
            "rows_stored",
            "rows_missing",
            "rows_doubled",
            "view_mismatches",
            "quota_exceeded",
            "suspensions_caused",
            "calls_after_end",
            "warnings",
            "expiries",
            "uncovered_days",
        ] {
            assert!(report[field].is_u64(), "{field}: {report}");
        }
        assert_eq!((&report["days"], &report["accounts"]), (&30.into(), &3.into()));
        // Three accounts, three pulls a day: it does not keep its promises by doing nothing.
        assert!(report["pulls"].as_u64().unwrap() >= 3 * 3 * 29, "{report}");
        assert!(report["rows_shown"].as_u64().unwrap() > 100, "{report}");
        assert_eq!(report["fingerprint"].as_str().unwrap().len(), 64);
        let promises = report["promises"].as_array().unwrap();
        assert!(promises.iter().all(|promise| promise["broken"] == 0), "{report}");
        for name in ["quota", "view", "stored_once", "consent", "suspension", "token"] {
            let judged = |promise: &&Value| promise["name"] == name && promise["checked"] != 0;
            assert!(promises.iter().any(|promise| judged(&promise)), "{name}: {report}");
        }
    }
    assert_ne!(reports[0]["fingerprint"], reports[1]["fingerprint"]);
}

#[test]
fn the_same_seed_is_the_same_run_in_a_storm() {
    let arguments = ["--days", "25", "--seed", "11", "--faults", "storm", "--json"];
    let (first, second) = (simulate(&arguments), simulate(&arguments));
    assert_eq!(first, second);
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(report["fingerprint"].as_str().unwrap().len(), 64);
    let broken = report["promises"].as_array().unwrap().iter().any(|own| own["broken"] != 0);
    assert_eq!(first.status.code(), Some(i32::from(broken)), "{report}");
}

#[test]
fn a_bank_in_a_process_of_its_own_judges_the_same_promises_and_leaves_the_daemon_to_be_measured() {
    let arguments =
        ["--days", "2", "--accounts", "90", "--faults", "none", "--bank-apart", "--json"];
    let [mut first, mut second] = [(); 2].map(|()| report(&arguments).remove(0));
    let took = [&mut first, &mut second].map(|own| own.as_object_mut().unwrap().remove("daemon"));
    assert_eq!(first, second, "one seed is one run here, too");
    for daemon in took.map(Option::unwrap) {
        assert!(daemon["memory_bytes"].as_u64().unwrap() > 1 << 20, "{daemon}");
        assert!(daemon["cpu_ms"].as_u64().unwrap() > 0, "{daemon}");
    }
    assert_eq!(first["rows_missing"], 0);
    assert!(first["rows_shown"].as_u64().unwrap() > 1_000, "{first}");
    assert!(first["pulls"].as_u64().unwrap() >= 90 * 3, "{first}");
    let promises = first["promises"].as_array().unwrap();
    assert!(promises.iter().all(|promise| promise["broken"] == 0), "{first}");
    for name in ["pace", "quota", "stored_once", "consent", "token", "bounds"] {
        let judged = |promise: &&Value| promise["name"] == name && promise["checked"] != 0;
        assert!(promises.iter().any(|promise| judged(&promise)), "{name}: {first}");
    }
}

#[test]
fn combinations_that_make_no_sense_are_refused_with_a_sentence() {
    for (arguments, word) in [
        (&["--seed", "1"][..], "--days"),
        (&["--days", "0"], "1..="),
        (&["--days", "9999"], "3650"),
        (&["--days", "5", "--seed", "1", "--seeds", "1..2"], "cannot be used with"),
        (&["--days", "5", "--seeds", "9..2"], "counts backwards"),
        (&["--days", "5", "--seeds", "9"], "two seeds"),
        (&["--days", "5", "--accounts", "0"], "1..="),
        (&["--days", "5", "--faults", "some"], "possible values"),
        (&["--days", "3650", "--accounts", "12000"], "account days"),
        (&["--days", "5", "--socket", "/run/x.sock"], "no meaning here"),
        (&["--days", "5", "--bank-apart"], "where the bank is apart"),
    ] {
        let output = simulate(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(text(&output.stderr).contains(word), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_fixed_seeds_of_the_gate_visit_every_bank() {
    let line =
        include_str!("../.ci/run").lines().find_map(|line| line.strip_prefix("fixed_seeds=("));
    let seeds: Vec<u64> =
        line.unwrap().trim_end_matches(')').split(' ').map(|seed| seed.parse().unwrap()).collect();
    assert!(seeds.len() >= 20);
    let visited = seeds.iter().flat_map(|seed| {
        let start = UtcInstant::EPOCH.plus_days(20_000);
        let mut world = World::new(WorldConfig { seed: *seed, ..WorldConfig::default() }, start);
        world.inhabit(3, 730, Weather::Calm);
        world.live_until(start.plus_hours(7));
        world.take_wishes(start.plus_hours(7))
    });
    let wishes: Vec<(String, Option<u32>)> = visited
        .filter_map(|wish| match wish {
            Wish::Link { institution, history_days, .. } => Some((institution, history_days)),
            _ => None,
        })
        .collect();
    assert!(wishes.iter().any(|(_, history_days)| history_days.is_some()), "a history apart");
    let visited: BTreeSet<String> =
        wishes.into_iter().map(|(institution, _)| institution).collect();
    let all: BTreeSet<String> = World::profiles().map(|(id, _)| id.to_owned()).collect();
    assert_eq!(visited, all);
}
