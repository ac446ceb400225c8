//! What keeps a daemon from starting, and what a verb says when none runs: a code and a sentence each, nothing touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::rig::{KEY, PROGRAM, Rig, Said, exists, quoted, run, text, wait_until};

/// Starts in vain: the code, a sentence on stderr, and not one request to the bank.
#[track_caller]
fn refused(rig: &Rig, code: i32, words: &str) -> Said {
    let before = rig.bank.count();
    let said = rig.start_in_vain().expect(code);
    assert!(said.err.contains(words), "{words}: {said:?}");
    assert!(!said.err.contains("panicked") && said.out.is_empty(), "{said:?}");
    assert!(!said.err.contains(KEY) && !said.err.contains("sandbox-secret"), "{said:?}");
    assert_eq!(rig.bank.count(), before, "no call may leave");
    said
}

#[test]
fn bad_configurations_are_told_with_their_places() {
    let rig = Rig::new();
    let file = rig.config().display().to_string();
    rig.write_config();
    let lines = fs::read_to_string(rig.config()).unwrap().lines().count();
    let mut rig = rig
        .extra("[limits]\ncalls-per-day = 0\nmanual-reserv = 1\n[http]\nbody-limit = \"9GiB\"\n");
    let said = refused(&rig, 78, &format!("{file}:{}:", lines + 2));
    assert_eq!(said.err.matches(&file).count(), 3, "{said:?}");
    assert!(said.err.contains("limits.manual-reserv") && said.err.contains("hint:"), "{said:?}");
    let listed = rig.verb(&["check-config", "--json"]).expect(78).lines();
    let fields = ["file", "line", "column", "key", "message", "hint"];
    assert_eq!(listed.len(), 3);
    assert!(
        listed.iter().all(|own| fields.iter().all(|field| own.get(field).is_some())),
        "{listed:?}"
    );
    assert_eq!(listed[0]["line"], lines + 2);
    rig.extra = "[limits\n".to_owned();
    refused(&rig, 78, &format!("{file}:{}:", lines + 1));
    rig.extra = String::new();
    rig.api_base = Some("http://example.com/api/v2/".to_owned());
    refused(&rig, 78, "gocardless.api-base");
    rig.api_base = None;
    rig.write_config();
    rig.verb(&["check-config"]).expect(0);
    assert!(!exists(&rig.database()) && !exists(&rig.socket()));
    // A file that is not there.
    fs::remove_file(rig.config()).unwrap();
    let run_it =
        |word| run(Command::new(PROGRAM).arg("--config").arg(rig.config()).arg(word).env_clear());
    assert!(run_it("run").expect(78).err.contains(&file));
    run_it("check-config").expect(78);
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let rig = Rig::new();
    for (name, mode) in [("secret-id", 0o640), ("secret-key", 0o604), ("key", 0o660)] {
        let path = rig.path(name);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let said = refused(&rig, 78, name);
        assert!(said.err.contains("hint:") && said.err.contains("0600"), "{said:?}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    for bad in ["", "too short", &format!("{KEY}00"), &KEY.replace('b', "g")] {
        rig.secret("key", bad);
        refused(&rig, 78, "");
    }
    rig.secret("key", KEY);
    fs::remove_file(rig.path("secret-id")).unwrap();
    refused(&rig, 78, "secret");
    assert!(!exists(&rig.database()));
}

#[test]
fn four_bad_databases_are_four_errors_and_stay_as_they_are() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    assert_eq!(rig.stop(), 0);
    let good = fs::read(rig.database()).unwrap();
    let unchanged = |rig: &Rig, expected: &[u8]| {
        assert!(fs::read(rig.database()).unwrap() == expected, "the file was touched");
    };
    // Another key.
    rig.secret("key", &KEY.replace('5', "6"));
    refused(&rig, 78, "another key");
    rig.verb(&["verify"]).expect(78);
    unchanged(&rig, &good);
    fs::rename(rig.store.join("banksyncd.db.keycheck"), rig.path("kept")).unwrap();
    refused(&rig, 78, "key");
    unchanged(&rig, &good);
    fs::rename(rig.path("kept"), rig.store.join("banksyncd.db.keycheck")).unwrap();
    rig.secret("key", KEY);
    // A damaged file: its first page, and one in the middle.
    for place in [30, 4096 + 100] {
        let mut bad = good.clone();
        bad[place..place + 64].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(rig.database(), &bad).unwrap();
        refused(&rig, 65, "restore a backup");
        rig.verb(&["verify"]).expect(65);
        unchanged(&rig, &bad);
    }
    // A file without encryption.
    let mut plain = b"SQLite format 3\0".to_vec();
    plain.resize(8_192, 0);
    fs::write(rig.database(), &plain).unwrap();
    refused(&rig, 65, "plain SQLite");
    unchanged(&rig, &plain);
    // A file that is shorter than any database.
    fs::write(rig.database(), &good[..100]).unwrap();
    refused(&rig, 65, "restore a backup");
    // A newer schema.
    fs::write(rig.database(), &good).unwrap();
    raise_schema(&rig);
    let newer = fs::read(rig.database()).unwrap();
    let said = refused(&rig, 78, "schema version 9999");
    assert!(said.err.contains("newer"), "{said:?}");
    unchanged(&rig, &newer);
    // The good one still is.
    fs::write(rig.database(), &good).unwrap();
    rig.start();
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

#[test]
fn damage_that_is_met_while_running_is_told_and_ends_the_daemon() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.restart();
    // Every page but the first few, which are in memory since the start.
    let mut bad = fs::read(rig.database()).unwrap();
    for page in bad.chunks_mut(4_096).skip(1) {
        page[200] ^= 0xa5;
    }
    let file = fs::OpenOptions::new().write(true).open(rig.database()).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bad, 0).unwrap();
    let said = rig.verb(&["transactions", "--all"]);
    assert!(said.err.contains("damaged") && said.err.contains(" verify`"), "{said:?}");
    assert!(said.err.contains(rig.database().to_str().unwrap()), "names the file: {said:?}");
    let ended = rig.process().wait("the daemon to end");
    assert_eq!(ended.code(), Some(65), "{}", rig.log());
    assert!(rig.log().contains("store_integrity_failed"), "{}", rig.log());
    let said = refused(&rig, 65, "is damaged");
    assert!(said.err.contains(rig.database().to_str().unwrap()), "{said:?}");
}

