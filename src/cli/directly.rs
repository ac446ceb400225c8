//! `verify` and `backup` without a daemon: they open the database themselves, with the lock that keeps a daemon away.

use super::args::Global;
use super::error::CliError;
use crate::config::load;
use crate::daemon::clock::{OsClock, OsEntropy};
use crate::daemon::{DaemonError, view};
use crate::model::port::Clock as _;
use crate::store::{Backup, Store};
use crate::systemd::credentials::{Directories, read_database_key};

/// Runs all checks on the database of a configuration.
pub(super) async fn verify(global: &Global) -> Result<view::VerifyView, CliError> {
    Ok(check(global).await?)
}

/// A copy of the database of a configuration.
pub(super) async fn backup(global: &Global) -> Result<Backup, CliError> {
    Ok(copy(global).await?)
}

async fn check(global: &Global) -> Result<view::VerifyView, DaemonError> {
    let store = open(global).await?;
    let checks = store.verify(|_check| {}).await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(view::verify(&checks))
}

async fn copy(global: &Global) -> Result<Backup, DaemonError> {
    let store = open(global).await?;
    let backup = store.backup().await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(backup)
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
