//! What a package is made of: units, manual pages, completions, catalogue. Pages and completions are compared with what the
//! program says of itself; units with its exit codes, with each other, and with what systemd makes of them.
//!
//! Whether the finished packages work is for the booted test. After a change: `BANKSYNCD_WRITE_PACKAGING=1 cargo test --test
//! packaging` writes the generated files anew.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they skip"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use banksyncd::cli::args::Args;
use banksyncd::config::KEYS;
use banksyncd::daemon::metrics::METRICS;
use banksyncd::exit::Code;
use banksyncd::model::notice::EventCode;
use clap::CommandFactory as _;

#[path = "packaging/man.rs"]
mod man;

const PROGRAM: &str = env!("CARGO_BIN_EXE_banksyncd");

const UNIT: &str = include_str!("../systemd/banksyncd.service");
const INSTANCE: &str = include_str!("../systemd/banksyncd@.service");
const PRIVATE_ROOT: &str = include_str!("../systemd/50-private-root.conf");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a committed file with what was made, or writes it if asked to.
#[track_caller]
fn same(path: &str, made: &str) {
    let file = root().join(path);
    if std::env::var_os("BANKSYNCD_WRITE_PACKAGING").is_some() {
        fs::write(&file, made).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    let how = "BANKSYNCD_WRITE_PACKAGING=1 cargo test --test packaging";
    assert!(committed == made, "{path} is not what the program says; write it anew: {how}");
}

#[test]
fn the_manual_pages_are_those_of_the_program() {
    for (name, page) in man::pages() {
        same(&format!("packaging/man/{name}"), &page);
    }
}

#[test]
fn the_completions_are_those_of_the_program() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(PROGRAM).args(["completions", shell]).output().unwrap();
        assert!(output.status.success());
        same(
            &format!("packaging/completions/banksyncd.{shell}"),
            &String::from_utf8(output.stdout).unwrap(),
        );
    }
}

/// A page as a reader sees its words: escapes undone.
fn words(page: &str) -> String {
    page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
}

#[test]
fn everything_is_in_the_manual() {
    let pages = man::pages();
    let [program, configuration, events, metrics] =
        ["banksyncd.1", "banksyncd.toml.5", "banksyncd-events.7", "banksyncd-metrics.7"]
            .map(|name| words(&pages[name]));
    for verb in Args::command().get_subcommands() {
        assert!(
            program.contains(&format!("\n.SS \"{}", verb.get_name()))
                || program.contains(&format!("\n.SS {}", verb.get_name())),
            "{}",
            verb.get_name()
        );
        for argument in verb.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", verb.get_name(), argument.get_id());
        }
    }
    for code in Code::ALL {
        assert!(program.contains(&format!("\n.TP\n{code}\n")), "exit code {code}");
    }
    let keys: BTreeSet<String> = man::described()
        .keys
        .into_iter()
        .filter(|key| !key.comment.trim().is_empty())
        .map(|key| key.path)
        .collect();
    for (section, names) in KEYS {
        for name in names {
            let path = format!("{section}.{name}");
            assert!(
                keys.contains(&path),
                "`{path}` has no comment in packaging/conf/banksyncd.toml"
            );
            assert!(
                configuration.contains(&format!("\n.TP\n{name} ("))
                    || configuration.contains(&format!("\n.TP\n{name}\n")),
                "{path}"
            );
        }
    }
    for code in EventCode::ALL {
        assert!(events.contains(&format!("\n.TP\n{} (", code.as_str())), "{}", code.as_str());
    }
    for metric in METRICS {
        assert!(metrics.contains(&format!("\n.TP\n{}", metric.name)), "{}", metric.name);
    }
}

