//! The control socket: who may use it. As a service its group may, started by hand only its owner.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use super::daemon::Daemon;
use crate::daemon::doctor::Finding;
use crate::model::shell::quoted_path;

const SOCKET: &str = "socket";

pub(super) fn check(path: &Path, service: bool, daemon: &Daemon) -> Vec<Finding> {
    let place = quoted_path(path);
    if matches!(daemon, Daemon::Closed) {
        let message = format!("this user may not use `{}`", path.display());
        return vec![Finding::trouble(SOCKET, message, "sudo usermod -aG banksyncd $USER")];
    }
    let Ok(facts) = fs::symlink_metadata(path) else {
        let there = !matches!(daemon, Daemon::Absent);
        let message = if there { "is there" } else { "not there: the daemon makes it" };
        return vec![Finding::fine(SOCKET, message)];
    };
    if !facts.file_type().is_socket() {
        let message =
            format!("`{}` is no socket, so that the daemon cannot make one", path.display());
        return vec![Finding::trouble(SOCKET, message, format!("mv {place} {place}.old"))];
    }
    let mut findings: Vec<Finding> = folder(path, service).into_iter().collect();
    findings.extend(rights(facts.mode() & 0o777, service, path));
    if findings.is_empty() {
        let whom = if service { "its group may use it" } else { "only its owner may use it" };
        findings.push(Finding::fine(SOCKET, whom));
    }
    findings
}

/// Whoever may write to a socket may read the accounts.
fn rights(mode: u32, service: bool, path: &Path) -> Option<Finding> {
    let (open, wanted) = if service { (mode & 0o007, 0o660) } else { (mode & 0o077, 0o600) };
    let command = format!("chmod {wanted:o} {}", quoted_path(path));
    if open != 0 {
        let message = format!("`{}` is open to other users (mode {mode:04o})", path.display());
        return Some(Finding::trouble(SOCKET, message, command));
    }
    (mode & wanted != wanted).then(|| {
        let message =
            format!("`{}` is closed to those who should use it (mode {mode:04o})", path.display());
        Finding::trouble(SOCKET, message, command)
    })
}

/// Whoever may write to the folder could put a socket of his own there.
fn folder(path: &Path, service: bool) -> Option<Finding> {
    let folder = path.parent()?;
    let mode = fs::metadata(folder).ok()?.mode() & 0o7777;
    let command = |mode: &str| format!("chmod {mode} {}", quoted_path(folder));
    let sticky = mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !sticky {
        let message =
            format!("others can put a socket into `{}` (mode {mode:04o})", folder.display());
        return Some(Finding::trouble(SOCKET, message, command("go-w")));
    }
    (service && mode & 0o050 != 0o050).then(|| {
        let message = format!("`{}` is closed to its group (mode {mode:04o})", folder.display());
        Finding::trouble(SOCKET, message, command("750"))
    })
}
