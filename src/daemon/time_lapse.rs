//! A clock that can be moved ahead: what takes weeks is shown in seconds.
//!
//! Wall and monotonic time move together, as if the time had really passed, and whoever sleeps finds that it has. It never
//! goes back. The daemon proper runs on [`OsClock`]; this one is for demonstrations, where the bank shares it.

use tokio::sync::watch;

use super::clock::OsClock;
use crate::model::port::{BoxFuture, Clock};
use crate::model::time::Now;

/// The system's time plus an offset that only grows.
#[derive(Debug)]
pub struct TimeLapse {
    real: OsClock,
    ahead_ms: watch::Sender<i64>,
}

impl TimeLapse {
    /// Begins at the system's time.
    pub fn new() -> Self {
        Self { real: OsClock::new(), ahead_ms: watch::Sender::new(0) }
    }

    /// Lets this many milliseconds pass at once; wakes everybody who has slept long enough. Negative numbers do nothing.
    pub fn advance_ms(&self, by_ms: i64) {
        self.ahead_ms.send_modify(|ahead| *ahead = ahead.saturating_add(by_ms.max(0)));
    }
}

impl Default for TimeLapse {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TimeLapse {
    fn now(&self) -> Now {
        let ahead_ms = *self.ahead_ms.borrow();
        let Now { wall, mono_ms } = self.real.now();
        Now { wall: wall.plus_ms(ahead_ms), mono_ms: mono_ms.saturating_add(ahead_ms) }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        let mut moved = self.ahead_ms.subscribe();
        Box::pin(async move {
            while self.now().mono_ms < mono_ms {
                let ahead_ms = *moved.borrow_and_update();
                tokio::select! {
                    () = self.real.sleep_until(mono_ms.saturating_sub(ahead_ms)) => {}
                    // The sender lives as long as this clock.
                    _ = moved.changed() => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::time::DAY_MS;

    #[tokio::test]
    async fn all_sleepers_wake_and_both_times_move_together() {
        let clock = TimeLapse::new();
        let before = clock.now();
        let end = before.mono_ms + DAY_MS;
        let sleepers = async { tokio::join!(clock.sleep_until(end), clock.sleep_until(end - 1)) };
        let advance = async {
            clock.advance_ms(-5);
            clock.advance_ms(DAY_MS - 5);
            clock.advance_ms(5);
        };
        let slept = async { tokio::join!(sleepers, advance) };
        tokio::time::timeout(Duration::from_secs(30), slept).await.unwrap();
        let after = clock.now();
        let (wall_ms, mono_ms) = (after.wall.since(before.wall), after.mono_ms - before.mono_ms);
        assert!(mono_ms >= DAY_MS && (wall_ms - mono_ms).abs() < 1_000, "{wall_ms} {mono_ms}");
    }
}
