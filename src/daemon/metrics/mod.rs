//! Metrics: what a monitoring system wants to know, as Prometheus text (exposition formats, version 0.0.4).
//!
//! Read when it is asked for, on the control socket and, if configured, on a loopback address, which everybody on this machine
//! can read. Labels are ids of ours, scopes, states, codes and what the configuration calls a target of messages: never a name,
//! a number, an amount, or a bank.

mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use table::{Kind, METRICS, Metric};

use super::backups::Backups;
use super::loopback::{self, Page};
use super::needs;
use super::notify::{self, Standing};
use crate::files::beside;
use crate::model::notice::EventCode;
use crate::model::port::Clock;
use crate::model::time::UtcInstant;
use crate::observe::Chain;
use crate::store::{self, Store};
use crate::sync::{Gone, Handle, Report};

/// The type of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where the text is served.
const PATH: &str = "/metrics";

/// How often each event was told since the daemon started.
#[derive(Debug)]
pub struct Counted(Vec<AtomicU64>);

impl Default for Counted {
    fn default() -> Self {
        Self(EventCode::ALL.iter().map(|_code| AtomicU64::new(0)).collect())
    }
}

impl Counted {
    fn of(&self, code: EventCode) -> Option<&AtomicU64> {
        self.0.get(EventCode::ALL.iter().position(|other| *other == code)?)
    }

    /// One more.
    pub fn count(&self, code: EventCode) {
        if let Some(number) = self.of(code) {
            number.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were.
    fn number(&self, code: EventCode) -> u64 {
        self.of(code).map_or(0, |number| number.load(Ordering::Relaxed))
    }
}

/// Where the metrics come from. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    /// What the engine knows.
    pub engine: Handle,
    /// How the targets of messages fare.
    pub messages: notify::Handle,
    /// Backups that fail.
    pub backups: Backups,
    /// When the last backup was made.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the daemon started.
    pub started_at: UtcInstant,
    /// The database's file.
    pub database: PathBuf,
    /// Events since then.
    pub counted: Arc<Counted>,
}

/// Why there are no metrics now.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The engine has ended.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Store(#[source] store::Error),
}

/// Everything that the metrics are made of, at one instant.
struct Facts<'a> {
    report: &'a Report,
    now: UtcInstant,
    started_at: UtcInstant,
    counted: &'a Counted,
    needs: usize,
    standings: &'a [Standing],
    database_bytes: u64,
    log_bytes: u64,
    last_backup: Option<UtcInstant>,
}

impl Metrics {
    /// All of them as text.
    pub async fn text(&self) -> Result<String, MetricsError> {
        let report = self.engine.report().await?;
        let standings = self.messages.list().await?;
        let backup_trouble = self.backups.trouble();
        let needs = needs::all(&report, backup_trouble.as_ref(), &standings).len();
        let last_backup = self.store.last_event(EventCode::BackupCompleted).await;
        Ok(text(&Facts {
            report: &report,
            now: self.clock.now().wall,
            started_at: self.started_at,
            counted: &self.counted,
            needs,
            standings: &standings,
            database_bytes: bytes(&self.database),
            log_bytes: bytes(&beside(&self.database, "-wal")),
            last_backup: last_backup.map_err(MetricsError::Store)?,
        }))
    }

    async fn page(self, path: String) -> Page {
        if path != PATH {
            return Page::not_found();
        }
        match self.text().await {
            Ok(body) => Page { status: StatusCode::OK, content_type: CONTENT_TYPE, body },
            Err(error) => {
                let text = format!("{}\n", Chain(&error));
                Page::text(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }

    /// Serves them on a loopback address until the daemon goes down.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), super::DaemonError> {
        let answer = move |uri: axum::http::Uri| self.clone().page(uri.path().to_owned());
        tokio::select! {
            () = stop.cancelled() => {}
            () = loopback::serve(listener, None, answer) => {}
        }
        Ok(())
    }
}

/// The size of a file; 0 if there is none.
fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |facts| facts.len())
}

fn text(facts: &Facts<'_>) -> String {
    let mut page = String::new();
    for metric in METRICS {
        metric.write(facts, &mut page);
    }
    page
}
