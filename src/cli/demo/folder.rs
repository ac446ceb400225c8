//! The folder of a demonstration: configuration, secrets, database, socket and log; nothing of it is anywhere else.
//!
//! It belongs to this user alone (0700, its files 0600). A temporary one is removed when it goes out of scope; one that a
//! person asked to keep is never removed, and one that has something in it is never touched.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::super::error::CliError;
use crate::daemon::clock::OsEntropy;
use crate::exit::Code;
use crate::model::port::Entropy as _;
use crate::sandbox::{SECRET_ID, SECRET_KEY};

/// Longest path of a Unix socket, in bytes, without the zero at its end (unix(7), `sun_path`).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The name of the socket in the folder.
const SOCKET: &str = "control.sock";

/// One pull a day, at a fixed time, so that a day that passes is a pull that happens.
const ONE_PULL_A_DAY: &str = "\n[schedule]\npull = [\"0 0 6 * * *\"]\njitter = \"0s\"\n";

/// A folder of our own.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Makes a temporary folder, or the one to keep.
    pub(super) fn make(keep: Option<&Path>) -> Result<Self, CliError> {
        let Some(keep) = keep else {
            let path = std::env::temp_dir().join(format!("banksyncd-demo-{:08x}", random()));
            check_length(&path)?;
            create(&path)?;
            return Ok(Self { path, temporary: true });
        };
        let path = std::path::absolute(keep).map_err(|error| refused(keep, &error))?;
        check_length(&path)?;
        create_to_keep(&path)?;
        Ok(Self { path, temporary: false })
    }

    /// Whether it goes away at the end.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration in it.
    pub(super) fn config(&self) -> PathBuf {
        self.file("config.toml")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the secrets and a configuration that names them and the bank.
    pub(super) fn furnish(&self, api_base: &str, one_pull_a_day: bool) -> Result<(), CliError> {
        let key = format!("{:032x}{:032x}", OsEntropy.bits(), OsEntropy.bits());
        let secret = |name: &str, value: &str| {
            let path = self.file(name);
            write(&path, value)?;
            quoted(&path)
        };
        let id = secret("gocardless-secret-id", SECRET_ID)?;
        let secret_key = secret("gocardless-secret-key", SECRET_KEY)?;
        let database_key = secret("database-key", &key)?;
        let (store, socket) = (quoted(&self.file("banksyncd.db"))?, quoted(&self.file(SOCKET))?);
        let schedule = if one_pull_a_day { ONE_PULL_A_DAY } else { "" };
        write(
            &self.config(),
            &format!(
                "# Made by `banksyncd demo`: the bank is the built-in one.\n\
                 [gocardless]\n\
                 api-base = \"{api_base}\"\n\
                 secret-id = {{ file = {id} }}\n\
                 secret-key = {{ file = {secret_key} }}\n\
                 \n\
                 [store]\n\
                 path = {store}\n\
                 key = {{ file = {database_key} }}\n\
                 \n\
                 [control]\n\
                 socket = {socket}\n\
                 {schedule}"
            ),
        )
    }

    /// The file that takes the daemon's log.
    pub(super) fn log(&self) -> Result<File, CliError> {
        let path = self.file("daemon.log");
        make(&path).map_err(|error| refused(&path, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed stays in the system's folder for such things.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// A socket's path cannot be of any length.
fn check_length(path: &Path) -> Result<(), CliError> {
    let length = path.join(SOCKET).as_os_str().len();
    if length <= SOCKET_PATH_BYTES_MAX {
        return Ok(());
    }
    let excess = length.saturating_sub(SOCKET_PATH_BYTES_MAX);
    Err(CliError::Failed {
        exit: Code::CantCreate,
        message: format!("the path of `{}` is too long for a socket in it", path.display()),
        hint: Some(format!("choose a folder whose path is {excess} bytes shorter")),
    })
}

fn random() -> u32 {
    u32::try_from(OsEntropy.bits() & u128::from(u32::MAX)).unwrap_or_default()
}

fn create(path: &Path) -> Result<(), CliError> {
    DirBuilder::new().mode(0o700).create(path).map_err(|error| refused(path, &error))
}

/// A folder to keep must be new or empty: what is in it might be somebody's database.
fn create_to_keep(path: &Path) -> Result<(), CliError> {
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path),
        Err(error) => return Err(refused(path, &error)),
    };
    if entries.next().is_some() {
        return Err(CliError::Failed {
            exit: Code::CantCreate,
            message: format!("the folder `{}` is not empty", path.display()),
            hint: Some("name a new or an empty one: the demo overwrites nothing".to_owned()),
        });
    }
    Ok(())
}

fn make(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let written = make(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| refused(path, &error))
}

/// A path as a TOML string: JSON's escapes are among TOML's.
fn quoted(path: &Path) -> Result<String, CliError> {
    let quoted = path.to_str().and_then(|text| serde_json::to_string(text).ok());
    quoted.ok_or_else(|| CliError::Failed {
        exit: Code::CantCreate,
        message: format!("`{}` is not UTF-8, which a configuration has to be", path.display()),
        hint: Some("name another folder".to_owned()),
    })
}

fn refused(path: &Path, error: &io::Error) -> CliError {
    let exit = match error.kind() {
        io::ErrorKind::PermissionDenied => Code::NoPerm,
        io::ErrorKind::StorageFull => Code::IoErr,
        _ => Code::CantCreate,
    };
    CliError::Failed {
        exit,
        message: format!("cannot use `{}`: {error}", path.display()),
        hint: Some("name another folder".to_owned()),
    }
}