#[test]
fn man_has_nothing_to_complain_about() {
    if !there("groff") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in man::pages() {
        let page = folder.path().join(name);
        fs::write(&page, text).unwrap();
        let output = run("groff", &["-man", "-ww", "-z", "-Tutf8", page.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
    }
}

/// The values of a setting in a unit, in order.
fn settings<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn a_restart_is_tried_exactly_where_it_may_help() {
    let prevented: BTreeSet<u8> = settings(UNIT, "RestartPreventExitStatus")[0]
        .split(' ')
        .map(|code| code.parse().unwrap())
        .collect();
    for code in Code::ALL.into_iter().filter(|code| !matches!(code, Code::Ok | Code::Unavailable)) {
        assert_eq!(prevented.contains(&code.number()), !code.restart_helps(), "{code}");
    }
    assert_eq!(settings(UNIT, "Restart"), ["on-failure"]);
}

#[test]
fn an_instance_is_the_service_with_other_folders() {
    let made = UNIT
        .replace(
            "Description=Bank account data collector",
            "Description=Bank account data collector, %i",
        )
        .replace("/etc/banksyncd/", "/etc/banksyncd-%i/")
        .replace("Directory=banksyncd\n", "Directory=banksyncd-%i\n")
        .replace("/etc/banksyncd +", "/etc/banksyncd-%i +")
        .replace("/run/banksyncd +", "/run/banksyncd-%i +")
        .replace("/lib/banksyncd\n", "/lib/banksyncd-%i\n")
        .replace(
            "/usr/bin/banksyncd r",
            "/usr/bin/banksyncd --config /etc/banksyncd-%i/config.toml r",
        );
    let settings = |unit: &str| unit.split_once("\n\n").unwrap().1.to_owned();
    assert_eq!(settings(INSTANCE), settings(&made));
}

#[test]
fn a_missing_credential_is_told_by_the_daemon() {
    for name in ["database-key", "gocardless-secret-id", "gocardless-secret-key"] {
        let file = format!("{name}:/etc/banksyncd/credentials/{name}");
        assert!(settings(UNIT, "LoadCredential").contains(&file.as_str()), "{name}");
        assert!(
            settings(UNIT, "SetCredential").contains(&format!("{name}:\\n").as_str()),
            "{name}"
        );
    }
}

/// Whether a program of the system is at hand. Where the gate runs, all of them have to be.
fn there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        let gate = std::env::var_os("BANKSYNCD_BOOTED").is_some_and(|value| value == "required");
        assert!(!gate, "`{program}` is not installed, and BANKSYNCD_BOOTED=required");
        eprintln!(
            "SKIPPED: `{program}` is not installed, what it says of our files was not looked at"
        );
    }
    found
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

/// The units in a folder as systemd finds them, with the program that was built now in place of the installed one.
fn staged(private_root: bool) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let here = |unit: &str| {
        unit.replace("ExecStart=/usr/bin/banksyncd", &format!("ExecStart={PROGRAM}"))
            .replace("ExecReload=/usr/bin/banksyncd", &format!("ExecReload={PROGRAM}"))
    };
    let (service, instance) = (place("banksyncd.service"), place("banksyncd-instance.service"));
    fs::write(&service, here(UNIT)).unwrap();
    fs::write(&instance, here(INSTANCE).replace("%i", "x")).unwrap();
    if private_root {
        for unit in [&service, &instance] {
            let drop_ins = place(&format!("{}.d", unit.file_name().unwrap().to_str().unwrap()));
            fs::create_dir(&drop_ins).unwrap();
            fs::write(drop_ins.join("50-private-root.conf"), PRIVATE_ROOT).unwrap();
        }
    }
    (folder, service, instance)
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if !there("systemd-analyze") {
        return;
    }
    let (_folder, service, instance) = staged(true);
    for unit in [&service, &instance] {
        let output = run("systemd-analyze", &["verify", "--man=no", unit.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    // A planted fault is seen.
    fs::write(&service, UNIT.replace("WatchdogSec=", "WatchdogSecs=")).unwrap();
    let output = run("systemd-analyze", &["verify", "--man=no", service.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("WatchdogSecs"), "a planted fault");
}

#[test]
fn the_drop_ins_to_copy_are_good_and_open_nothing() {
    if !there("systemd-analyze") {
        return;
    }
    let mut count = 0;
    for entry in fs::read_dir(root().join("systemd/examples")).unwrap() {
        let example = entry.unwrap().path();
        let (_folder, service, _) = staged(true);
        let copy = service.with_extension("service.d").join("80-copied.conf");
        fs::copy(&example, copy).unwrap();
        let output = run("systemd-analyze", &["verify", "--man=no", service.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        // A service manager that is older than this type of service says so, and goes on without it.
        let older = said.ends_with("Failed to parse service type, ignoring: notify-reload\n");
        let fine = said.is_empty() || (older && example.ends_with("notify-reload.conf"));
        assert!(output.status.success() && fine, "{}: {said}", example.display());
        assert!(exposure(&service) <= 10, "{}", example.display());
        count += 1;
    }
    assert!(count >= 6, "{count} drop-ins");
}

/// The exposure of a unit, in tenths.
fn exposure(unit: &Path) -> u32 {
    let output = run("systemd-analyze", &["security", "--offline=yes", unit.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = said.split("Overall exposure level for").nth(1).unwrap_or_else(|| panic!("{said}"));
    let level = level.split(": ").nth(1).unwrap().split(' ').next().unwrap();
    level.replace('.', "").parse().unwrap()
}

#[test]
fn the_exposure_is_what_the_readme_says() {
    if !there("systemd-analyze") {
        return;
    }
    // Tenths: 1.1 as every distribution can run it, 1.0 with Debian's private root.
    for (private_root, most) in [(false, 11), (true, 10)] {
        let (_folder, service, instance) = staged(private_root);
        for unit in [&service, &instance] {
            let tenths = exposure(unit);
            assert!(tenths <= most, "{}: {tenths}", unit.display());
        }
    }
    let (_folder, service, _) = staged(true);
    fs::write(
        &service,
        UNIT.replace("CapabilityBoundingSet=\n", "").replace("PrivateUsers=yes\n", ""),
    )
    .unwrap();
    assert!(exposure(&service) > 11, "a planted fault");
}
