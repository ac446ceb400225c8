//! What is kept and what is not: backups by schedule, everything as a folder, and accounts that are forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::rig::{Rig, exists, quoted, text, texts, wait_for, wait_until};

/// A bank with one account, and one with several.
const BANK: &str = "POLDER_POLDNL2U";
const BANK_OF_SEVERAL: &str = "SANDBOXFINANCE_SFIN0000";

fn backups(folder: &Path) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|it| it == "db")).collect()
}

#[test]
fn backups_come_by_themselves_and_only_so_many_stay() {
    let mut rig = Rig::new();
    let folder = rig.path("backups");
    rig.extra = format!(
        "[backup]\nfolder = {}\nschedule = [\"* * * * * *\"]\nkeep-last = 2\nkeep-daily = 1\nkeep-weekly = 0\nkeep-monthly = 0\n",
        quoted(&folder)
    );
    fs::create_dir(&folder).unwrap();
    let foreign = folder.join("banksyncd-20200101T000000Z.db");
    fs::write(&foreign, "somebody's own").unwrap();
    rig.start();
    rig.linked(BANK);
    let before = rig.list(&["transactions", "--all"]).len();
    let since = rig.events("backup_completed").len();
    wait_until("some backups", || rig.events("backup_completed").len() >= since + 3);
    assert_eq!(rig.stop(), 0);
    assert!(exists(&foreign));
    let made: Vec<PathBuf> = backups(&folder).into_iter().filter(|path| *path != foreign).collect();
    assert!(matches!(made.len(), 2 | 3), "{made:?}");
    let newest = made.last().unwrap();
    assert_eq!(fs::metadata(newest).unwrap().permissions().mode() & 0o777, 0o600);
    rig.verb(&["restore", newest.to_str().unwrap()]).expect(0);
    rig.extra.clear();
    rig.start();
    assert_eq!(rig.list(&["transactions", "--all"]).len(), before);
    assert!(rig.list(&["status"])[0]["needs"].as_array().unwrap().is_empty());
}

#[test]
fn a_missed_backup_is_caught_up_with_and_one_that_fails_needs_a_person() {
    let mut rig = Rig::new();
    let blocked = rig.path("blocked");
    fs::write(&blocked, "a file").unwrap();
    // The one slot of the day is always past or to come; there is no backup yet, so the last one was missed.
    rig.extra = format!("[backup]\nfolder = {}\n", quoted(&blocked.join("backups")));
    rig.start();
    rig.wait_for_events("backup_failed", 1);
    let needs = wait_for("a need", || {
        let status = rig.peek("/v1/status").remove(0);
        status["needs"].as_array().filter(|needs| !needs.is_empty()).cloned()
    });
    assert_eq!(needs[0]["code"], "backup_failed", "{needs:?}");
    assert!(text(&needs[0], "command").contains("blocked/backups"), "{needs:?}");
    rig.verb(&["status"]).expect(1);
    assert_eq!(rig.stop(), 0);
    let folder = rig.path("backups");
    rig.extra = format!("[backup]\nfolder = {}\nschedule = [\"* * * * * *\"]\n", quoted(&folder));
    rig.start();
    wait_until("a backup", || !rig.events("backup_completed").is_empty());
    wait_until("nothing to need", || {
        rig.peek("/v1/status")[0]["needs"].as_array().is_some_and(Vec::is_empty)
    });
    assert!(!backups(&folder).is_empty());
}

