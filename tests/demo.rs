//! `demo` as a person runs it: the real program, to its end, in a folder that is gone afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests may panic and tell the time they took, as the tests themselves may"
)]
#![expect(clippy::disallowed_methods, reason = "a test of a whole process is bounded in real time")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What the story must tell, verbatim.
const CODES: [&str; 12] = [
    "link_created",
    "link_completed",
    "account_discovered",
    "sync_completed",
    "transactions_added",
    "access_expiring",
    "access_expired",
    "access_renewed",
    "link_replaced",
    "account_suspended",
    "token_issued",
    "daemon_started",
];

/// A run is killed after this long; it takes a few seconds.
const BOUND: Duration = Duration::from_secs(30);

/// The program, with a folder of its own for what is temporary and nothing from our environment that it could heed.
fn program(scratch: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banksyncd"));
    command.env_remove("BANKSYNCD_CONFIG").env("TMPDIR", scratch).env("COLUMNS", "80");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Kills its process when the test is over, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Everything from a stream, read by a thread, so that no pipe fills up.
fn gather(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        drop(sender.send(text));
    });
    receiver
}

/// Runs to the end, within the bound: how it ended, stdout and stderr.
fn run(command: &mut Command) -> (ExitStatus, String, String) {
    let begin = Instant::now();
    let mut running = Running(command.spawn().unwrap());
    let out = gather(running.0.stdout.take().unwrap());
    let err = gather(running.0.stderr.take().unwrap());
    // Both streams end with the process.
    let out = out.recv_timeout(BOUND).unwrap();
    let err = err.recv_timeout(BOUND).unwrap();
    let status = running.0.wait().unwrap();
    println!("{command:?} took {} ms", begin.elapsed().as_millis());
    (status, out, err)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn the_story_is_told_to_its_end_and_nothing_is_left() {
    let scratch = TempDir::new().unwrap();
    let (status, out, err) = run(program(scratch.path()).arg("demo"));
    assert_eq!(status.code(), Some(0), "{out}\n{err}");
    assert_eq!(err, "");
    for code in CODES {
        assert!(out.contains(code), "{code} is missing:\n{out}");
    }
    for verb in ["accounts", "balances", "transactions ", "status", "quota", "verify"] {
        assert!(out.contains(&format!("\n$ banksyncd {verb}")), "{verb} is missing:\n{out}");
    }
    assert!(out.contains("\n    banksyncd renew lnk_"), "no cure is named:\n{out}");
    assert!(!out.contains('\u{1b}'), "colour without a terminal");
    let wide: Vec<&str> =
        out.lines().filter(|line| line.chars().count() > 80 && !line.contains("http://")).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(is_empty(scratch.path()), "the temporary folder is left");
}

#[test]
fn with_json_only_events_are_printed() {
    let scratch = TempDir::new().unwrap();
    let (status, out, err) = run(program(scratch.path()).args(["demo", "--json"]));
    assert_eq!(status.code(), Some(0), "{err}");
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |code: &str| events.iter().any(|event| event.get("code") == Some(&code.into()));
    for code in CODES {
        assert!(has(code), "{code} is missing");
    }
}

#[test]
fn a_kept_folder_is_private_and_its_database_sound() {
    let scratch = TempDir::new().unwrap();
    let kept = scratch.path().join("kept");
    let keep = |folder: &Path| run(program(scratch.path()).args(["demo", "--keep"]).arg(folder));
    let (status, out, err) = keep(&kept);
    assert_eq!(status.code(), Some(0), "{out}\n{err}");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(&kept).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
    let database = fs::read(kept.join("banksyncd.db")).unwrap();
    assert!(!database.starts_with(b"SQLite format 3"), "the database is not encrypted");

    let config = kept.join("config.toml");
    let (status, out, err) =
        run(program(scratch.path()).arg("--config").arg(&config).arg("verify"));
    assert_eq!(status.code(), Some(0), "{out}\n{err}");
    let (status, out, err) =
        run(program(scratch.path()).arg("--config").arg(&config).args(["replay", "--json"]));
    assert_eq!((status.code(), out.as_str()), (Some(0), ""), "{err}");

    let before = fs::read(&config).unwrap();
    let (status, _, err) = keep(&kept);
    assert_eq!(status.code(), Some(73), "{err}");
    assert!(err.contains("is not empty"), "{err}");
    assert_eq!(fs::read(&config).unwrap(), before);
}

#[test]
fn a_served_demo_answers_other_terminals_until_ctrl_c() {
    let scratch = TempDir::new().unwrap();
    let mut running = Running(program(scratch.path()).args(["demo", "--serve"]).spawn().unwrap());
    let (sender, lines) = mpsc::channel();
    let out = running.0.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            drop(sender.send(line.unwrap()));
        }
    });
    let until = |wanted: &str| {
        let end = Instant::now() + BOUND;
        loop {
            let line = lines.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap();
            if line.contains(wanted) {
                return line;
            }
        }
    };
    let line = until(" --config ");
    let config = line.split_whitespace().skip_while(|word| *word != "--config").nth(1).unwrap();
    until("Ctrl-C ends it");
    let ask = |verb: &str| run(program(scratch.path()).args(["--config", config, verb]));
    let (status, out, err) = ask("status");
    assert_eq!(status.code(), Some(0), "{out}\n{err}");
    assert!(out.contains("nothing needs you"), "{out}");
    let (status, out, err) = ask("accounts");
    assert_eq!(status.code(), Some(0), "{err}");
    assert!(out.contains("acc_"), "{out}");

    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let err = gather(running.0.stderr.take().unwrap());
    assert_eq!(err.recv_timeout(BOUND).unwrap(), "");
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(is_empty(scratch.path()), "the temporary folder is left");
}
