//! The clock of a simulation: time passes only when everybody waits for it.
//!
//! There are three times. The true one is the world's. The monotonic one is what waits are measured by; it stands still while
//! the machine is asleep. The wall clock is what the daemon believes, and it may be wrong. Whoever sleeps is woken alone, the
//! earliest first and at the same instant in the order of going to sleep, so that a run has one order of events.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::model::port::{BoxFuture, Clock};
use crate::model::time::{Now, UtcInstant};

/// Who sleeps: until when, and which in the order of going to sleep.
type Bed = (i64, u64);

#[derive(Default)]
struct State {
    mono_ms: i64,
    /// The true time is this much ahead of the monotonic one, in milliseconds.
    truth_ahead_ms: i64,
    /// The wall clock is this much ahead of the true time, in milliseconds.
    wall_ahead_ms: i64,
    sleepers: BTreeMap<Bed, Waker>,
    beds: u64,
    /// Those for whom time stands still.
    holds: u32,
}

/// Virtual time.
pub(super) struct VirtualClock(Mutex<State>);

impl VirtualClock {
    /// Begins at an instant, with a wall clock that is right.
    pub(super) fn new(start: UtcInstant) -> Self {
        Self(Mutex::new(State { truth_ahead_ms: start.ms(), ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The true time.
    pub(super) fn truth(&self) -> UtcInstant {
        let state = self.state();
        UtcInstant::from_ms(state.mono_ms.saturating_add(state.truth_ahead_ms))
    }

    /// Sleeps until a true instant; what passes while the machine is asleep does not wake anybody.
    pub(super) async fn sleep_until_true(&self, at: UtcInstant) {
        let ahead_ms = self.state().truth_ahead_ms;
        self.sleep_until(at.ms().saturating_sub(ahead_ms)).await;
    }

    /// Sleeps so many milliseconds.
    pub(super) async fn sleep_ms(&self, ms: i64) {
        let until_ms = self.state().mono_ms.saturating_add(ms);
        self.sleep_until(until_ms).await;
    }

    /// The wall clock jumps by so many milliseconds.
    pub(super) fn step_wall(&self, by_ms: i64) {
        let mut state = self.state();
        state.wall_ahead_ms = state.wall_ahead_ms.saturating_add(by_ms);
    }

    /// Somebody sets the wall clock right.
    pub(super) fn correct_wall(&self) {
        self.state().wall_ahead_ms = 0;
    }

    /// By how much the wall clock is wrong, in milliseconds.
    pub(super) fn wall_error_ms(&self) -> i64 {
        self.state().wall_ahead_ms
    }

    /// The machine sleeps: true time and wall clock go on, the monotonic clock does not.
    pub(super) fn suspend(&self, ms: i64) {
        let mut state = self.state();
        state.truth_ahead_ms = state.truth_ahead_ms.saturating_add(ms.max(0));
    }

    /// Time stands still until the same number of [`release`](Self::release).
    pub(super) fn hold(&self) {
        self.state().holds += 1;
    }

    /// See [`hold`](Self::hold).
    pub(super) fn release(&self) {
        let mut state = self.state();
        state.holds = state.holds.saturating_sub(1);
    }

    /// Nobody can go on: lets time pass until the first sleeper wakes, unless somebody waits for something real.
    pub(super) fn tick(&self) {
        let mut state = self.state();
        if state.holds > 0 {
            return;
        }
        if let Some(((until_ms, _), waker)) = state.sleepers.pop_first() {
            state.mono_ms = state.mono_ms.max(until_ms);
            drop(state);
            waker.wake();
        }
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualClock({})", self.truth())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let state = self.state();
        let truth = UtcInstant::from_ms(state.mono_ms.saturating_add(state.truth_ahead_ms));
        Now { wall: truth.plus_ms(state.wall_ahead_ms), mono_ms: state.mono_ms }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        Box::pin(Sleep { clock: self, until_ms: mono_ms, bed: None })
    }
}

/// One who sleeps; gets up when dropped.
struct Sleep<'a> {
    clock: &'a VirtualClock,
    until_ms: i64,
    bed: Option<Bed>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        let bed = self.bed;
        if state.mono_ms >= self.until_ms {
            if let Some(bed) = bed {
                state.sleepers.remove(&bed);
            }
            drop(state);
            self.bed = None;
            return Poll::Ready(());
        }
        let bed = bed.unwrap_or_else(|| {
            state.beds = state.beds.wrapping_add(1);
            (self.until_ms, state.beds)
        });
        state.sleepers.insert(bed, context.waker().clone());
        drop(state);
        self.bed = Some(bed);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(bed) = self.bed {
            self.clock.state().sleepers.remove(&bed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::time::DAY_MS;

    fn run<T>(clock: &Arc<VirtualClock>, work: impl Future<Output = T>) -> T {
        let ticking = Arc::clone(clock);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.on_thread_park(move || ticking.tick()).build().unwrap().block_on(work)
    }

    #[test]
    fn sleepers_wake_one_by_one_in_order() {
        let clock = Arc::new(VirtualClock::new(UtcInstant::EPOCH));
        let order = Mutex::new(Vec::new());
        let sleeper = async |name: u8, until_ms: i64| {
            clock.sleep_until(until_ms).await;
            order.lock().unwrap().push((name, clock.now().mono_ms));
        };
        run(&clock, async {
            tokio::join!(sleeper(1, 2 * DAY_MS), sleeper(2, 5), sleeper(3, 2 * DAY_MS), async {
                // Who is not awaited to the end takes no turn.
                tokio::select! { () = clock.sleep_until(DAY_MS) => {}, () = clock.sleep_until(9) => {} }
                order.lock().unwrap().push((4, clock.now().mono_ms));
            })
        });
        let expected = [(2, 5), (4, 9), (1, 2 * DAY_MS), (3, 2 * DAY_MS)];
        assert_eq!(*order.lock().unwrap(), expected);
    }

    #[test]
    fn the_three_times() {
        let clock = VirtualClock::new(UtcInstant::EPOCH.plus_days(1));
        clock.step_wall(-DAY_MS);
        assert_eq!(clock.now(), Now { wall: UtcInstant::EPOCH, mono_ms: 0 });
        clock.suspend(DAY_MS);
        assert_eq!(clock.now(), Now { wall: UtcInstant::EPOCH.plus_days(1), mono_ms: 0 });
        assert_eq!(clock.truth(), UtcInstant::EPOCH.plus_days(2));
        assert_eq!(clock.wall_error_ms(), -DAY_MS);
        clock.correct_wall();
        assert_eq!(clock.now().wall, clock.truth());
    }
}
