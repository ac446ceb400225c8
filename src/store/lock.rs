//! One process at a time: an advisory lock on a file beside the database.
//!
//! On a file of its own, because closing any descriptor of the database file would drop SQLite's own POSIX locks on it
//! (<https://sqlite.org/howtocorrupt.html>, section 2.2). The lock goes with the process, however it ends; the file stays.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::backup::give_to_owner;
use super::error::{CREATE, Error};
use crate::files::beside;

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocks by name: a process that is being forked at this moment may have the file open a little longer.
    fn drop(&mut self) {
        flock(&self.file, FlockOperation::NonBlockingUnlock).ok();
    }
}

impl Lock {
    /// Takes the lock of a database, or says who holds it.
    pub(super) fn take(database: &Path) -> Result<Self, Error> {
        let path = beside(database, ".lock");
        let failed = Error::file(CREATE, &path);
        let new = !path.exists();
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(&failed)?;
        // Made by root for a daemon that is not root.
        if new && rustix::process::geteuid().is_root() {
            give_to_owner(&path, database)?;
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(Error::Busy { path: database.to_owned(), holder: holder(&mut file) });
            }
            Err(errno) => return Err(Error::file("lock", &path)(errno.into())),
        }
        leave_to_owner(&file, database);
        // The number is a courtesy to the next one; on a full disk the lock alone has to do.
        let noted = file.set_len(0).and_then(|()| file.rewind());
        noted.and_then(|()| writeln!(file, "{}", std::process::id())).ok();
        Ok(Self { file })
    }
}

/// A lock that root has just made beside somebody else's database would keep its owner out for ever.
fn leave_to_owner(file: &File, database: &Path) {
    let (Ok(own), Ok(theirs)) = (file.metadata(), fs::metadata(database)) else { return };
    if own.len() == 0 && own.uid() != theirs.uid() {
        // Only root can, and only root gets into this.
        std::os::unix::fs::fchown(file, Some(theirs.uid()), Some(theirs.gid())).ok();
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
