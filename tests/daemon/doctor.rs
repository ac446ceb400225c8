//! `doctor` with every fault planted for real: in files, at the bank, on the wire. With the daemon up and without it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use banksyncd::sandbox::{
    BankProblem, Fault, FaultKind, FaultMatch, SANDBOX, SECRET_ID, SECRET_KEY, Spelling,
};
use serde_json::Value;

use crate::disk::Mount;
use crate::rig::{KEY, PROGRAM, Rig, Said, quoted, run, text, wait_until};
use crate::start::raise_schema;
use crate::tls::{ELSEWHERE, EXPIRED, GOOD, SELF_SIGNED, TlsServer};

/// What all is fine looks like, by hand.
const ALL: [&str; 19] = [
    "config",
    "daemon",
    "socket",
    "credentials",
    "dns",
    "connection",
    "tls",
    "secret",
    "address",
    "clock",
    "headers",
    "files",
    "disk",
    "database",
    "quota",
    "consents",
    "accounts",
    "backups",
    "messages",
];

fn names(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["name"].as_str().unwrap()).collect()
}

/// What needs a person.
fn bad(said: &Said) -> Vec<Value> {
    let mut lines = said.lines();
    for line in &lines {
        assert_eq!(line.as_object().unwrap().len(), 4, "{line}");
        assert_eq!(line["command"].is_null(), line["ok"] == true, "{line}");
    }
    lines.retain(|line| line["ok"] == false);
    assert_eq!(said.code, i32::from(!lines.is_empty()), "{said:?}");
    lines
}

/// The one thing that needs a person: its command. The message holds `word`.
#[track_caller]
fn only(said: &Said, name: &str, word: &str) -> String {
    let found = bad(said);
    assert_eq!(names(&found), [name], "{said:#?}");
    assert!(text(&found[0], "message").contains(word), "{found:#?}");
    for secret in [SECRET_KEY, KEY, "eyJ"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
    }
    text(&found[0], "command")
}

impl Rig {
    fn doctor(&self, words: &[&str]) -> Said {
        let words: Vec<&str> = ["doctor", "--json"].iter().chain(words).copied().collect();
        self.verb(&words)
    }

    /// `only`, with a file in the rig's folder for each `{}` of the command.
    #[track_caller]
    fn sick(&self, name: &str, word: &str) -> String {
        let command = only(&self.doctor(&[]), name, word);
        let config = format!("--config {} ", self.config().display());
        command
            .replace(&config, "")
            .replace(&format!("{}/", self.path("").display()).replace("//", "/"), "")
    }
}

fn answer_spoiled(what: FaultKind) -> Fault {
    Fault { matching: FaultMatch::default(), what, times: None, from: None, until: None }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nothing_needs_anybody_where_all_is_well() {
    let mut rig = Rig::new();
    // Before the first start.
    rig.write_config();
    let said = rig.doctor(&[]);
    assert!(bad(&said).is_empty(), "{said:?}");
    assert!(!rig.database().exists());
    rig.start();
    rig.linked(SANDBOX);
    for up in [true, false] {
        if !up {
            assert_eq!(rig.stop(), 0);
        }
        let calls = rig.bank.data_calls();
        let said = rig.doctor(&[]);
        assert!(bad(&said).is_empty(), "{said:#?}");
        assert_eq!(names(&said.lines()), ALL);
        assert_eq!(rig.bank.data_calls(), calls, "it costs no call of a bank");
        // Without the provider.
        let calls = rig.bank.count();
        let said = rig.doctor(&["--offline"]);
        assert!(bad(&said).is_empty(), "{said:#?}");
        let here = |name: &&str| {
            !["dns", "connection", "tls", "secret", "address", "headers"].contains(name)
        };
        assert_eq!(names(&said.lines()), ALL.into_iter().filter(here).collect::<Vec<_>>());
        assert_eq!(rig.bank.count(), calls, "no call at all");
        let screen = rig.verb(&["doctor"]).expect(0);
        assert!(screen.out.starts_with("nothing needs you\n\nfine:\n  config  "), "{screen:?}");
        assert!(screen.out.lines().count() < 24 && screen.err.is_empty(), "{screen:?}");
    }
}

#[test]
fn secrets_that_are_missing_open_or_refused() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    for up in [true, false] {
        if !up {
            assert_eq!(rig.stop(), 0);
        }
        mode(&rig.path("secret-key"), 0o640);
        assert_eq!(rig.sick("credentials", "open to other users"), "chmod 600 secret-key");
        mode(&rig.path("secret-key"), 0o600);
        fs::rename(rig.path("secret-id"), rig.path("kept")).unwrap();
        assert_eq!(rig.sick("credentials", "does not exist"), "(umask 077; cat > secret-id)");
        fs::rename(rig.path("kept"), rig.path("secret-id")).unwrap();
        rig.secret("key", "no key");
        assert_eq!(rig.sick("credentials", "put your copy back"), "(umask 077; cat > key)");
        rig.secret("key", KEY);
        rig.secret("secret-key", "another");
        assert_eq!(rig.sick("secret", "refuses the secret"), "banksyncd init --replace-secrets");
        rig.secret("secret-key", SECRET_KEY);
        rig.bank.with(|world, _| world.set_address_allowed(false));
        assert_eq!(rig.sick("address", "allow it"), "banksyncd run");
        rig.bank.with(|world, _| world.set_address_allowed(true));
        assert!(bad(&rig.doctor(&[])).is_empty());
    }
}

