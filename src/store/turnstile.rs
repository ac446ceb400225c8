//! A queue before the threads, for those who must know the order in which things happen: a simulation.
//!
//! Jobs run in threads of their own. How long one takes decides whether its caller goes on before or after others that are
//! ready at the same time, so that two runs of the same program differ. With a turnstile a job begins only when it is let in,
//! and the next one only after the caller of the former has gone on.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// Callers queue up in the order of their coming.
pub(super) struct Turnstile {
    gate: Semaphore,
    /// Callers that queue or have a job under way.
    present: AtomicUsize,
    /// Callers that have a job under way.
    inside: AtomicUsize,
}

/// Counts a caller for as long as it waits, however it stops waiting.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A caller that was let in; leaves when dropped.
pub(super) struct Inside<'a> {
    _present: Counted<'a>,
    _inside: Counted<'a>,
}

impl Default for Turnstile {
    fn default() -> Self {
        let count = || AtomicUsize::new(0);
        Self { gate: Semaphore::new(0), present: count(), inside: count() }
    }
}

impl Turnstile {
    /// Queues up and waits to be let in.
    pub(super) async fn enter(&self) -> Inside<'_> {
        let present = Counted::new(&self.present);
        // The gate is never closed.
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        Inside { _present: present, _inside: Counted::new(&self.inside) }
    }

    /// Lets the first of the queue in if nobody is inside; `false` if nobody is there at all.
    pub(super) fn let_one_in(&self) -> bool {
        if self.inside.load(Ordering::Relaxed) == 0 && self.present.load(Ordering::Relaxed) > 0 {
            self.gate.add_permits(1);
        }
        self.present.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn one_at_a_time_in_the_order_of_coming() {
        let mut context = Context::from_waker(Waker::noop());
        let turnstile = Turnstile::default();
        assert!(!turnstile.let_one_in());
        let (mut first, mut second) = (pin!(turnstile.enter()), pin!(turnstile.enter()));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(turnstile.let_one_in());
        assert!(second.as_mut().poll(&mut context).is_pending());
        let Poll::Ready(inside) = first.as_mut().poll(&mut context) else { panic!("let in") };
        assert!(turnstile.let_one_in());
        assert!(second.as_mut().poll(&mut context).is_pending(), "one is inside");
        drop(inside);
        assert!(turnstile.let_one_in());
        assert!(second.as_mut().poll(&mut context).is_ready());
        assert!(!turnstile.let_one_in());
    }
}
