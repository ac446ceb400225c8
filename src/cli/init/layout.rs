//! Where everything goes: the places of the packaged unit and its instances for root, else a folder of one's own.

use std::path::{Path, PathBuf};

use super::super::args::{CONFIG_DEFAULT, Global, Init};
use super::super::error::CliError;
use super::file::Access;
use super::whole;
use crate::config::{Config, SecretSource};
use crate::exit::Code;
use crate::files::folder_of;
use crate::model::shell::quoted_path;
use crate::systemd::credentials::Stored;
use crate::systemd::seal::{self, Source};
use crate::systemd::unit::Name;

/// The commented example, which is what `init` writes.
const EXAMPLE: &str = include_str!("../../../packaging/conf/banksyncd.toml");

/// One of the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Made here.
    DatabaseKey,
    /// The provider's.
    SecretId,
    /// The provider's.
    SecretKey,
}

impl Item {
    /// All of them, in the order in which they are made.
    pub(super) const ALL: [Self; 3] = [Self::DatabaseKey, Self::SecretId, Self::SecretKey];

    /// The credential's name, as the unit knows it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DatabaseKey => "database-key",
            Self::SecretId => "gocardless-secret-id",
            Self::SecretKey => "gocardless-secret-key",
        }
    }
}

/// Drop-ins of the administrator (systemd.unit(5)).
const UNITS: &str = "/etc/systemd/system";

/// The drop-in of a unit that names its credentials.
pub(super) fn drop_in_of(service: &Name) -> PathBuf {
    Path::new(UNITS).join(format!("{}.d", service.unit)).join("50-credentials.conf")
}

/// Where everything goes.
#[derive(Debug)]
pub(super) struct Layout {
    /// The unit that it is for; `None` by hand.
    pub(super) service: Option<Name>,
    /// The configuration.
    pub(super) config: PathBuf,
    /// The folder of secrets that are not encrypted.
    plain: PathBuf,
}

impl Layout {
    /// From what was asked for and by whom.
    pub(super) fn of(args: &Init, global: &Global) -> Result<Self, CliError> {
        let for_unit = args.instance.is_some() || global.config == Path::new(CONFIG_DEFAULT);
        if for_unit && !rustix::process::geteuid().is_root() {
            return Err(CliError::Failed {
                exit: Code::NoPerm,
                message: "only root sets the service up".to_owned(),
                hint: Some(
                    "`sudo banksyncd init`; or, for a daemon started by hand, \
                     `banksyncd --config ~/banksyncd/config.toml init`"
                        .to_owned(),
                ),
            });
        }
        if !for_unit {
            let config = whole(&global.config)?;
            let plain = folder_of(&config).to_owned();
            return Ok(Self { service: None, config, plain });
        }
        Ok(Self::of_service(args.instance.as_deref()))
    }

    /// Of the packaged unit, or one of its instances.
    pub(super) fn of_service(instance: Option<&str>) -> Self {
        let name = Name::new(instance);
        let etc = Path::new("/etc").join(&name.folder);
        Self {
            service: Some(name),
            config: etc.join("config.toml"),
            plain: etc.join("credentials"),
        }
    }

    /// The configuration file to write: the commented example with this machine's zone and the places that are ours.
    pub(super) fn config_text(&self, args: &Init, zone: &str) -> String {
        let mut values = vec![("schedule.timezone", toml(zone))];
        if let Some(api_base) = &args.api_base {
            values.push(("gocardless.api-base", toml(api_base)));
        }
        let text = |path: PathBuf| toml(&path.to_string_lossy());
        match &self.service {
            Some(service) if service.instance.is_some() => {
                let place =
                    |root: &str, name: &str| text(Path::new(root).join(&service.folder).join(name));
                values.push(("store.path", place("/var/lib", "banksyncd.db")));
                values.push(("control.socket", place("/run", "control.sock")));
            }
            Some(_) => {}
            None => {
                let file = |name: &str| format!("{{ file = {} }}", text(self.plain.join(name)));
                values.push(("store.key", file("database-key")));
                values.push(("gocardless.secret-id", file("gocardless-secret-id")));
                values.push(("gocardless.secret-key", file("gocardless-secret-key")));
                values.push(("store.path", text(self.plain.join("banksyncd.db"))));
                values.push(("control.socket", text(self.plain.join("control.sock"))));
            }
        }
        filled(EXAMPLE, &values)
    }