#[test]
fn a_daemon_that_was_refused_and_waits_is_told_of_after_the_cure() {
    let mut rig = Rig::new();
    rig.bank.with(|world, _| world.set_address_allowed(false));
    rig.start();
    rig.verb(&["institutions", "sandbox"]);
    rig.wait_for_events("ip_not_allowed", 1);
    let offline = rig.doctor(&["--offline"]);
    assert!(only(&offline, "address", "allow it").ends_with(" run"), "{offline:?}");
    rig.bank.with(|world, _| world.set_address_allowed(true));
    assert_eq!(rig.sick("secret", "accepts it now"), "banksyncd run");
}

#[test]
fn a_way_to_the_provider_that_is_not_open() {
    let mut rig = Rig::new();
    rig.api_base = Some("https://nobody.invalid/api/v2/".to_owned());
    rig.write_config();
    assert!(!rig.sick("dns", "nobody.invalid").is_empty());
    rig.api_base = None;
    rig.write_config();
    rig.bank.close();
    assert!(
        rig.sick("connection", "connection refused").starts_with("curl -sSI http://127.0.0.1:")
    );
    rig.bank.reopen();
    rig.bank.inject(answer_spoiled(FaultKind::Html { status: 503 }));
    assert!(rig.sick("connection", "not well").starts_with("curl "));
    rig.bank.with(|world, _| world.clear_faults());
    assert!(bad(&rig.doctor(&[])).is_empty());
}

#[test]
fn a_server_that_is_not_certain_to_be_the_provider() {
    let mut rig = Rig::new();
    let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/authority.pem");
    let mut tls = |certificate, roots: &str| {
        let server = TlsServer::start(certificate);
        rig.api_base = Some(format!("https://localhost:{}/api/v2/", server.port));
        rig.write_config();
        let mut command = rig.command(&["doctor", "--json"]);
        let said = run(command.env("SSL_CERT_FILE", roots).env("SSL_CERT_DIR", "/nowhere"));
        let heard = server.heard();
        let found = said.lines().into_iter().find(|line| line["name"] == "tls").unwrap();
        (found, heard)
    };
    let (fine, heard) = tls(Some(GOOD), roots);
    assert!(fine["ok"] == true && heard.contains("/api/v2/token/new/"), "{fine} {heard}");
    for (certificate, word, command) in [
        (Some(ELSEWHERE), "for another name", "curl -vsSI "),
        (Some(EXPIRED), "has run out", "timedatectl set-ntp true"),
        (Some(SELF_SIGNED), "signed by nobody", ""),
        (None, "does not speak TLS", "curl -vsSI "),
    ] {
        let (found, heard) = tls(certificate, roots);
        assert_eq!(found["ok"], false, "{word}");
        assert!(text(&found, "message").contains(word), "{found}");
        assert!(text(&found, "command").starts_with(command), "{found}");
        assert!(!heard.contains("secret"), "{heard}");
    }
    let (nobody, _) = tls(Some(GOOD), "/nowhere/at/all.pem");
    assert_eq!(nobody["ok"], false);
    assert!(text(&nobody, "command").contains("ca-"), "{nobody}");
}

