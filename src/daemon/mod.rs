//! The daemon: everything that is put together at run time (layer 4).
//!
//! [`run`] builds the adapters, the engine and the tasks around it; [`control`] is the socket through which everybody else
//! sees and asks; [`view`] and [`needs`] are pure: remembered documents in, the objects of the socket out.

pub mod backups;
pub mod clock;
pub mod control;
pub mod doctor;
mod integrity;
mod landing;
mod loopback;
pub mod metrics;
pub mod needs;
pub mod notify;
pub mod reload;
pub mod run;
pub mod search;
pub mod signal;
pub mod supervise;
pub mod time_lapse;
pub mod trigger;
pub mod view;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::LoadError;
use crate::exit::Code;
use crate::planner::schedule::BadPattern;
use crate::systemd::credentials::CredentialError;
use crate::{gocardless, observe, store, sync};

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// No usable configuration.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// A pattern that the check let pass is refused by the planner.
    #[error("the schedule cannot be used")]
    Schedule(#[source] BadPattern),
    /// Secrets that cannot be had.
    #[error("{} cannot be read", counted(.0))]
    Credentials(Vec<CredentialError>),
    /// A target of messages cannot be used.
    #[error(transparent)]
    Notify(#[from] notify::BadTarget),
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Open(#[source] store::Error),
    /// The HTTP client cannot be built.
    #[error("cannot prepare the connection to the provider")]
    Provider(#[source] gocardless::SetupError),
    /// The control socket cannot be made.
    #[error("cannot make the control socket `{}`", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another daemon answers on the control socket.
    #[error("another daemon listens on `{}`", path.display())]
    SocketTaken {
        /// Where.
        path: PathBuf,
    },
    /// The metrics cannot be served where they should be.
    #[error("cannot listen on `{address}` for `metrics.listen`")]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be listened to.
    #[error("cannot listen to signals")]
    Signal(#[source] io::Error),
    /// The cron scheduler does not start.
    #[error("the heartbeat cannot be started")]
    Trigger,
    /// The process cannot be hardened or the runtime built.
    #[error("cannot prepare the process")]
    Process(#[source] io::Error),
    /// The log cannot be set up.
    #[error("cannot set up the log")]
    Log(#[source] observe::ObserveError),
    /// A task ended before it was told to.
    #[error("{name} ended unexpectedly")]
    EndedEarly {
        /// Which.
        name: &'static str,
    },
    /// The engine gave up.
    #[error(transparent)]
    Engine(#[from] sync::EngineError),
    /// Damage was met while running.
    #[error("the database `{}` is damaged", path.display())]
    Damaged {
        /// The file, left as it is.
        path: PathBuf,
    },
    /// Serving the control socket failed.
    #[error("the control socket failed")]
    Control(#[source] io::Error),
}

fn counted(errors: &[CredentialError]) -> String {
    match errors.len() {
        1 => "a secret".to_owned(),
        several => format!("{several} secrets"),
    }
}

impl DaemonError {
    /// The code with which the process ends.
    pub fn exit_code(&self) -> Code {
        let io = |error: &io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => Code::NoPerm,
            _ => Code::CantCreate,
        };
        match self {
            Self::Config(_)
            | Self::Schedule(_)
            | Self::Credentials(_)
            | Self::Notify(_)
            | Self::Provider(_) => Code::Config,
            Self::Open(error) | Self::Engine(sync::EngineError::Store(error)) => {
                store_exit(error.kind())
            }
            Self::Damaged { .. } => store_exit(store::Kind::Damaged),
            Self::Socket { source, .. } | Self::Metrics { source, .. } => io(source),
            Self::SocketTaken { .. } => Code::TempFail,
            Self::Control(_) => Code::IoErr,
            Self::Signal(_)
            | Self::Trigger
            | Self::Process(_)
            | Self::Log(_)
            | Self::EndedEarly { .. } => Code::Software,
        }
    }

    /// What to do about it, if there is something to say beyond the message.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Credentials(errors) => {
                errors.iter().map(|error| format!("{error}: {}", error.hint())).collect()
            }
            Self::Open(error) | Self::Engine(sync::EngineError::Store(error)) => {
                error.hint().map(ToOwned::to_owned).into_iter().collect()
            }
            Self::Damaged { .. } => {
                store::Kind::Damaged.hint().map(ToOwned::to_owned).into_iter().collect()
            }
            Self::Socket { .. } => {
                vec!["set `[control] socket` to a path that this user may create".to_owned()]
            }
            Self::Metrics { .. } => vec!["choose another port, or `listen = \"\"`".to_owned()],
            Self::SocketTaken { .. } => {
                vec!["stop the other daemon, or set another `[control] socket`".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// The exit code for a kind of store error.
pub fn store_exit(kind: store::Kind) -> Code {
    match kind {
        store::Kind::WrongKey | store::Kind::NewerSchema => Code::Config,
        store::Kind::NotEncrypted | store::Kind::Damaged => Code::DataErr,
        store::Kind::Busy => Code::TempFail,
        store::Kind::CannotCreate => Code::CantCreate,
        store::Kind::NotPermitted => Code::NoPerm,
        store::Kind::Io | store::Kind::Full => Code::IoErr,
        store::Kind::Closed | store::Kind::Refused | store::Kind::Internal => Code::Software,
    }
}

/// A service manager that does not listen is no reason to stop.
pub(crate) fn say(told: io::Result<()>) {
    if let Err(error) = told {
        tracing::debug!(error = %error, "the service manager was not told");
    }
}
