//! What people type wrongly, and what stands in the way of a verb: one sentence, a hint, the documented code, and nothing on
//! standard output. Every verb is in the tables; one that is not fails the test.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use banksyncd::cli::args::Args;
use banksyncd::sandbox::SANDBOX;
use clap::CommandFactory as _;

use crate::rig::{PROGRAM, Rig, Said, run, text};

/// Verbs that have no business with a daemon and are tried elsewhere in the table, or hold the terminal.
const NOT_CLIENTS: [&str; 12] = [
    "run",
    "demo",
    "sandbox",
    "simulate",
    "check-config",
    "doctor",
    "restore",
    "replay",
    "init",
    "completions",
    "rekey",
    "recovery-key",
];

/// Wrong at first sight, or for the daemon: `{}` is a folder that exists.
const WRONG: [(&str, i32, &str); 68] = [
    ("institutions --country DEU", 64, "two letters"),
    ("link NOSUCH", 64, "no such institution"),
    ("link", 64, "required"),
    ("link X --history-days 0", 64, "history-days"),
    ("link X --access-days 99999", 64, "access-days"),
    ("links extra", 64, "unexpected"),
    ("unlink nosuch --yes", 64, "no such link"),
    ("unlink lnk_ --yes", 64, "several links"),
    ("unlink lnk_", 64, "--yes"),
    ("renew nosuch", 64, "no such link"),
    ("renew lnk_", 64, "several links"),
    ("reconfirm nosuch", 64, "no such link"),
    ("reconfirm lnk_", 64, "several links"),
    ("accounts extra", 64, "unrecognized"),
    ("accounts merge nosuch other", 64, "no such account"),
    ("accounts merge acc_ other", 64, "several accounts"),
    ("accounts split nosuch", 64, "no such account"),
    ("balances nosuch", 64, "no such account"),
    ("balances acc_", 64, "several accounts"),
    ("balances DE89370400440532013000", 64, "no such account"),
    ("transactions nosuch", 64, "no such account"),
    ("transactions acc_", 64, "several accounts"),
    ("transactions --from 2026-02-30", 64, "a day that exists"),
    ("transactions --from 2026-03-02 --to 2026-03-01", 64, "is after"),
    ("export", 64, "--format"),
    ("export --format word", 64, "expected one of"),
    ("export --format csv --account nosuch", 64, "no such account"),
    ("export --format csv --account acc_", 64, "several accounts"),
    ("export --format csv --from 2026-03-02 --to 2026-03-01", 64, "is after"),
    ("export --format csv --append", 64, "needs a file"),
    ("export --format ofx --append --output {}/x.ofx", 64, "cannot grow"),
    ("export --format csv --append --output /dev/null", 64, "no file that could grow"),
    ("export --format csv --output {}", 73, "directory"),
    ("export --format csv --output {}/no/x.csv", 73, "/no/x.csv`: No such file"),
    ("export --format csv --output /dev/full", 74, "/dev/full"),
    ("history nosuch", 64, "no such transaction"),
    ("explain nosuch", 64, "no such transaction"),
    ("events --account nosuch", 64, "no such account"),
    ("events --since whenever", 64, "not understood"),
    ("events --code accont_paused", 64, "no event code"),
    ("events --code xyz", 64, "no event code"),
    ("notify extra", 64, "unrecognized"),
    ("notify test nosuch", 64, "nosuch"),
    ("status extra", 64, "unexpected"),
    ("quota extra", 64, "unexpected"),
    ("sync nosuch", 64, "no such account"),
    ("sync acc_ --wait", 64, "several accounts"),
    ("verify extra", 64, "unexpected"),
    ("backup {}", 73, "directory"),
    ("backup {}/no/x.db", 73, "/no/x.db`: No such file"),
    ("backup /dev/null", 73, "no regular file"),
    ("reload extra", 64, "unexpected"),
    ("doctor extra", 64, "unexpected"),
    ("check-config extra", 64, "unexpected"),
    ("demo --keep {}", 73, "not empty"),
    ("demo --keep {}/no/x", 73, "/no/x"),
    ("sandbox --listen 10.0.0.1:1", 64, "loopback"),
    ("simulate --days 0", 64, "--days"),
    ("completions x", 64, "possible values"),
    ("restore {}/x", 75, "in use by process"),
    ("replay", 75, "in use by process"),
    ("rekey extra", 64, "unexpected"),
    ("recovery-key extra", 64, "unexpected"),
    ("forget nosuch --yes", 64, "no such account"),
    ("forget acc_ --yes", 64, "several accounts"),
    ("forget acc_", 64, "--yes"),
    ("export --all", 64, "--output"),
    ("export --all --output {}/x --format csv", 64, "cannot be used with"),
];

