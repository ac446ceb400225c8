//! One daemon with everything around it: folder, secrets, configuration, bank, process, verbs.
//!
//! All waiting is for a condition and has a bound; every process that is started here ends with the rig.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use banksyncd::sandbox::{AccountView, SECRET_ID, SECRET_KEY, WorldConfig};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bank::Bank;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_banksyncd");
/// Long enough for a debug build on a busy machine; a healthy run needs a fraction of it.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(15);

/// Looks until there is something, and returns it.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::park_timeout(LOOK);
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    wait_for(what, || so().then_some(()));
}

/// A verb's end.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    /// Standard output as JSON Lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}"));
        self.out.lines().map(parse).collect()
    }

    /// The only line.
    pub(crate) fn line(&self) -> Value {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines[0].clone()
    }

    /// Fails the test unless the code is this one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// A child that is ended with its owner, if it has not ended before.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    pub(crate) fn wait(&mut self, what: &str) -> ExitStatus {
        wait_for(what, || self.ended())
    }

    /// The lines of its piped standard output, as they come; it ends with the process.
    pub(crate) fn output(&mut self) -> Output {
        let pipe = self.0.stdout.take().expect("the output is not piped");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                if tell.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Output(told)
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What a process prints, line by line.
pub(crate) struct Output(Receiver<String>);

impl Output {
    /// The next line; `None` after the last.
    pub(crate) fn next(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for a line"),
        }
    }

    /// The next line as JSON.
    pub(crate) fn object(&self) -> Value {
        serde_json::from_str(&self.next().expect("the output has ended")).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Runs a command to its end, within bounds.
pub(crate) fn run(command: &mut Command) -> Said {
    run_with(command, Stdio::null())
}

/// The same with something to read.
pub(crate) fn run_with(command: &mut Command, input: Stdio) -> Said {
    let mut child =
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let drain = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = drain(Box::new(child.stdout.take().unwrap()));
    let err = drain(Box::new(child.stderr.take().unwrap()));
    let mut process = Process(child);
    let status = process.wait("a verb to end");
    Said { code: status.code().unwrap_or(-1), out: out.join().unwrap(), err: err.join().unwrap() }
}

/// A path as TOML writes a text.
pub(crate) fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_str().unwrap())
}

/// The key of a test's database.
pub(crate) const KEY: &str = "5eed00000000000000000000000000000000000000000000000000000000beef";

/// A folder with a configuration, a bank, and at most one daemon.
pub(crate) struct Rig {
    pub(crate) bank: Bank,
    /// Where the database and the socket are; the folder itself unless changed.
    pub(crate) store: PathBuf,
    /// Sections of the configuration besides those that every test needs.
    pub(crate) extra: String,
    /// Another server than the bank.
    pub(crate) api_base: Option<String>,
    /// Certificates that the daemon trusts in place of the system's.
    trusted: Option<PathBuf>,
    /// Where the browser is sent after the bank, if not where everybody sends it.
    pub(crate) redirect: Option<String>,
    daemon: Option<Process>,
    /// The last to go: the others live in it.
    folder: tempfile::TempDir,
}

impl Rig {
    /// With a plain bank.
    pub(crate) fn new() -> Self {
        Self::with(WorldConfig::default())
    }

    /// With a bank made to order. No daemon runs yet.
    pub(crate) fn with(config: WorldConfig) -> Self {
        let folder = tempfile::Builder::new().prefix("banksyncd-test-").tempdir().unwrap();
        let rig = Self {
            store: folder.path().to_owned(),
            folder,
            bank: Bank::open(config),
            extra: String::new(),
            api_base: None,
            trusted: None,
            redirect: None,
            daemon: None,
        };
        rig.secret("secret-id", SECRET_ID);
        rig.secret("secret-key", SECRET_KEY);
        rig.secret("key", KEY);
        rig
    }

    /// The same with more sections in its configuration.
    pub(crate) fn extra(mut self, text: &str) -> Self {
        text.clone_into(&mut self.extra);
        self
    }

    /// Lets the daemon trust the certificates of this file of the repository and no others.
    pub(crate) fn trust(&mut self, file: &str) {
        self.trusted = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.store.join("banksyncd.db")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("control.sock")
    }

