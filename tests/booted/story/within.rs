//! What the service is and may, as seen from inside and by `doctor`.

use serde_json::Value;

use super::{DROP_INS, Story};
use crate::probe;

/// Checks that cannot be left out here.
const CHECKED: [&str; 9] = [
    "config",
    "daemon",
    "socket",
    "unit",
    "sandboxing",
    "credentials",
    "files",
    "database",
    "quota",
];
/// Those that ask the provider.
const ASKED: [&str; 4] = ["connection", "tls", "secret", "headers"];

/// What `doctor` finds wrong: the check, and the command that cures it.
#[track_caller]
pub(super) fn troubles(story: &Story) -> Vec<(String, String)> {
    found(story, "", &[&CHECKED[..], &ASKED].concat())
}

/// The same where nobody is asked.
#[track_caller]
pub(super) fn troubles_offline(story: &Story) -> Vec<(String, String)> {
    found(story, "--offline", &CHECKED)
}

#[track_caller]
fn found(story: &Story, words: &str, checked: &[&str]) -> Vec<(String, String)> {
    let said = story.machine.sh(&format!("banksyncd --json doctor {words}"));
    let findings: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text =
        |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = findings.iter().map(|finding| text(finding, "name")).collect();
    for name in checked {
        assert!(names.iter().any(|checked| checked == name), "{name} is missing: {said:?}");
    }
    let wrong = findings.iter().filter(|finding| finding["ok"] != true);
    let wrong: Vec<_> =
        wrong.map(|finding| (text(finding, "name"), text(finding, "command"))).collect();
    assert_eq!(said.code, i32::from(!wrong.is_empty()), "{said:?}");
    wrong
}

pub(super) fn doctor(story: &mut Story) -> String {
    assert_eq!(troubles(story), []);
    // A hole in the sandbox, and a file that others may read.
    story.write(&format!("{DROP_INS}/95-test.conf"), "[Service]\nProtectSystem=no\n");
    story.ok("chmod 644 /var/lib/banksyncd/banksyncd.db");
    let found = troubles(story);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["unit", "sandboxing", "files"], "{found:?}");
    // What it says is typed, with an editor that leaves nothing of the drop-in.
    for (_, command) in &found {
        story.ok(&format!("export EDITOR=rm\n{command}"));
    }
    assert_eq!(troubles(story), []);
    assert_eq!(story.ok("stat -c %a /var/lib/banksyncd/banksyncd.db"), "600\n");
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}

pub(super) fn probe(story: &mut Story) -> String {
    let told = probe::run(&story.machine, &[]);
    story.check(&["daemon_stopped", "daemon_started"]);
    told
}