#[test]
fn clocks_that_differ_and_headers_that_do_not_arrive() {
    let rig = Rig::new();
    rig.write_config();
    for (seconds, word) in [(300, "300 s behind"), (-299, "ahead of")] {
        rig.bank.inject(answer_spoiled(FaultKind::DateSkew { seconds }));
        assert_eq!(rig.sick("clock", word.rsplit(' ').next().unwrap()), "timedatectl set-ntp true");
        rig.bank.with(|world, _| world.clear_faults());
    }
    for (fault, word) in [
        (FaultKind::MissingHeaders, "no rate headers arrive"),
        (FaultKind::WrongHeaders { value: "soon".to_owned() }, "hold no numbers"),
    ] {
        rig.bank.inject(answer_spoiled(fault));
        assert!(rig.sick("headers", word).ends_with("| grep -i ratelimit"));
        rig.bank.with(|world, _| world.clear_faults());
    }
    rig.bank.inject(answer_spoiled(FaultKind::HeaderSpelling { spelling: Spelling::Short }));
    let said = rig.doctor(&[]);
    assert!(bad(&said).is_empty() && said.out.contains("spelled otherwise"), "{said:?}");
}

#[test]
fn a_database_that_does_not_open_or_is_open_to_others() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    mode(&rig.path(""), 0o777);
    let found = bad(&rig.doctor(&[]));
    assert_eq!(names(&found), ["socket", "files"], "the two are in one folder here");
    mode(&rig.path(""), 0o700);
    // Another one holds it, and nobody listens.
    fs::remove_file(rig.socket()).unwrap();
    assert_eq!(rig.sick("database", "process"), format!("kill {}", rig.pid()));
    assert_eq!(rig.stop(), 0);
    mode(&rig.database(), 0o644);
    assert_eq!(rig.sick("files", "banksyncd.db` is open"), "chmod 600 banksyncd.db");
    mode(&rig.database(), 0o600);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(rig.database(), Some(4_711), None).unwrap();
        assert_eq!(rig.sick("files", "belongs to user 4711"), "chown 0 banksyncd.db");
        std::os::unix::fs::chown(rig.database(), Some(0), None).unwrap();
    }
    let good = fs::read(rig.database()).unwrap();
    rig.secret("key", &KEY.replace('5', "6"));
    assert_eq!(rig.sick("database", "another key"), "(umask 077; cat > key)");
    rig.secret("key", KEY);
    for place in [30, 4096 + 100] {
        let mut damaged = good.clone();
        damaged[place..place + 64].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(rig.database(), &damaged).unwrap();
        assert_eq!(rig.sick("database", "damaged"), "banksyncd restore FILE");
        assert!(fs::read(rig.database()).unwrap() == damaged, "the file was touched");
    }
    let mut plain = b"SQLite format 3\0".to_vec();
    plain.resize(8_192, 0);
    fs::write(rig.database(), &plain).unwrap();
    let command = rig.sick("database", "plain SQLite");
    assert_eq!(command, "mv banksyncd.db banksyncd.db.plain");
    fs::write(rig.database(), &good).unwrap();
    raise_schema(&rig);
    assert!(rig.sick("database", "newer").contains("upgrade banksyncd"));
    fs::write(rig.database(), &good).unwrap();
    assert!(bad(&rig.doctor(&[])).is_empty());
}

#[test]
fn a_disk_without_room() {
    let mut rig = Rig::new();
    let Some(disk) = Mount::new(rig.path("disk"), "8m") else { return };
    rig.store = rig.path("disk");
    rig.write_config();
    assert!(rig.sick("disk", "too little").starts_with("du -xhd1 "));
    disk.remount("ro");
    assert!(rig.sick("disk", "nothing can be written").starts_with("mount -o remount,rw "));
    rig.store = rig.path("none");
    rig.write_config();
    assert_eq!(rig.sick("files", "none"), "mkdir -m 700 -p none");
}

