//! Verbs that need no daemon: opens the database itself, with the lock that keeps a daemon away meanwhile.

use std::sync::Arc;

use super::args::Global;
use super::error::CliError;
use super::key;
use crate::daemon::clock::{OsClock, OsEntropy};
use crate::daemon::{DaemonError, view};
use crate::gocardless::Rows;
use crate::model::port::Clock as _;
use crate::store::{Backup, Replayed, Store};

/// Runs all checks on the database of a configuration.
pub(super) async fn verify(global: &Global) -> Result<view::VerifyView, CliError> {
    let store = open(global).await?;
    let checks = store.verify(Arc::new(Rows), |_check| {}).await.map_err(DaemonError::Open)?;
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

async fn open(global: &Global) -> Result<Store, CliError> {
    let config = key::config(global)?;
    let key = key::read(&config, global)?;
    tracing::debug!(path = %config.store.path.display(), "opening the database without a daemon");
    let now = OsClock::new().now().wall;
    let (store, _) =
        Store::open(config.store.path, key, now, &OsEntropy).await.map_err(DaemonError::Open)?;
    Ok(store)
}
