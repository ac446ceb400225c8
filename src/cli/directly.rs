//! Verbs that need no daemon: opens the database itself, with the lock that keeps a daemon away meanwhile.

use std::sync::Arc;

use super::args::Global;
use super::error::CliError;
use crate::config::load;
use crate::daemon::clock::{OsClock, OsEntropy};
use crate::daemon::{DaemonError, view};
use crate::gocardless::Rows;
use crate::model::port::Clock as _;
use crate::store::{Backup, Replayed, Store};
use crate::systemd::credentials::{Directories, read_database_key};

/// Runs all checks on the database of a configuration.
pub(super) async fn verify(global: &Global) -> Result<view::VerifyView, CliError> {
    let store = open(global).await?;
    let checks = store.verify(|_check| {}).await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(view::verify(&checks))
}

/// A copy of the database of a configuration.
pub(super) async fn backup(global: &Global) -> Result<Backup, CliError> {
    let store = open(global).await?;
    let backup = store.backup().await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(backup)
}

/// Matches all stored answers anew; with `apply` the rows become what comes of it.
pub(super) async fn replay(global: &Global, apply: bool) -> Result<Replayed, CliError> {
    let store = open(global).await?;
    let replayed = store.replay(Arc::new(Rows), apply).await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(replayed)
}

async fn open(global: &Global) -> Result<Store, DaemonError> {
    let directories = Directories::from_environment();
    let config = load(&global.config, &directories.defaults())?.config;
    let folder = directories.credentials.as_deref();
    let key = read_database_key("store.key", &config.store.key, folder)
        .map_err(|error| DaemonError::Credentials(vec![error]))?;
    let now = OsClock::new().now().wall;
    let (store, _) =
        Store::open(config.store.path, key, now, &OsEntropy).await.map_err(DaemonError::Open)?;
    Ok(store)
}
