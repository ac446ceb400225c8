//! How the files of a database lie on their disk: how much room there is, and who may touch them. Opens nothing.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::keycheck;
use crate::files::{beside, folder_of};

/// What stands beside a database, and goes with it.
const ENDINGS: [&str; 3] = ["-wal", "-shm", ".lock"];

/// Any permission of group and others.
const MODE_OTHERS: u32 = 0o077;

/// The disk below a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Bytes that the database has now, its log included.
    pub used_bytes: u64,
    /// Files that may still be made; `None` where the file system has no such limit.
    pub free_files: Option<u64>,
    /// Nothing can be written at all.
    pub read_only: bool,
}

/// How much room a database has.
///
/// # Errors
/// Its folder cannot be looked at.
pub fn room(database: &Path) -> io::Result<Room> {
    let disk = rustix::fs::statvfs(folder_of(database))?;
    let sizes = files(database).into_iter().filter_map(|path| Some(fs::metadata(path).ok()?.len()));
    Ok(Room {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        used_bytes: sizes.sum(),
        free_files: (disk.f_files > 0).then_some(disk.f_favail),
        read_only: disk.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// A file of the database that others than its owner can touch, or that belongs to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposed {
    /// Others may read or write it.
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others may put files into its folder.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Its owner is not the one who runs the daemon.
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        expected: u32,
    },
}

/// Everything about the files of a database that is not as the store makes it. Root looks at them for the owner of the
/// folder.
///
/// # Errors
/// The folder cannot be looked at.
pub fn exposed(database: &Path) -> io::Result<Vec<Exposed>> {
    let place = folder_of(database);
    let facts = fs::metadata(place)?;
    let us = rustix::process::geteuid().as_raw();
    let expected = if us == 0 { facts.uid() } else { us };
    let mut found = Vec::new();
    // In a folder such as /tmp nobody can replace what belongs to others.
    let sticky = facts.mode() & 0o1000 != 0;
    if facts.mode() & 0o022 != 0 && !sticky {
        found.push(Exposed::Folder { path: place.to_owned(), mode: facts.mode() & 0o7777 });
    }
    for path in files(database) {
        let Ok(facts) = fs::metadata(&path) else { continue };
        let mode = facts.mode() & 0o7777;
        if facts.uid() != expected {
            found.push(Exposed::Foreign { path, owner: facts.uid(), expected });
        } else if mode & MODE_OTHERS != 0 {
            found.push(Exposed::Open { path, mode });
        }
    }
    Ok(found)
}

/// The database and what stands beside it, whether it is there or not.
pub(super) fn files(database: &Path) -> Vec<PathBuf> {
    let others = ENDINGS.iter().map(|ending| beside(database, ending));
    [database.to_owned(), keycheck::path_of(database)].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn modes_and_owners_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        fs::write(&database, "12345").unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&database, 0o600);
        assert_eq!(exposed(&database).unwrap(), []);
        let log = folder.path().join("x.db-wal");
        fs::write(&log, "12").unwrap();
        mode(&log, 0o644);
        assert_eq!(exposed(&database).unwrap(), [Exposed::Open { path: log.clone(), mode: 0o644 }]);
        mode(&log, 0o600);
        mode(folder.path(), 0o770);
        let open = Exposed::Folder { path: folder.path().to_owned(), mode: 0o770 };
        assert_eq!(exposed(&database).unwrap(), [open]);
        mode(folder.path(), 0o1777);
        assert_eq!(exposed(&database).unwrap(), []);
        mode(folder.path(), 0o700);
        let room = room(&database).unwrap();
        assert!(room.used_bytes == 7 && room.free_bytes > 0 && !room.read_only);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&log, Some(12), None).unwrap();
            let foreign = Exposed::Foreign { path: log, owner: 12, expected: 0 };
            assert_eq!(exposed(&database).unwrap(), [foreign]);
        }
        assert!(exposed(Path::new("/nowhere/x.db")).is_err());
    }
}