    /// Who may read the configuration: it holds no secret, but may hold IBANs.
    pub(super) fn config_access(&self) -> Access {
        if self.service.is_some() { Access::Group("banksyncd") } else { Access::Private }
    }

    /// Where the secrets of a configuration are, or are going to be.
    pub(super) fn secrets(&self, config: &Config) -> Result<Secrets, CliError> {
        let entry = |item: Item, source: &SecretSource| match (source, &self.service) {
            (SecretSource::File(path), _) => Ok(Entry {
                credential: None,
                exists: path.exists(),
                source: Source::Plain(path.clone()),
            }),
            (SecretSource::Credential(name), Some(service)) => Ok(self.credential(name, service)),
            (SecretSource::Credential(_), None) => Err(self.not_ours(item.name())),
        };
        Ok(Secrets {
            database_key: entry(Item::DatabaseKey, &config.store.key)?,
            secret_id: entry(Item::SecretId, &config.gocardless.secret_id)?,
            secret_key: entry(Item::SecretKey, &config.gocardless.secret_key)?,
        })
    }

    /// A credential that is there, in either form, or the form that this machine can make. Files that somebody made by hand
    /// are a decision: what is missing beside them becomes a file, too.
    fn credential(&self, name: &str, service: &Name) -> Entry {
        let plain = self.plain.join(name);
        let sealed = Path::new(seal::STORE).join(format!("{}.{name}", service.folder));
        let (plain_there, sealed_there) = (plain.exists(), sealed.exists());
        let by_hand = Item::ALL.iter().any(|item| self.plain.join(item.name()).exists());
        let seal = sealed_there || (!by_hand && seal::tool().is_some());
        let source = if seal { Source::Sealed(sealed) } else { Source::Plain(plain) };
        let exists = if seal { sealed_there } else { plain_there };
        Entry { credential: Some(name.to_owned()), exists, source }
    }

    fn not_ours(&self, name: &str) -> CliError {
        CliError::Failed {
            exit: Code::Config,
            message: format!(
                "`{}` takes `{name}` from a credential, which only the service gets",
                self.config.display()
            ),
            hint: Some(format!("write {{ file = \"{}\" }} there", self.plain.join(name).display())),
        }
    }

    /// What to type next.
    pub(super) fn next_command(&self, changed: bool, global: &Global) -> String {
        match &self.service {
            Some(service) if service.instance.is_some() => {
                format!("systemctl enable {unit} && systemctl restart {unit}", unit = service.unit)
            }
            Some(_) if changed => "systemctl restart banksyncd".to_owned(),
            Some(_) => "systemctl start banksyncd".to_owned(),
            None => {
                let from_environment = std::env::var_os("BANKSYNCD_CONFIG");
                if from_environment.as_deref() == Some(global.config.as_os_str()) {
                    return "banksyncd run".to_owned();
                }
                format!("banksyncd --config {} run", quoted_path(&self.config))
            }
        }
    }
}

/// One secret.
#[derive(Debug)]
struct Entry {
    /// The credential's name; `None` where the configuration names a file.
    credential: Option<String>,
    exists: bool,
    source: Source,
}

/// The secrets.
#[derive(Debug)]
pub(super) struct Secrets {
    database_key: Entry,
    secret_id: Entry,
    secret_key: Entry,
}

