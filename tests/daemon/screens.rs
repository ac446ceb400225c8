//! What every verb says, on the screen and with `--json`: the real program in another terminal of `demo --serve`, and then, when
//! that is over, alone with what it left.
//!
//! Each verb has a page in `snapshots/`: what was typed and what came of it, without what differs from run to run. A verb of
//! `--help` that has no page, or none with `--json`, is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex_lite::Regex;
use rustix::process::Signal;
use serde_json::Value;

use crate::rig::{PROGRAM, Process, Said, run, text, wait_for, wait_until};

/// These have no objects to print: one runs until it is stopped, one writes what a shell reads.
const WITHOUT_OBJECTS: [&str; 2] = ["run", "completions"];

/// A page by verb: what was typed, and what came of it.
#[derive(Default)]
struct Album {
    pages: BTreeMap<String, String>,
    takes: Vec<(String, bool)>,
}

/// What differs from run to run, and what stands for it.
const MASKS: [(&str, &str); 32] = [
    (r"headers=[^\n]*", "headers=HEADERS"),
    (r"(acc|lnk|txn|run)_[0-9a-z]{26}\b", "${1}_ID"),
    (r"banksyncd-demo-[0-9a-f]{8}", "banksyncd-demo-N"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{32,64}\b", "HASH"),
    (r"([1-4]:)( [0-9a-f]{4}){5}", "$1 KEY"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "INSTANT"),
    (r"\d{8}T\d{6}(\d{3})?Z", "STAMP"),
    (r"\b\d{16}-\d\b", "REFERENCE"),
    (r"SEQUENCE:\d+", "SEQUENCE:N"),
    (r"(\d{4}-\d\d-\d\d |\b)\d\d:\d\d\b", "TIME"),
    (r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}|\b20\d{6}\b", "DATE"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) TIME", "DAY TIME"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"([^\d.])-?\d+\.\d\d\b", "${1}AMOUNT"),
    (r"\b(pid|process) \d+", "$1 PID"),
    (r#""outcome":"(pulled|unchanged)""#, r#""outcome":"OUTCOME""#),
    (
        r#"("(pid|bytes|id|event_id|checked|rows|lines|rows_shown|rows_stored|calls|count|used|remaining)"):\d+"#,
        "$1:N",
    ),
    (r"\b(event_id|pid|uid|after_ms)=\d+", "$1=N"),
    (r"just now|\b\d+ (s|min|h) ago", "AGO"),
    (r"\bin \d+ (s|min|h)\b", "in SPAN"),
    (r"\b\d+ (bytes|KiB|MiB|GiB)\b", "SIZE"),
    (r"\b\d+ (new )?(transactions|rows|answers)\b", "N $1$2"),
    (r"\b\d+ (calls|shown|stored|times)\b", "N $1"),
    (r"[█░]+ \d of 4", "BAR N of 4"),
    (r"\b\d of 4\b", "N of 4"),
    (r" +\d+ (\w+\.(jsonl|csv))", "  N $1"),
    // How far a person and the first pull are, is looked at now and then.
    (r"ready +never", "ready  AGO"),
    (r"[^\n]*: N transactions since DATE\n", ""),
    (r"(finding out|waiting for you)[^\n]*\n", ""),
    (r"(\S) {2,}", "$1  "),
    (r" +\n", "\n"),
];

impl Album {
    /// Notes what was typed and what came of it; of long listings the first lines.
    fn keep(&mut self, verb: &str, typed: &[&str], said: &Said, lines: usize) {
        let head = |text: &str| {
            let mut kept: String =
                text.split_inclusive('\n').take(lines).collect::<Vec<_>>().concat();
            if text.lines().count() > lines {
                kept.push_str("…\n");
            }
            kept
        };
        let page = self.pages.entry(verb.to_owned()).or_default();
        write!(page, "$ banksyncd {}\n{}", typed.join(" "), head(&said.out)).unwrap();
        if !said.err.is_empty() {
            write!(page, "--- stderr\n{}", head(&said.err)).unwrap();
        }
        write!(page, "--- exit {}\n\n", said.code).unwrap();
        self.takes.push((verb.to_owned(), typed.contains(&"--json")));
    }

    /// What is missing for these verbs.
    fn missing(&self, verbs: &BTreeSet<String>) -> Vec<String> {
        let taken = |verb: &String, json: bool| self.takes.contains(&(verb.clone(), json));
        let screens = verbs.iter().filter(|verb| !taken(verb, false)).cloned();
        let with_objects = verbs.iter().filter(|verb| !WITHOUT_OBJECTS.contains(&verb.as_str()));
        let objects = with_objects.filter(|verb| !taken(verb, true));
        screens.chain(objects.map(|verb| format!("{verb} --json"))).collect()
    }
}

/// The verbs of `--help`, and those below them.
fn verbs() -> BTreeSet<String> {
    let below = |verb: &[&str]| -> Vec<String> {
        let help = run(Command::new(PROGRAM).args(verb).arg("--help").env_clear()).expect(0).out;
        let Some((_, rest)) = help.split_once("Commands:\n") else { return Vec::new() };
        let names = rest.lines().take_while(|line| !line.is_empty());
        let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
    };
    let mut verbs = BTreeSet::new();
    for verb in below(&[]) {
        verbs.extend(below(&[&verb]).into_iter().map(|word| format!("{verb} {word}")));
        verbs.insert(verb);
    }
    verbs
}

/// A folder of its own, and what is typed in it.
struct Terminal {
    folder: tempfile::TempDir,
    album: Album,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("banksyncd-test-").tempdir().unwrap();
        Self { folder, album: Album::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, 80 columns wide, in the folder.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).env_clear().current_dir(self.folder.path());
        command.env("BANKSYNCD_CONFIG", self.path("bank/config.toml"));
        command.env("TMPDIR", self.folder.path());
        command
    }

    /// Types a line into the page of a verb.
    #[track_caller]
    fn types(&mut self, verb: &str, line: &str, code: i32, lines: usize) -> Said {
        let words: Vec<&str> = line.split(' ').collect();
        let said = run(&mut self.command(&words)).expect(code);
        self.album.keep(verb, &words, &said, lines);
        said
    }

    /// Types a verb twice: for people, and with `--json`.
    #[track_caller]
    fn both(&mut self, verb: &str, line: &str, code: i32, lines: usize) -> Said {
        self.types(verb, line, code, lines);
        self.types(verb, &format!("{line} --json"), code, lines)
    }

    /// The objects of a listing.
    fn list(&self, line: &str) -> Vec<Value> {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        run(&mut self.command(&words)).expect(0).lines()
    }

    /// Waits until every account was pulled.
    fn settles(&self) {
        wait_until("the first pull of all accounts", || {
            self.list("accounts").iter().all(|account| account["last_synced_at"].is_string())
        });
    }

    /// Begins what runs until it is stopped; `begun` is in its output as soon as it is up.
    fn begins(&self, line: &str, begun: &str) -> Foreground {
        let words: Vec<&str> = line.split(' ').collect();
        let [out, err] = ["out", "err"].map(|stream| self.path(&format!("{}.{stream}", words[0])));
        let mut command = self.command(&words);
        let file = |path: &Path| fs::File::create(path).unwrap();
        command.stdin(Stdio::null()).stdout(file(&out)).stderr(file(&err));
        let process = Process::spawn(&mut command);
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        wait_until(begun, || [&out, &err].into_iter().any(|path| read(path).contains(begun)));
        Foreground { process, out, err, line: line.to_owned() }
    }

    /// Stops it, and keeps what it said.
    fn ends(&mut self, mut running: Foreground, lines: usize) {
        running.process.signal(Signal::INT);
        let code = running.process.wait("an end").code().unwrap_or(-1);
        let [out, err] = [&running.out, &running.err].map(|path| fs::read_to_string(path).unwrap());
        let words: Vec<&str> = running.line.split(' ').collect();
        self.album.keep(words[0], &words, &Said { code, out, err }, lines);
    }

    /// Compares every page with the one of last time.
    fn compare(&self) {
        let missing = self.album.missing(&verbs());
        assert!(missing.is_empty(), "no screen of: {}", missing.join(", "));
        let masks = MASKS.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask));
        let folder = self.folder.path().to_str().unwrap();
        for (verb, page) in &self.album.pages {
            let mut page =
                page.replace(folder, "DIR").replace(env!("CARGO_PKG_VERSION"), "VERSION");
            for (pattern, mask) in &masks {
                page = pattern.replace_all(&page, *mask).into_owned();
            }
            insta::assert_snapshot!(verb.replace(' ', "-"), page);
        }
    }
}

