//! Scheduled backups: whether they are made. By what the database remembers of them, so also while the daemon does not run.

use super::{Database, Finding, Patient};
use crate::daemon::backups::outcome;

const BACKUPS: &str = "backups";

pub(super) async fn check(patient: &Patient<'_>) -> Option<Finding> {
    let fine = |message: String| Some(Finding::fine(BACKUPS, message));
    let Some(folder) = &patient.config.backup.folder else {
        return fine("none are made by themselves: there is no `[backup] folder`".to_owned());
    };
    let Database::Open(store, _) = &patient.database else { return None };
    // A database that cannot be read is told of as such.
    match outcome(store, folder.clone()).await.ok()? {
        Ok(Some(newest)) => fine(format!("the last one is of {newest}")),
        Ok(None) => fine("the first one is made once the daemon runs".to_owned()),
        Err(trouble) => Some(Finding::trouble(BACKUPS, trouble.message(), trouble.command())),
    }
}
