//! `backup` and `restore`: a bad day, and what is left of it. The quota does not go back in time with the data.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::rig::{KEY, Rig, Said, exists, run_with, text};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";

/// Everything that is listed, without what a pull changes.
fn rows(rig: &Rig) -> Vec<(String, String)> {
    let listed = rig.list(&["transactions", "--all"]);
    listed.iter().map(|row| (text(row, "id"), row["amount"].to_string())).collect()
}

/// A daemon with an account, its rows, and a backup of them.
fn backed_up() -> (Rig, Vec<(String, String)>, PathBuf) {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let before = rows(&rig);
    assert!(!before.is_empty());
    let file = rig.path("copy.db");
    rig.verb(&["backup", file.to_str().unwrap()]).expect(0);
    (rig, before, file)
}

fn used(rig: &Rig) -> Vec<Value> {
    rig.peek("/v1/quota").iter().map(|quota| quota["used"].clone()).collect()
}

#[test]
fn a_backup_made_while_the_daemon_runs_brings_everything_back() {
    let (mut rig, before, file) = backed_up();
    let name = file.to_str().unwrap();
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
    let (mut rig, before, file) = backed_up();
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
    let (mut rig, _, file) = backed_up();
    let name = file.to_str().unwrap();
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

/// `restore FILE --recovery-key` with this on standard input.
fn restore_with(rig: &Rig, file: &str, key: &str) -> Said {
    rig.secret("input", key);
    let input = File::open(rig.path("input")).unwrap();
    run_with(&mut rig.command(&["restore", file, "--recovery-key"]), input.into())
}

/// The screen without what differs from run to run.
fn screen(rig: &Rig, said: &Said) -> String {
    let folder = rig.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let text = format!("{}--- stderr\n{}", said.out, said.err).replace(&folder, "DIR");
    let marked =
        text.split_inclusive(char::is_whitespace).map(|word| match word.split_once(".before-") {
            Some((name, rest)) => {
                format!(
                    "{name}.before-STAMP{}",
                    rest.trim_start_matches(|it: char| it.is_ascii_alphanumeric())
                )
            }
            None => word.to_owned(),
        });
    marked.collect()
}

#[test]
fn another_key_leaves_everything_else_as_it_was() {
    let (mut rig, before, file) = backed_up();
    let name = file.to_str().unwrap();
    let busy = rig.verb(&["rekey"]).expect(75);
    assert!(busy.err.contains("is in use by"), "{busy:?}");
    assert_eq!(rig.stop(), 0);

    let said = rig.verb(&["rekey"]).expect(0);
    insta::assert_snapshot!(screen(&rig, &said), @r"
    the database has a new key
    written    DIR/key
    kept       DIR/key.before-STAMP
    --- stderr

    keep a copy of the new key elsewhere: `banksyncd recovery-key` prints it to be written down
    backups that were made before open with the old key only:
        cat DIR/key.before-STAMP | banksyncd restore FILE --recovery-key
    when you need none of them any more, remove it: `shred -u DIR/key.before-STAMP`
    hint: start the daemon again with `systemctl start banksyncd`
    ");
    let key = fs::read_to_string(rig.path("key")).unwrap();
    assert!(key.trim() != KEY && !said.out.contains(key.trim()) && !said.err.contains(key.trim()));
    assert_eq!(fs::metadata(rig.path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    rig.start();
    assert_eq!(rows(&rig), before);
    rig.verb(&["verify"]).expect(0);
    assert_eq!(rig.stop(), 0);

    // A key that somebody made; the screen for programs.
    rig.secret("other", &"ab".repeat(32));
    let other = rig.path("other");
    let words = ["rekey", "--new-key-file", other.to_str().unwrap(), "--json"];
    let said = rig.verb(&words).expect(0).line();
    assert_eq!(text(&said, "key"), rig.path("key").to_str().unwrap());
    assert_eq!(fs::read_to_string(said["kept"].as_str().unwrap()).unwrap(), key);
    assert!(fs::read_to_string(rig.path("key")).unwrap().starts_with("abab"));
    let said = rig.verb(&words).expect(64);
    assert!(said.err.contains("the new key is the present one"), "{said:?}");
    rig.secret("other", "too short");
    rig.verb(&words).expect(78);
    let left = fs::read_dir(rig.path("")).unwrap();
    let left = left
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("rekey"));
    assert_eq!(left.count(), 0);

    // The backup is as old as the first key.
    let said = rig.verb(&["restore", name]).expect(78);
    assert!(said.err.contains("--recovery-key"), "{said:?}");
    let said = restore_with(&rig, name, &"cd".repeat(32)).expect(78);
    assert!(said.err.contains("made with another key"), "{said:?}");
    restore_with(&rig, name, KEY).expect(0);
    rig.start();
    assert_eq!(rows(&rig), before);
}

#[test]
fn a_lost_machine_comes_back_from_paper_and_a_backup() {
    let (mut rig, before, file) = backed_up();
    let name = file.to_str().unwrap();
    let said = rig.verb(&["recovery-key"]).expect(64);
    insta::assert_snapshot!(screen(&rig, &said), @r"
    --- stderr
    error: the key is printed to a terminal only, and standard output is none

    hint: type the command on a terminal; or add `--force`
    ");
    let said = rig.verb(&["recovery-key", "--force"]).expect(0);
    insta::assert_snapshot!(screen(&rig, &said), @r"
    1: 5eed 0000 0000 0000 1974
    2: 0000 0000 0000 0000 87b7
    3: 0000 0000 0000 0000 1cff
    4: 0000 0000 0000 beef 2087
    --- stderr

    with these lines and a backup anybody reads everything in it: write them on paper, and keep that where the machine is not
    on another machine: `banksyncd init`, then `banksyncd restore FILE --recovery-key`
    ");
    let paper = said.out;
    let lines = rig.verb(&["recovery-key", "--force", "--json"]).expect(0).line();
    assert_eq!(lines["recovery_key"][0], paper.lines().next().unwrap());
    let logged = rig.log();
    assert!(paper.lines().all(|line| !logged.contains(line)) && !logged.contains(KEY));
    assert_eq!(rig.stop(), 0);
    rig.secret("key", &"ab".repeat(32));
    let said = rig.verb(&["recovery-key", "--force"]).expect(78);
    assert!(said.err.contains("made with another key"), "{said:?}");

    // A new machine: another key, no database, and what is on paper.
    fs::remove_dir_all(rig.path("new")).ok();
    fs::create_dir(rig.path("new")).unwrap();
    rig.store = rig.path("new");
    rig.write_config();
    let said = restore_with(&rig, name, &paper.replacen("5eed", "5ead", 1)).expect(65);
    assert!(said.err.contains("line 1 is not as it was printed"), "{said:?}");
    assert!(!exists(&rig.database()));
    restore_with(&rig, name, &paper.to_uppercase()).expect(0);
    rig.start();
    assert_eq!(rows(&rig), before);
    rig.verb(&["verify"]).expect(0);
}