#[test]
fn everything_goes_into_a_folder_and_twice_the_same() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(BANK_OF_SEVERAL);
    let (one, two) = (rig.path("one"), rig.path("two"));
    let words = |folder: &Path| {
        ["export", "--all", "--output", folder.to_str().unwrap()].map(str::to_owned)
    };
    let said = rig.verb(&words(&one).each_ref().map(String::as_str)).expect(0);
    rig.verb(&words(&two).each_ref().map(String::as_str)).expect(0);
    let mut names = Vec::new();
    for entry in fs::read_dir(&one).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        assert_eq!(content, fs::read(two.join(path.file_name().unwrap())).unwrap(), "{path:?}");
        let shown = String::from_utf8(content).unwrap();
        for secret in [banksyncd::sandbox::SECRET_KEY, crate::rig::KEY, "http://127"] {
            assert!(!shown.contains(secret), "{path:?}");
        }
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "README.txt",
            "accounts.jsonl",
            "balances.jsonl",
            "events.jsonl",
            "links.jsonl",
            "manifest.json",
            "transactions.csv",
            "transactions.jsonl",
            "versions.jsonl"
        ]
    );
    let manifest: Value =
        serde_json::from_slice(&fs::read(one.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(said.out.lines().count(), files.len());
    for file in files {
        let content = fs::read(one.join(text(file, "name"))).unwrap();
        assert_eq!(file["bytes"], content.len());
        assert_eq!(text(file, "blake3"), blake3::hash(&content).to_hex().to_string());
    }
    let lines = |name: &str| fs::read_to_string(one.join(name)).unwrap().lines().count();
    assert_eq!(lines("transactions.jsonl"), rig.list(&["transactions", "--all"]).len());
    assert_eq!(lines("accounts.jsonl"), rig.accounts().len());
    assert_eq!(link["accounts"].as_array().unwrap().len(), rig.accounts().len());
    assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o700);
    rig.verb(&words(&one).each_ref().map(String::as_str)).expect(73);
    rig.verb(&["export", "--all"]).expect(64);
    rig.verb(&["export", "--all", "--format", "csv", "--output", "/x"]).expect(64);
    let calendar = rig.path("access.ics");
    rig.verb(&["links", "--ics", calendar.to_str().unwrap()]).expect(0);
    let shown = fs::read_to_string(calendar).unwrap();
    assert!(shown.contains(&format!("UID:{}@banksyncd\r\n", text(&link, "id"))), "{shown}");
}

#[test]
fn a_forgotten_account_is_gone_and_stays_so_through_a_renewal() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(BANK_OF_SEVERAL);
    let accounts = rig.accounts_of(&link);
    assert!(accounts.len() > 1, "{accounts:?}");
    let (gone, others) = accounts.split_first().unwrap();
    let id = text(gone, "id");
    let said = rig.verb(&["forget", &id]).expect(64);
    assert!(said.err.contains("--yes"), "{said:?}");
    let said = rig.verb(&["forget", &id, "--yes"]).expect(0);
    assert!(said.out.contains("is forgotten: nothing of it is left"), "{said:?}");
    rig.verb(&["forget", &id, "--yes"]).expect(64);
    assert_eq!(texts(&rig.accounts(), "id"), texts(others, "id"));
    for listing in ["/v1/transactions?all=1", "/v1/balances?history=1", "/v1/quota"] {
        assert!(rig.peek(listing).iter().all(|row| row["account_id"] != id.as_str()), "{listing}");
    }
    let told = rig.peek("/v1/events");
    let about = told.iter().filter(|event| event["account_id"] == id.as_str());
    assert!(
        about
            .clone()
            .all(|event| event["details"].as_object().is_none_or(serde_json::Map::is_empty))
    );
    assert!(about.count() > 0);
    assert_eq!(rig.events("account_forgotten").len(), 1);
    rig.verb(&["verify"]).expect(0);
    rig.restart();
    rig.sync(&[]).expect(0);
    assert_eq!(texts(&rig.accounts(), "id"), texts(others, "id"));

    let said = rig.verb(&["renew", &text(&link, "id"), "--no-wait", "--json"]).expect(0);
    let successor = said.line();
    rig.authorise(&successor);
    wait_until("the renewal", || rig.link(&text(&link, "id"))["status"] == "replaced");
    assert_eq!(texts(&rig.accounts(), "id"), texts(others, "id"));
    let successor = rig.link(&text(&successor, "id"));
    assert_eq!(successor["status"], "linked");
    assert_eq!(successor["accounts"].as_array().unwrap().len(), others.len());

    // Whoever links the bank anew gets it back, as a new one.
    let link = rig.linked(BANK_OF_SEVERAL);
    wait_until("the account to be back", || rig.accounts().len() == accounts.len());
    assert!(!texts(&rig.accounts(), "id").contains(&id), "{link}");
    rig.verb(&["verify"]).expect(0);
}

#[test]
fn the_last_account_takes_its_link_with_it() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(BANK);
    let id = text(&rig.accounts()[0], "id");
    let said = rig.verb(&["forget", &id, "--yes", "--json"]).expect(0).line();
    assert_eq!(said["link_ended"], true, "{said}");
    wait_until("the link to be ended", || rig.link(&text(&link, "id"))["status"] == "abandoned");
    assert!(rig.accounts().is_empty());
    assert_eq!(rig.stop(), 0);
    assert_eq!(rig.verb(&["verify"]).expect(0).err, "");
}