#[test]
fn calls_that_are_spent_and_schedules_that_ask_for_more_than_the_bank_gives() {
    let mut config = banksyncd::sandbox::WorldConfig::default();
    config.limits.daily = 2;
    let mut rig = Rig::with(config);
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let id = text(&rig.accounts()[0], "id");
    rig.sync(&[]).expect(0);
    let command = rig.sick("quota", "no calls left for");
    assert_eq!(command, format!("banksyncd sync {id} --wait"));
    assert_eq!(rig.stop(), 0);
    assert_eq!(rig.sick("quota", "they come back by themselves"), command);
    let pull = "pull = [\"0 0 1,9,17 * * *\"]\n";
    let (before, after) =
        rig.config_text().split_once("pull = ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let after = after.split_once('\n').unwrap().1;
    rig.secret("config.toml", &format!("{before}{pull}{after}"));
    let command = rig.sick("quota", "allows 2 calls a day");
    assert_eq!(command, "${EDITOR:-vi} config.toml && banksyncd reload");
}

#[test]
fn consents_and_accounts_that_need_somebody() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked("POLDER_POLDNL2U");
    let id = text(&link, "id");
    let pending = rig.begin_link(SANDBOX);
    assert_eq!(rig.sick("consents", "waits for a person"), text(&pending, "url"));
    rig.verb(&["unlink", &text(&pending, "id"), "--yes"]).expect(0);
    wait_until("the link to be given up", || {
        rig.link(&text(&pending, "id"))["status"] == "abandoned"
    });
    rig.bank.spoil_data(&FaultKind::Bank { problem: BankProblem::UnknownRequest }, None);
    (0..3).for_each(|_| drop(rig.sync(&[]).expect(1)));
    rig.wait_for_events("account_paused", 1);
    assert!(rig.sick("accounts", "paused after 3 failures").contains("--force"));
    rig.bank.with(|world, _| world.clear_faults());
    rig.bank.with(|world, now| world.person_revokes(&text(&link, "requisition_id"), now)).unwrap();
    rig.sync(&["--force"]).expect(1);
    rig.wait_for_events("access_revoked", 1);
    assert_eq!(rig.sick("consents", "taken back"), format!("banksyncd renew {id}"));
}

#[test]
fn backups_that_fail() {
    let mut rig = Rig::new();
    let blocked = rig.path("blocked");
    fs::write(&blocked, "a file").unwrap();
    rig.extra = format!("[backup]\nfolder = {}\n", quoted(&blocked.join("backups")));
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.wait_for_events("backup_failed", 1);
    for up in [true, false] {
        if !up {
            assert_eq!(rig.stop(), 0);
        }
        let command = rig.sick("backups", "no backup yet: ");
        assert_eq!(command, "ls -ld blocked/backups; df -h blocked/backups");
    }
    fs::remove_file(&blocked).unwrap();
    fs::create_dir(&blocked).unwrap();
    rig.start();
    rig.wait_for_events("backup_completed", 1);
    let said = rig.doctor(&[]);
    assert!(bad(&said).is_empty() && said.out.contains("the last one is of 2"), "{said:#?}");
}

#[test]
fn a_broken_configuration_does_not_keep_the_daemon_from_being_asked() {
    let mut rig = Rig::new();
    rig.start();
    rig.extra = "[limits]\ncalls-per-day = 0\n".to_owned();
    rig.write_config();
    let said = rig.doctor(&[]);
    let command = only(&said, "config", "limits.calls-per-day");
    assert!(command.starts_with("${EDITOR:-vi} +"), "{command}");
    assert_eq!(names(&said.lines()), ALL);
    assert_eq!(rig.stop(), 0);
    let said = rig.doctor(&[]);
    only(&said, "config", "limits.calls-per-day");
    assert_eq!(names(&said.lines()), ["config", "daemon", "socket"]);
    // Wrong use is wrong use.
    run(Command::new(PROGRAM).args(["doctor", "--online"]).env_clear()).expect(64);
}

/// A machine of its own: what is written here is gone with the process. Each look prints a heading and its findings.
const MACHINE: &str = r#"
set -eu
mkdir etc run lib
cp -a /etc/. etc/
mount --bind etc /etc && mount --bind run /run && mount --bind lib /var/lib || exit 99
mkdir -p /etc/systemd/system/banksyncd.service.d
cp "$UNIT" /etc/systemd/system/banksyncd.service
mkdir -m 700 /var/lib/banksyncd
mkdir -m 750 /run/banksyncd
look() { echo "\"$1\""; shift; "$PROGRAM" doctor --json "$@" || true; }
look nothing
printf '%s\n' "$ID" "$KEY" | "$PROGRAM" init --api-base "$BASE" --json > init.log 2>&1
look stopped
for file in /etc/credstore.encrypted/banksyncd.gocardless-secret-key /etc/banksyncd/credentials/gocardless-secret-key; do
    if [ -f "$file" ]; then echo junk > "$file.new"; chmod 644 "$file.new"; mv "$file" "$file.kept"; mv "$file.new" "$file"; fi
