//! A look for damage now and then, and the last word of a daemon that has met some.
//!
//! Nothing that is read often lies long in a file unseen, but old rows may. So once a week, at leisure, every page is read.
//! Damage found so, or met by any operation, is announced and ends the daemon: what is written into a damaged file can
//! make it worse. `verify` looks closer; it is for people, since it holds up the writer for a moment.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Clock, RowReader, Vault};
use crate::model::secret::Secret;
use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcInstant};
use crate::observe::{self, Chain, LogEvent};
use crate::planner::effect::Batch;
use crate::store::{Error, Kind, Store};

/// Between two looks.
const EVERY_MS: i64 = 7 * DAY_MS;
/// After a start everything else comes first.
const REST_MS: i64 = 15 * MINUTE_MS;
/// How often to see whether a look is due: the wall clock may be set.
const CONSIDER_EVERY_MS: i64 = HOUR_MS;
/// When the last look ended, in the vault.
const LAST_LOOK: &str = "last-look-for-damage";

/// What the watch needs.
pub(super) struct Watch {
    pub(super) store: Store,
    /// The file, for the message.
    pub(super) path: PathBuf,
    pub(super) reader: Arc<dyn RowReader>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: observe::Handle,
    pub(super) stop: CancellationToken,
}

impl Watch {
    /// Watches until the daemon is told to stop, or damage is met.
    pub(super) async fn run(self) -> Result<(), DaemonError> {
        let mut damaged = self.store.damage_watch();
        let mut wait_ms = REST_MS;
        loop {
            let until = self.clock.now().mono_ms.saturating_add(wait_ms);
            tokio::select! {
                biased;
                _ = damaged.wait_for(|damaged| *damaged) => break,
                () = self.stop.cancelled() => return Ok(()),
                () = self.clock.sleep_until(until) => {}
            }
            wait_ms = CONSIDER_EVERY_MS;
            if let Err(error) = self.store.clean().await {
                tracing::warn!(error = %Chain(&error), "erased rows cannot be overwritten now");
            }
            if self.is_due().await {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => {}
                    looked = self.store.look_for_damage() => self.looked(looked).await,
                }
            }
        }
        self.announce().await;
        Err(DaemonError::Damaged { path: self.path })
    }

    async fn is_due(&self) -> bool {
        let last = match self.store.load(LAST_LOOK).await {
            Ok(last) => last.and_then(|last| UtcInstant::parse(last.expose())),
            Err(_unreadable) => return false,
        };
        let now = self.clock.now().wall;
        last.is_none_or(|last| now.since(last).abs() >= EVERY_MS)
    }

    /// Damage is noticed by the watch; anything else is tried again at the next opportunity.
    async fn looked(&self, looked: Result<(), Error>) {
        match looked {
            Ok(()) => {
                let now = Secret::new(self.clock.now().wall.to_string());
                if self.store.save(LAST_LOOK, Some(now)).await.is_err() {
                    tracing::debug!(
                        "the look for damage could not be noted; the next comes sooner"
                    );
                }
            }
            Err(error) if error.kind() == Kind::Damaged => {
                tracing::error!(error = %Chain(&error), "damage was found");
            }
            Err(error) => tracing::warn!(error = %Chain(&error), "the file cannot be checked now"),
        }
    }

    /// Into the database if it still takes it, and into the log in any case.
    async fn announce(&self) {
        let message = "the database is damaged; the daemon ends and leaves the file as it is";
        let notice = Notice::new(EventCode::StoreIntegrityFailed, message);
        let batch = Batch {
            at: Some(self.clock.now().wall),
            notices: vec![notice.clone()],
            ..Batch::default()
        };
        match self.store.apply(Arc::new(batch), Arc::clone(&self.reader)).await {
            Ok(applied) => {
                for event in &applied.events {
                    let told = LogEvent::stored(event.id, &event.notice);
                    self.log.deliver(&told);
                }
            }
            Err(_damaged) => {
                self.log.deliver(&LogEvent::from(&notice));
            }
        }
    }
}
