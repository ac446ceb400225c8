//! How much of answers may be in memory at once, over all calls: 48 MiB.
//!
//! At most four calls are under way, and each may hold 4 MiB freely. The one body that may grow beyond holds a permit that
//! exists once. A share is kept with the body until the body is dropped. Nobody waits for a place in a call while
//! holding the large permit, so that there is no circle to wait in; whoever holds a body must be able to finish with it
//! without another call.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all bodies in memory.
pub(super) const TOTAL_BYTES_MAX: usize = 48 * MIB;
/// Bytes that every call may hold.
pub(super) const SMALL_BYTES_MAX: usize = 4 * MIB;
/// Bytes of one body, whatever the configuration says.
pub(super) const BODY_BYTES_MAX: usize = 32 * MIB;
/// Calls under way, their answers included.
pub(super) const CALLS_MAX: usize = 4;
const MIB: usize = 1_048_576;

const _: () = assert!(CALLS_MAX * SMALL_BYTES_MAX + BODY_BYTES_MAX <= TOTAL_BYTES_MAX);

/// The permits.
#[derive(Debug)]
pub(super) struct InFlight {
    calls: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// What a call or its body holds of the limit: given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    _call: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self { calls: Arc::new(Semaphore::new(CALLS_MAX)), large: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for a place among the calls.
    pub(super) async fn enter(&self) -> Share {
        // A semaphore that nobody closes does not refuse.
        Share { _call: Arc::clone(&self.calls).acquire_owned().await.ok(), large: None }
    }

    /// Waits until `share` may hold a body of `bytes`.
    pub(super) async fn grow(&self, share: &mut Share, bytes: usize) {
        if bytes > SMALL_BYTES_MAX && share.large.is_none() {
            share.large = Arc::clone(&self.large).acquire_owned().await.ok();
        }
    }
}