done
look spoiled
rm -rf /etc/credstore.encrypted /etc/banksyncd
mkdir -p -m 700 /etc/banksyncd/credentials
umask 077
echo "$ID" > /etc/banksyncd/credentials/gocardless-secret-id
echo "$KEY" > /etc/banksyncd/credentials/gocardless-secret-key
"$PROGRAM" init --api-base "$BASE" --json > init.log 2>&1
CREDENTIALS_DIRECTORY=/etc/banksyncd/credentials STATE_DIRECTORY=/var/lib/banksyncd \
    RUNTIME_DIRECTORY=/run/banksyncd "$PROGRAM" run > daemon.log 2>&1 &
daemon=$!
until "$PROGRAM" accounts > /dev/null 2>&1; do kill -0 $daemon; sleep 0.1; done
printf '[Service]\nProtectHome=no\n' > /etc/systemd/system/banksyncd.service.d/own.conf
look running
sed -i 's/^timezone/time-zone/' /etc/banksyncd/config.toml
look broken --offline
sed -i 's/^time-zone/timezone/' /etc/banksyncd/config.toml
kill $daemon
wait $daemon
look again
"#;

#[test]
fn as_packaged_it_finds_the_service_its_unit_and_its_credentials() {
    let rig = Rig::new();
    let said = run(Command::new("unshare")
        .args(["--mount", "bash", "-c", MACHINE])
        .current_dir(rig.path(""))
        .env("PROGRAM", PROGRAM)
        .env("UNIT", concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/banksyncd.service"))
        .env("BASE", rig.bank.api_base())
        .env("ID", SECRET_ID)
        .env("KEY", SECRET_KEY)
        .env_remove("BANKSYNCD_CONFIG"));
    if said.code != 0 {
        let allowed = rustix::process::geteuid().is_root() && said.code != 99;
        assert!(
            !allowed,
            "{said:#?}\n{}",
            fs::read_to_string(rig.path("daemon.log")).unwrap_or_default()
        );
        eprintln!("skipped: no machine of its own may be made here: {}", said.err.trim());
        return;
    }
    let look = |name: &str| -> Vec<Value> {
        let after = said.lines().into_iter().skip_while(|line| line != name).skip(1);
        after.take_while(Value::is_object).collect()
    };
    let bad = |name: &str| -> Vec<(String, String)> {
        let bad = look(name).into_iter().filter(|finding| finding["ok"] == false);
        bad.map(|finding| (text(&finding, "name"), text(&finding, "command"))).collect()
    };
    let needs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, command)| ((*name).to_owned(), (*command).to_owned())).collect()
    };
    assert_eq!(bad("nothing"), needs(&[("config", "banksyncd init")]));
    assert_eq!(bad("stopped"), [], "{said:#?}");
    let all =
        ["unit", "sandboxing", "credentials", "secret", "address", "files", "disk", "database"];
    assert!(all.iter().all(|name| names(&look("stopped")).contains(name)), "{said:#?}");
    // Encrypted where this machine can do that; a file then only root can mend.
    let spoiled = bad("spoiled");
    assert_eq!(spoiled.len(), 1, "{said:#?}");
    assert_eq!(spoiled[0].0, "credentials");
    let edit = "${EDITOR:-vi} /etc/systemd/system/banksyncd.service.d/own.conf && systemctl daemon-reload && \
                systemctl restart banksyncd";
    assert_eq!(bad("running"), needs(&[("sandboxing", edit)]), "{said:#?}");
    let running = look("running");
    assert!(
        running.iter().any(|finding| finding["message"] == "its group may use it"),
        "{said:#?}"
    );
    let broken = bad("broken");
    assert!(
        broken[0].0 == "config" && broken[0].1.contains("/etc/banksyncd/config.toml"),
        "{said:#?}"
    );
    assert!(names(&look("broken")).contains(&"quota"), "the daemon still answers: {said:#?}");
    assert_eq!(bad("again"), needs(&[("sandboxing", edit)]), "{said:#?}");
    assert!(names(&look("again")).contains(&"accounts"));
}
