//! The real program as a process of its own, with a folder, a configuration and keys of its own.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{Process, pause};

const PROGRAM: &str = env!("CARGO_BIN_EXE_banksyncd");
/// Nothing takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a daemon lives: removed with everything in it when dropped.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// A daemon that runs.
pub(crate) struct Daemon {
    child: Child,
    socket: PathBuf,
    /// From the start of the process to READY, in microseconds.
    pub(crate) ready_us: u64,
}

impl Home {
    /// A configuration for the provider at `base`; nothing runs yet.
    pub(crate) fn new(base: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { folder };
        let config = format!(
            "[gocardless]\napi-base = \"{base}\"\nsecret-id = {{ file = \"{id}\" }}\nsecret-key = {{ file = \"{key}\" }}\n\
             [store]\npath = \"{store}\"\nkey = {{ file = \"{database}\" }}\n\
             [control]\nsocket = \"{socket}\"\n\
             [schedule]\npull = [\"0 0 0 1 1 *\"]\njitter = \"0s\"\nfreshness = \"7d\"\n\
             [limits]\naccounts-per-minute = 1000000\ncalls-per-day = 10000\n",
            id = home.path("id").display(),
            key = home.path("key").display(),
            store = home.database().display(),
            database = home.path("database.key").display(),
            socket = home.path("control.sock").display(),
        );
        home.write("config.toml", &config);
        home.write("id", "bench-id");
        home.write("key", "bench-key");
        home.write("database.key", &"5a".repeat(32));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("a mode");
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("banksyncd.db")
    }

    /// Length of a file beside the database, in bytes; 0 if it is not there.
    pub(crate) fn bytes(&self, suffix: &str) -> u64 {
        let path = format!("{}{suffix}", self.database().display());
        fs::metadata(path).map_or(0, |facts| facts.len())
    }

    /// The program with this configuration, under that of `BENCH_UNDER` (a program and its arguments) if there is one.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let under = std::env::var("BENCH_UNDER").unwrap_or_default();
        let mut words = under.split_whitespace().chain([PROGRAM]);
        let mut command = Command::new(words.next().unwrap_or(PROGRAM));
        command
            .args(words)
            .arg("--config")
            .arg(self.path("config.toml"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Starts a daemon and waits for its READY on `$NOTIFY_SOCKET`.
    pub(crate) fn start(&self) -> Daemon {
        let place = self.path("notify");
        fs::remove_file(&place).unwrap_or_default();
        let notify = UnixDatagram::bind(&place).expect("a socket");
        notify.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let log = fs::File::create(self.path("log")).expect("a file");
        let mut command = self.command(&["run"]);
        command.env("NOTIFY_SOCKET", &place).stdout(Stdio::null()).stderr(log);
        let started = Instant::now();
        let child = command.spawn().expect("the daemon");
        let mut message = [0; 4_096];
        loop {
            let length = notify.recv(&mut message).expect("READY in time");
            if message.get(..length).is_some_and(|text| text.starts_with(b"READY=1")) {
                break;
            }
        }
        let ready_us = started.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        Daemon { child, socket: self.path("control.sock"), ready_us }
    }
}

impl Daemon {
    /// Its figures.
    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Asks its control socket and reads the whole answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).expect("the control socket");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        answer
    }

    /// Links an institution; its accounts are pulled as soon as they are known.
    pub(crate) fn link(&self) {
        self.ask("POST", "/v1/links", r#"{"institution":"BENCH"}"#);
    }

    /// Pulls everything now, and waits for it.
    pub(crate) fn sync(&self) {
        let answer = self.ask("POST", "/v1/sync", r#"{"force":true,"wait":true}"#);
        assert!(!answer.contains(r#""error""#) && !answer.contains("failed"), "{answer}");
    }

    /// Stops it in good order.
    pub(crate) fn stop(mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let status = self.child.wait().expect("an end");
        assert!(status.success(), "{status}");
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("an end");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, unless the benchmark failed.
        self.child.kill().unwrap_or_default();
    }
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        pause(Duration::from_millis(2));
    }
}
