//! Files that appear whole or not at all, with their permissions from the first moment.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::super::error::CliError;
use crate::exit::Code;
use crate::files::{Draft, PRIVATE, folder_of};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Access {
    /// Its owner.
    Private,
    /// Everybody.
    Public,
    /// Its owner and this group; everybody where there is no such group, or the service could not read it either.
    Group(&'static str),
}

/// Writes a file durably, in a folder that is made if it is missing; an old one is replaced at the last moment.
pub(in super::super) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::Failed {
        exit: match error.kind() {
            io::ErrorKind::PermissionDenied => Code::NoPerm,
            io::ErrorKind::StorageFull => Code::IoErr,
            _ => Code::CantCreate,
        },
        message: format!("cannot write `{}`: {error}", path.display()),
        hint: Some("name another place with `--config PATH`".to_owned()),
    };
    let mode = if access == Access::Private { 0o700 } else { 0o755 };
    let written = make_folder(folder_of(path), mode).and_then(|()| {
        let mut draft = Draft::begin(path, PRIVATE)?;
        draft.file().write_all(bytes)?;
        open_to(draft.file(), access)?;
        draft.place()
    });
    written.map_err(failed)
}

/// Lets those read a file who may.
fn open_to(file: &File, access: Access) -> io::Result<()> {
    let mode = match access {
        Access::Private => PRIVATE,
        Access::Public => 0o644,
        Access::Group(name) => match group_id(name) {
            Some(group) => {
                std::os::unix::fs::fchown(file, None, Some(group))?;
                0o640
            }
            None => 0o644,
        },
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Makes a folder and those above it; our umask would close all of them to everybody.
fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    let missing: Vec<PathBuf> =
        folder.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
    for folder in missing.into_iter().rev() {
        DirBuilder::new().mode(mode).create(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// The id of a group of this machine (group(5)); groups of the service are never anywhere else.
fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/secret");
        write(&path, b"one", Access::Private).unwrap();
        write(&path, b"two", Access::Private).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o600));
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(group_id("root"), Some(0));
        let error = write(Path::new("/proc/x/y"), b"", Access::Public).unwrap_err();
        assert!(error.to_string().starts_with("cannot write `/proc/x/y`"), "{error}");
    }
}