#[test]
fn a_verb_with_a_broken_configuration_says_so() {
    let mut rig = Rig::new();
    rig.start();
    let config = rig.path("broken.toml");
    rig.secret("broken.toml", &rig.config_text().replace("[control]", "[kontrol]"));
    let with = |path: &str, words: &[&str]| {
        run(Command::new(PROGRAM).args(["--config", path]).args(words).env_clear())
    };
    let broken = |words: &[&str]| with(config.to_str().unwrap(), words);
    let said = broken(&["status"]).expect(78);
    assert!(said.err.contains("kontrol") && said.err.contains("control"), "{said:?}");
    assert!(!said.err.contains("not reachable"), "{said:?}");
    let socket = rig.socket();
    broken(&["--socket", socket.to_str().unwrap(), "accounts"]).expect(0);
    with("/nowhere/at/all.toml", &["status"]).expect(78);
    // Nobody answers: then it is the file that has to be told of, whatever the verb could do alone.
    rig.extra = "[limits]\ncalls-per-day = 0\n".to_owned();
    rig.write_config();
    rig.verb(&["status", "--json"]).expect(0);
    assert_eq!(rig.stop(), 0);
    for verb in ["status", "verify", "reload"] {
        let said = rig.verb(&[verb]).expect(78);
        assert!(said.err.contains("limits.calls-per-day"), "{said:?}");
        assert!(!said.err.contains("not reachable") && said.out.is_empty(), "{said:?}");
    }
}

/// Makes the database one of a program to come.
pub(crate) fn raise_schema(rig: &Rig) {
    let connection = rusqlite::Connection::open(rig.database()).unwrap();
    connection
        .execute_batch(&format!("PRAGMA key = \"x'{KEY}'\"; PRAGMA user_version = 9999;"))
        .unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
}

#[test]
fn a_second_daemon_is_refused_before_it_does_anything() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let first = rig.pid();
    let said = refused(&rig, 75, &first.to_string());
    assert!(said.err.contains("hint:"), "{said:?}");
    rig.verb(&["status"]).expect(0);
    // The same socket for another database.
    let other = rig.path("other.db");
    let config = rig.config_text().replace(&quoted(&rig.database()), &quoted(&other));
    rig.secret("other.toml", &config);
    let before = rig.bank.count();
    let said = run(Command::new(PROGRAM)
        .arg("--config")
        .arg(rig.path("other.toml"))
        .arg("run")
        .env_clear())
    .expect(75);
    assert!(said.err.contains("another daemon listens"), "{said:?}");
    assert_eq!(rig.bank.count(), before);
    rig.verb(&["status"]).expect(0);
    // A socket that a dead daemon left is replaced.
    rig.kill();
    assert!(exists(&rig.socket()));
    rig.start();
    rig.verb(&["status"]).expect(0);
    // Something else at its place is not.
    assert_eq!(rig.stop(), 0);
    fs::write(rig.socket(), "mine").unwrap();
    refused(&rig, 73, "there is a file of that name");
    assert_eq!(fs::read(rig.socket()).unwrap(), b"mine");
}

