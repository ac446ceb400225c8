//! The configuration from the outside: the example, the defaults, bad files with all of their problems, and the rule that
//! no message repeats a value. Secret files are tried with every mode that matters.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use banksyncd::config::{self, Config, Defaults, KEYS, LoadError, Problem, SecretSource};
use banksyncd::systemd::credentials::{self, Directories};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../packaging/conf/banksyncd.toml");

fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    config::parse(text, "x.toml", &Defaults::default()).map(|parsed| parsed.config)
}

/// Every problem as one line: position, key, message, without the file's name.
fn problems(text: &str) -> Vec<String> {
    let problems = parse(text).expect_err("a bad file");
    problems
        .iter()
        .map(|problem| {
            let first = problem.to_string().lines().next().unwrap_or_default().to_owned();
            first.strip_prefix("x.toml:").map(str::to_owned).unwrap_or(first)
        })
        .collect()
}

/// The example with its commented-out lines in force.
fn whole_example() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(rest)
            if rest.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '[') =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_shows_the_defaults_and_every_key() {
    let empty = parse("").unwrap();
    assert_eq!(parse(EXAMPLE).unwrap(), empty);
    let whole = whole_example();
    let config = parse(&whole).unwrap();
    assert_eq!((config.accounts.len(), config.notify.len()), (1, 4));
    assert_eq!(Config { accounts: Vec::new(), notify: Vec::new(), ..config }, empty);
    let table: toml::Table = whole.parse().unwrap();
    for (section, keys) in KEYS {
        let tables: Vec<&toml::Table> = match &table[section] {
            toml::Value::Array(tables) => {
                tables.iter().map(|table| table.as_table().unwrap()).collect()
            }
            other => vec![other.as_table().unwrap()],
        };
        let shown: BTreeSet<&str> =
            tables.into_iter().flat_map(toml::Table::keys).map(String::as_str).collect();
        assert_eq!(shown, keys.iter().copied().collect(), "[{section}]");
    }
}

