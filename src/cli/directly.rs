//! `verify` without a daemon: opens the database itself, with the lock that keeps a daemon away meanwhile.

use std::sync::Arc;

use super::args::Global;
use super::error::CliError;
use crate::config::load;
use crate::daemon::clock::{OsClock, OsEntropy};
use crate::daemon::{DaemonError, view};
use crate::gocardless::Rows;
use crate::model::port::Clock as _;
use crate::store::Store;
use crate::systemd::credentials::{Directories, read_database_key};

/// Runs all checks on the database of a configuration.
pub(super) async fn verify(global: &Global) -> Result<view::VerifyView, CliError> {
    Ok(check(global).await?)
}

async fn check(global: &Global) -> Result<view::VerifyView, DaemonError> {
    let directories = Directories::from_environment();
    let config = load(&global.config, &directories.defaults())?.config;
    let folder = directories.credentials.as_deref();
    let key = read_database_key("store.key", &config.store.key, folder)
        .map_err(|error| DaemonError::Credentials(vec![error]))?;
    let now = OsClock::new().now().wall;
    let (store, _) =
        Store::open(config.store.path, key, now, &OsEntropy).await.map_err(DaemonError::Open)?;
    let checks = store.verify(Arc::new(Rows), |_check| {}).await.map_err(DaemonError::Open)?;
    store.close().await.map_err(DaemonError::Open)?;
    Ok(view::verify(&checks))
}
