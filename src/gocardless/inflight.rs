//! How much of answers may be in memory at once, over all calls: 48 MiB.
//!
//! At most four calls are under way, and each may hold 4 MiB freely. The one body that may grow beyond holds a permit that
//! exists once. A share is kept with the body until the body is dropped. Nobody waits for a place in a call while
//! holding the large permit, so that there is no circle to wait in; whoever holds a body must be able to finish with it
//! without another call.
//!
//! Memory that a body has left is kept for the next one: to get a megabyte from the kernel takes longer than to read an
//! answer into it. When no call is due for a while, all of it is given up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::port::Lender;

/// Bytes of all bodies in memory.
pub(super) const TOTAL_BYTES_MAX: usize = 48 * MIB;
/// Bytes that every call may hold.
pub(super) const SMALL_BYTES_MAX: usize = 4 * MIB;
/// Bytes of one body, whatever the configuration says.
pub(super) const BODY_BYTES_MAX: usize = 32 * MIB;
/// Calls under way, their answers included.
pub(super) const CALLS_MAX: usize = 4;
/// Memory of this length is worth keeping, and every call may hold it.
const SPARE_BYTES: std::ops::RangeInclusive<usize> = 256 * 1024..=SMALL_BYTES_MAX;
const MIB: usize = 1_048_576;

const _: () = assert!(CALLS_MAX * SMALL_BYTES_MAX + BODY_BYTES_MAX <= TOTAL_BYTES_MAX);

/// The permits.
#[derive(Debug)]
pub(super) struct InFlight {
    calls: Arc<Semaphore>,
    large: Arc<Semaphore>,
    spare: Arc<Spare>,
}

/// Memory of bodies that were dropped, at most one for each call, each within [`SPARE_BYTES`].
type Spare = Mutex<Vec<Vec<u8>>>;

/// What a call or its body holds of the limit: given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    _call: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
    spare: Arc<Spare>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            large: Arc::new(Semaphore::new(1)),
            spare: Arc::default(),
        }
    }

    /// Waits for a place among the calls.
    pub(super) async fn enter(&self) -> Share {
        // A semaphore that nobody closes does not refuse.
        let call = Arc::clone(&self.calls).acquire_owned().await.ok();
        Share { _call: call, large: None, spare: Arc::clone(&self.spare) }
    }

    /// Gives memory up that is kept for the next call.
    pub(super) fn rest(&self) {
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
    }

    /// Waits until `share` may hold a body of `bytes`.
    pub(super) async fn grow(&self, share: &mut Share, bytes: usize) {
        if bytes > SMALL_BYTES_MAX && share.large.is_none() {
            share.large = Arc::clone(&self.large).acquire_owned().await.ok();
        }
    }
}

impl Share {
    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for a small body: some that was used before if there is any, else none.
    pub(super) fn used_memory(&self) -> Vec<u8> {
        self.spare().pop().unwrap_or_default()
    }
}

impl Lender for Share {
    fn take_back(&self, mut bytes: Vec<u8>) {
        if SPARE_BYTES.contains(&bytes.capacity()) {
            bytes.clear();
            self.spare().push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_of_bodies_is_used_again_until_there_is_a_rest() {
        let in_flight = InFlight::new();
        let (first, second) = (in_flight.enter().await, in_flight.enter().await);
        first.take_back(vec![1; 2 * MIB]);
        first.take_back(vec![1; 100]);
        first.take_back(vec![1; SMALL_BYTES_MAX + 1]);
        drop(first);
        let memory = second.used_memory();
        assert!(memory.is_empty() && memory.capacity() >= 2 * MIB);
        assert_eq!(second.used_memory().capacity(), 0);
        second.take_back(memory);
        in_flight.rest();
        assert_eq!(second.used_memory().capacity(), 0);
    }
}
