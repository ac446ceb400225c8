//! The set-up with the package, as the README tells it: its commands run word for word on a freshly booted machine. What
//! stands in a comment above a block is what a person would do besides.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use crate::machine::Machine;
use crate::service::{authorise, show, wait_until_pulled};

const README: &str = include_str!("../../README.md");

/// Commands, and what the comment above them says.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let block = |rest: &'static str| {
        let (marker, rest) = rest.split_once(" -->\n```sh\n").unwrap();
        (marker, rest.split("\n```").next().unwrap())
    };
    README.split("<!-- booted").skip(1).map(block).collect()
}

/// Follows the README.
pub(crate) fn follow(deb: &Path) {
    let share = tempfile::tempdir().unwrap();
    let named = README.lines().find_map(|line| line.strip_prefix("apt-get install -y ./")).unwrap();
    fs::copy(deb, share.path().join(named)).unwrap();
    let machine = Machine::boot(share.path());
    machine.ok("cp /share/*.deb /root/");
    let mut kinds = Vec::new();
    for (marker, commands) in blocks() {
        let commands = format!("cd /root\n{commands}");
        match marker {
            "" => drop(machine.ok(&commands)),
            ": the test types the two secrets" => type_secrets(&machine, &commands),
            ": the test opens the page and authorises" => {
                let mut linking = machine.shell(&commands);
                let mut linking =
                    linking.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
                authorise(&machine);
                assert!(linking.wait().unwrap().success());
            }
            ": when the accounts have been pulled" => {
                wait_until_pulled(&machine);
                let told = machine.ok(&commands);
                for must in [
                    "nothing needs you",
                    "transactions_added",
                    "Subject: The daemon is up",
                    "Overall exposure level for banksyncd.service: 1.0",
                ] {
                    assert!(told.contains(must), "{must} is missing: {told}");
                }
            }
            other => panic!("what is `booted{other}`?"),
        }
        kinds.push(marker);
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert_eq!(show(&machine, "ActiveState"), "active");
}

/// Answers the two questions on a terminal, where nothing that is typed may be seen.
fn type_secrets(machine: &Machine, commands: &str) {
    let quoted = commands.replace('\'', "'\\''");
    let mut terminal = machine
        .shell(&format!("script -qec '{quoted}' /dev/null"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let mut seen = String::new();
    for (question, answer) in [
        ("secret id (not shown): ", "sandbox-secret-id\n"),
        ("secret key (not shown): ", "sandbox-secret-key\n"),
    ] {
        let mut byte = [0];
        while !seen.ends_with(question) {
            assert_eq!(screen.read(&mut byte).unwrap(), 1, "no question: {seen}");
            seen.push(char::from(byte[0]));
        }
        // The question comes before the terminal is silent; the program throws away what was typed before.
        std::thread::park_timeout(std::time::Duration::from_millis(200));
        keys.write_all(answer.as_bytes()).unwrap();
    }
    screen.read_to_string(&mut seen).unwrap();
    assert!(terminal.wait().unwrap().success(), "{seen}");
    assert!(!seen.contains("sandbox-secret"), "shown: {seen}");
    assert!(seen.contains("systemctl restart banksyncd"), "{seen}");
}
