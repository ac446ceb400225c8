//! Signals: TERM and INT end the daemon in good order, HUP reads the configuration again, USR1 only makes it look.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use super::reload::Reloader;
use crate::sync::Handle;

/// The signals that the daemon listens to; made before READY, so that none is lost.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    look: Signal,
}

impl Signals {
    /// Begins to listen.
    pub fn listen() -> Result<Self, DaemonError> {
        let listen = |kind| signal(kind).map_err(DaemonError::Signal);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            look: listen(SignalKind::user_defined1())?,
        })
    }

    /// Acts on signals until one of them ends the daemon, or something else does.
    pub async fn run(
        mut self,
        engine: Handle,
        reloader: Reloader,
        stop: CancellationToken,
    ) -> Result<(), DaemonError> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => stop.cancel(),
                _ = self.interrupt.recv() => stop.cancel(),
                _ = self.look.recv() => engine.wake(),
                _ = self.hangup.recv() => {
                    // What is wrong with a new configuration is an event; the old one stays in force.
                    let _told = reloader.reload().await;
                }
                () = stop.cancelled() => return Ok(()),
            }
        }
    }
}
