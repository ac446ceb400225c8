//! The database key for verbs that an administrator types: as systemd passes it to a service, from its file, or from where
//! `init` keeps it for the service.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::Global;
use super::error::CliError;
use super::init::file::{self, Access};
use super::init::stored;
use crate::config::{Config, SecretSource, load};
use crate::daemon::DaemonError;
use crate::exit::Code;
use crate::files::{beside, give_like, sync_folder_of};
use crate::model::secret::DatabaseKey;
use crate::systemd::credentials::{
    CredentialError, DATABASE_KEY, Directories, Stored, read_database_key,
};
use crate::systemd::seal::{self, Source};
use crate::systemd::unit::Name;

/// The configuration that the daemon has.
pub(super) fn config(global: &Global) -> Result<Config, CliError> {
    let defaults = Directories::from_environment().defaults();
    tracing::debug!(path = %global.config.display(), "reading the configuration");
    Ok(load(&global.config, &defaults).map_err(DaemonError::from)?.config)
}

/// The database key of a configuration.
pub(super) fn read(config: &Config, global: &Global) -> Result<DatabaseKey, CliError> {
    let directories = Directories::from_environment();
    let folder = directories.credentials.as_deref();
    match KeyPlace::of(config, global) {
        Ok(place) if folder.is_none() => place.read(),
        _ => read_database_key(DATABASE_KEY, &config.store.key, folder).map_err(unreadable),
    }
}

/// A key of a file that a person names.
pub(super) fn read_file(path: &Path) -> Result<DatabaseKey, CliError> {
    let source = SecretSource::File(path.to_owned());
    read_database_key("--new-key-file", &source, None).map_err(unreadable)
}

fn unreadable(error: CredentialError) -> CliError {
    DaemonError::Credentials(vec![error]).into()
}

/// Where the database key is kept: a file, or a credential of the service as `init` has made it.
#[derive(Debug)]
pub(super) struct KeyPlace(Stored);

impl KeyPlace {
    /// As far as the configuration and the folders of `init` tell.
    pub(super) fn of(config: &Config, global: &Global) -> Result<Self, CliError> {
        let name = match &config.store.key {
            SecretSource::Credential(name) => name,
            SecretSource::File(path) => {
                return Ok(Self(Stored { name: None, source: Source::Plain(path.clone()) }));
            }
        };
        let service = Name::of_config(&global.config).ok_or_else(|| CliError::Failed {
            exit: Code::Config,
            message: format!(
                "`{}` takes the database key from the credential `{name}`, which only a service gets",
                global.config.display()
            ),
            hint: Some("write key = { file = \"/path\" } there".to_owned()),
        })?;
        let [_, _, database_key] = stored(service.instance.as_deref(), config)?;
        Ok(Self(database_key))
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        match &self.0.source {
            Source::Plain(path) | Source::Sealed(path) => path,
        }
    }

    /// The name by which an encrypted one is bound.
    fn name(&self) -> &str {
        self.0.name.as_deref().unwrap_or_default()
    }

    /// The command that shows what is kept in a file of this kind.
    pub(super) fn show(&self, path: &Path) -> String {
        match self.0.source {
            Source::Plain(_) => format!("cat {}", path.display()),
            Source::Sealed(_) => {
                format!("systemd-creds decrypt --name={} {} -", self.name(), path.display())
            }
        }
    }

    /// The key.
    pub(super) fn read(&self) -> Result<DatabaseKey, CliError> {
        self.0.read_database_key().map_err(unreadable)
    }

    /// The same kind of place at another path.
    fn at(&self, path: &Path) -> Self {
        let source = match self.0.source {
            Source::Plain(_) => Source::Plain(path.to_owned()),
            Source::Sealed(_) => Source::Sealed(path.to_owned()),
        };
        Self(Stored { name: self.0.name.clone(), source })
    }

    /// Writes another key beside the present one, with the same owner and form, and reads it back.
    pub(super) fn stage(&self, key: &DatabaseKey) -> Result<Staged, CliError> {
        // What a link points to is replaced, not the link.
        let path =
            fs::canonicalize(self.path()).map_err(|error| cannot_stage(self.path(), &error))?;
        let staged = Staged { new: beside(&path, ".rekey"), path };
        let text = key.to_hex();
        let sealed = match &self.0.source {
            Source::Plain(_) => None,
            Source::Sealed(_) => {
                let tool = seal::tool().ok_or_else(|| {
                    cannot_stage(&staged.path, &io::Error::other("there is no systemd-creds"))
                })?;
                let sealed = seal::encrypt(&tool, self.name(), &text);
                Some(sealed.map_err(|error| cannot_stage(&staged.path, &error))?)
            }
        };
        let bytes = sealed.as_deref().unwrap_or(text.expose().as_bytes());
        file::write(&staged.new, bytes, Access::Private)?;
        give_like(&staged.new, &staged.path).map_err(|error| cannot_stage(&staged.new, &error))?;
        if self.at(&staged.new).read()? == *key {
            Ok(staged)
        } else {
            Err(cannot_stage(&staged.path, &io::Error::other("it does not read back the same")))
        }
    }
}

/// Another key that waits beside the present one; gone with the value unless it was adopted.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    new: PathBuf,
}

impl Staged {
    /// Puts it into the present one's place, which is kept as `kept`.
    pub(super) fn adopt(&self, kept: &Path) -> io::Result<()> {
        fs::hard_link(&self.path, kept)?;
        fs::rename(&self.new, &self.path)?;
        sync_folder_of(&self.path)
    }

    /// Where the present key is kept once it is the old one.
    pub(super) fn kept(&self, stamp: &str) -> PathBuf {
        beside(&self.path, &format!(".before-{stamp}"))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Once adopted it is not there any more.
        drop(fs::remove_file(&self.new));
    }
}

fn cannot_stage(path: &Path, error: &io::Error) -> CliError {
    CliError::Failed {
        exit: match error.kind() {
            io::ErrorKind::PermissionDenied => Code::NoPerm,
            _ => Code::CantCreate,
        },
        message: format!("cannot write a new key beside `{}`: {error}", path.display()),
        hint: Some("nothing was changed".to_owned()),
    }
}