/// A call of each client that would be right if a daemon were there.
const RIGHT: [&str; 21] = [
    "institutions x",
    "link X",
    "links",
    "unlink lnk_x --yes",
    "renew lnk_x",
    "reconfirm lnk_x",
    "accounts",
    "forget acc_x --yes",
    "balances",
    "transactions",
    "export --format csv",
    "history txn_x",
    "explain txn_x",
    "events",
    "notify",
    "status",
    "quota",
    "sync",
    "verify",
    "backup {}/copy.db",
    "reload",
];

impl Rig {
    fn typed(&self, line: &str) -> Said {
        let line = line.replace("{}", self.path("").to_str().unwrap().trim_end_matches('/'));
        self.verb(&line.split(' ').collect::<Vec<_>>())
    }
}

/// One sentence, a hint, and nothing else.
#[track_caller]
fn told(said: &Said, line: &str, code: i32, word: &str) {
    assert_eq!(said.code, code, "{line}: {said:#?}");
    assert!(said.out.is_empty(), "{line}: {said:#?}");
    assert!(said.err.starts_with("error: ") && said.err.contains(word), "{line}: {said:#?}");
    assert_eq!(said.err.matches("error: ").count(), 1, "{line}: {said:#?}");
    let hinted = said.err.contains("\n\nhint: ") || said.err.contains("try '--help'");
    assert!(hinted, "{line}: {said:#?}");
}

fn verbs() -> BTreeSet<String> {
    Args::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// Verbs that the table is ahead of are left out.
fn is_built(line: &str) -> bool {
    verbs().contains(&first_word(line))
}

fn first_word(line: &str) -> String {
    line.split(' ').next().unwrap().to_owned()
}

#[test]
fn every_verb_says_what_is_wrong_with_its_arguments() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    rig.begin_link("POLDER_POLDNL2U");
    for (line, code, word) in WRONG.into_iter().filter(|(line, ..)| is_built(line)) {
        told(&rig.typed(line), line, code, word);
    }
    for line in ["balances nosuch", "export --format csv --output {}", "status extra"] {
        let said = rig.typed(&format!("{line} --json"));
        assert!(said.code >= 64 && said.out.is_empty(), "{said:?}");
    }
    // What is to be typed leads to the same daemon.
    let said = rig.typed("balances nosuch");
    let config = rig.config().display().to_string();
    assert!(said.err.contains(&format!("`banksyncd --config {config} accounts`")), "{said:?}");
    let tried: BTreeSet<String> = WRONG.iter().map(|(line, ..)| first_word(line)).collect();
    let left_out: Vec<String> = verbs().difference(&tried).cloned().collect();
    assert_eq!(left_out, ["init", "run"], "is their input tried elsewhere?");
}

#[test]
fn days_to_come_are_no_mistake_but_are_told_of() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    for (line, empty) in [
        ("transactions --from 2999-01-01 --json", true),
        ("transactions --from 2999-01-01", false),
        ("export --format jsonl --from 2999-01-01 --to 2999-12-31", true),
        ("events --since 2999-01-01T00:00:00Z --json", true),
    ] {
        let said = rig.typed(line).expect(0);
        assert!(said.err.contains("lies in the future") && said.err.contains("hint: "), "{said:?}");
        assert_eq!(said.out.is_empty(), empty, "{said:?}");
    }
    for line in
        ["transactions --to 2999-01-01", "events --since 1d", "transactions --from 2020-01-01"]
    {
        let said = rig.typed(line).expect(0);
        assert!(said.err.is_empty(), "{said:?}");
    }
}

