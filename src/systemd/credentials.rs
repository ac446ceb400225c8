//! Secrets from systemd credentials or files, and the folders that systemd makes for us.
//!
//! A file is opened first and judged afterwards by what was opened, so that nothing can be swapped in between. An error
//! names the configuration key, the place and the command that cures it, and never the value. Buffers are wiped.
//! See systemd.exec(5), "Credentials" and "Sandboxing"; <https://systemd.io/CREDENTIALS/>.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::config::{Config, Defaults, SecretSource};
use crate::model::secret::{DatabaseKey, Secret};
use crate::model::shell::quoted_path;

use super::seal::{self, Source};

/// Largest secret, in bytes: the provider's are 36 and 128 long, the database key 64.
const SECRET_BYTES_MAX: u64 = 4_096;

/// The configuration's key of the API secret's id.
const SECRET_ID: &str = "gocardless.secret-id";
/// The configuration's key of the API secret's key.
const SECRET_KEY: &str = "gocardless.secret-key";
/// The configuration's key of the database key.
pub const DATABASE_KEY: &str = "store.key";

const KEY_HINT: &str = "a database opens only with the key that it was made with; for a new database, \
                        `openssl rand -hex 32` makes a key";

/// It never makes a new key for a database that exists, so it is safe to type. The unit passes an empty credential in place
/// of a missing one.
const INIT_HINT: &str = "`sudo banksyncd init` makes what is missing, and touches nothing else";

/// Any permission of group and others.
const MODE_LOOSE: u32 = 0o077;

/// What systemd tells us by the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
    /// The first of `$STATE_DIRECTORY`.
    pub state: Option<PathBuf>,
    /// The first of `$RUNTIME_DIRECTORY`.
    pub runtime: Option<PathBuf>,
}

impl Directories {
    /// From the environment of this process; nothing else of the program reads these variables.
    pub fn from_environment() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// From a lookup of variables; those that are no absolute path count as absent.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |name: &str| {
            let value = lookup(name)?;
            let path = std::env::split_paths(&value).next()?;
            path.is_absolute().then_some(path)
        };
        Self {
            credentials: first("CREDENTIALS_DIRECTORY"),
            state: first("STATE_DIRECTORY"),
            runtime: first("RUNTIME_DIRECTORY"),
        }
    }

    /// What the configuration takes where it is silent.
    pub fn defaults(&self) -> Defaults {
        Defaults { state_dir: self.state.clone(), runtime_dir: self.runtime.clone() }
    }
}

/// All secrets that the daemon starts with.
#[derive(Debug)]
pub struct Secrets {
    /// The id of the API secret.
    pub secret_id: Secret,
    /// The key of the API secret.
    pub secret_key: Secret,
    /// The key of the database.
    pub database_key: DatabaseKey,
    /// Those of each target of `[[notify]]`.
    pub notify: Vec<TargetSecrets>,
}

/// The secrets of a target by their keys.
pub type TargetSecrets = Vec<(&'static str, Secret)>;

/// Reads all secrets of a configuration.
///
/// # Errors
/// Every secret that cannot be had, in the order of the configuration.
pub fn read_all(
    config: &Config,
    directories: &Directories,
) -> Result<Secrets, Vec<CredentialError>> {
    let folder = directories.credentials.as_deref();
    let secret_id = read(SECRET_ID, &config.gocardless.secret_id, folder);
    let secret_key = read(SECRET_KEY, &config.gocardless.secret_key, folder);
    let database_key = read_database_key(DATABASE_KEY, &config.store.key, folder);
    together(secret_id, secret_key, database_key, read_notify(config, directories))
}

/// Reads all secrets of a service that does not run but those of targets, from where the service manager would take them;
/// root only.
///
/// # Errors
/// As [`read_all`].
pub fn read_stored(
    secret_id: &Stored,
    secret_key: &Stored,
    database_key: &Stored,
) -> Result<Secrets, Vec<CredentialError>> {
    together(
        secret_id.read(SECRET_ID),
        secret_key.read(SECRET_KEY),
        database_key.read_database_key(),
        Ok(Vec::new()),
    )
}

/// Where the service manager takes a credential from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The credential's name; `None` for a file that the configuration names itself.
    pub name: Option<String>,
    /// The file.
    pub source: Source,
}

