//! Files that appear whole or not at all, and what stands beside a file.
//!
//! Whoever looks, and whoever comes after a crash, finds the old file or the new one. Knows nothing of what is in them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};

/// The permissions of what only its owner may read.
pub const PRIVATE: u32 = 0o600;
/// The permissions of what the umask decides on.
pub const USUAL: u32 = 0o666;

/// The path of what stands beside a file, under its name with `suffix` behind it.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}

/// Makes the names in the folder of a file durable: what was made or renamed there outlasts a crash.
///
/// # Errors
/// The folder cannot be opened or written.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Gives a file the owner of another one.
///
/// # Errors
/// One of them is not there, or it cannot be given away.
pub fn give_like(file: &Path, model: &Path) -> io::Result<()> {
    let (have, want) = (fs::metadata(file)?, fs::metadata(model)?);
    if (have.uid(), have.gid()) == (want.uid(), want.gid()) {
        return Ok(());
    }
    chown(file, Some(want.uid()), Some(want.gid()))
}

/// A file that is written beside the one whose place it takes. It goes with the value, unless it took its place.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    target: PathBuf,
    placed: bool,
}

impl Draft {
    /// Begins an empty one; what an interrupted one has left is removed. Its permissions are what the umask leaves of `mode`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn begin(target: &Path, mode: u32) -> io::Result<Self> {
        let path = beside(target, ".new");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        Ok(Self { file, path, target: target.to_owned(), placed: false })
    }

    /// To be written to; also once it is in its place.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts it into its place; durable when this returns.
    ///
    /// # Errors
    /// It cannot be made durable or renamed. Then the old file is still there, unless only the folder could not be written.
    pub fn place(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.placed = true;
        match sync_folder_of(&self.target) {
            // A folder that we may write to and not read: its names are durable when the system pleases.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // Whoever cannot remove it has been told already why it could not be written.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_draft_takes_its_place_or_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("file"), folder.path().join("file.new"));
        fs::write(&new, "left behind").unwrap();
        let mut draft = Draft::begin(&path, PRIVATE).unwrap();
        draft.file().write_all(b"one").unwrap();
        assert!(!path.exists());
        draft.place().unwrap();
        draft.file().write_all(b"!").unwrap();
        // Another one is begun while the first is still held.
        let mut second = Draft::begin(&path, PRIVATE).unwrap();
        drop(draft);
        second.file().write_all(b"two").unwrap();
        assert!(new.exists());
        drop(second);
        assert!(!new.exists());
        assert_eq!(fs::read(&path).unwrap(), b"one!");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE);
        assert!(Draft::begin(&path.join("below"), PRIVATE).is_err());
    }

    #[test]
    fn a_bare_name_is_in_this_folder() {
        assert_eq!(folder_of(Path::new("x.db")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/x.db")), Path::new("a"));
        assert_eq!(folder_of(Path::new("/")), Path::new("/"));
        assert_eq!(beside(Path::new("a/x.db"), "-wal"), Path::new("a/x.db-wal"));
    }
}
