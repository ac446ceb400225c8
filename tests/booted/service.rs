//! The service inside a machine: its state, its verbs, and the comparison of its store with the bank and of its events with
//! the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use serde_json::Value;

use crate::machine::{Machine, wait_for, wait_or_tell};

/// Where the sandbox bank listens inside.
pub(crate) const BANK: &str = "127.0.0.1:8642";

/// What the bank last showed, by our account's id: raw rows, sorted.
pub(crate) type Truth = BTreeMap<String, Vec<String>>;

/// Starts the bank as a unit of its own.
pub(crate) fn open_bank(machine: &Machine) {
    machine.ok(&format!("systemd-run --quiet --unit=bank banksyncd sandbox --listen {BANK}"));
    wait_for("the bank", || {
        (machine.sh("journalctl --no-pager -u bank").out.contains("Ctrl-C ends it")).then_some(())
    });
}

/// A property of the unit.
pub(crate) fn show(machine: &Machine, property: &str) -> String {
    machine.ok(&format!("systemctl show --value -p {property} banksyncd")).trim().to_owned()
}

/// The number of the daemon's process.
pub(crate) fn pid(machine: &Machine) -> u32 {
    show(machine, "MainPID").parse().unwrap()
}

/// Waits until the unit is active, with another process than `before`.
pub(crate) fn wait_active(machine: &Machine, before: u32) -> u32 {
    wait_for("the service to be active", || {
        let now = pid(machine);
        (now != 0 && now != before && show(machine, "ActiveState") == "active").then_some(now)
    })
}

/// The objects that a verb prints.
#[track_caller]
pub(crate) fn json(machine: &Machine, words: &str) -> Vec<Value> {
    let lines = machine.ok(&format!("banksyncd --json {words}"));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}

/// The account holder opens the page of the link that waits, and agrees.
pub(crate) fn authorise(machine: &Machine) {
    let url = wait_for("the page", || {
        let said = machine.sh("banksyncd --json links");
        let link: Value = serde_json::from_str(said.out.lines().last()?).ok()?;
        link["url"].as_str().map(str::to_owned)
    });
    machine.curl(&[&format!("{url}?do=authorise")]);
}

/// Sets the service up for the bank; gives what was said.
#[track_caller]
pub(crate) fn set_up(machine: &Machine) -> String {
    machine.ok(&format!(
        "printf '%s\\n' sandbox-secret-id sandbox-secret-key |
            banksyncd init --api-base http://{BANK}/api/v2/ 2>&1"
    ))
}

/// Links two accounts at the bank, and waits until they have been pulled.
#[track_caller]
pub(crate) fn link(machine: &Machine) {
    let linking = machine.shell("banksyncd --json link SANDBOXFINANCE_SFIN0000");
    let mut linking = { linking }.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    authorise(machine);
    assert!(linking.wait().unwrap().success());
    wait_until_pulled(machine);
}

/// Waits for the first pull of the two accounts.
#[track_caller]
pub(crate) fn wait_until_pulled(machine: &Machine) {
    wait_for("the first pull", || {
        let accounts = json(machine, "accounts");
        let pulled = |own: &Value| own["last_synced_at"].is_string();
        (accounts.len() == 2 && accounts.iter().all(pulled)).then_some(())
    });
}