impl Stored {
    fn read(&self, key: &'static str) -> Result<Secret, CredentialError> {
        match &self.source {
            Source::Plain(path) => read(key, &SecretSource::File(path.clone()), None),
            Source::Sealed(path) => {
                let (credential, path) = (self.name.clone(), Some(path.clone()));
                let place = Place { key: key.into(), credential, path, guarded: true };
                place.open_sealed().map_err(|fault| place.error(fault))
            }
        }
    }

    /// Reads the key of the database.
    ///
    /// # Errors
    /// As [`read_database_key`].
    pub fn read_database_key(&self) -> Result<DatabaseKey, CredentialError> {
        let text = self.read(DATABASE_KEY)?;
        let (Source::Plain(path) | Source::Sealed(path)) = &self.source;
        let place = Place::of(DATABASE_KEY, &SecretSource::File(path.clone()), None);
        DatabaseKey::from_hex(text.expose()).ok_or_else(|| place.error(Fault::NotAKey))
    }
}

/// All secrets, or everything that is wrong.
fn together(
    secret_id: Result<Secret, CredentialError>,
    secret_key: Result<Secret, CredentialError>,
    database_key: Result<DatabaseKey, CredentialError>,
    notify: Result<Vec<TargetSecrets>, Vec<CredentialError>>,
) -> Result<Secrets, Vec<CredentialError>> {
    match (secret_id, secret_key, database_key, notify) {
        (Ok(secret_id), Ok(secret_key), Ok(database_key), Ok(notify)) => {
            Ok(Secrets { secret_id, secret_key, database_key, notify })
        }
        (id, key, database, notify) => {
            let errors = [id.err(), key.err(), database.err()].into_iter().flatten();
            Err(errors.chain(notify.err().unwrap_or_default()).collect())
        }
    }
}

/// Reads the secrets of all targets of `[[notify]]`.
///
/// # Errors
/// Every secret that cannot be had, in the order of the configuration.
pub fn read_notify(
    config: &Config,
    directories: &Directories,
) -> Result<Vec<TargetSecrets>, Vec<CredentialError>> {
    let folder = directories.credentials.as_deref();
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for (place, notify) in config.notify.iter().enumerate() {
        let mut secrets = TargetSecrets::new();
        for (key, source) in notify.target.secrets() {
            match read(format!("notify[{place}].{key}"), source, folder) {
                Ok(secret) => secrets.push((key, secret)),
                Err(error) => errors.push(error),
            }
        }
        all.push(secrets);
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// Reads the database key: 64 hexadecimal digits.
///
/// # Errors
/// As [`read`], or the text is not a key.
pub fn read_database_key(
    key: &'static str,
    source: &SecretSource,
    credentials: Option<&Path>,
) -> Result<DatabaseKey, CredentialError> {
    let text = read(key, source, credentials)?;
    let place = Place::of(key, source, credentials);
    DatabaseKey::from_hex(text.expose()).ok_or_else(|| place.error(Fault::NotAKey))
}

/// Reads one secret. `key` is the configuration's key, for messages; `credentials` is `$CREDENTIALS_DIRECTORY`.
///
/// # Errors
/// There is no such credential or file, it may not be read, is no regular file, is open to others (a file), belongs to
/// somebody else (a file), is empty, too large, or not one line of text.
pub fn read(
    key: impl Into<Cow<'static, str>>,
    source: &SecretSource,
    credentials: Option<&Path>,
) -> Result<Secret, CredentialError> {
    let place = Place::of(key, source, credentials);
    let Some(path) = place.path.clone() else {
        return Err(place.error(Fault::NoDirectory));
    };
    // Not blocking: a named pipe must not hold up the start.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(rustix::io::Errno::NOENT) => return Err(place.error(Fault::Missing)),
        Err(errno) => return Err(place.error(Fault::Unreadable(errno.into()))),
    };
    let metadata = file.metadata().map_err(|source| place.error(Fault::Unreadable(source)))?;
    if !metadata.is_file() {
        return Err(place.error(Fault::NotRegular));
    }
    if !place.guarded {
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us && metadata.uid() != 0 {
            return Err(place.error(Fault::Foreign { owner: metadata.uid(), us }));
        }
        if metadata.mode() & MODE_LOOSE != 0 {
            return Err(place.error(Fault::Loose { mode: metadata.mode() & 0o7777 }));
        }
    }
    value_of(file).map_err(|fault| place.error(fault))
}

/// Reads a secret's value: one line of text, its line break left out.
///
/// # Errors
/// It cannot be read, is empty, too large, or not one line of text.
pub fn value_of(source: impl Read) -> Result<Secret, Fault> {
    // Room for all of it from the start: a growing buffer would leave copies behind.
    let room = usize::try_from(SECRET_BYTES_MAX + 1).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    source.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Fault::Unreadable)?;
    if bytes.len() >= room {
        return Err(Fault::TooLarge);
    }
    let Ok(text) = std::str::from_utf8(&bytes) else { return Err(Fault::NotText) };
    let text = text.trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return Err(Fault::Empty);
    }
    if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(Fault::NotText);
    }
    Ok(Secret::new(text.to_owned()))
}