#[test]
fn folders_that_are_not_there_or_not_ours() {
    let mut rig = Rig::new();
    rig.store = rig.path("secret-id").join("below");
    let said = rig.start_in_vain();
    assert!([73, 77].contains(&said.code), "{said:?}");
    rig.store = "/proc/nowhere".into();
    let said = rig.start_in_vain();
    assert!([73, 77].contains(&said.code), "{said:?}");
    assert!(said.err.contains("/proc/nowhere") && said.err.contains("hint:"), "{said:?}");
    assert_eq!(rig.bank.count(), 0);
}

#[test]
fn wrong_usage_and_a_daemon_that_is_not_there() {
    let rig = Rig::new();
    rig.write_config();
    for words in [
        &["nonsense"][..],
        &[],
        &["link"],
        &["transactions", "--from", "yesterday"],
        &["sync", "--nope"],
        &["events", "--since", "whenever"],
    ] {
        let said = rig.verb(words).expect(64);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{said:?}");
    }
    // A verb that is not built is not listed, either.
    let help = rig.verb(&["--help"]).expect(0).out;
    assert!(help.contains("transactions"), "{help}");
    if !help.contains("  forget ") {
        let said = rig.verb(&["forget", "x"]).expect(64);
        assert!(said.err.contains("not built yet"), "{said:?}");
    }
    for words in [
        &["status"][..],
        &["accounts"],
        &["sync", "--wait"],
        &["link", "X"],
        &["events"],
        &["quota", "--json"],
    ] {
        let said = rig.verb(words).expect(69);
        assert!(said.err.contains("hint:") && said.out.is_empty(), "{said:?}");
    }
    let version = rig.verb(&["--version"]).expect(0);
    assert_eq!(version.out.trim(), format!("banksyncd {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_socket_file_may_vanish() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    fs::remove_file(rig.socket()).unwrap();
    rig.verb(&["status"]).expect(69);
    assert_eq!(rig.stop(), 0);
    rig.start();
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 1);
}

#[test]
fn files_are_private() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let mut seen = Vec::new();
    for entry in fs::read_dir(&rig.store).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("banksyncd.db") || name == "control.sock" {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
            seen.push(name);
        }
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

#[test]
fn a_bad_configuration_does_not_replace_a_good_one() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let id = text(&rig.accounts()[0], "id");
    rig.extra = format!("[[account]]\nmatch = \"{id}\"\nnickname = \"giro\"\n");
    rig.write_config();
    let (status, body) = rig.ask("POST", "/v1/reload", "").unwrap();
    assert_eq!((status, &body[0]["ok"]), (200, &true.into()), "{body:?}");
    rig.wait_for_events("config_reloaded", 1);
    assert_eq!(rig.account(&id)["nickname"], "giro");
    assert!(!rig.list(&["balances", "giro"]).is_empty());
    // A bad one: refused, told, and the old one stays.
    rig.extra = "[limits]\ncalls-per-day = \"many\"\n".to_owned();
    rig.write_config();
    let (status, body) = rig.ask("POST", "/v1/reload", "").unwrap();
    assert_eq!((status, &body[0]["error"]["exit"]), (400, &78.into()), "{body:?}");
    rig.wait_for_events("config_rejected", 1);
    assert_eq!(rig.account(&id)["nickname"], "giro");
    rig.process().signal(rustix::process::Signal::HUP);
    rig.wait_for_events("config_rejected", 2);
    // A bad file that still says where the daemon listens leads there, and is told of.
    let said = rig.verb(&["accounts"]).expect(0);
    assert!(said.err.contains("the configuration file is bad"), "{said:?}");
    rig.sync(&["giro"]).expect(0);
    // A good one by signal: an account is switched off.
    rig.extra =
        format!("[[account]]\nmatch = \"{id}\"\nenabled = false\n[log]\nlevel = \"debug\"\n");
    rig.write_config();
    rig.process().signal(rustix::process::Signal::HUP);
    rig.wait_for_events("config_reloaded", 2);
    assert_eq!(rig.account(&id)["enabled"], false);
    let calls = rig.bank.data_calls();
    let result = rig.sync(&[&id]).expect(1).lines().remove(0);
    assert_eq!(result["outcome"], "skipped", "{result}");
    assert_eq!(rig.bank.data_calls(), calls);
    wait_until("lines of level debug", || rig.log().contains("DEBUG"));
}