/// What the bank showed when it was last asked, of every account.
pub(crate) fn truth(machine: &Machine) -> Truth {
    let accounts = json(machine, "accounts");
    let shown = |account: &Value| {
        let id = text(account, "provider_account_id");
        let answer = machine.curl(&[&format!("http://{BANK}/sandbox/shown/{id}")]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let rows = answer["rows"].as_array().unwrap().iter();
        let booked = rows.filter(|row| text(row, "phase").eq_ignore_ascii_case("booked"));
        let mut rows: Vec<String> = booked.map(|row| canonical(&text(row, "raw"))).collect();
        rows.sort_unstable();
        (text(account, "id"), rows)
    };
    accounts.iter().map(shown).collect()
}

fn canonical(raw: &str) -> String {
    serde_json::from_str::<Value>(raw).unwrap().to_string()
}

/// Every booked row that the bank showed is there, once, as it was shown; and no other.
#[track_caller]
pub(crate) fn compare_store(machine: &Machine, truth: &Truth) {
    for (account, shown) in truth {
        let rows = json(machine, &format!("transactions {account} --raw"));
        let mut stored: Vec<String> = rows.iter().map(|row| row["raw"].to_string()).collect();
        stored.sort_unstable();
        assert!(stored == *shown, "{account}: {} rows stored, {} shown", stored.len(), shown.len());
    }
    let verified = machine.sh("banksyncd --json verify");
    assert_eq!(verified.code, 0, "{verified:?}");
}

/// What has been told so far.
#[derive(Default)]
pub(crate) struct Witness {
    seen: BTreeSet<u64>,
    /// Told to another journal.
    skipped: BTreeSet<u64>,
}

impl Witness {
    /// Leaves out all events so far: they were told somewhere else.
    pub(crate) fn skip(&mut self, machine: &Machine) {
        let started = json(machine, "events").into_iter().filter_map(|event| event["id"].as_u64());
        self.skipped.extend(started.filter(|id| !self.seen.contains(id)));
        self.seen.extend(&self.skipped);
    }

    /// Waits until the journal holds every event of the database; then those that are new since the last time must be these:
    /// all of `expected`, and no other warning or error.
    #[track_caller]
    pub(crate) fn compare_journal(&mut self, machine: &Machine, expected: &[&str]) {
        let (events, told) = wait_or_tell("the events to be there and told", || {
            // In this order: what is told is in the database already.
            let told = journal(machine);
            let events = json(machine, "events");
            let new: Vec<&Value> = events
                .iter()
                .filter(|event| !self.seen.contains(&event["id"].as_u64().unwrap()))
                .collect();
            let mut codes: Vec<String> = new.iter().map(|event| text(event, "code")).collect();
            let missing: Vec<&&str> = expected
                .iter()
                .filter(|code| match codes.iter().position(|new| new == *code) {
                    Some(place) => {
                        codes.remove(place);
                        false
                    }
                    None => true,
                })
                .collect();
            let elsewhere = |event: &&Value| self.skipped.contains(&event["id"].as_u64().unwrap());
            let untold: Vec<_> = events
                .iter()
                .filter(|event| !elsewhere(event))
                .map(entry_of)
                .filter(|entry| !told.contains(entry))
                .collect();
            if missing.is_empty() && untold.is_empty() {
                return Ok((events, told));
            }
            Err(format!("not there: {missing:?}; not told: {untold:?}; new besides: {codes:?}"))
        });
        for event in &events {
            let new = self.seen.insert(event["id"].as_u64().unwrap());
            let loud = ["warning", "error"].contains(&event["level"].as_str().unwrap());
            assert!(
                !new || !loud || expected.contains(&event["code"].as_str().unwrap()),
                "{event}"
            );
        }
        let of_database: BTreeSet<_> = events.iter().map(entry_of).collect();
        for entry in told {
            assert!(of_database.contains(&entry), "only the journal knows {entry:?}");
        }
    }
}

/// What makes an event the same in database and journal: id, code, message id, priority.
type Entry = (String, String, String, String);

fn entry_of(event: &Value) -> Entry {
    let priority = match event["level"].as_str().unwrap() {
        "error" => "3",
        "warning" => "4",
        "notice" => "5",
        _ => "6",
    };
    (event["id"].to_string(), text(event, "code"), text(event, "message_id"), priority.to_owned())
}

/// The events of the journal, of all boots.
fn journal(machine: &Machine) -> BTreeSet<Entry> {
    let lines =
        machine.ok("journalctl --no-pager -o json -t banksyncd _SYSTEMD_UNIT=banksyncd.service");
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let event = |entry: Value| {
        entry["BANKSYNCD_EVENT"].as_str()?;
        Some((
            text(&entry, "BANKSYNCD_EVENT_ID"),
            text(&entry, "BANKSYNCD_EVENT"),
            text(&entry, "MESSAGE_ID"),
            text(&entry, "PRIORITY"),
        ))
    };
    entries.filter_map(event).collect()
}