impl Secrets {
    fn entry(&self, item: Item) -> &Entry {
        match item {
            Item::DatabaseKey => &self.database_key,
            Item::SecretId => &self.secret_id,
            Item::SecretKey => &self.secret_key,
        }
    }

    /// Whether it has to be made.
    pub(super) fn is_missing(&self, item: Item) -> bool {
        !self.entry(item).exists
    }

    /// From where the service manager takes it.
    pub(super) fn stored(&self, item: Item) -> Stored {
        let entry = self.entry(item);
        Stored { name: entry.credential.clone(), source: entry.source.clone() }
    }

    /// Its file.
    pub(super) fn place(&self, item: Item) -> &Path {
        match self.source(item) {
            Source::Sealed(path) | Source::Plain(path) => path,
        }
    }

    /// Where it is or will be.
    pub(super) fn source(&self, item: Item) -> &Source {
        &self.entry(item).source
    }

    /// The credential's name, if it is to be encrypted.
    pub(super) fn sealing(&self, item: Item) -> Option<&str> {
        let entry = self.entry(item);
        matches!(entry.source, Source::Sealed(_)).then_some(entry.credential.as_deref()).flatten()
    }

    /// It cannot be encrypted after all.
    pub(super) fn unseal(&mut self, item: Item, layout: &Layout) {
        let entry = match item {
            Item::DatabaseKey => &mut self.database_key,
            Item::SecretId => &mut self.secret_id,
            Item::SecretKey => &mut self.secret_key,
        };
        if let Some(name) = &entry.credential {
            entry.source = Source::Plain(layout.plain.join(name));
        }
    }

    /// The unit's drop-in; `None` if all credentials are where the unit looks by itself.
    pub(super) fn drop_in(&self, layout: &Layout) -> Option<String> {
        let credentials = || {
            let entries = Item::ALL.into_iter().map(|item| self.entry(item));
            entries.filter_map(|entry| Some((entry.credential.as_deref()?, &entry.source)))
        };
        let expected = |(name, source): (&str, &Source)| {
            let known = Item::ALL.iter().any(|item| item.name() == name);
            known && *source == Source::Plain(layout.plain.join(name))
        };
        (!credentials().all(expected)).then(|| seal::drop_in(credentials()))
    }
}

/// The example with other values for some keys; every comment stays.
fn filled(example: &str, values: &[(&str, String)]) -> String {
    let mut section = "";
    let mut out = String::with_capacity(example.len());
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let key = line.split_once(" = ").map(|(key, _)| format!("{section}.{key}"));
        match values.iter().find(|(name, _)| key.as_deref() == Some(name)) {
            Some((name, value)) => {
                let key = name.rsplit('.').next().unwrap_or_default();
                out.extend([key, " = ", value]);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// A basic string of TOML.
fn toml(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_filled_in_is_in_the_example() {
        let args = Init { api_base: Some("http://127.0.0.1:1/".into()), ..Init::default() };
        let layout = Layout {
            service: None,
            config: "/a \"b\"/config.toml".into(),
            plain: "/a \"b\"".into(),
        };
        let text = layout.config_text(&args, "Europe/Berlin");
        let config = crate::config::parse(&text, "x", &crate::config::Defaults::default());
        let config = config.unwrap().config;
        assert_eq!(config.gocardless.api_base, "http://127.0.0.1:1/");
        assert_eq!(config.schedule.timezone.to_string(), "Europe/Berlin");
        assert_eq!(config.store.path, Path::new("/a \"b\"/banksyncd.db"));
        assert_eq!(config.control.socket, Path::new("/a \"b\"/control.sock"));
        let secrets = layout.secrets(&config).unwrap();
        for item in Item::ALL {
            assert_eq!(secrets.place(item), Path::new("/a \"b\"").join(item.name()));
            assert!(secrets.is_missing(item));
        }
        assert_eq!(secrets.drop_in(&layout), None);
        assert!(text.lines().count() == EXAMPLE.lines().count() && text.contains("# IANA name"));
    }
}
