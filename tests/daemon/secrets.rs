//! What must not be found anywhere: secrets, tokens, names, account numbers, texts. And what the process closes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use banksyncd::sandbox::{SANDBOX, SECRET_ID, SECRET_KEY};
use serde_json::Value;

use crate::front::Front;
use crate::rig::{KEY, PROGRAM, Process, Rig, text, wait_until};

/// A user without rights.
const NOBODY: u32 = 65_534;

/// Everything in an answer that belongs to a person or opens a door, by the names of the members.
fn collect(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    const PRIVATE: [&str; 14] = [
        "access",
        "refresh",
        "iban",
        "bban",
        "maskedPan",
        "ownerName",
        "owner_name",
        "creditorName",
        "debtorName",
        "additionalInformation",
        "remittanceInformationUnstructured",
        "remittanceInformationStructured",
        "remittanceInformationUnstructuredArray",
        "link",
    ];
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, name, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, name, found)),
        Value::String(text) if PRIVATE.contains(&name) && text.trim().len() >= 6 => {
            found.insert(text.trim().to_owned());
        }
        _ => {}
    }
}

/// A rig whose bank is listened to, and what was heard: all that is private, and all amounts.
fn overheard(rig: &mut Rig) -> (Front, Arc<Mutex<BTreeSet<String>>>) {
    let front = Front::start(rig.bank.world());
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let ears = Arc::clone(&heard);
    front.change(move |request, response| {
        let mut heard = ears.lock().unwrap();
        if let Some(header) = request.header("authorization") {
            heard.insert(header.trim_start_matches("Bearer ").to_owned());
        }
        if let Ok(answer) = serde_json::from_slice(&response.body) {
            collect(&answer, "", &mut heard);
        }
    });
    rig.api_base = Some(front.api_base.clone());
    (front, heard)
}

#[track_caller]
fn assert_clean(place: &str, bytes: &[u8], markers: &BTreeSet<String>) {
    // Every marker is UTF-8, so it survives the replacement of what is not.
    let hay = String::from_utf8_lossy(bytes);
    for marker in markers {
        assert!(!hay.contains(marker.as_str()), "`{marker}` is in {place}");
    }
}

fn search(rig: &Rig, pid: u32, markers: &BTreeSet<String>) {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap();
    assert_clean("the environment", &read("environ"), markers);
    assert_clean("the arguments", &read("cmdline"), markers);
    let own = ["secret-id", "secret-key", "key", "config.toml"];
    let mut looked_at = Vec::new();
    for entry in fs::read_dir(&rig.store).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && !own.contains(&name.as_str()) {
            assert_clean(&name, &fs::read(entry.path()).unwrap(), markers);
            looked_at.push(name);
        }
    }
    for name in ["log", "banksyncd.db", "banksyncd.db-wal"] {
        assert!(looked_at.iter().any(|own| own == name), "{looked_at:?}");
    }
}

#[test]
fn nothing_private_is_written_anywhere() {
    let mut rig = Rig::new().extra("[log]\nlevel = \"trace\"\n");
    let (_front, heard) = overheard(&mut rig);
    rig.start();
    // Failures are where programs become talkative.
    let link = rig.linked(SANDBOX);
    rig.linked("ALBIONCARDS_ALBNGB21");
    rig.linked("BOUCLE_BOUCFRPP");
    let account = rig.accounts().remove(0);
    let iban = text(&account, "iban");
    rig.verb(&["transactions", &iban, "--raw", "--json"]).expect(0);
    rig.verb(&["sync", "--wait", &iban]).expect(0);
    rig.bank.with(|world, now| world.person_revokes(&text(&link, "requisition_id"), now)).unwrap();
    rig.sync(&[]);
    rig.begin_link("NORDLICHT_NOLIDEM1");
    let other = rig.accounts().into_iter().find(|own| own["status"] == "ready").unwrap();
    rig.bank.with(|world, now| world.suspend(&text(&other, "provider_account_id"), now)).unwrap();
    rig.sync(&[]);
    let mut markers = heard.lock().unwrap().clone();
    let people = markers.iter().filter(|marker| marker.contains(' ')).count();
    assert!(markers.len() > 50 && people > 20, "{} markers", markers.len());
    markers.extend([SECRET_ID, SECRET_KEY, KEY].map(str::to_owned));
    search(&rig, rig.pid(), &markers);
    assert!(rig.log().contains("DEBUG"), "nothing was logged at all");
    let amounts: BTreeSet<String> = rig
        .list(&["transactions"])
        .iter()
        .filter_map(|row| Some(row["amount"].as_str()?.to_owned()))
        .collect();
    let log = rig.log();
    let words = log.split(|letter: char| letter.is_whitespace() || "\"=,:{}()".contains(letter));
    let told: Vec<&str> =
        words.filter(|word| amounts.contains(*word) && word.contains('.')).collect();
    assert!(told.is_empty(), "amounts in the log: {told:?}");
    // The key of the file as bytes, and what a kill leaves behind.
    rig.kill();
    for entry in fs::read_dir(&rig.store).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("banksyncd.db") {
            let bytes = fs::read(entry.path()).unwrap();
            assert_clean(&name, &bytes, &markers);
            let raw = [0x5e, 0xed, 0, 0, 0, 0, 0, 0];
            assert!(!bytes.windows(raw.len()).any(|part| part == raw), "the key is in {name}");
        }
    }
    // As JSON, too.
    rig.extra = "[log]\nlevel = \"trace\"\nformat = \"json\"\n".to_owned();
    rig.start();
    rig.sync(&["--force"]);
    rig.verb(&["institutions", "bank"]);
    assert_eq!(rig.stop(), 0);
    markers.extend(heard.lock().unwrap().iter().cloned());
    assert_clean("the log", rig.log().as_bytes(), &markers);
}

#[test]
fn no_core_is_dumped_and_nobody_looks_in() {
    let mut rig = Rig::new();
    rig.start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", rig.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> =
        core.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
    assert_eq!(rig.stop(), 0);
    // The files below /proc of a process that dumps nothing belong to root, whoever runs it (proc(5)).
    if rustix::process::geteuid().is_root() {
        let everyone = |path: &std::path::Path| {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        };
        everyone(&rig.store);
        fs::read_dir(&rig.store).unwrap().flatten().for_each(|entry| everyone(&entry.path()));
    }
    let as_nobody = |command: &mut Command| {
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
    };
    let mut look = Command::new(PROGRAM);
    as_nobody(look.arg("--version").stdout(Stdio::null()));
    if look.status().is_err() {
        eprintln!("skipped: user {NOBODY} may not run {PROGRAM}");
        return;
    }
    let mut command = rig.daemon_command();
    as_nobody(&mut command);
    let daemon = Process::spawn(&mut command);
    wait_until("the daemon to answer", || rig.ask("GET", "/v1/version", "").is_some());
    let owner = fs::metadata(format!("/proc/{}/environ", daemon.pid())).unwrap().uid();
    assert_eq!(owner, 0, "others of its user can look into the process");
}