/// Something that runs until it is stopped.
struct Foreground {
    process: Process,
    out: PathBuf,
    err: PathBuf,
    line: String,
}

/// A line of everything.
const ALL: usize = usize::MAX;

#[test]
fn every_verb_has_its_screen_and_its_objects() {
    let mut terminal = Terminal::new();
    let demo = terminal.begins("demo --serve --json", "api_base");
    // While its first bank is being linked, its end is no quiet one.
    demo.process.signal(Signal::KILL);
    terminal.ends(demo, ALL);
    let demo = terminal.begins("demo --serve --keep bank", "Ctrl-C ends it");
    alone(&mut terminal);
    banks_and_links(&mut terminal);
    data(&mut terminal);
    service(&mut terminal);
    terminal.ends(demo, 15);
    keeping(&mut terminal);
    trouble(&mut terminal);
    terminal.compare();
}

/// What needs no daemon.
fn alone(terminal: &mut Terminal) {
    let sandbox = terminal.begins("sandbox --listen 127.0.0.1:0", "institutions");
    terminal.ends(sandbox, ALL);
    let sandbox = terminal.begins("sandbox --listen 127.0.0.1:0 --json", "institutions");
    terminal.ends(sandbox, ALL);
    terminal.both("simulate", "simulate --days 1 --accounts 1 --faults none", 0, ALL);
    terminal.both("check-config", "check-config", 0, ALL);
    fs::write(terminal.path("bad.toml"), "[schedule]\ntimezone = \"Europe/Berln\"\n").unwrap();
    terminal.both("check-config", "check-config --config bad.toml", 78, ALL);
    terminal.types("completions", "completions bash", 0, 3);
    let secrets =
        "--secret-id-file bank/gocardless-secret-id --secret-key-file bank/gocardless-secret-key";
    terminal.types("init", &format!("init --config one/config.toml {secrets}"), 0, ALL);
    terminal.types("init", &format!("init --config two/config.toml {secrets} --json"), 0, ALL);
}

