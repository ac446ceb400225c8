//! The control socket: HTTP/1.1 and JSON over a Unix stream socket, for the client verbs and for curl.
//!
//! Who may connect is decided by file permissions (folder and socket); peer credentials are logged, not relied on. Lists are
//! JSON Lines. No answer ever carries a token, a secret or a key. Bank data leaves the database only here.

mod accounts;
mod actions;
mod backup;
mod doctor;
mod export;
mod history;
mod institutions;
mod links;
mod lists;
mod notify;
mod reply;
mod resolve;
mod rows;
mod socket;
mod trend;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use socket::{SocketFile, bind};

use super::DaemonError;
use super::backups::Backups;
use super::metrics::Metrics;
use super::reload::Reloader;
use crate::model::json::compact;
use crate::model::port::{Clock, RowReader};
use crate::model::time::UtcInstant;
use crate::store::Store;
use crate::sync::Handle;

/// Largest request body, in bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How long clients may take to read what they have asked for once the daemon goes down.
const LINGER: Duration = Duration::from_secs(3);

/// What the routes share.
#[derive(Clone)]
pub struct Shared {
    /// The engine.
    pub engine: Handle,
    /// The database, for listings.
    pub store: Store,
    /// How stored rows are read.
    pub reader: Arc<dyn RowReader>,
    /// For `reload`.
    pub reloader: Reloader,
    /// The desk of messages.
    pub messages: super::notify::Handle,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether backups fail.
    pub backups: Backups,
    /// When the daemon started.
    pub started_at: UtcInstant,
    /// For a monitoring system.
    pub metrics: Metrics,
    /// Long answers are written by tasks of their own.
    pub streams: TaskTracker,
    /// The daemon goes down.
    pub stop: CancellationToken,
}

impl Shared {
    /// Starts the task that writes a long answer. It ends some time after the daemon was told to go down, even if its
    /// client does not read.
    fn write_along(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.streams.spawn(async move {
            tokio::select! {
                () = task => {}
                () = lingered(&stop) => {}
            }
        });
    }
}

/// The daemon was told to go down, and clients have had their time.
async fn lingered(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(LINGER).await;
}

/// Serves the socket until the daemon goes down. A client that does not read its answer, or does not finish its request,
/// holds nobody up.
pub async fn serve(listener: UnixListener, shared: Shared) -> Result<(), DaemonError> {
    let (stop, streams) = (shared.stop.clone(), shared.streams.clone());
    let told = stop.clone();
    let service = routes(shared).into_make_service_with_connect_info::<socket::Peer>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { told.cancelled().await });
    tokio::select! {
        served = serving.into_future() => served.map_err(DaemonError::Control)?,
        () = lingered(&stop) => {}
    }
    streams.close();
    streams.wait().await;
    Ok(())
}

/// What can be asked here, as an `OpenAPI` document. A test holds it against the routes below and against real answers.
const OPENAPI: &str = include_str!("openapi.json");

async fn describe() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], compact(OPENAPI)).into_response()
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/metrics", get(lists::metrics))
        .route("/v1/openapi.json", get(describe))
        .route("/v1/version", get(actions::version))
        .route("/v1/status", get(lists::status))
        .route("/v1/accounts", get(lists::accounts))
        .route("/v1/accounts/merge", post(accounts::merge))
        .route("/v1/accounts/{account}", get(accounts::show).delete(accounts::forget))
        .route("/v1/accounts/{account}/split", post(accounts::split))
        .route("/v1/quota", get(lists::quota))
        .route("/v1/balances", get(rows::balances))
        .route("/v1/trend", get(trend::trend))
        .route("/v1/transactions", get(rows::transactions))
        .route("/v1/transactions/{id}/explain", get(history::explain))
        .route("/v1/transactions/{id}/history", get(history::history))
        .route("/v1/events", get(rows::events))
        .route("/v1/backup", post(backup::backup))
        .route("/v1/doctor", post(doctor::doctor))
        .route("/v1/export", get(export::get).post(export::post))
        .route("/v1/links", get(links::list).post(links::create))
        .route("/v1/links/{link}", get(links::show).delete(links::remove))
        .route("/v1/links/{link}/reconfirm", get(links::reconfirmation).post(links::reconfirm))
        .route("/v1/links/{link}/renew", post(links::renew))
        .route("/v1/institutions", get(institutions::list))
        .route("/v1/institutions/{id}", get(institutions::show))
        .route("/v1/notify", get(notify::list))
        .route("/v1/notify/test", post(notify::test))
        .route("/v1/sync", post(actions::sync))
        .route("/v1/verify", post(actions::verify))
        .route("/v1/reload", post(actions::reload))
        .fallback(reply::not_found)
        .method_not_allowed_fallback(reply::method_not_allowed)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(axum::middleware::from_fn(socket::introduce))
        .with_state(shared)
}
