//! `init` for a daemon that is started by hand: what it writes, what it keeps, and what it refuses. What it does for the
//! service as root is part of the booted test.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_banksyncd");

/// What stands in for the two API secrets; it must not be seen anywhere but in their files.
const ID: &str = "marker-of-the-id";
const KEY: &str = "marker-of-the-key";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("bank").join(name)
    }

    /// Runs a verb with this text on standard input.
    fn verb(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(PROGRAM)
            .arg("--config")
            .arg(self.path("config.toml"))
            .args(words)
            .env_remove("BANKSYNCD_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A verb that refuses may end before it has read anything.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let said = format!("{output:?}");
        assert!(!said.contains(ID) && !said.contains(KEY), "{said}");
        output
    }

    fn init(&self, words: &[&str], input: &str) -> Output {
        let words: Vec<&str> = ["init"].iter().chain(words).copied().collect();
        self.verb(&words, input)
    }

    /// Every file with its contents and its identity: a file that is written anew has another one.
    fn files(&self) -> BTreeMap<PathBuf, (u64, Vec<u8>)> {
        let Ok(entries) = fs::read_dir(self.0.path().join("bank")) else { return BTreeMap::new() };
        let file = |path: PathBuf| {
            let metadata = fs::metadata(&path).unwrap();
            (path.clone(), (metadata.ino(), fs::read(&path).unwrap()))
        };
        entries.map(|entry| file(entry.unwrap().path())).collect()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn both() -> String {
    format!("{ID}\n{KEY}\n")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[track_caller]
fn code(output: &Output, expected: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(expected), "{said}");
    said
}

#[test]
fn a_folder_of_ones_own_is_complete_and_good() {
    let home = Home::new();
    let output = home.init(&[], &both());
    let said = code(&output, 0);
    assert!(
        said.contains("next:\n    banksyncd --config ") && said.contains("config.toml run"),
        "{said}"
    );
    assert!(said.contains("keep a copy of the database key"), "{said}");
    assert_eq!(home.files().len(), 4);
    for name in ["config.toml", "database-key", "gocardless-secret-id", "gocardless-secret-key"] {
        assert_eq!(mode(&home.path(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&home.0.path().join("bank")), 0o700);
    assert_eq!(
        (home.text("gocardless-secret-id"), home.text("gocardless-secret-key")),
        (ID.into(), KEY.into())
    );
    let key = home.text("database-key");
    assert!(key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let config = home.text("config.toml");
    assert!(config.contains("# Where the browser goes after the bank.") && !config.contains(ID));
    code(&home.verb(&["check-config"], ""), 0);
    let another = Home::new();
    code(&another.init(&[], &both()), 0);
    assert_ne!(another.text("database-key"), key, "every key is another one");
}

#[test]
fn run_again_it_changes_nothing() {
    let home = Home::new();
    code(&home.init(&[], &both()), 0);
    let before = home.files();
    let output = home.init(&["--json"], "other\nvalues\n");
    code(&output, 0);
    assert_eq!(home.files(), before);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.lines().all(|line| line.contains(r#""done":"kept""#)), "{lines}");
    // What is missing is made, and nothing else.
    fs::remove_file(home.path("gocardless-secret-key")).unwrap();
    code(&home.init(&[], "another\n"), 0);
    assert_eq!(home.text("gocardless-secret-key"), "another");
    assert_eq!(
        home.files().iter().filter(|(path, file)| before.get(*path) == Some(file)).count(),
        3
    );
}

#[test]
fn the_secrets_are_replaced_when_asked_and_the_database_key_never_is() {
    let home = Home::new();
    code(&home.init(&[], &both()), 0);
    let (key, config) = (home.text("database-key"), home.text("config.toml"));
    let files = [home.0.path().join("id"), home.0.path().join("key")];
    for (file, value) in files.iter().zip(["new-id\n", "new-key\r\n"]) {
        fs::write(file, value).unwrap();
    }
    let [id, secret] = files.each_ref().map(|file| file.to_str().unwrap());
    let words = ["--replace-secrets", "--secret-id-file", id, "--secret-key-file", secret];
    code(&home.init(&words, ""), 0);
    assert_eq!(home.text("gocardless-secret-id"), "new-id");
    assert_eq!(home.text("gocardless-secret-key"), "new-key");
    assert_eq!((home.text("database-key"), home.text("config.toml")), (key, config));
    assert_eq!(home.files().len(), 4, "no half-written file is left");
}

#[test]
fn nothing_is_written_before_everything_is_known() {
    for (input, said) in [
        ("", "the secret id is empty"),
        ("one\n", "the secret key is empty"),
        ("a b\nc\n", "the secret id is not one line of text without blanks"),
    ] {
        let home = Home::new();
        let told = code(&home.init(&[], input), 78);
        assert!(told.contains(said) && told.contains("nothing was changed"), "{told}");
        assert!(told.contains("hint: ") && told.contains("--secret-id-file"), "{told}");
        assert!(home.files().is_empty());
    }
    let home = Home::new();
    let told = code(&home.init(&["--secret-id-file", "/nowhere/id"], KEY), 78);
    assert!(told.contains("`/nowhere/id` cannot be read: No such file"), "{told}");
    let told = code(&home.init(&["--api-base", "http://example.com/"], &both()), 78);
    assert!(told.contains("gocardless.api-base"), "{told}");
    assert!(home.files().is_empty());
    code(&home.init(&["--instance", "a/b"], ""), 64);
    code(&home.init(&["--secret-id", ID], ""), 64);
}

#[test]
fn no_new_key_is_made_for_a_database_that_is_there() {
    let home = Home::new();
    code(&home.init(&[], &both()), 0);
    fs::remove_file(home.path("database-key")).unwrap();
    fs::write(home.path("banksyncd.db"), "sealed").unwrap();
    let before = home.files();
    let told = code(&home.init(&["--replace-secrets"], &both()), 78);
    assert!(
        told.contains("put your copy of the key back as `") && told.contains("database-key`"),
        "{told}"
    );
    assert_eq!(home.files(), before);
}

#[test]
fn a_configuration_of_ones_own_is_followed() {
    let home = Home::new();
    fs::create_dir(home.0.path().join("bank")).unwrap();
    let elsewhere = home.0.path().join("elsewhere/key");
    let file = |path: &Path| format!("{{ file = \"{}\" }}", path.display());
    let text = |key: &str| {
        format!(
            "[gocardless]\nsecret-id = {}\nsecret-key = {}\n[store]\nkey = {key}\npath = \"{}\"\n",
            file(&home.path("id")),
            file(&home.path("key")),
            home.path("db").display(),
        )
    };
    let config = text(&file(&elsewhere));
    fs::write(home.path("config.toml"), &config).unwrap();
    code(&home.init(&[], &both()), 0);
    assert_eq!(
        (home.text("id"), home.text("key"), home.text("config.toml")),
        (ID.into(), KEY.into(), config)
    );
    assert_eq!(fs::read(&elsewhere).unwrap().len(), 64);
    // A credential only the service gets.
    fs::write(home.path("config.toml"), text("{ credential = \"database-key\" }")).unwrap();
    let told = code(&home.init(&[], ""), 78);
    assert!(told.contains("only the service gets") && told.contains("{ file = \""), "{told}");
    fs::write(home.path("config.toml"), "[stroe]\n").unwrap();
    let told = code(&home.init(&[], ""), 78);
    assert!(told.contains("config.toml:1:2"), "{told}");
}