    /// A file of mode 0600 in the folder.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// The configuration as it stands.
    pub(crate) fn config_text(&self) -> String {
        let file = |name: &str| format!("{{ file = {} }}", quoted(&self.path(name)));
        // The one pull of the day is far away: what is pulled meanwhile was asked for.
        let hour = self.bank.with(|_, now| now.ms()).div_euclid(3_600_000) % 24;
        let mut text = String::new();
        write!(
            text,
            "[gocardless]\napi-base = {:?}\nredirect = {:?}\nsecret-id = {}\nsecret-key = {}\n\
             [store]\npath = {}\nkey = {}\n[control]\nsocket = {}\n\
             [schedule]\npull = [\"0 0 {} * * *\"]\njitter = \"1s\"\nfreshness = \"48h\"\n{}",
            self.api_base.clone().unwrap_or_else(|| self.bank.api_base()),
            self.redirect.as_deref().unwrap_or("http://localhost:8437/linked"),
            file("secret-id"),
            file("secret-key"),
            quoted(&self.database()),
            file("key"),
            quoted(&self.socket()),
            (hour + 12) % 24,
            self.extra
        )
        .unwrap();
        text
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// Writes the configuration.
    pub(crate) fn write_config(&self) {
        self.secret("config.toml", &self.config_text());
    }

    /// The daemon's command line; its output goes to the file `log`.
    pub(crate) fn daemon_command(&self) -> Command {
        let log = || -> File {
            OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap()
        };
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.config()).arg("run");
        command.env_clear().stdin(Stdio::null()).stdout(log()).stderr(log());
        command.envs(self.trusted.iter().map(|file| ("SSL_CERT_FILE", file)));
        command
    }

    /// Everything that all daemons of this rig have written.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    /// Starts a daemon without waiting for anything.
    pub(crate) fn launch(&mut self) {
        self.write_config();
        self.daemon = Some(Process::spawn(&mut self.daemon_command()));
    }

    /// Starts a daemon and waits until it answers.
    #[track_caller]
    pub(crate) fn start(&mut self) {
        self.launch();
        self.wait_until_up();
    }

    /// Waits until the daemon answers on its socket.
    #[track_caller]
    pub(crate) fn wait_until_up(&mut self) {
        let pid = u64::from(self.pid());
        wait_until("the daemon to answer", || {
            let ended = self.daemon.as_mut().and_then(Process::ended);
            assert!(ended.is_none(), "the daemon ended: {ended:?}\n{}", self.log());
            let answer = self.ask("GET", "/v1/version", "");
            answer.is_some_and(|(_, body)| body[0]["pid"] == pid)
        });
    }

    /// Starts a daemon that is expected to end at once: its code and what it wrote.
    pub(crate) fn start_in_vain(&self) -> Said {
        self.write_config();
        run(Command::new(PROGRAM).arg("--config").arg(self.config()).arg("run").env_clear())
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.daemon.as_mut().expect("no daemon runs")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("no daemon runs").pid()
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        let mut daemon = self.daemon.take().expect("no daemon runs");
        daemon.signal(Signal::TERM);
        daemon.wait("the daemon to stop").code().unwrap_or(-1)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.daemon.take().expect("no daemon runs").kill();
    }

    /// In good order, and up again.
    pub(crate) fn restart(&mut self) {
        assert_eq!(self.stop(), 0, "{}", self.log());
        self.start();
    }

