//! The database: its files, its disk, and what is in it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Database, Finding, Patient};
use crate::config::SecretSource;
use crate::files::folder_of;
use crate::model::shell::quoted_path;
use crate::observe::Chain;
use crate::store::{self, Check, Exposed, Kind, Room};
use crate::systemd::unit::is_debian;

const DATABASE: &str = "database";
const FILES: &str = "files";
const DISK: &str = "disk";

/// A database works with less, but not for long: a pull, its log, and the file system's own needs.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Fewer files than this are as good as none.
const FREE_FILES_MIN: u64 = 16;

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let path = &patient.config.store.path;
    let mut findings = files(path, &patient.files);
    findings.extend(disk(path));
    findings.extend(match &patient.database {
        Database::Absent => {
            vec![Finding::fine(DATABASE, "not made yet: the daemon makes it when it starts")]
        }
        Database::Locked => Vec::new(),
        Database::Broken(error) => vec![broken(patient, error)],
        Database::Open(store, _) => {
            match store.verify(Arc::clone(&patient.reader), |_check| {}).await {
                Ok(checks) => vec![verified(&checks)],
                Err(error) => vec![broken(patient, &error)],
            }
        }
    });
    findings
}

fn verified(checks: &[Check]) -> Finding {
    let detail =
        |name: &str| checks.iter().find(|check| check.name == name).map(|check| &check.detail);
    match checks.iter().find(|check| !check.ok) {
        None => {
            let rows = detail("index").map_or("", String::as_str);
            Finding::fine(DATABASE, format!("sound, {rows}"))
        }
        Some(failed) => Finding::trouble(
            DATABASE,
            format!(
                "the database is damaged ({}: {}): keep the file, and restore a backup",
                failed.name, failed.detail
            ),
            "banksyncd restore FILE",
        ),
    }
}

/// What takes the right key, or says where the service has it from.
fn bring_key(key: &SecretSource) -> String {
    match key {
        SecretSource::File(path) => {
            format!("(umask 077; cat > {})", quoted_path(path))
        }
        SecretSource::Credential(_) => "systemctl cat banksyncd".to_owned(),
    }
}

fn broken(patient: &Patient<'_>, error: &store::Error) -> Finding {
    let (path, key) = (&patient.config.store.path, &patient.config.store.key);
    let place = quoted_path(path);
    let command = match error.kind() {
        Kind::Busy => match error.holder() {
            Some(holder) => format!("kill {holder}"),
            None => format!("fuser -v {place}"),
        },
        Kind::WrongKey => bring_key(key),
        Kind::Damaged => "banksyncd restore FILE".to_owned(),
        Kind::NotEncrypted => format!("mv {place} {place}.plain"),
        Kind::NewerSchema => upgrade().to_owned(),
        Kind::CannotCreate | Kind::NotPermitted => format!("ls -ld {place} {}", folder(path)),
        Kind::Full => fullest(path),
        Kind::Io => "journalctl -k -n 50".to_owned(),
        Kind::Closed | Kind::Refused | Kind::Internal => "journalctl -u banksyncd -n 50".to_owned(),
    };
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    Finding::trouble(DATABASE, format!("{}{hint}", Chain(error)), command)
}

/// The program of a newer version, from where this one came.
fn upgrade() -> &'static str {
    let debian = "apt-get install --only-upgrade banksyncd";
    if is_debian() { debian } else { "dnf upgrade banksyncd" }
}

fn files(path: &Path, exposed: &io::Result<Vec<Exposed>>) -> Vec<Finding> {
    let exposed = match exposed {
        Ok(exposed) if exposed.is_empty() => {
            return vec![Finding::fine(FILES, "the database's files are closed to others")];
        }
        Ok(exposed) => exposed,
        Err(error) => {
            let message = format!("the folder of the database, {}: {error}", folder(path));
            return vec![Finding::trouble(
                FILES,
                message,
                format!("mkdir -m 700 -p {}", folder(path)),
            )];
        }
    };
    exposed.iter().map(opened).collect()
}

fn opened(exposed: &Exposed) -> Finding {
    match exposed {
        Exposed::Open { path, mode } => Finding::trouble(
            FILES,
            format!("`{}` is open to other users (mode {mode:04o})", path.display()),
            format!("chmod 600 {}", quoted_path(path)),
        ),
        Exposed::Folder { path, mode } => Finding::trouble(
            FILES,
            format!("others can put files into `{}` (mode {mode:04o})", path.display()),
            format!("chmod go-w {}", quoted_path(path)),
        ),
        Exposed::Foreign { path, owner, expected } => Finding::trouble(
            FILES,
            format!(
                "`{}` belongs to user {owner}, and the daemon is user {expected}",
                path.display()
            ),
            format!("chown {expected} {}", quoted_path(path)),
        ),
    }
}

fn disk(path: &Path) -> Option<Finding> {
    // Where the folder cannot be looked at, that is told of the files.
    store::room(path).ok().map(|room| judge(path, room))
}

fn judge(path: &Path, room: Room) -> Finding {
    let free = size(room.free_bytes);
    if room.read_only {
        let message = format!("nothing can be written to `{}`", folder(path));
        return Finding::trouble(
            DISK,
            message,
            format!("mount -o remount,rw $(df --output=target {} | tail -1)", folder(path)),
        );
    }
    if room.free_files.is_some_and(|files| files < FREE_FILES_MIN) {
        let message = "no more files can be made on the disk of the database";
        return Finding::trouble(DISK, message, format!("df -i {}", folder(path)));
    }
    if room.free_bytes < FREE_BYTES_MIN.max(room.used_bytes) {
        let message = format!(
            "{free} free, and the database has {}: too little to go on for long",
            size(room.used_bytes)
        );
        return Finding::trouble(DISK, message, fullest(path));
    }
    Finding::fine(DISK, format!("{free} free, the database has {}", size(room.used_bytes)))
}

/// Shows what fills the disk.
fn fullest(path: &Path) -> String {
    format!("du -xhd1 $(df --output=target {} | tail -1) | sort -h", folder(path))
}

fn folder(path: &Path) -> String {
    quoted_path(folder_of(path))
}

/// Bytes in the largest unit that leaves a whole number.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = "B";
    for next in units {
        unit = next;
        if value < 10 * 1024 {
            break;
        }
        value = value.div_euclid(1024);
    }
    format!("{value} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_judged_by_its_room() {
        let good = Room {
            free_bytes: 1 << 33,
            used_bytes: 1 << 20,
            free_files: Some(100),
            read_only: false,
        };
        let judge = |room| judge(Path::new("/var/lib/banksyncd/x.db"), room);
        assert_eq!(judge(good), Finding::fine(DISK, "8192 MiB free, the database has 1024 KiB"));
        for (bad, said) in [
            (Room { free_bytes: 1 << 20, ..good }, "too little"),
            (Room { used_bytes: 1 << 34, ..good }, "too little"),
            (Room { free_files: Some(3), ..good }, "no more files"),
            (Room { read_only: true, ..good }, "nothing can be written"),
        ] {
            let finding = judge(bad);
            assert!(!finding.ok && finding.message.contains(said), "{finding:?}");
            assert!(finding.command.unwrap().contains("/var/lib/banksyncd"));
        }
        assert!(judge(Room { free_files: None, ..good }).ok);
    }
}
