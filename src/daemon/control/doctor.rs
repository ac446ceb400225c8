//! What only the daemon can look at, for the verb `doctor`: its own secrets, the way to the provider, the open database.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use crate::daemon::doctor::{Database, Patient, examine};
use crate::store::exposed;
use crate::systemd::credentials::{Directories, read_all};

/// The body of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    offline: bool,
}

pub(super) async fn doctor(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let Wish { offline } = reply::parse(&body)?;
    let config = shared.reloader.config();
    let report = shared.engine.report().await?;
    let patient = Patient {
        config_path: shared.reloader.path().to_owned(),
        config: &config,
        // As they are now: what has changed since the start is in force after the next one.
        secrets: read_all(&config, &Directories::from_environment()),
        files: exposed(&config.store.path),
        database: Database::Open(shared.store.clone(), report),
        reader: Arc::clone(&shared.reader),
        clock: shared.clock.as_ref(),
        standings: Some(shared.messages.list().await?),
        running: true,
    };
    Ok(reply::lines(examine(&patient, offline).await))
}
