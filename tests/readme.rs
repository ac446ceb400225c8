//! Keeps the README true: the set-up by hand runs as it stands, with the real program, against the sandbox bank; the tables
//! are compared with what the program says of itself.
//!
//! A block of shell commands is run if an HTML comment that begins with `tested` stands on the line above it. The comments
//! are for readers of the source, so what this test does around each block is said there, too.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking and say what they skip"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use banksyncd::config::{self, Defaults};
use banksyncd::exit::Code;
use banksyncd::model::notice::EventCode;
use banksyncd::observe::catalog;
use banksyncd::sandbox::{SECRET_ID, SECRET_KEY};

const README: &str = include_str!("../README.md");

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_banksyncd");

/// The sandbox's address in the README; the test takes a free port instead.
const ADDRESS: &str = "127.0.0.1:8642";

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a link's page answers to the account holder's yes.
const AUTHORISE: &str = "?do=authorise";

/// Commands to run, and what the comment above says.
struct Block {
    marker: String,
    commands: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let marker = line.strip_prefix("<!-- tested").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(marker) = marker {
            assert_eq!(lines.next(), Some("```sh"), "a block must follow `{line}`");
            let commands: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(Block { marker: marker.to_owned(), commands: commands.join("\n") });
        }
    }
    found
}

/// Tries again until there is something, for [`PATIENCE`].
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test against a real process waits in real time")]
fn now() -> Instant {
    Instant::now()
}

/// A home folder and the programs that were started in it; they end with it.
struct Home {
    folder: tempfile::TempDir,
    address: String,
    /// Lines of earlier blocks that every terminal needs.
    exports: String,
    background: Vec<Child>,
}

impl Drop for Home {
    fn drop(&mut self) {
        for child in &mut self.background {
            // It may have ended already.
            let _ended = child.kill();
            let _code = child.wait();
        }
    }
}

impl Home {
    fn new() -> Self {
        // Another program could take the port in between; then the sandbox says so and the test fails visibly.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            address: free.to_string(),
            exports: String::new(),
            background: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("banksyncd").join(name)
    }

    /// A shell in this home, where `banksyncd` is the program under test.
    fn shell(&self, commands: &str) -> Command {
        let folder = Path::new(PROGRAM).parent().unwrap();
        let elsewhere = std::env::var_os("PATH").unwrap_or_default();
        let path = format!("{}:{}", folder.display(), elsewhere.display());
        let commands = commands.replace(ADDRESS, &self.address);
        let mut shell = Command::new("sh");
        shell
            .args(["-euc", &format!("{}{commands}", self.exports)])
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", path)
            .stdin(Stdio::null());
        shell
    }

    fn output(&self, commands: &str) -> Output {
        self.shell(commands).output().unwrap()
    }