    /// The command line of a verb.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.config()).args(words).env_clear();
        command
    }

    /// Runs a verb.
    pub(crate) fn verb(&self, words: &[&str]) -> Said {
        run(&mut self.command(words))
    }

    /// Begins a verb: it, and what it prints as it comes.
    pub(crate) fn begin(&self, words: &[&str]) -> (Process, Output) {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut verb = Process::spawn(&mut command);
        let output = verb.output();
        (verb, output)
    }

    /// Runs a verb with `--json` that is expected to succeed: its objects.
    #[track_caller]
    pub(crate) fn list(&self, words: &[&str]) -> Vec<Value> {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        self.verb(&words).expect(0).lines()
    }

    /// One request on the control socket and the objects of its answer; `None` if nobody answers.
    ///
    /// HTTP/1.0, so that long answers come without chunks.
    pub(crate) fn ask(&self, method: &str, target: &str, body: &str) -> Option<(u16, Vec<Value>)> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "{method} {target} HTTP/1.0\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let objects = body.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
        Some((status, objects))
    }

    /// A listing from the control socket: what the verbs show, without a process for each look.
    #[track_caller]
    pub(crate) fn peek(&self, target: &str) -> Vec<Value> {
        let (status, objects) = self.ask("GET", target, "").expect("the daemon does not answer");
        assert_eq!(status, 200, "{target}: {objects:?}");
        objects
    }

    /// The events of a code, oldest first.
    pub(crate) fn events(&self, code: &str) -> Vec<Value> {
        self.peek(&format!("/v1/events?code={code}"))
    }

    /// Waits for so many events of a code, and returns them; more are a failure.
    #[track_caller]
    pub(crate) fn wait_for_events(&self, code: &str, count: usize) -> Vec<Value> {
        let found = wait_for(&format!("{count} events {code}"), || {
            Some(self.events(code)).filter(|found| found.len() >= count)
        });
        assert_eq!(found.len(), count, "{found:#?}");
        found
    }

    /// Asks for a link without waiting: its object.
    #[track_caller]
    pub(crate) fn begin_link(&self, institution: &str) -> Value {
        let said = self.verb(&["link", institution, "--no-wait", "--json"]).expect(0);
        let link = said.line();
        assert!(link["url"].is_string(), "{link}");
        link
    }

    /// A link by its id.
    pub(crate) fn link(&self, id: &str) -> Value {
        self.peek("/v1/links").into_iter().find(|link| link["id"] == id).expect("no such link")
    }

    /// Lets the person agree to a pending link.
    #[track_caller]
    pub(crate) fn authorise(&self, link: &Value) {
        let requisition = text(link, "requisition_id");
        self.bank.with(|world, now| world.person_authorises(&requisition, now)).unwrap();
    }

    /// Links a bank and waits for the first pull of all its accounts: the link as it is then.
    #[track_caller]
    pub(crate) fn linked(&self, institution: &str) -> Value {
        let link = self.begin_link(institution);
        self.authorise(&link);
        self.wait_for_first_pull(&text(&link, "id"))
    }

    /// Waits until a link is linked and each of its accounts was pulled.
    #[track_caller]
    pub(crate) fn wait_for_first_pull(&self, id: &str) -> Value {
        wait_for("the first pull of a link", || {
            let link = self.link(id);
            let opened = |own: &AccountView| link["requisition_id"] == own.requisition.as_str();
            let expected = self.bank.accounts().iter().filter(|own| opened(own)).count();
            let accounts = self.accounts_of(&link);
            let done = link["status"] == "linked"
                && accounts.len() == expected
                && accounts.iter().all(|account| account["last_synced_at"].is_string());
            done.then_some(link)
        })
    }

    /// All accounts.
    pub(crate) fn accounts(&self) -> Vec<Value> {
        self.peek("/v1/accounts")
    }

    /// The accounts of a link.
    pub(crate) fn accounts_of(&self, link: &Value) -> Vec<Value> {
        let mut accounts = self.accounts();
        accounts.retain(|account| account["link_id"] == link["id"]);
        accounts
    }

    /// An account by its id.
    pub(crate) fn account(&self, id: &str) -> Value {
        self.accounts().into_iter().find(|account| account["id"] == id).expect("no such account")
    }

    /// `sync --wait` of everything: code and results.
    pub(crate) fn sync(&self, words: &[&str]) -> Said {
        let all: Vec<&str> = ["sync", "--wait", "--json"].iter().chain(words).copied().collect();
        self.verb(&all)
    }

    /// The bank's rows of an account as they were received, sorted.
    pub(crate) fn raw_rows(&self, account: &str, status: &str) -> Vec<String> {
        let said = self.verb(&["transactions", account, "--pending", "--raw", "--json"]).expect(0);
        let mut rows: Vec<String> = said
            .out
            .lines()
            .filter(|line| line.contains(&format!("\"booking_status\":\"{status}\"")))
            .map(|line| raw_of(line).to_owned())
            .collect();
        rows.sort_unstable();
        rows
    }
}

/// The names of an object's members, in order.
pub(crate) fn order(line: &str) -> Vec<String> {
    struct Names(Vec<String>);
    struct Walk;
    impl<'de> serde::de::Visitor<'de> for Walk {
        type Value = Names;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
            let mut names = Vec::new();
            while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                names.push(name);
            }
            Ok(Names(names))
        }
    }
    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Walk)
        }
    }
    serde_json::from_str::<Names>(line).unwrap().0
}

/// The text of the member `raw`, which is the last one, untouched by any parser of numbers.
pub(crate) fn raw_of(line: &str) -> &str {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        raw: &'a serde_json::value::RawValue,
    }
    serde_json::from_str::<Line<'_>>(line).unwrap().raw.get()
}

/// A member that is a text.
#[track_caller]
pub(crate) fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_else(|| panic!("no text `{member}` in {object}")).to_owned()
}

/// The texts of a member of many objects.
pub(crate) fn texts(objects: &[Value], member: &str) -> Vec<String> {
    objects.iter().map(|object| text(object, member)).collect()
}

/// Whether a file is there.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