/// Where a secret is looked for.
#[derive(Clone, Debug)]
struct Place {
    key: Cow<'static, str>,
    credential: Option<String>,
    path: Option<PathBuf>,
    /// Inside `$CREDENTIALS_DIRECTORY`: systemd guards the folder, and its modes vary with its version.
    guarded: bool,
}

impl Place {
    fn of(
        key: impl Into<Cow<'static, str>>,
        source: &SecretSource,
        credentials: Option<&Path>,
    ) -> Self {
        let key = key.into();
        match source {
            SecretSource::Credential(name) => Self {
                key,
                credential: Some(name.clone()),
                path: credentials.map(|folder| folder.join(name)),
                guarded: true,
            },
            SecretSource::File(path) => Self {
                key,
                credential: None,
                path: Some(path.clone()),
                guarded: credentials.is_some_and(|folder| is_inside(path, folder)),
            },
        }
    }

    fn error(&self, fault: Fault) -> CredentialError {
        CredentialError { place: self.clone(), fault }
    }

    /// The value of an encrypted credential.
    fn open_sealed(&self) -> Result<Secret, Fault> {
        let (Some(path), Some(name)) = (&self.path, &self.credential) else {
            return Err(Fault::Missing);
        };
        if !path.exists() {
            return Err(Fault::Missing);
        }
        let tool = seal::tool().ok_or_else(|| Fault::Unreadable(io::ErrorKind::NotFound.into()))?;
        let bytes = seal::decrypt(&tool, name, path).map_err(Fault::Unreadable)?;
        value_of(&bytes[..])
    }
}

/// Whether `path` is directly or indirectly in `folder`, by its text; a path with `..` never is.
fn is_inside(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) && path.components().all(|part| part != Component::ParentDir)
}

/// What is wrong with a secret; the words follow its name.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No credentials at all.
    #[error("is not there: systemd passed no credentials")]
    NoDirectory,
    /// No such credential or file.
    #[error("does not exist")]
    Missing,
    /// The system refused.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// A folder, a device, a pipe.
    #[error("is not a regular file")]
    NotRegular,
    /// Somebody else's file.
    #[error("belongs to user {owner}, not to us (user {us}) or root")]
    Foreign {
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Group or others may read it.
    #[error("is open to other users (mode {mode:04o}, at most 0600 is allowed)")]
    Loose {
        /// Its permissions.
        mode: u32,
    },
    /// Too long to be a secret.
    #[error("is larger than {SECRET_BYTES_MAX} bytes")]
    TooLarge,
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Several lines, blanks, or no text.
    #[error("is not one line of text without blanks")]
    NotText,
    /// No database key.
    #[error("is not a key of 64 hexadecimal digits")]
    NotAKey,
}

/// A secret that cannot be had. `Display` names the key and the place; [`CredentialError::hint`] says what to type.
#[derive(Debug)]
pub struct CredentialError {
    place: Place,
    fault: Fault,
}