    /// Runs commands, each of which must end well, and gives what they print.
    #[track_caller]
    fn run(&self, commands: &str) -> String {
        let output = self.output(commands);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}\n{}\n{told}\n{}", output.status, self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts one command and leaves it running; its errors go to the file `log`.
    fn start(&mut self, command: &str) {
        let log = self.folder.path().join("log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        let mut shell = self.shell(&format!("exec {command}"));
        self.background.push(shell.stdout(Stdio::piped()).stderr(log).spawn().unwrap());
    }

    /// What the last command that was started prints, up to the line that is waited for.
    fn read_until(&mut self, line: &str) -> String {
        let stdout = self.background.last_mut().unwrap().stdout.take().unwrap();
        let mut seen = String::new();
        for printed in BufReader::new(stdout).lines().map(Result::unwrap) {
            let last = printed == line;
            seen.push_str(&printed);
            seen.push('\n');
            if last {
                return seen;
            }
        }
        panic!("`{line}` was never printed:\n{seen}\n{}", self.log());
    }

    fn json(&self, verb: &str) -> Vec<serde_json::Value> {
        let output = self.output(&format!("banksyncd --json {verb}"));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The account holder: opens the page of the link that waits, and agrees.
    fn authorise(&self) {
        let url =
            wait_for("the page", || self.json("links").first()?["url"].as_str().map(str::to_owned));
        let path = url.split_once(&self.address).unwrap().1;
        let mut bank = TcpStream::connect(&self.address).unwrap();
        write!(bank, "GET {path}{AUTHORISE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        bank.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    }
}

/// The last lines of a long text.
fn end_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[test]
fn the_set_up_by_hand_works_as_it_stands() {
    let mut home = Home::new();
    let mut counts = [0; 6];
    for Block { marker, commands } in blocks(README) {
        let kind = match marker.as_str() {
            r#": background, ready when it has printed "Ctrl-C ends it""# => {
                home.start(&commands);
                let seen = home.read_until("Ctrl-C ends it");
                assert!(seen.contains(SECRET_ID) && seen.contains(SECRET_KEY), "{seen}");
                0
            }
            ": background, ready when `banksyncd status` answers" => {
                home.start(&commands);
                wait_for("the daemon", || {
                    home.output("banksyncd status").status.success().then_some(())
                });
                1
            }
            ": the test opens the page and authorises" => {
                let mut shell = home.shell(&commands);
                let mut linking =
                    shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
                home.authorise();
                let ended = linking.wait().unwrap();
                let mut told = String::new();
                linking.stdout.unwrap().read_to_string(&mut told).unwrap();
                assert!(ended.success() && told.contains("2 accounts"), "{ended}: {told}");
                2
            }
            ": when an account has been pulled" => {
                wait_for("the first pull", || {
                    let accounts = home.json("accounts");
                    let pulled =
                        |account: &serde_json::Value| account["last_synced_at"].is_string();
                    (accounts.len() == 2 && accounts.iter().all(pulled)).then_some(())
                });
                let told = home.run(&commands);
                for must in [
                    "nothing needs you",
                    "\"booking_status\":\"booked\"",
                    "transactions_added",
                    "the database is sound",
                ] {
                    assert!(told.contains(must), "{must} is missing: {}", end_of(&told));
                }
                3
            }
            " with curl" => {
                if home.output("curl --version").status.success() {
                    let told = home.run(&commands);
                    for must in [
                        "\"needs\":[]",
                        "\"pending\"",
                        "transactions_added",
                        "\"outcome\":",
                        "\"ok\":true",
                        "\nbanksyncd_needs 0\n",
                        "\"openapi\":\"3.1.0\"",
                    ] {
                        assert!(told.contains(must), "{must} is missing: {}", end_of(&told));
                    }
                    assert!(!told.contains("\"error\":{\"exit\""), "{}", end_of(&told));
                } else {
                    eprintln!(
                        "SKIPPED: curl is not installed, the examples of the control socket did not run"
                    );
                }
                4
            }
            "" => {
                home.run(&commands);
                let exports = commands.lines().filter(|line| line.starts_with("export "));
                home.exports.extend(exports.flat_map(|line| [line, "\n"]));
                5
            }
            other => panic!("what is `tested{other}`?"),
        };
        counts[kind] += 1;
    }
    assert_eq!(counts, [1, 1, 1, 1, 1, 3], "blocks of each kind");
    for name in ["banksyncd.db", "banksyncd.db.keycheck", "gocardless-secret-key", "database-key"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(home.path(name)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let database = fs::read(home.path("banksyncd.db")).unwrap();
    assert!(!database.starts_with(b"SQLite format 3"), "the database is not encrypted");
}

/// The rows of the table below a heading, as cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let section = README.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let row = row.strip_prefix('|').unwrap().strip_suffix('|').unwrap();
        row.split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    })
    .collect()
}

#[test]
fn the_verbs_are_those_of_the_help() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let of_help = commands.lines().filter_map(|line| line.split_whitespace().next());
    let of_help: Vec<_> = of_help.filter(|verb| *verb != "help").collect();
    let rows = table("Verbs");
    let mut of_readme: Vec<_> = rows.iter().map(|row| row[0].split(' ').next().unwrap()).collect();
    // A verb with words of its own has a line for each of them.
    of_readme.dedup();
    assert_eq!(of_readme, of_help);
    for row in &rows {
        let (verb, options) = row[0].split_once(' ').unwrap_or((&row[0], ""));
        let output = Command::new(PROGRAM).args([verb, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let own_word = options.split(' ').next().filter(|word| {
            !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase())
        });
        assert!(own_word.is_none_or(|word| help.contains(word)), "{row:?}");
        let documented = |option: &str| options.split([' ', '[', ']']).any(|word| word == option);
        for option in options.split([' ', '[', ']']).filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "`{verb} {option}` does not exist");
        }
        let global =
            ["--config", "--socket", "--json", "--color", "--verbose", "--quiet", "--help"];
        let words = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let words = words.flat_map(|line| line.split([' ', ',', '.']));
        for option in words.filter(|word| word.starts_with("--") && !global.contains(word)) {
            assert!(documented(option), "`{verb} {option}` is not in the README");
        }
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let of_readme = table("Exit codes");
    let of_program = Code::ALL.map(|code| vec![code.to_string(), code.meaning().to_owned()]);
    assert_eq!(of_readme, of_program);
}

#[test]
fn the_defaults_are_those_of_the_program() {
    let effective = config::parse("", "x", &Defaults::default()).unwrap().config.effective();
    let mut section = "";
    let mut of_program = Vec::new();
    for line in effective.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once(" = ") {
            of_program.push([format!("{section}.{key}"), value.to_owned()]);
        }
    }
    let rows = table("Configuration");
    let of_readme = rows.iter().filter(|row| !row[0].starts_with("account[]"));
    let of_readme: Vec<_> = of_readme.map(|row| [row[0].clone(), row[1].clone()]).collect();
    assert_eq!(of_readme, of_program);
}

#[test]
fn levels_and_cures_are_those_of_the_catalogue() {
    for (row, code) in table("Events").iter().zip(EventCode::ALL) {
        assert_eq!((row[0].as_str(), row[1].as_str()), (code.as_str(), code.level().as_str()));
        let command = catalog::command(*code, "ACCOUNT", "LINK", "INSTITUTION").unwrap_or_default();
        // A code that this version never writes needs no cure.
        let expected = if row[2].ends_with("(not raised yet)") { "" } else { command.as_str() };
        assert_eq!(row[3], expected, "{}", row[0]);
    }
}

#[test]
fn the_gate_runs_the_two_commands_of_the_top() {
    let block = README.split("```sh\n").nth(1).unwrap().split("\n```").next().unwrap();
    let commands = block.lines().map(|line| line.split('#').next().unwrap().trim());
    let gate = include_str!("../.ci/run");
    for command in commands {
        // The gate adds one option, right behind those of cargo itself: it must not update the lock file.
        let (cargo, rest) = command.split_once(" -- ").unwrap_or((command, ""));
        let locked = format!("{cargo} --locked");
        let line = gate.lines().find(|line| line.contains(&locked) && line.contains(rest));
        assert!(line.is_some(), "`{command}` is not in .ci/run");
    }
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for name in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            count += 1;
            let leads = match target.strip_prefix('#') {
                Some(anchor) => text.lines().any(|line| anchor_of(line) == Some(anchor.to_owned())),
                None => target.starts_with("https://") || root.join(target).exists(),
            };
            assert!(leads, "{name}: {target}");
        }
    }
    assert!(count > 3, "{count} links");
}

/// The anchor that a heading gets on the usual code hosts.
fn anchor_of(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    Some(heading.to_lowercase().replace(' ', "-"))
}
