//! Answers that others published, each through the real program: every booked row of a file is listed, as often as it is there.
//!
//! `BANKSYNCD_SAMPLES` names their folder. Without it nothing is tested here, and that is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use banksyncd::sandbox::{HttpRequest, HttpResponse, Limits, WorldConfig};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::front::Front;
use crate::rig::{Rig, text};

/// A bank with 22 accounts: each answers with one file.
const BANK: &str = "SPACES_SPCSDEB2";

fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("BANKSYNCD_SAMPLES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BANKSYNCD_SAMPLES names no folder of published answers");
    }
    folder
}

/// The files whose names begin so.
fn files(folder: &PathBuf, prefix: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, path)| {
            name.starts_with(prefix) && path.extension().is_some_and(|own| own == "json")
        })
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {prefix} files");
    found
}

/// JSON without blanks between its members, as one line shows it.
fn compact(json: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for letter in json.chars() {
        if quoted || !letter.is_ascii_whitespace() {
            out.push(letter);
        }
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
    }
    out
}

/// The rows of one list of an answer, in its order and as they are.
fn rows(answer: &str, list: &str) -> Vec<String> {
    let member = |json: &str, name: &str| -> Option<String> {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).ok()?;
        Some(members.get(name)?.get().to_owned())
    };
    let rows = member(answer, "transactions").and_then(|lists| member(&lists, list));
    let rows: Vec<Box<RawValue>> =
        rows.map_or_else(Vec::new, |rows| serde_json::from_str(&rows).unwrap());
    rows.iter().map(|row| row.get().to_owned()).collect()
}

/// A row's `transactionId` and amount, if it has an id.
fn mark(row: &str) -> Option<(Value, Value)> {
    let mut row: Value = serde_json::from_str(row).unwrap();
    let id = row["transactionId"].take();
    (!id.is_null()).then(|| (id, row["transactionAmount"].take()))
}

/// As they are listed: one line each, in no order.
fn sorted(rows: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| compact(row)).collect();
    rows.sort_unstable();
    rows
}

/// The same answer with its booked rows the other way round.
fn turned(answer: &str) -> String {
    let mut booked = rows(answer, "booked");
    booked.reverse();
    let pending = rows(answer, "pending");
    format!(
        "{{\"transactions\":{{\"booked\":[{}],\"pending\":[{}]}}}}",
        booked.join(","),
        pending.join(",")
    )
}

#[test]
fn every_published_row_is_listed() {
    let Some(folder) = samples() else { return };
    let answers = files(&folder, "tx_");
    let balances: Vec<String> =
        files(&folder, "bal_").into_iter().map(|(_, answer)| answer).collect();
    assert!(answers.len() <= 22, "more files than accounts");
    let limits = Limits { daily: 50, accounts_per_minute: 1_000, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\ncalls-per-day = 50\naccounts-per-minute = 1000\n");
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    // An account gets the file of its turn, and keeps it.
    let turns: Arc<Mutex<Vec<String>>> = Arc::default();
    let given: Arc<Mutex<Vec<String>>> =
        Arc::new(Mutex::new(answers.iter().map(|(_, text)| text.clone()).collect()));
    let change = {
        let (turns, given) = (Arc::clone(&turns), Arc::clone(&given));
        move |request: &HttpRequest, response: &mut HttpResponse| {
            let mut parts = request.path.trim_end_matches('/').rsplit('/');
            let (scope, account) = (parts.next().unwrap(), parts.next().unwrap().to_owned());
            if response.status != 200 || !["transactions", "balances"].contains(&scope) {
                return;
            }
            let mut turns = turns.lock().unwrap();
            let turn = turns.iter().position(|own| *own == account).unwrap_or_else(|| {
                turns.push(account);
                turns.len() - 1
            });
            match scope {
                "transactions" => {
                    if let Some(answer) = given.lock().unwrap().get(turn) {
                        response.body = answer.clone().into_bytes();
                    }
                }
                // Identity comes from the details, which are therefore left as they are.
                "balances" => response.body = balances[turn % balances.len()].clone().into_bytes(),
                _ => {}
            }
        }
    };
    front.change(change);
    rig.start();
    rig.linked(BANK);
    let check = |rig: &Rig| {
        for account in rig.accounts() {
            let theirs = text(&account, "provider_account_id");
            let turn = turns.lock().unwrap().iter().position(|own| *own == theirs).unwrap();
            let Some((name, answer)) = answers.get(turn) else { continue };
            let listed = rig.raw_rows(&text(&account, "id"), "booked");
            assert_eq!(listed, sorted(&rows(answer, "booked")), "{name}");
            // A pending row that only repeats a booked one, by id and amount, is not listed a second time.
            let pending = rig.raw_rows(&text(&account, "id"), "pending");
            let booked = rows(answer, "booked");
            let repeats = |row: &String| {
                mark(row)
                    .is_some_and(|own| booked.iter().any(|row| mark(row).as_ref() == Some(&own)))
            };
            let fresh: Vec<String> =
                rows(answer, "pending").into_iter().filter(|row| !repeats(row)).collect();
            assert_eq!(pending, sorted(&fresh), "{name}");
        }
    };
    check(&rig);
    let whole = |rig: &Rig| rig.verb(&["transactions", "--all", "--raw", "--json"]).expect(0).out;
    let ids = |rig: &Rig| {
        let mut ids = crate::rig::texts(&rig.list(&["transactions", "--all"]), "id");
        ids.sort_unstable();
        ids
    };
    let (before, known) = (whole(&rig), ids(&rig));
    // The same again, byte for byte.
    for result in rig.sync(&[]).expect(0).lines() {
        assert_eq!(
            (&result["rows_added"], &result["rows_changed"]),
            (&0.into(), &0.into()),
            "{result}"
        );
    }
    assert_eq!(ids(&rig), known);
    assert_eq!(before.lines().count(), known.len());
    check(&rig);
    // The other way round.
    given.lock().unwrap().iter_mut().for_each(|answer| *answer = turned(answer));
    for result in rig.sync(&[]).expect(0).lines() {
        assert_eq!(
            (&result["rows_added"], &result["rows_changed"]),
            (&0.into(), &0.into()),
            "{result}"
        );
    }
    check(&rig);
    assert_eq!(ids(&rig), known);
    let said = rig.verb(&["verify", "--json"]).expect(0).line();
    assert_eq!(said["ok"], true, "{said}");
    assert!(!rig.log().contains("panicked"));
    eprintln!("{} files, {} rows", answers.len(), known.len());
}
