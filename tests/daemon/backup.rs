//! `backup` and `restore`: a bad day, and what is left of it. The quota does not go back in time with the data.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::rig::{Rig, exists, text};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";

/// Everything that is listed, without what a pull changes.
fn rows(rig: &Rig) -> Vec<(String, String)> {
    let listed = rig.list(&["transactions", "--all"]);
    listed.iter().map(|row| (text(row, "id"), row["amount"].to_string())).collect()
}

fn used(rig: &Rig) -> Vec<Value> {
    rig.peek("/v1/quota").iter().map(|quota| quota["used"].clone()).collect()
}

#[test]
fn a_backup_made_while_the_daemon_runs_brings_everything_back() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let before = rows(&rig);
    assert!(!before.is_empty());
    let file = rig.path("copy.db");
    let name = file.to_str().unwrap();
    rig.verb(&["backup", name]).expect(0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read(&file).unwrap().starts_with(b"SQLite format 3"), "it is encrypted");
    assert_eq!(rig.events("backup_completed").len(), 1);
    let leftovers = fs::read_dir(&rig.store)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".backup"));
    assert_eq!(leftovers.count(), 0);

    // A call after the backup: it was made, whatever the restored data say.
    rig.sync(&[]).expect(0);
    let spent = used(&rig);
    let busy = rig.verb(&["restore", name]).expect(75);
    assert!(busy.err.contains("is in use by"), "{busy:?}");
    assert_eq!(rig.stop(), 0);
    let said = rig.verb(&["restore", name, "--json"]).expect(0).line();
    assert_eq!(said["ledger_kept"], true, "{said}");
    assert!(exists(said["kept"].as_str().unwrap().as_ref()), "{said}");
    rig.start();
    assert_eq!(rows(&rig), before);
    assert_eq!(used(&rig), spent, "the ledger is not older than the bank's");
    assert_eq!(rig.verb(&["verify"]).expect(0).err, "");
    // And once more without a daemon.
    assert_eq!(rig.stop(), 0);
    rig.verb(&["backup", name]).expect(0);
    rig.verb(&["restore", name]).expect(0);
    rig.start();
    assert_eq!(rows(&rig), before);
}

#[test]
fn a_damaged_database_is_replaced_and_its_accounts_rest_for_a_day() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let before = rows(&rig);
    let file = rig.path("copy.db");
    rig.verb(&["backup", file.to_str().unwrap()]).expect(0);
    assert_eq!(rig.stop(), 0);
    let mut bytes = fs::read(rig.database()).unwrap();
    bytes[..4096].fill(0xaa);
    fs::write(rig.database(), bytes).unwrap();
    let said = rig.verb(&["restore", file.to_str().unwrap(), "--json"]).expect(0).line();
    assert_eq!(said["ledger_kept"], false, "{said}");
    rig.start();
    assert_eq!(rows(&rig), before);
    let said = rig.sync(&[]).expect(75);
    assert_eq!(said.line()["outcome"], "skipped", "{said:?}");
}

#[test]
fn what_is_no_good_backup_changes_nothing() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let file = rig.path("copy.db");
    let name = file.to_str().unwrap();
    rig.verb(&["backup", name]).expect(0);
    assert_eq!(rig.stop(), 0);
    let good = fs::read(&file).unwrap();
    let database = fs::read(rig.database()).unwrap();
    let mut torn = good.clone();
    torn[5000] ^= 1;
    let mut cut = good.clone();
    cut.truncate(good.len() - 4096);
    for (content, code, words) in [
        (torn, 65, "is damaged"),
        (cut, 65, "is damaged"),
        (b"SQLite format 3\0 and more".to_vec(), 65, "plain SQLite file"),
        (vec![0x5a; 8192], 65, "is damaged"),
    ] {
        fs::write(&file, content).unwrap();
        let said = rig.verb(&["restore", name]).expect(code);
        assert!(said.err.contains(words), "{said:?}");
        assert_eq!(fs::read(rig.database()).unwrap(), database);
    }
    let said = rig.verb(&["restore", "/nowhere/x.db"]);
    assert!(said.code == 73 || said.code == 74, "{said:?}");
    // Another key: the key check beside the backup says which it is.
    fs::write(&file, good).unwrap();
    rig.secret("key", &"ab".repeat(32));
    let said = rig.verb(&["restore", name]).expect(78);
    assert!(said.err.contains("made with another key"), "{said:?}");
    assert_eq!(fs::read(rig.database()).unwrap(), database);
    let said = rig.verb(&["backup", "/proc/nowhere/x"]);
    assert_eq!(said.code, 73, "{said:?}");
}
