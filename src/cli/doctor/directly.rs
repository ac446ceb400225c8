//! In the place of a daemon that does not run: its secrets and its database, by the same checks. The lock keeps a daemon away
//! meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::init;
use crate::config::{Config, SecretSource};
use crate::daemon::clock::OsEntropy;
use crate::daemon::doctor::{Database, Finding, Patient, examine as look};
use crate::daemon::run::remembered;
use crate::gocardless::Rows;
use crate::model::port::{Clock, Entropy as _};
use crate::model::secret::DatabaseKey;
use crate::planner::Planner;
use crate::planner::policy::Policy;
use crate::store::{Store, exposed};
use crate::sync::Report;
use crate::systemd::credentials::{
    CredentialError, DATABASE_KEY, Directories, Secrets, Stored, read_all, read_database_key,
    read_stored,
};
use crate::systemd::unit::Name;

/// Where the secrets are.
enum Place {
    /// In files that the configuration names, or where the environment says.
    Named(Directories),
    /// Where the service manager would take them from: id, key, database key.
    Service(Box<[Stored; 3]>),
}

impl Place {
    fn secrets(&self, config: &Config) -> Result<Secrets, Vec<CredentialError>> {
        match self {
            Self::Named(directories) => read_all(config, directories),
            Self::Service(stored) => {
                let [id, key, database] = stored.as_ref();
                read_stored(id, key, database)
            }
        }
    }

    fn database_key(&self, config: &Config) -> Result<DatabaseKey, CredentialError> {
        match self {
            Self::Named(directories) => {
                let folder = directories.credentials.as_deref();
                read_database_key(DATABASE_KEY, &config.store.key, folder)
            }
            Self::Service(stored) => {
                let [_, _, database] = stored.as_ref();
                database.read_database_key()
            }
        }
    }
}

/// Looks at everything that the daemon would look at.
pub(super) async fn examine(
    config_path: PathBuf,
    config: &Config,
    packaged: Option<&Name>,
    offline: bool,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let directories = Directories::from_environment();
    let from_service = |source: &SecretSource| matches!(source, SecretSource::Credential(_));
    let gocardless = &config.gocardless;
    let sources = [&gocardless.secret_id, &gocardless.secret_key, &config.store.key];
    let service = packaged
        .filter(|_| directories.credentials.is_none() && sources.into_iter().any(from_service));
    let place = match service {
        None => Place::Named(directories),
        Some(_) if !rustix::process::geteuid().is_root() => {
            let message = "while the service does not run, only root can look at its secrets and its database";
            return vec![Finding::trouble("credentials", message, "sudo banksyncd doctor")];
        }
        Some(own) => match init::stored(own.instance.as_deref(), config) {
            Ok(stored) => Place::Service(Box::new(stored)),
            Err(error) => {
                return vec![Finding::trouble("credentials", error.to_string(), "banksyncd init")];
            }
        },
    };
    let patient = Patient {
        config_path,
        config,
        secrets: place.secrets(config),
        files: exposed(&config.store.path),
        database: open(&place, config, clock).await,
        reader: Arc::new(Rows),
        clock,
        standings: None,
        running: false,
    };
    let mut findings = look(&patient, offline).await;
    if let Database::Open(store, _) = &patient.database
        && let Err(error) = store.close().await
    {
        findings.push(Finding::trouble("database", error.to_string(), "banksyncd verify"));
    }
    findings
}

async fn open(place: &Place, config: &Config, clock: &dyn Clock) -> Database {
    let path = config.store.path.clone();
    // A folder that may not be looked into is no absent database.
    let absent = std::fs::symlink_metadata(&path)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if absent {
        return Database::Absent;
    }
    let Ok(key) = place.database_key(config) else { return Database::Locked };
    let now = clock.now().wall;
    let (store, snapshot) = match Store::open(path, key, now, &OsEntropy).await {
        Ok(opened) => opened,
        Err(error) => return Database::Broken(error),
    };
    let Ok(policy) = Policy::from_config(config) else { return Database::Locked };
    let planner = Planner::restore(remembered(snapshot), policy, OsEntropy.seed());
    Database::Open(store, Box::new(Report::of(&planner, now)))
}
