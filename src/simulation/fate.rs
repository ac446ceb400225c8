//! When the daemon dies: at an instant, or between any two of its effects.
//!
//! A kill is laid like a fuse and burns down at the boundary it is meant for: after so many effects of the engine, before a
//! request reaches the provider, after the provider has answered, or when the answer is about to arrive. From then on nothing
//! of that life does anything any more.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Where a kill happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// At once.
    Now,
    /// After so many more effects of the engine.
    Effect(u32),
    /// A request was reserved and has not reached the provider.
    Request,
    /// The provider has counted it.
    Answer,
    /// The answer is about to arrive.
    Arrival,
}

/// The fuse of one life.
#[derive(Debug, Default)]
pub(super) struct Fate {
    fuse: Mutex<Option<Boundary>>,
    death: CancellationToken,
}

impl Fate {
    /// Lays a fuse; the newest counts.
    pub(super) fn lay(&self, boundary: Boundary) {
        *self.fuse.lock().unwrap_or_else(PoisonError::into_inner) = Some(boundary);
        if boundary == Boundary::Now {
            self.death.cancel();
        }
    }

    /// Resolves with the death.
    pub(super) async fn death(&self) {
        self.death.cancelled().await;
    }

    /// One effect was carried out: whether it was the last.
    pub(super) fn effect_done(&self) -> bool {
        let mut fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        match *fuse {
            Some(Boundary::Effect(left)) if left > 1 => *fuse = Some(Boundary::Effect(left - 1)),
            Some(Boundary::Effect(_)) => self.death.cancel(),
            _ => {}
        }
        self.death.is_cancelled()
    }

    /// A request is at a boundary: if that is the one, this never resolves.
    pub(super) async fn pass(&self, boundary: Boundary) {
        if *self.fuse.lock().unwrap_or_else(PoisonError::into_inner) == Some(boundary) {
            self.death.cancel();
        }
        if self.death.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuse_burns_at_its_boundary_only() {
        let fate = Fate::default();
        assert!(!fate.effect_done());
        fate.lay(Boundary::Effect(2));
        assert!(!fate.effect_done());
        assert!(fate.effect_done());
        let fate = Fate::default();
        fate.lay(Boundary::Request);
        assert!(!fate.effect_done());
        let poll = |boundary| {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            Box::pin(fate.pass(boundary)).as_mut().poll(&mut context).is_ready()
        };
        assert!(poll(Boundary::Arrival));
        assert!(!poll(Boundary::Request));
        assert!(!poll(Boundary::Arrival) && fate.effect_done());
    }
}
