//! What a person sees of it: findings on the screen and as objects; and what stands outside the daemon, planted in real files.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;

use super::super::output::Terminal;
use super::*;
use crate::config::Defaults;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn screen(show: impl FnOnce(&mut Output) -> Result<(), CliError>) -> String {
    let (out, err) = (Page::default(), Page::default());
    let terminal = Terminal { width: Some(80), ..Terminal::default() };
    let mut output = Output::new(Box::new(out.clone()), Box::new(err), terminal, false);
    show(&mut output).unwrap();
    output.flush().unwrap();
    String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
}

fn findings() -> Vec<Finding> {
    vec![
        Finding::fine("config", "/etc/banksyncd/config.toml"),
        Finding::fine("daemon", "runs, version 0.1.0, process 4711"),
        Finding::trouble(
            "credentials",
            "`store.key`: file `/x/key` is open to other users (mode 0644, at most 0600 is allowed)",
            "chmod 600 /x/key",
        ),
        Finding::fine("database", "sound, 1203 transactions"),
        Finding::trouble(
            "consents",
            "access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15\u{1b}[2J",
            "banksyncd renew lnk_01kkd4z8000000000000000008",
        ),
        Finding::fine(
            "accounts",
            "a long sentence that does not fit into the width of a terminal of eighty columns",
        ),
    ]
}