/// Consents from their first to their last day.
fn banks_and_links(terminal: &mut Terminal) {
    terminal.both("institutions", "institutions nord licht", 0, ALL);
    // Two accounts that came in one answer have no order of their own.
    let other = terminal.list("accounts").into_iter().find(|one| one["name"] != "Savings");
    let other = text(&other.unwrap(), "id");
    terminal.types("forget", &format!("forget {other}"), 64, ALL);
    terminal.types("forget", &format!("forget {other} --yes"), 0, ALL);
    terminal.types("status", "status", 0, ALL);
    terminal.both("accounts", "accounts", 0, ALL);
    terminal.types("accounts", "accounts -vv --json", 0, ALL);
    terminal.types("link", "link POLDER_POLDNL2U", 0, ALL);
    terminal.types("link", "link NAMENLOS_NMLSDEMM --json", 0, ALL);
    terminal.settles();
    let [polder, nameless] = ["POLDER_POLDNL2U", "NAMENLOS_NMLSDEMM"].map(|bank| {
        let accounts = terminal.list("accounts");
        text(accounts.iter().find(|one| one["institution_id"] == bank).unwrap(), "id")
    });
    terminal.types("accounts merge", &format!("accounts merge {polder} {nameless}"), 0, ALL);
    terminal.types("accounts split", &format!("accounts split {polder}"), 0, ALL);
    terminal.types("accounts merge", &format!("accounts merge {polder} {nameless} --json"), 0, ALL);
    terminal.types("accounts split", &format!("accounts split {polder} --json"), 0, ALL);
    terminal.types("forget", &format!("forget {nameless} --yes --json"), 0, ALL);
    let albion = terminal.types("link", "link ALBIONCARDS_ALBNGB21 --json", 0, ALL);
    let albion = text(&albion.lines()[0], "id");
    terminal.settles();
    terminal.both("reconfirm", &format!("reconfirm {albion}"), 0, ALL);
    let renewed = terminal.types("renew", &format!("renew {albion} --json"), 0, ALL);
    let renewed = text(&renewed.lines()[1], "id");
    terminal.settles();
    let again = terminal.types("renew", &format!("renew {renewed}"), 0, ALL);
    assert!(again.out.contains("linked ALBIONCARDS_ALBNGB21 until"), "{again:?}");
    terminal.settles();
    let renewed = wait_for("the renewed link", || {
        let links = terminal.list("links");
        let newest = links.iter().find(|one| one["replaces"] == renewed.as_str())?;
        Some(text(newest, "id"))
    });
    terminal.types("unlink", &format!("unlink {renewed} --yes"), 0, ALL);
    terminal.types("unlink", &format!("unlink {renewed} --yes --json"), 0, ALL);
    terminal.both("links", "links", 0, ALL);
    terminal.both("links", "links --ics ends.ics", 0, ALL);
    terminal.types("links", "links --ics -", 0, 12);
}

