//! The machine's clock and a vault in memory, for tests that run the real adapter.

use std::sync::Mutex;
use std::time::Duration;

use banksyncd::model::port::{BoxFuture, Clock, Vault, VaultError};
use banksyncd::model::secret::Secret;
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

/// One value, kept while the test lives.
#[derive(Default)]
pub(crate) struct MemoryVault(Mutex<Option<Secret>>);

impl Vault for MemoryVault {
    fn load<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        Box::pin(std::future::ready(Ok(self.0.lock().unwrap().clone())))
    }

    fn save<'a>(
        &'a self,
        _name: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        *self.0.lock().unwrap() = value;
        Box::pin(std::future::ready(Ok(())))
    }
}