#[test]
fn findings_stand_on_top_with_their_commands() {
    assert_snapshot!(screen(|output| print(&findings(), output)), @r"
    needs you:
      credentials: `store.key`: file `/x/key` is open to other users (mode 0644, at
      most 0600 is allowed)
        chmod 600 /x/key
      consents: access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15\u{1b}[2J
        banksyncd renew lnk_01kkd4z8000000000000000008

    fine:
      config    /etc/banksyncd/config.toml
      daemon    runs, version 0.1.0, process 4711
      database  sound, 1203 transactions
      accounts  a long sentence that does not fit into the width of a terminal of e…
    ");
    let mut fine = findings();
    fine.retain(|finding| finding.ok);
    assert!(
        screen(|output| print(&fine, output)).starts_with("nothing needs you\n\nfine:\n  config")
    );
}

#[test]
fn an_object_per_check() {
    assert_snapshot!(screen(|output| print_json(&findings(), output)), @r#"
    {"name":"config","ok":true,"message":"/etc/banksyncd/config.toml","command":null}
    {"name":"daemon","ok":true,"message":"runs, version 0.1.0, process 4711","command":null}
    {"name":"credentials","ok":false,"message":"`store.key`: file `/x/key` is open to other users (mode 0644, at most 0600 is allowed)","command":"chmod 600 /x/key"}
    {"name":"database","ok":true,"message":"sound, 1203 transactions","command":null}
    {"name":"consents","ok":false,"message":"access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15\u001b[2J","command":"banksyncd renew lnk_01kkd4z8000000000000000008"}
    {"name":"accounts","ok":true,"message":"a long sentence that does not fit into the width of a terminal of eighty columns","command":null}
    "#);
}

#[test]
fn the_help_names_every_check() {
    for name in CHECKS {
        assert!(
            HELP.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == name)
        );
    }
}

#[test]
fn commands_lead_to_the_same_daemon() {
    let of = |command| command_of("banksyncd --config /x.toml", command);
    assert_eq!(of("banksyncd init"), "banksyncd --config /x.toml init");
    assert_eq!(of("vi /x && banksyncd reload"), "vi /x && banksyncd --config /x.toml reload");
    assert_eq!(of("chmod 600 /banksyncd "), "chmod 600 /banksyncd ");
}

/// What there is to complain about: a word of the message, and the command.
#[track_caller]
fn complaint(findings: &[Finding], word: &str) -> String {
    let bad: Vec<&Finding> = findings.iter().filter(|finding| !finding.ok).collect();
    assert_eq!(bad.len(), 1, "{findings:#?}");
    assert!(bad[0].message.contains(word), "{findings:#?}");
    bad[0].command.clone().unwrap()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn running() -> Daemon {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Daemon::Answers { version, pid: None, findings: Vec::new() }
}

#[test]
fn a_socket_that_the_wrong_people_can_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let (place, above) = (path.display().to_string(), folder.path().display().to_string());
    let _listener = UnixListener::bind(&path).unwrap();
    mode(folder.path(), 0o700);
    mode(&path, 0o600);
    assert!(socket::check(&path, false, &running())[0].ok);
    mode(&path, 0o666);
    for (service, wanted) in [(false, "600"), (true, "660")] {
        mode(folder.path(), 0o750);
        let found = socket::check(&path, service, &running());
        assert_eq!(complaint(&found, "open to other users"), format!("chmod {wanted} {place}"));
    }
    mode(&path, 0o660);
    assert!(socket::check(&path, true, &running())[0].ok);
    assert!(!socket::check(&path, false, &running())[0].ok);
    mode(&path, 0o600);
    let found = socket::check(&path, true, &running());
    assert_eq!(complaint(&found, "closed to those"), format!("chmod 660 {place}"));
    mode(&path, 0o660);
    mode(folder.path(), 0o700);
    let found = socket::check(&path, true, &running());
    assert_eq!(complaint(&found, "closed to its group"), format!("chmod 750 {above}"));
    mode(folder.path(), 0o777);
    let found = socket::check(&path, true, &running());
    assert_eq!(complaint(&found, "others can put"), format!("chmod go-w {above}"));
    // Not one's own.
    let found = socket::check(&path, true, &Daemon::Closed);
    assert_eq!(complaint(&found, "may not use"), "sudo usermod -aG banksyncd $USER");
    // Something else, or nothing.
    mode(folder.path(), 0o700);
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let found = socket::check(&file, false, &Daemon::Absent);
    assert_eq!(complaint(&found, "no socket"), format!("mv {0} {0}.old", file.display()));
    assert!(socket::check(&folder.path().join("none"), false, &Daemon::Absent)[0].ok);
}

#[test]
fn a_daemon_of_another_version_and_one_that_does_not_answer() {
    let name = Name::new(None);
    let check = |daemon: &Daemon, name: Option<&Name>| vec![daemon::check(daemon, name)];
    assert!(check(&running(), Some(&name))[0].ok);
    let old = Daemon::Answers { version: "0.0.9".into(), pid: Some(7), findings: Vec::new() };
    let found = check(&old, Some(&name));
    assert_eq!(complaint(&found, "version 0.0.9"), "systemctl restart banksyncd");
    let error = CliError::NotUnderstood { what: "HTTP status 404".into(), hint: None };
    let older = Daemon::Strange { version: Some("0.0.8".into()), pid: None, error };
    let found = check(&older, Some(&Name::new(Some("firm"))));
    assert_eq!(complaint(&found, "version 0.0.8"), "systemctl restart banksyncd@firm");
    let stuck =
        Daemon::Strange { version: None, pid: None, error: CliError::Silent { waited_s: 60 } };
    assert_eq!(complaint(&check(&stuck, None), "has not answered"), "banksyncd run");
    assert!(check(&Daemon::Absent, None)[0].ok);
}

#[test]
fn a_configuration_with_problems_and_weak_spots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let place = path.display().to_string();
    let look = || config::check(&path, &load(&path, &Defaults::default()), &Daemon::Absent);
    assert_eq!(complaint(&look(), "there is no configuration"), "banksyncd init");
    fs::write(&path, "[limits]\ncalls-per-day = 0\n").unwrap();
    mode(&path, 0o600);
    let command = complaint(&look(), "limits.calls-per-day");
    assert_eq!(command, format!("${{EDITOR:-vi}} +2 {place}"));
    fs::write(&path, "").unwrap();
    assert!(look()[0].ok);
    mode(&path, 0o666);
    let command = complaint(&look(), "can be changed by other users");
    assert_eq!(command, format!("chmod go-w {place}"));
    fs::write(&path, "[schedule]\nfreshness = \"2h\"\n").unwrap();
    mode(&path, 0o600);
    let command = complaint(&look(), "schedule.freshness");
    assert_eq!(command, format!("${{EDITOR:-vi}} +2 {place}"));
}

#[test]
fn a_unit_that_is_another_one_or_lets_more_through() {
    use crate::systemd::unit::UNIT;
    let root = tempfile::tempdir().unwrap();
    let place = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let name = Name::new(None);
    let look = |pid| unit::check(root.path(), &name, pid);
    assert!(look(None)[0].ok);
    place("usr/lib/systemd/system/banksyncd.service", UNIT);
    assert_eq!(look(None).iter().filter(|finding| finding.ok).count(), 2);
    // This process is held to nothing.
    let ours = i64::from(std::process::id());
    assert_eq!(complaint(&look(Some(ours)), "not held to"), "systemctl restart banksyncd");
    place(
        "etc/systemd/system/banksyncd.service.d/own.conf",
        "[Service]\nProtectHome=no\nUser=root\n",
    );
    let command = complaint(
        &look(Some(ours)),
        "own.conf` makes the sandbox weaker than it was shipped: ProtectHome, User",
    );
    let own = root.path().join("etc/systemd/system/banksyncd.service.d/own.conf");
    let anew = "systemctl daemon-reload && systemctl restart banksyncd";
    assert_eq!(command, format!("${{EDITOR:-vi}} {} && {anew}", own.display()));
    place("etc/systemd/system/banksyncd.service.d/own.conf", "");
    place("usr/lib/systemd/system/banksyncd.service", &UNIT.replace("TasksMax=64", "TasksMax=65"));
    assert!(complaint(&look(None), "not the unit of this version").contains("reinstall"));
    place("etc/systemd/system/banksyncd.service", &UNIT.replace("TasksMax=64", "TasksMax=66"));
    let copy = root.path().join("etc/systemd/system/banksyncd.service").display().to_string();
    let command = complaint(&look(None), "hides the packaged unit");
    assert_eq!(command, format!("mv {copy} {copy}.old && {anew}"));
}