/// What the banks said.
fn data(terminal: &mut Terminal) {
    terminal.both("balances", "balances DE59322397900000004001", 0, ALL);
    terminal.both("balances", "balances DE59322397900000004001 --history", 0, 2);
    let rows = terminal.list("transactions DE59322397900000004001");
    let (row, day) = (text(&rows[0], "id"), text(&rows[0], "booking_date"));
    let days = format!("--from {day} --to {day}");
    terminal.both("history", &format!("history {row}"), 0, ALL);
    terminal.both("explain", &format!("explain {row}"), 0, ALL);
    terminal.both("transactions", &format!("transactions {days} DE59322397900000004001"), 0, ALL);
    for format in ["csv", "jsonl", "hledger", "beancount", "ofx", "qif", "camt053"] {
        terminal.types(
            "export",
            &format!("export --format {format} {days} --account DE59322397900000004001"),
            0,
            ALL,
        );
    }
    terminal.both("export", "export --format csv --output rows.csv", 0, ALL);
    terminal.both("export", "export --format csv --output grown.csv --append", 0, ALL);
    terminal.types("export", "export --all --output one-archive", 0, ALL);
    terminal.types("export", "export --all --output another --json", 0, ALL);
}

/// The daemon about itself.
fn service(terminal: &mut Terminal) {
    terminal.both("events", "events --code daemon_started", 0, ALL);
    terminal.both("quota", "quota", 0, ALL);
    terminal.types("sync", "sync DE59322397900000004001", 0, ALL);
    terminal.types("sync", "sync DE59322397900000004001 --wait --json", 0, ALL);
    terminal.both("verify", "verify", 0, ALL);
    terminal.both("backup", "backup copy.db", 0, ALL);
    terminal.both("doctor", "doctor --offline", 0, ALL);
    let config = terminal.path("bank/config.toml");
    let before = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{before}\n[log]\nlevel = \"loud\"\n[schedul]\n")).unwrap();
    terminal.both("reload", "reload", 78, ALL);
    fs::write(&config, &before).unwrap();
    terminal.types("notify", "notify", 0, ALL);
    fs::write(
        &config,
        format!(
            "{before}\n[[notify]]\nname = \"good\"\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n\
             [[notify]]\nname = \"bad\"\ntype = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"echo no such room; exit 1\"]\n\
             [backup]\nfolder = \"{}\"\n",
            terminal.path("bank/config.toml/backups").display()
        ),
    )
    .unwrap();
    terminal.both("reload", "reload", 0, ALL);
    terminal.both("notify test", "notify test good", 0, ALL);
    terminal.both("notify test", "notify test bad", 1, ALL);
    terminal.both("notify", "notify", 0, ALL);
}

/// With the daemon stopped.
fn keeping(terminal: &mut Terminal) {
    terminal.both("replay", "replay", 0, ALL);
    terminal.both("recovery-key", "recovery-key --force", 0, ALL);
    terminal.both("restore", "restore copy.db", 0, ALL);
    terminal.both("rekey", "rekey", 0, ALL);
}

/// A daemon with backups that fail.
fn trouble(terminal: &mut Terminal) {
    let daemon = terminal.begins("run", "the daemon is up");
    wait_until("a backup that fails", || {
        let status = run(&mut terminal.command(&["status", "--json"]));
        status.out.contains("no backup yet")
    });
    terminal.both("status", "status", 1, ALL);
    terminal.both("doctor", "doctor --offline", 1, ALL);
    terminal.ends(daemon, 2);
}

#[test]
fn a_verb_without_a_page_is_missed() {
    let mut album = Album::default();
    let said = Said { code: 0, out: String::new(), err: String::new() };
    album.keep("run", &["run"], &said, ALL);
    album.keep("links", &["links"], &said, ALL);
    album.keep("notify test", &["notify", "test", "--json"], &said, ALL);
    let verbs = ["run", "links", "notify test", "quota"].map(str::to_owned).into();
    let missing = ["notify test", "quota", "links --json", "quota --json"];
    assert_eq!(album.missing(&verbs), missing);
    let verbs = self::verbs();
    assert!(verbs.contains("accounts merge") && verbs.contains("status"), "{verbs:?}");
}