impl CredentialError {
    /// The configuration's key, such as `store.key`.
    pub fn key(&self) -> &str {
        &self.place.key
    }

    /// What to do, with the command where there is one.
    pub fn hint(&self) -> String {
        match (&self.place.credential, &self.place.path) {
            (Some(_), _) => self.credential_hint(),
            (None, Some(path)) => self.file_hint(&path.display().to_string()),
            (None, None) => String::new(),
        }
    }

    /// The one command that cures it; where a person has to bring something, the one that takes it.
    pub fn command(&self) -> String {
        let path = match (&self.place.credential, &self.place.path) {
            (None, Some(path)) => quoted_path(path),
            _ => return "banksyncd init".to_owned(),
        };
        match &self.fault {
            Fault::Loose { .. } => format!("chmod 600 {path}"),
            Fault::Foreign { us, .. } => format!("chown {us} {path}"),
            Fault::Unreadable(_) | Fault::NotRegular => format!("ls -ld {path}"),
            Fault::NoDirectory
            | Fault::Missing
            | Fault::Empty
            | Fault::NotAKey
            | Fault::TooLarge
            | Fault::NotText => format!("(umask 077; cat > {path})"),
        }
    }

    /// Whether it is the key of the database.
    pub fn is_of_database(&self) -> bool {
        self.place.key == DATABASE_KEY
    }

    fn credential_hint(&self) -> String {
        match self.fault {
            Fault::NoDirectory => {
                let key = self.place.key.rsplit('.').next().unwrap_or_default();
                format!(
                    "systemd passes it to the service; by hand, write {key} = {{ file = \"/path\" }}"
                )
            }
            Fault::Missing | Fault::Empty => INIT_HINT.to_owned(),
            Fault::NotAKey => KEY_HINT.to_owned(),
            _ => {
                "mend what `LoadCredential=` of the unit names; the value stands alone, in one line"
                    .to_owned()
            }
        }
    }

    fn file_hint(&self, path: &str) -> String {
        match &self.fault {
            Fault::Loose { .. } => format!("chmod 600 {path}"),
            Fault::Foreign { us, .. } => format!("chown {us} {path}"),
            Fault::Unreadable(_) => {
                format!("let the user that runs banksyncd read it: ls -ld {path}")
            }
            Fault::NotRegular => format!("name a file: ls -ld {path}"),
            Fault::Missing | Fault::Empty => self.make(path),
            Fault::NotAKey => KEY_HINT.to_owned(),
            Fault::TooLarge | Fault::NotText | Fault::NoDirectory => {
                format!("put the value alone and in one line into {path}")
            }
        }
    }

    /// The command that makes the secret's file; never for one that has contents, which may be a key in use.
    fn make(&self, path: &str) -> String {
        if self.place.key == DATABASE_KEY {
            format!("(umask 077; openssl rand -hex 32 > {path})")
        } else {
            format!("(umask 077; cat > {path}), paste the value, press Enter and Ctrl-D")
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: ", self.place.key)?;
        match (&self.place.credential, &self.place.path) {
            (Some(name), _) => write!(f, "credential `{name}` ")?,
            (None, Some(path)) => write!(f, "file `{}` ", path.display())?,
            (None, None) => {}
        }
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for CredentialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_from_the_environment() {
        let directories = Directories::from_lookup(|name| match name {
            "STATE_DIRECTORY" => Some("/var/lib/a:/var/lib/b".into()),
            "RUNTIME_DIRECTORY" => Some("relative".into()),
            _ => None,
        });
        assert_eq!(directories.state, Some("/var/lib/a".into()));
        assert_eq!((directories.runtime, directories.credentials), (None, None));
        assert_eq!(Directories::from_lookup(|_| Some(OsString::new())), Directories::default());
    }

    #[test]
    fn inside_means_inside() {
        let folder = Path::new("/run/credentials/x.service");
        assert!(is_inside(Path::new("/run/credentials/x.service/key"), folder));
        assert!(!is_inside(Path::new("/run/credentials/x.service/../y/key"), folder));
        assert!(!is_inside(Path::new("/run/credentials/x.service2/key"), folder));
    }
}