#[test]
fn the_effective_default() {
    insta::assert_snapshot!(parse("").unwrap().effective(), @r#"
    [gocardless]
    api-base = "https://bankaccountdata.gocardless.com/api/v2/"
    secret-id = { credential = "gocardless-secret-id" }
    secret-key = { credential = "gocardless-secret-key" }
    redirect = "http://localhost:8437/linked"

    [store]
    path = "/var/lib/banksyncd/banksyncd.db"
    key = { credential = "database-key" }

    [control]
    socket = "/run/banksyncd/control.sock"

    [schedule]
    timezone = "UTC"
    pull = ["0 0 6,14,22 * * *"]
    jitter = "10m"
    freshness = "26h"

    [limits]
    calls-per-day = 4
    manual-reserve = 1
    accounts-per-minute = 100
    error-budget = 3
    error-hard-limit = 8

    [history]
    days = 90
    access-days = 180
    overlap-days = 30
    warn-days = [14, 7, 3, 1]
    remove-replaced = true

    [linking]
    listen = ""

    [http]
    connect-timeout = "10s"
    total-timeout = "2m"
    body-limit = "32MiB"

    [log]
    level = "info"
    format = "auto"

    [metrics]
    listen = ""

    [display]
    enabled = true
    trend = true

    [backup]
    folder = ""
    schedule = ["0 30 3 * * *"]
    keep-last = 3
    keep-daily = 7
    keep-weekly = 4
    keep-monthly = 6

    [export]
    expenses = "Expenses:Unknown"
    income = "Income:Unknown"
    "#);
}

#[test]
fn all_problems_of_targets() {
    let text = r#"
[[account]]
match = "DE89370400440532013000"
nickname = "giro"
[[notify]]
type = "exec"
command = ["on-event"]
url = "https://example.com/"
[[notify]]
name = "Phone"
type = "nfty"
[[notify]]
name = "hook"
type = "webhook"
url = "http://example.com/hook-marker"
secret = "secret-marker"
codes = ["access_expird", "sync_completed", "sync_completed"]
accounts = ["gyro", "DE89370400440532013000"]
quiet = ["22:00-07:00", "7-8"]
timeout = "1h"
[[notify]]
name = "hook"
type = "smtp"
server = "mail.example.com:25"
security = "none"
password = { file = "/p" }
from = "me <me@example.com>"
level = "warning"
codes = ["sync_completed"]
urgent = "error"
[[notify]]
name = "all"
type = "ntfy"
quiet = ["00:00-12:00", "12:00-00:00"]
colour = true
"#;
    let found = problems(text).join("\n");
    insta::assert_snapshot!(found, @r#"
    5:1: notify[0].name: is missing
    7:12: notify[0].command[0]: must be an absolute path, beginning with `/`
    8:1: notify[0].url: means nothing to a target of type "exec"
    10:1: notify[1].name: must be at most 32 small letters, digits, `-` and `_`, a letter first
    11:1: notify[1].type: must be one of "exec", "webhook", "ntfy", "smtp"
    15:1: notify[2].url: must be https, because everybody on the way could read along
    16:1: notify[2].secret: a secret is never written into the configuration, only where it is
    17:10: notify[2].codes[0]: is not the code of an event
    17:45: notify[2].codes[2]: is in the list twice
    18:13: notify[2].accounts[0]: must be an account id (acc_…), an IBAN, or a nickname of `[[account]]`
    19:25: notify[2].quiet[1]: must be a span of the day such as "22:00-07:00"
    20:1: notify[2].timeout: must be from 1s to 5m
    21:1: notify[3].to: is missing
    22:1: notify[3].name: is the same name as `notify[2]` has
    24:1: notify[3].server: must be the name of a server, such as "smtp.example.com"
    26:1: notify[3].password: has no `username` beside it
    27:1: notify[3].from: must be a mail address such as "you@example.com"
    28:1: notify[3].level: is louder than `sync_completed` of `codes`, which is "info": it would never be sent
    30:1: notify[3].urgent: means nothing without `quiet`
    31:1: notify[4].topic: is missing
    34:1: notify[4].quiet: is the whole day: nothing would ever be sent
    35:1: notify[4].colour: unknown key
    "#);
    assert!(!found.contains("marker"));
    assert_eq!(problems("[notify]\nname = \"x\""), ["1:2: notify: must be a list of tables"]);
    let hint = |text: &str| parse(text).expect_err("a bad file").remove(0).hint.unwrap();
    let base = "[[notify]]\nname = \"x\"\n";
    assert_eq!(hint(&format!("{base}type = \"nfty\"")), "did you mean \"ntfy\"?");
    let exec = format!("{base}type = \"exec\"\ncommand = [\"/x\"]\n");
    assert_eq!(
        hint(&format!("{exec}codes = [\"acess_expired\"]")),
        "did you mean \"access_expired\"?"
    );
    assert_eq!(hint(&format!("{exec}levle = \"info\"")), "did you mean `level`?");
    let smtp = format!("{base}type = \"smtp\"\nfrom = \"a@b\"\nto = [\"a@b\"]\nserver = \"a.b\"\n");
    assert_eq!(parse(&smtp).unwrap().notify.len(), 1);
    assert!(hint(&format!("{smtp}security = \"none\"")).contains("starttls"));
}

#[test]
fn folders_of_systemd_are_defaults_and_a_path_wins() {
    let defaults = Defaults { state_dir: Some("/s".into()), runtime_dir: Some("/r".into()) };
    let config = config::parse("", "x", &defaults).unwrap().config;
    assert_eq!(config.store.path, Path::new("/s/banksyncd.db"));
    assert_eq!(config.control.socket, Path::new("/r/control.sock"));
    let config = config::parse("store.path = \"/d/x.db\"", "x", &defaults).unwrap().config;
    assert_eq!(config.store.path, Path::new("/d/x.db"));
}

#[test]
fn all_problems_at_once() {
    let text = r#"
colour = true
timezone = "UTC"

[gocardless]
api_base = "https://example.com/"
api-base = "http://example.com/"
secret-id = "inline-marker"
secret-kye = "typo-marker"
redirect = 3

[limits]
calls-per-day = 0
error-budget = 8
error-hard-limit = 9

[schedule]
timezone = "Berlin"
pull = ["0 0 6 * * *", "30 6 * * *", "0 0 0 31 2 *", 7]
jitter = 600
freshness = "1s"

[history]
warn-days = [7, 7, 0, "x"]

[http]
connect-timeout = "20s"
total-timeout = "10s"
body-limit = "33MiB"

[log]
level = "verbose"
format = "jason"

[[account]]
nickname = "giro"

[[account]]
match = "DE89370400440532013000"
nickname = "Giro"

[[account]]
match = "de89 3704 0044 0532 0130 00"
nickname = "acc_1"
enabled = "yes"
colour = 1
"#;
    insta::assert_snapshot!(problems(text).join("\n"), @r#"
    2:1: colour: unknown key
    3:1: timezone: unknown key
    6:1: gocardless.api_base: unknown key
    7:1: gocardless.api-base: must be https, because the secret travels to it
    8:1: gocardless.secret-id: a secret is never written into the configuration, only where it is
    9:1: gocardless.secret-kye: unknown key
    10:1: gocardless.redirect: must be an http or https address of at most 1024 characters, not a whole number
    13:1: limits.calls-per-day: must be from 1 to 10000
    15:1: limits.error-hard-limit: must be from 1 to 8
    18:1: schedule.timezone: is not the name of a time zone
    19:24: schedule.pull[1]: must be a cron pattern with six fields, seconds first
    19:38: schedule.pull[2]: never fires: there is no such date
    19:54: schedule.pull[3]: must be a text with a cron pattern, not a whole number
    20:1: schedule.jitter: must be a text such as "90s", "10m", "26h" or "1d", not a whole number
    21:1: schedule.freshness: must be from 1m to 400d
    24:17: history.warn-days[1]: is in the list twice
    24:20: history.warn-days[2]: must be from 1 to 730
    24:23: history.warn-days[3]: must be a whole number, not a text
    27:1: http.connect-timeout: must not be longer than `total-timeout`
    29:1: http.body-limit: must be from 1KiB to 32MiB
    32:1: log.level: must be one of "error", "warn", "info", "debug", "trace"
    33:1: log.format: must be one of "auto", "text", "json"
    35:1: account[0].match: is missing
    40:1: account[1].nickname: is the same name as `account[0]` has
    43:1: account[2].match: is the same account as `account[1]`
    44:1: account[2].nickname: must not look like an id or an IBAN
    45:1: account[2].enabled: must be true or false, not a text
    46:1: account[2].colour: unknown key
    "#);
}

#[test]
fn hints_suggest() {
    let hints = |text: &str| {
        let problems = parse(text).unwrap_err();
        problems
            .into_iter()
            .map(|problem| problem.hint.unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(hints("jitter = \"1m\"\n[schedul]\n[log]\nlevl = 1\nformat = \"jason\""), @r#"
    it belongs under `[schedule]`
    did you mean `schedule`?
    did you mean `level`?
    did you mean "json"?
    "#);
    insta::assert_snapshot!(hints("[schedule]\ntimezone = \"europe/berln\"\n[store]\nkey = \"x\""), @r#"
    did you mean "Europe/Berlin"?
    write { credential = "database-key" } or { file = "/path" }
    "#);
}

#[test]
fn plans_and_quota() {
    let text = |pull: &str, limits: &str| {
        format!("[schedule]\ntimezone = \"Europe/Berlin\"\npull = {pull}\n[limits]\n{limits}")
    };
    assert!(parse(&text("[\"0 0 6,13,20 * * *\"]", "")).is_ok());
    insta::assert_snapshot!(problems(&text("[\"0 0 6,12,18,22 * * *\"]", "")).join("\n"), @"3:1: schedule.pull: more pulls fall into 24 hours than `calls-per-day` = 4 less `manual-reserve` = 1 allows");
    assert!(parse(&text("[\"0 0 6,12,18,22 * * *\"]", "manual-reserve = 0")).is_ok());
    insta::assert_snapshot!(problems("[limits]\nmanual-reserve = 4").join("\n"), @"2:1: limits.manual-reserve: keeps all of the 4 calls per day and leaves none for the schedule");
    insta::assert_snapshot!(problems(&text("[\"0 0 6 * * *\", \"0 5 6 * * *\"]\njitter = \"5m\"", "")).join("\n"), @"4:1: schedule.jitter: must be shorter than the shortest time between two pulls, which is 5m");
    let dense = parse(&text("[\"*/30 * * * * *\"]", "calls-per-day = 10000")).unwrap();
    assert_eq!(dense.schedule.jitter_s, 15);
    let parsed =
        config::parse("[schedule]\nfreshness = \"2h\"", "x.toml", &Defaults::default()).unwrap();
    insta::assert_snapshot!(parsed.warnings[0].to_string(), @"
    x.toml:2:1: schedule.freshness: is shorter than the longest time between two pulls: healthy accounts will raise the alarm
    hint: raise `freshness` or pull more often
    ");
}

#[test]
fn a_syntax_error_ends_the_check() {
    for text in [
        "[gocardless]\nsecret-key = \"marker",
        "[gocardless]\nsecret-key = marker\n[nonsense]",
        "secret-key = \"marker\"\nsecret-key = \"marker\"",
        "[a]\nmarker\n",
        "marker",
        "= marker",
    ] {
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{text}");
        let shown = format!("{} {problems:?}", problems[0]);
        assert!(!shown.contains("marker"), "{shown}");
        assert!(problems[0].line >= 1 && problems[0].column >= 1, "{shown}");
    }
}

/// A marker as the value of every key there is, in every shape, and as a key: no message repeats it.
#[test]
fn no_message_repeats_a_value() {
    const MARKER: &str = "5f3c1a2b9d8e4c7f8a6b0e1d2c3b4a595f3c1a2b9d8e4c7f8a6b0e1d2c3b4a59";
    let shapes = [
        format!("\"{MARKER}\""),
        format!("[\"{MARKER}\"]"),
        format!("{{ credential = \"{MARKER}\" }}"),
        format!("{{ file = \"{MARKER}\" }}"),
        format!("{{ value = \"{MARKER}\" }}"),
        format!("{{ {MARKER} = 1 }}"),
        format!("\"https://user:{MARKER}@example.com/\""),
        format!("\"http://{MARKER}/\""),
        format!("'''{MARKER}"),
        MARKER.to_owned(),
    ];
    for (section, keys) in KEYS {
        let header =
            if section == "account" { "[[account]]".to_owned() } else { format!("[{section}]") };
        for key in keys.iter().copied().chain([MARKER, "secret-kye"]) {
            for shape in &shapes {
                let text = format!("{header}\n{key} = {shape}\n");
                // A name, a path or an address may be anything, so some of these are allowed.
                let Err(problems) = parse(&text) else { continue };
                for problem in problems {
                    let shown = format!("{problem} {}", serde_json::to_string(&problem).unwrap());
                    assert!(!shown.contains("5f3c1a2b"), "{text}{shown}");
                }
            }
        }
    }
}

#[test]
fn the_json_form() {
    let problems = parse("[log]\nlevel = 1").unwrap_err();
    insta::assert_snapshot!(serde_json::to_string(&problems[0]).unwrap(), @r#"{"file":"x.toml","line":2,"column":1,"key":"log.level","message":"must be one of \"error\", \"warn\", \"info\", \"debug\", \"trace\", not a whole number","hint":null}"#);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC*") {
        drop(parse(&text));
    }

    #[test]
    fn no_value_panics(section in 0..KEYS.len(), key in 0..4_usize, value in "\\PC{0,30}", quoted: bool) {
        let (section, keys) = KEYS[section];
        let key = keys[key % keys.len()];
        let value = if quoted { format!("{value:?}") } else { value };
        drop(parse(&format!("[{section}]\n{key} = {value}")));
        drop(parse(&format!("[schedule]\npull = [{value}]")));
    }
}

#[test]
fn too_many_accounts() {
    let text = "[[account]]\nmatch = \"x\"\n".repeat(config::MAX_ACCOUNTS + 1);
    assert_eq!(problems(&text).len(), 1);
}

fn load(path: &Path) -> Result<config::Loaded, LoadError> {
    config::load(path, &Defaults::default())
}

#[test]
fn files_that_are_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let one = |path: &Path| {
        let problems = load(path).unwrap_err().problems();
        assert_eq!(problems.len(), 1);
        problems[0].to_string().replace(&*folder.path().to_string_lossy(), "")
    };
    insta::assert_snapshot!(one(&path), @"
    /config.toml: there is no such file
    hint: write one after the commented example, name it with `--config PATH`, and try `banksyncd check-config`
    ");
    insta::assert_snapshot!(one(folder.path()), @"
    : is a folder
    hint: name the file inside it
    ");
    fs::write(&path, b"[log]\nlevel = \"\xff\"").unwrap();
    insta::assert_snapshot!(one(&path), @"
    /config.toml:2:10: is not UTF-8 text
    hint: save the file as UTF-8
    ");
    fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    insta::assert_snapshot!(one(&path), @"
    /config.toml: is larger than 1 MiB
    hint: a configuration is a short text
    ");
    fs::write(&path, "\u{feff}[log]\nlevel = \"debug\"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&path).unwrap().warnings.is_empty());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(load(&path).unwrap().warnings.len(), 1);
    fs::write(&path, "[log]\nlevel = 1\nformat = 2").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(
        error.starts_with("the configuration has 2 problems: ") && !error.contains('\n'),
        "{error}"
    );
}

/// A folder with one secret file in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, bytes: &[u8], mode: u32) -> SecretSource {
        let path = self.0.path().join("secret");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        SecretSource::File(path)
    }

    /// Message and hint, with the folder's name left out.
    fn refusal(&self, source: &SecretSource) -> String {
        let error = credentials::read("gocardless.secret-id", source, None).unwrap_err();
        format!("{error}\n{}", error.hint()).replace(&*self.0.path().to_string_lossy(), "")
    }
}

#[test]
fn secret_files_are_private_and_hold_one_line() {
    let place = Place::new();
    for mode in [0o600, 0o400] {
        let source = place.write(b"value\n", mode);
        assert_eq!(credentials::read("k", &source, None).unwrap().expose(), "value");
    }
    for mode in [0o640, 0o604, 0o660, 0o644, 0o700 | 0o001, 0o620] {
        let source = place.write(b"marker", mode);
        let refusal = place.refusal(&source);
        assert!(refusal.ends_with("chmod 600 /secret") && !refusal.contains("marker"), "{refusal}");
    }
    insta::assert_snapshot!(place.refusal(&place.write(b"marker", 0o644)), @"
    `gocardless.secret-id`: file `/secret` is open to other users (mode 0644, at most 0600 is allowed)
    chmod 600 /secret
    ");
    insta::assert_snapshot!(place.refusal(&place.write(b"\n", 0o600)), @"
    `gocardless.secret-id`: file `/secret` is empty
    (umask 077; cat > /secret), paste the value, press Enter and Ctrl-D
    ");
    insta::assert_snapshot!(place.refusal(&place.write(b"mark\xffer", 0o600)), @"
    `gocardless.secret-id`: file `/secret` is not one line of text without blanks
    put the value alone and in one line into /secret
    ");
    insta::assert_snapshot!(place.refusal(&place.write(b"mark\ner\n", 0o600)), @"
    `gocardless.secret-id`: file `/secret` is not one line of text without blanks
    put the value alone and in one line into /secret
    ");
    insta::assert_snapshot!(place.refusal(&place.write(&[b'x'; 5_000], 0o600)), @"
    `gocardless.secret-id`: file `/secret` is larger than 4096 bytes
    put the value alone and in one line into /secret
    ");
    insta::assert_snapshot!(place.refusal(&SecretSource::File(place.0.path().join("none"))), @"
    `gocardless.secret-id`: file `/none` does not exist
    (umask 077; cat > /none), paste the value, press Enter and Ctrl-D
    ");
    insta::assert_snapshot!(place.refusal(&SecretSource::File(place.0.path().to_owned())), @"
    `gocardless.secret-id`: file `` is not a regular file
    name a file: ls -ld
    ");
    insta::assert_snapshot!(place.refusal(&SecretSource::Credential("name".into())), @r#"
    `gocardless.secret-id`: credential `name` is not there: systemd passed no credentials
    systemd passes it to the service; by hand, write secret-id = { file = "/path" }
    "#);
    // A link is followed, and what it leads to is judged.
    place.write(b"value", 0o644);
    let link = place.0.path().join("link");
    symlink(place.0.path().join("secret"), &link).unwrap();
    assert!(place.refusal(&SecretSource::File(link.clone())).contains("mode 0644"));
    place.write(b"value", 0o600);
    assert!(credentials::read("k", &SecretSource::File(link), None).is_ok());
}

#[test]
fn the_folder_of_systemd_is_trusted_and_nothing_beside_it() {
    let place = Place::new();
    let folder = place.0.path().join("credentials");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("name"), "value").unwrap();
    fs::set_permissions(folder.join("name"), fs::Permissions::from_mode(0o440)).unwrap();
    let read = |source: SecretSource| credentials::read("k", &source, Some(&folder));
    assert_eq!(read(SecretSource::Credential("name".into())).unwrap().expose(), "value");
    assert!(read(SecretSource::File(folder.join("name"))).is_ok());
    assert!(read(place.write(b"value", 0o440)).is_err());
    assert!(read(SecretSource::File(folder.join("../secret"))).is_err());
    let missing = read(SecretSource::Credential("other".into())).unwrap_err();
    insta::assert_snapshot!(format!("{missing}\n{}", missing.hint()), @"
    `k`: credential `other` does not exist
    `sudo banksyncd init` makes what is missing, and touches nothing else
    ");
}

#[test]
fn all_secrets_at_once() {
    let place = Place::new();
    let text = |key: &str| {
        format!(
            "[gocardless]\nsecret-id = {{ file = \"{0}/id\" }}\nsecret-key = {{ file = \"{0}/key\" }}\n[store]\nkey = {{ file = \"{0}/{key}\" }}",
            place.0.path().display()
        )
    };
    for (name, value) in [("id", "a"), ("key", "b"), ("bad", "marker"), ("good", &"0f".repeat(32))]
    {
        let path = place.0.path().join(name);
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let directories = Directories::default();
    let secrets = credentials::read_all(&parse(&text("good")).unwrap(), &directories).unwrap();
    assert_eq!(secrets.secret_key.expose(), "b");
    assert_eq!(secrets.database_key.expose(), &[0x0f; 32]);
    assert!(!format!("{secrets:?}").contains("0f0f"));
    let errors = credentials::read_all(&parse(&text("bad")).unwrap(), &directories).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(!format!("{errors:?} {} {}", errors[0], errors[0].hint()).contains("marker"));
    let errors = credentials::read_all(&parse("").unwrap(), &directories).unwrap_err();
    let keys: Vec<&str> = errors.iter().map(credentials::CredentialError::key).collect();
    assert_eq!(keys, ["gocardless.secret-id", "gocardless.secret-key", "store.key"]);
}
