//! The service's unit: whether it is the one of this version, and whether its sandbox is as strict as it was shipped.

use std::path::Path;

use crate::daemon::doctor::Finding;
use crate::model::shell::quoted_path;
use crate::systemd::unit::{Drift, Found, Name, find, is_debian, property, unenforced};

const UNIT: &str = "unit";
const SANDBOXING: &str = "sandboxing";

/// `root` is `/` but for tests; `pid` is the daemon's process, if it runs.
pub(super) fn check(root: &Path, name: &Name, pid: Option<i64>) -> Vec<Finding> {
    let Some(found) = find(root, name) else {
        return vec![Finding::fine(UNIT, "not installed: started by hand")];
    };
    let mut findings = Vec::new();
    findings.push(match &found.drift {
        Some(drift) => drifted(drift, name),
        None if property(name, "NeedDaemonReload").as_deref() == Some("yes") => {
            let message = "the unit has changed since the service manager read it";
            Finding::trouble(UNIT, message, "systemctl daemon-reload")
        }
        None => Finding::fine(UNIT, format!("{} of this version", name.unit)),
    });
    findings.extend(sandboxing(&found, name, pid));
    findings
}

fn drifted(drift: &Drift, name: &Name) -> Finding {
    let unit = &name.unit;
    match drift {
        Drift::Masked(path) => Finding::trouble(
            UNIT,
            format!("the unit is masked by `{}`: it cannot be started", path.display()),
            format!("systemctl unmask {unit}"),
        ),
        Drift::Hidden(path) => Finding::trouble(
            UNIT,
            format!("`{}` hides the packaged unit, and differs from it", path.display()),
            set_aside(path, name),
        ),
        Drift::Changed(path) => Finding::trouble(
            UNIT,
            format!("`{}` is not the unit of this version", path.display()),
            reinstall().to_owned(),
        ),
        Drift::Unreadable(path) => Finding::trouble(
            UNIT,
            format!("`{}` cannot be read", path.display()),
            "sudo banksyncd doctor".to_owned(),
        ),
    }
}

/// Takes a file away without losing it. Not `systemctl revert`: that takes the drop-in of the credentials, too.
fn set_aside(path: &Path, name: &Name) -> String {
    let path = quoted_path(path);
    format!("mv {path} {path}.old && {}", in_force(name))
}

fn in_force(name: &Name) -> String {
    format!("systemctl daemon-reload && {}", name.systemctl("restart"))
}

/// Brings the packaged files back.
fn reinstall() -> &'static str {
    let debian = "apt-get install --reinstall banksyncd";
    if is_debian() { debian } else { "dnf reinstall banksyncd" }
}

fn sandboxing(found: &Found, name: &Name, pid: Option<i64>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut files: Vec<&Path> = found.weaker.iter().map(|weaker| weaker.by.as_path()).collect();
    files.dedup();
    for file in files {
        let of_file = found.weaker.iter().filter(|weaker| weaker.by == file);
        let settings: Vec<&str> = of_file.map(|weaker| weaker.setting.as_str()).collect();
        let message = format!(
            "`{}` makes the sandbox weaker than it was shipped: {}",
            file.display(),
            settings.join(", ")
        );
        let file = quoted_path(file);
        let command = format!("${{EDITOR:-vi}} {file} && {}", in_force(name));
        findings.push(Finding::trouble(SANDBOXING, message, command));
    }
    let status = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
    let missing = status.and_then(|status| unenforced(&status)).unwrap_or_default();
    // What the unit does not ask for has been told.
    if findings.is_empty() && !missing.is_empty() {
        let message = format!("the running daemon is not held to: {}", missing.join(", "));
        findings.push(Finding::trouble(SANDBOXING, message, name.systemctl("restart")));
    }
    if findings.is_empty() {
        let besides = match found.programs.as_slice() {
            [] => String::new(),
            programs => format!("; it may also run {}", programs.join(", ")),
        };
        findings.push(Finding::fine(SANDBOXING, format!("as strict as it was shipped{besides}")));
    }
    findings
}