#[test]
fn arguments_need_not_be_text() {
    let mut rig = Rig::new();
    rig.start();
    let strange = OsString::from_vec(b"a\xff\xfe".to_vec());
    for verb in verbs().iter().filter(|verb| !["backup", "restore"].contains(&verb.as_str())) {
        let said = run(rig.command(&[verb.as_str()]).arg(&strange));
        told(&said, verb, 64, "");
    }
    // The name of a file may be anything.
    let file = rig.path("").join(&strange);
    let said = run(rig.command(&["backup"]).arg(&file)).expect(0);
    assert!(file.exists() && !said.out.is_empty(), "{said:?}");
    let export = ["export", "--format", "csv", "--output"];
    run(rig.command(&export).arg(rig.path("").join(OsString::from_vec(vec![0xfe])))).expect(0);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    let row = text(&rig.list(&["transactions"])[0], "id");
    let (history, explain) = (format!("history {row}"), format!("explain {row}"));
    let lines = [
        "institutions",
        "links",
        "accounts",
        "balances",
        "balances --history",
        "transactions",
        "transactions --json",
        "export --format csv",
        &history,
        &explain,
        "events",
        "status",
        "quota",
        "sync",
        "verify",
        "doctor",
        "check-config",
        "completions bash",
        "--help",
    ];
    for line in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = rig.command(&line.split(' ').collect::<Vec<_>>());
        let ended = command.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(0) && err.is_empty(), "{line}: {ended:?}");
    }
}

#[test]
fn a_daemon_that_is_down_or_of_another_version() {
    let rig = Rig::new();
    rig.write_config();
    let clients: BTreeSet<String> =
        verbs().into_iter().filter(|verb| !NOT_CLIENTS.contains(&verb.as_str())).collect();
    assert_eq!(RIGHT.map(first_word).into_iter().collect::<BTreeSet<_>>(), clients);
    for line in RIGHT {
        let said = rig.typed(line);
        match first_word(line).as_str() {
            "verify" | "backup" => assert_eq!(said.code, 0, "{said:?}"),
            _ => {
                told(&said, line, 69, "not reachable");
                assert!(said.err.contains("systemctl start banksyncd"), "{said:?}");
            }
        }
    }
    // One that knows none of our paths but the first that there was.
    let listener = UnixListener::bind(rig.socket()).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(|stream| older(stream.unwrap())));
    for line in RIGHT {
        let said = rig.typed(line);
        told(&said, line, 70, "not understood");
        assert!(said.err.contains("version 9.9.9") && said.err.contains("restart"), "{said:?}");
    }
    assert!(!rig.path("copy.db.new").exists());
    let said = rig.typed("doctor --json");
    assert!(said.code == 1 && said.out.contains("version 9.9.9"), "{said:?}");
}

#[test]
fn a_pipe_and_a_device_stay_what_they_are() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    let pipe = rig.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    rig.typed("export --format jsonl --output {}/pipe").expect(0);
    let rows = rig.list(&["transactions"]).len();
    assert_eq!(reader.join().unwrap().lines().count(), rows);
    rig.typed("export --format csv --output /dev/null").expect(0);
    for special in [pipe.as_path(), "/dev/null".as_ref(), "/dev/full".as_ref()] {
        assert!(!fs::metadata(special).unwrap().is_file(), "{}", special.display());
    }
    run(Command::new(PROGRAM).args(["sandbox", "--listen", &taken(&rig)]).env_clear()).expect(73);
}

/// The address of somebody who listens already.
fn taken(rig: &Rig) -> String {
    let base = rig.bank.api_base();
    base.trim_start_matches("http://").split('/').next().unwrap().to_owned()
}

/// Answers one request as another version would.
fn older(mut stream: UnixStream) {
    let mut request = [0; 4_096];
    let Ok(length) = stream.read(&mut request) else { return };
    let (status, body) = if request[..length].starts_with(b"GET /v1/version ") {
        ("200 OK", r#"{"version":"9.9.9","pid":1,"started_at":null}"#)
    } else {
        ("404 Not Found", r#"{"error":{"exit":64,"message":"there is no such path","hint":null}}"#)
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nserver: banksyncd/9.9.9\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // The client may be gone already.
    let _gone = stream.write_all(answer.as_bytes());
}
