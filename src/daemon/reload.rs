//! Reading the configuration again while the daemon runs. A bad one changes nothing; what a good one changes is in force at
//! once, except what only a restart can change, and that is named.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{Config, LoadError, Loaded, load};
use crate::display::Rules;
use crate::model::notice::{EventCode, Notice};
use crate::observe::{self, Chain};
use crate::planner::policy::Policy;
use crate::planner::schedule::BadPattern;
use crate::store;
use crate::sync::Handle;
use crate::systemd::credentials::{CredentialError, Directories, read_notify};

use super::notify::{self, BadTarget, Targets};
use super::say;

/// Why the old configuration stays in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The new one is bad.
    #[error(transparent)]
    Rejected(#[from] LoadError),
    /// The planner refuses a pattern that the check let pass.
    #[error(transparent)]
    Schedule(#[from] BadPattern),
    /// Secrets of targets cannot be had.
    #[error("{}", joined(.0))]
    Credentials(Vec<CredentialError>),
    /// A target of messages cannot be used.
    #[error(transparent)]
    Notify(#[from] BadTarget),
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The daemon is going down.
    #[error(transparent)]
    Gone(#[from] crate::sync::Gone),
}

fn joined(errors: &[CredentialError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a configuration is put in force with.
#[derive(Clone, Debug)]
pub struct Hands {
    /// The engine.
    pub engine: Handle,
    /// The desk of messages.
    pub messages: notify::Handle,
    /// The log.
    pub log: observe::Handle,
}

/// Reads the configuration again. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    path: PathBuf,
    directories: Directories,
    current: Arc<Mutex<InForce>>,
    hands: Hands,
}

/// What the files said when they were read last.
#[derive(Debug)]
struct InForce {
    config: Arc<Config>,
    display: Arc<Rules>,
}

impl Reloader {
    /// For the configuration in force and the file it came from.
    pub fn new(
        path: PathBuf,
        directories: Directories,
        (config, display): (Config, Rules),
        hands: Hands,
    ) -> Self {
        let in_force = InForce { config: Arc::new(config), display: Arc::new(display) };
        Self { path, directories, current: Arc::new(Mutex::new(in_force)), hands }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The display rules in force.
    pub fn display(&self) -> Arc<Rules> {
        Arc::clone(&self.in_force().display)
    }

    /// Reads the file again; returns the keys whose change needs a restart. The service manager is told of the beginning and
    /// the end, good or bad: it waits for both (systemd.service(5), `Type=notify-reload`).
    pub async fn reload(&self) -> Result<Vec<&'static str>, ReloadError> {
        say(crate::systemd::notify::reloading());
        let reloaded = self.take_over().await;
        say(crate::systemd::notify::running());
        reloaded
    }

    async fn take_over(&self) -> Result<Vec<&'static str>, ReloadError> {
        let (config, display, policy, targets) = match self.read() {
            Ok(read) => read,
            Err(error) => {
                let notice = Notice::new(
                    EventCode::ConfigRejected,
                    "the changed configuration is bad; the old one stays in force",
                )
                .detail("problems", Chain(&error).to_string());
                self.hands.engine.note(vec![notice]).await?;
                return Err(error);
            }
        };
        self.hands.messages.set(targets).await?;
        let restart = {
            let mut current = self.in_force();
            let restart = needs_restart(&current.config, &config);
            self.hands.log.set_level(config.log.level);
            *current = InForce { config: Arc::new(config), display: Arc::new(display) };
            restart
        };
        self.hands.engine.set_policy(policy).await?;
        let notice = Notice::new(
            EventCode::ConfigReloaded,
            "the configuration was read again and is in force",
        )
        .detail("needs_restart", restart.join(" "));
        self.hands.engine.note(vec![notice]).await?;
        Ok(restart)
    }

    /// Where the file is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What the file said when it was read last.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.in_force().config)
    }

    fn read(&self) -> Result<(Config, Rules, Policy, Targets), ReloadError> {
        let Loaded { config, display, .. } = load(&self.path, &self.directories.defaults())?;
        let policy = Policy::from_config(&config)?;
        let secrets = read_notify(&config, &self.directories).map_err(ReloadError::Credentials)?;
        let targets = Targets::of(&config, secrets)?;
        Ok((config, display, policy, targets))
    }
}

/// Keys that are read at start only.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    [
        ("gocardless.api-base", old.gocardless.api_base != new.gocardless.api_base),
        ("gocardless.secret-id", old.gocardless.secret_id != new.gocardless.secret_id),
        ("gocardless.secret-key", old.gocardless.secret_key != new.gocardless.secret_key),
        ("store.path", old.store.path != new.store.path),
        ("store.key", old.store.key != new.store.key),
        ("control.socket", old.control.socket != new.control.socket),
        (
            "limits.accounts-per-minute",
            old.limits.accounts_per_minute != new.limits.accounts_per_minute,
        ),
        ("linking.listen", old.linking != new.linking),
        ("http", old.http != new.http),
        ("log.format", old.log.format != new.log.format),
        ("metrics.listen", old.metrics != new.metrics),
    ]
    .into_iter()
    .filter_map(|(key, changed)| changed.then_some(key))
    .collect()
}
