//! The cron scheduler as what it is good at: a heartbeat that makes the engine look again.
//!
//! What is due is decided by the planner from stored state, the IANA zone and the time. `tokio-cron-scheduler` keeps the
//! UTC offset of the moment a job was made (wrong after a daylight saving switch, its issue 107), has no memory of missed
//! ticks and may fire twice; so its one job carries no meaning: it fires every minute and wakes.

use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::sync::Handle;

/// Messages between the scheduler and its one job that may wait; its own default takes 120 KB.
const MESSAGES_MAX: usize = 8;
/// Every minute, at its beginning.
const EVERY_MINUTE: &str = "0 * * * * *";

/// Wakes the engine every minute until `stop`.
pub async fn run(engine: Handle, stop: CancellationToken) -> Result<(), DaemonError> {
    let failed = |_error| DaemonError::Trigger;
    let mut scheduler = JobScheduler::new_with_channel_size(MESSAGES_MAX).await.map_err(failed)?;
    let job = Job::new(EVERY_MINUTE, move |_id, _scheduler| engine.wake()).map_err(failed)?;
    scheduler.add(job).await.map_err(failed)?;
    scheduler.start().await.map_err(failed)?;
    stop.cancelled().await;
    scheduler.shutdown().await.map_err(failed)
}
