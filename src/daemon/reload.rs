//! Reading the configuration again while the daemon runs. A bad one changes nothing; what a good one changes is in force at
//! once, except what only a restart can change, and that is named.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Config, Defaults};
use crate::config::{LoadError, Loaded, load};
use crate::display::Rules;
use crate::model::notice::{EventCode, Notice};
use crate::observe;
use crate::planner::policy::Policy;
use crate::planner::schedule::BadPattern;
use crate::sync::Handle;
use crate::systemd::notify;

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
    /// The daemon is going down.
    #[error(transparent)]
    Gone(#[from] crate::sync::Gone),
}

/// Reads the configuration again. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    path: PathBuf,
    defaults: Defaults,
    current: Arc<Mutex<Config>>,
    display: Arc<Mutex<Arc<Rules>>>,
    log: observe::Handle,
    engine: Handle,
}

impl Reloader {
    /// For the configuration in force and the file it came from.
    pub fn new(
        path: PathBuf,
        defaults: Defaults,
        (config, display): (Config, Rules),
        log: observe::Handle,
        engine: Handle,
    ) -> Self {
        let current = Arc::new(Mutex::new(config));
        let display = Arc::new(Mutex::new(Arc::new(display)));
        Self { path, defaults, current, display, log, engine }
    }

    /// The display rules in force.
    pub fn display(&self) -> Arc<Rules> {
        Arc::clone(&self.display.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again; returns the keys whose change needs a restart. The service manager is told of the beginning and
    /// the end, good or bad: it waits for both (systemd.service(5), `Type=notify-reload`).
    pub async fn reload(&self) -> Result<Vec<&'static str>, ReloadError> {
        say(notify::reloading());
        let reloaded = self.take_over().await;
        say(notify::running());
        reloaded
    }

    async fn take_over(&self) -> Result<Vec<&'static str>, ReloadError> {
        let (config, display, policy) = match self.read() {
            Ok(read) => read,
            Err(error) => {
                let notice = Notice::new(
                    EventCode::ConfigRejected,
                    "the changed configuration is bad; the old one stays in force",
                )
                .detail("problems", error.to_string());
                self.engine.note(vec![notice]).await?;
                return Err(error);
            }
        };
        let restart = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            let restart = needs_restart(&current, &config);
            self.log.set_level(config.log.level);
            *current = config;
            let mut shown = self.display.lock().unwrap_or_else(PoisonError::into_inner);
            *shown = Arc::new(display);
            restart
        };
        self.engine.set_policy(policy).await?;
        let notice = Notice::new(
            EventCode::ConfigReloaded,
            "the configuration was read again and is in force",
        )
        .detail("needs_restart", restart.join(" "));
        self.engine.note(vec![notice]).await?;
        Ok(restart)
    }

    /// Where the file is.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What the file said when it was read last.
    pub fn config(&self) -> Config {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How files are written, as configured now.
    pub fn export(&self) -> config::Export {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).export.clone()
    }

    /// Whether somebody may see how balances went, as configured now.
    pub fn shows_trend(&self) -> bool {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).display.trend
    }

    fn read(&self) -> Result<(Config, Rules, Policy), ReloadError> {
        let Loaded { config, display, .. } = load(&self.path, &self.defaults)?;
        let policy = Policy::from_config(&config)?;
        Ok((config, display, policy))
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
