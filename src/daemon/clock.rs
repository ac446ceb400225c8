//! The operating system's time and randomness: the only place of the program that reads either.

use std::time::{Duration, Instant, SystemTime};

use crate::model::port::{BoxFuture, Clock, Entropy};
use crate::model::time::{Now, UtcInstant};

/// The system clock and the runtime's timer.
#[derive(Clone, Copy, Debug)]
pub struct OsClock {
    origin: Instant,
}

impl OsClock {
    /// A clock whose monotonic time begins now.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for OsClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for OsClock {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
    fn now(&self) -> Now {
        let wall_ms = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, i64::saturating_neg)
            }
        };
        let mono_ms = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        Now { wall: UtcInstant::from_ms(wall_ms), mono_ms }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        let wait_ms = mono_ms.saturating_sub(self.now().mono_ms).max(0).unsigned_abs();
        Box::pin(tokio::time::sleep(Duration::from_millis(wait_ms)))
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        // Sixteen bytes arrive whole or not at all (getrandom(2)), and an initialised pool never refuses.
        let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        assert_eq!(filled, Ok(bytes.len()), "the system has no randomness");
        u128::from_ne_bytes(bytes)
    }
}
