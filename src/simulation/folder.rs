//! Where a simulated database lives: a folder of this user alone, removed at the end.
//!
//! The daemon's database is durable, so each commit waits for the disk. In a simulation that is the same work for nothing: the
//! folder is in memory where the system has a place for it, unless `TMPDIR` names another.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::daemon::clock::OsEntropy;
use crate::files::beside;
use crate::model::port::Entropy as _;

/// Files in memory (Filesystem Hierarchy Standard; `shm_overview(7)`).
const IN_MEMORY: &str = "/dev/shm";

/// Gone when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub(super) fn make() -> io::Result<Self> {
        let name = format!("banksyncd-simulation-{:032x}", OsEntropy.bits());
        let in_memory = || Path::new(IN_MEMORY).is_dir().then(|| OsString::from(IN_MEMORY));
        let chosen = std::env::var_os("TMPDIR").filter(|value| !value.is_empty());
        let parent = chosen.or_else(in_memory).map_or_else(std::env::temp_dir, PathBuf::from);
        let path = parent.join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Bytes of a database and its log; 0 where there is none.
pub(super) fn bytes(database: &Path) -> u64 {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |facts| facts.len());
    length(database).saturating_add(length(&beside(database, "-wal")))
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for such things.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
