//! The machine's clock, for tests that run the real adapter.

use std::time::Duration;

use banksyncd::model::port::{BoxFuture, Clock};
use banksyncd::model::time::{Now, UtcInstant};

/// The machine's clock.
pub(crate) struct SystemClock(std::time::Instant);

impl SystemClock {
    /// Monotonic time begins now.
    pub(crate) fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Now {
            wall: UtcInstant::from_ms(wall.as_millis().try_into().unwrap()),
            mono_ms: self.0.elapsed().as_millis().try_into().unwrap(),
        }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        let left = u64::try_from(mono_ms - self.now().mono_ms).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(left)))
    }
}
