//! `init`: the configuration, the database key and the two API secrets, each made only where it is missing.
//!
//! Everything is read and checked before anything is written, and the configuration comes last: the unit's condition waits
//! for it. A database key is never made beside a database, which opens only with the key that it was made with.

pub(super) mod ask;
pub(super) mod file;
mod layout;

use std::path::{Path, PathBuf};

use super::args::{Global, Init};
use super::error::CliError;
use super::output::{Output, local_zone};
use crate::config::{Config, Defaults, load, parse};
use crate::daemon::DaemonError;
use crate::daemon::clock::OsEntropy;
use crate::exit::Code;
use crate::model::port::Entropy as _;
use crate::model::secret::{DatabaseKey, Secret};
use crate::systemd::credentials::Stored;
use crate::systemd::seal::Source;
use crate::systemd::{process, seal};

use layout::{Item, Layout, Secrets};

/// Makes what is missing.
pub(super) fn run(args: &Init, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    process::harden().map_err(DaemonError::Process)?;
    let layout = Layout::of(args, global)?;
    let text = layout.config_text(args, &local_zone().to_string());
    let exists = layout.config.exists();
    let config = if exists { existing(&layout)? } else { checked(&text, &layout)? };
    let mut secrets = layout.secrets(&config)?;
    let database = &config.store.path;
    if secrets.is_missing(Item::DatabaseKey) && database.exists() {
        return Err(CliError::Failed {
            exit: Code::Config,
            message: format!(
                "there is a database at `{}`, but not the key that it was made with",
                database.display()
            ),
            hint: Some(format!(
                "put your copy of the key back as `{}`; only for a new beginning move the database away",
                secrets.place(Item::DatabaseKey).display()
            )),
        });
    }
    let mut values: Vec<(Item, Secret)> = Vec::new();
    if secrets.is_missing(Item::DatabaseKey) {
        values.push((Item::DatabaseKey, new_key().to_hex()));
    }
    values.extend(ask::api_secrets(args, &secrets, output)?);
    let mut report = Report { output, json: global.json };
    write_secrets(&mut secrets, &values, &layout, &mut report)?;
    write_drop_in(&secrets, &layout, &mut report)?;
    if exists {
        report.tell("config", &layout.config, Done::Kept)?;
    } else {
        file::write(&layout.config, text.as_bytes(), layout.config_access())?;
        report.tell("config", &layout.config, Done::Written)?;
    }
    advise(&layout, &secrets, &values, global, output);
    Ok(Code::Ok)
}

/// From where a service that is set up gets its secrets: id, key, database key.
pub(super) fn stored(instance: Option<&str>, config: &Config) -> Result<[Stored; 3], CliError> {
    let secrets = Layout::of_service(instance).secrets(config)?;
    Ok([Item::SecretId, Item::SecretKey, Item::DatabaseKey].map(|item| secrets.stored(item)))
}

/// The configuration that is there already.
fn existing(layout: &Layout) -> Result<Config, CliError> {
    let loaded = load(&layout.config, &Defaults::default()).map_err(DaemonError::Config)?;
    Ok(loaded.config)
}

/// The configuration that is going to be written, which must be as good as any.
fn checked(text: &str, layout: &Layout) -> Result<Config, CliError> {
    parse(text, &layout.config.to_string_lossy(), &Defaults::default())
        .map(|parsed| parsed.config)
        .map_err(|problems| {
            DaemonError::Config(crate::config::LoadError::Bad { problems, socket: None }).into()
        })
}

/// A database key, made by chance.
pub(super) fn new_key() -> DatabaseKey {
    DatabaseKey::from_bytes(OsEntropy.seed())
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Written,
    Sealed,
    Kept,
}

/// Tells what was done, one line or object per file.
struct Report<'a> {
    output: &'a mut Output,
    json: bool,
}

impl Report<'_> {
    fn tell(&mut self, what: &str, path: &Path, done: Done) -> Result<(), CliError> {
        let word = match done {
            Done::Written => "written",
            Done::Sealed => "encrypted",
            Done::Kept => "kept",
        };
        if self.json {
            let path = path.to_string_lossy();
            let object = serde_json::json!({ "what": what, "path": path, "done": word });
            return self.output.object(&object);
        }
        self.output.line(&format!("{word:<10} {}", path.display()))
    }
}

/// Writes the values, encrypted where that is the way of this machine, and tells of those that stay.
fn write_secrets(
    secrets: &mut Secrets,
    values: &[(Item, Secret)],
    layout: &Layout,
    report: &mut Report<'_>,
) -> Result<(), CliError> {
    for item in Item::ALL {
        let name = item.name();
        let Some((_, value)) = values.iter().find(|(made, _)| *made == item) else {
            report.tell(name, secrets.place(item), Done::Kept)?;
            continue;
        };
        let sealed = match (secrets.sealing(item), seal::tool()) {
            (Some(credential), Some(tool)) => match seal::encrypt(&tool, credential, value) {
                Ok(sealed) => Some(sealed),
                Err(error) => {
                    report.output.note(&format!(
                        "warning: `{name}` cannot be encrypted and goes into a file of mode 0600: {error}"
                    ));
                    secrets.unseal(item, layout);
                    None
                }
            },
            _ => None,
        };
        let done = if sealed.is_some() { Done::Sealed } else { Done::Written };
        let bytes = sealed.as_deref().unwrap_or(value.expose().as_bytes());
        file::write(secrets.place(item), bytes, file::Access::Private)?;
        report.tell(name, secrets.place(item), done)?;
    }
    Ok(())
}

/// Tells the unit where its credentials are, if they are not where it looks by itself.
fn write_drop_in(
    secrets: &Secrets,
    layout: &Layout,
    report: &mut Report<'_>,
) -> Result<(), CliError> {
    let Some(service) = &layout.service else { return Ok(()) };
    let Some(text) = secrets.drop_in(layout) else { return Ok(()) };
    let path = layout::drop_in_of(service);
    if path.exists() {
        return report.tell("drop-in", &path, Done::Kept);
    }
    file::write(&path, text.as_bytes(), file::Access::Public)?;
    report.tell("drop-in", &path, Done::Written)?;
    if seal::is_booted()
        && let Err(error) = seal::daemon_reload()
    {
        report.output.note(&format!("warning: type `systemctl daemon-reload`: {error}"));
    }
    Ok(())
}

/// The next command, and the one that shows the key to keep.
fn advise(
    layout: &Layout,
    secrets: &Secrets,
    values: &[(Item, Secret)],
    global: &Global,
    output: &mut Output,
) {
    let made = |item| values.iter().any(|(written, _)| *written == item);
    if made(Item::DatabaseKey) {
        let place = secrets.place(Item::DatabaseKey);
        let show = match secrets.source(Item::DatabaseKey) {
            Source::Sealed(path) => {
                format!("systemd-creds decrypt --name=database-key {} -", path.display())
            }
            Source::Plain(_) => format!("cat {}", place.display()),
        };
        output.note(&format!(
            "keep a copy of the database key elsewhere: without it nobody reads the database, you included:\n    {show}"
        ));
    }
    output.note(&format!("next:\n    {}", layout.next_command(!values.is_empty(), global)));
}

/// A path as this user may write it, whole.
fn whole(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| CliError::Failed {
        exit: Code::CantCreate,
        message: format!("`{}` is no path: {error}", path.display()),
        hint: None,
    })
}
