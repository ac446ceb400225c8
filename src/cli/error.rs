//! What can go wrong in a client verb, the exit code that follows, and how it is told.
//!
//! Messages say one thing, start in lower case and end without a period; what to do about it is a `hint:` of its own, after
//! an empty line. A closed pipe is no error: the reader has seen enough.

use std::io;
use std::path::PathBuf;

use crate::exit::Code;
use crate::observe::Chain;

/// Why a verb did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Standard output could not be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// Standard input could not be read.
    #[error("cannot read the answer")]
    Input(#[source] io::Error),
    /// The arguments are understood one by one but make no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// Nothing listens on the socket.
    #[error("the daemon is not reachable at `{}`", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The socket belongs to someone else.
    #[error("no permission to use the daemon's socket `{}`", socket.display())]
    NotPermitted {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection to the daemon broke")]
    Broken(#[source] Option<hyper::Error>),
    /// The daemon takes the request and says nothing.
    #[error("the daemon has not answered for {waited_s} seconds")]
    Silent {
        /// How long we waited, in seconds.
        waited_s: i64,
    },
    /// The daemon says no.
    #[error("{message}")]
    Refused {
        /// The code it names.
        exit: Code,
        /// Its sentence.
        message: String,
        /// Its hint.
        hint: Option<String>,
    },
    /// An answer that is not of our interface.
    #[error("the daemon's answer is not understood: {what}")]
    NotUnderstood {
        /// What was found.
        what: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The command's own failure, such as of a check without the daemon.
    #[error("{message}")]
    Failed {
        /// The code to end with.
        exit: Code,
        /// What happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl CliError {
    /// The exit code of this failure.
    pub fn code(&self) -> Code {
        match self {
            Self::Output(_) if self.is_closed_pipe() => Code::Ok,
            Self::Output(_) | Self::Input(_) => Code::IoErr,
            Self::Usage { .. } => Code::Usage,
            Self::Unreachable { .. } | Self::Broken(_) | Self::Silent { .. } => Code::Unavailable,
            Self::NotPermitted { .. } => Code::NoPerm,
            Self::NotUnderstood { .. } => Code::Software,
            Self::Refused { exit, .. } | Self::Failed { exit, .. } => *exit,
        }
    }

    /// Whether the reader of our output went away, which is not to be told.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to do about it, if there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. }
            | Self::Refused { hint, .. }
            | Self::NotUnderstood { hint, .. }
            | Self::Failed { hint, .. } => hint.clone(),
            Self::Unreachable { .. } => Some(
                "start it with `systemctl start banksyncd`, or with `banksyncd run` in another terminal"
                    .to_owned(),
            ),
            Self::NotPermitted { .. } => Some(
                "become a member of its group with `sudo usermod -aG banksyncd $USER` and log in again"
                    .to_owned(),
            ),
            Self::Broken(_) => Some("see what happened with `journalctl -u banksyncd -n 50`".to_owned()),
            Self::Silent { .. } => {
                Some("see what it is doing with `journalctl -u banksyncd -n 50`".to_owned())
            }
            Self::Output(_) | Self::Input(_) => None,
        }
    }

    /// The whole text for stderr: `error: …`, its causes, and the hint after an empty line.
    pub fn report(&self) -> String {
        let mut text = format!("error: {}", Chain(self));
        if let Some(hint) = self.hint() {
            text.push_str("\n\nhint: ");
            text.push_str(&hint);
        }
        text
    }
}
