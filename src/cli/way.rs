//! The way to the daemon: which socket, found how, whatever state the configuration is in.

use std::io;
use std::path::PathBuf;

use super::args::Global;
use crate::config::{LoadError, Problem, load};
use crate::systemd::credentials::Directories;
use crate::systemd::unit::Name;

/// The way to the daemon.
pub(super) struct Way {
    /// Where it listens.
    pub(super) socket: PathBuf,
    /// What is wrong with the configuration: told if nobody answers.
    pub(super) problems: Vec<Problem>,
}

/// Where to ask: what the command line names, else the configuration, else where the packaged service listens.
///
/// A configuration that is there and bad does not cut a person off from a daemon that goes on with the last good one: what
/// the file says of the socket counts all the same, and for a packaged place the packaged socket. By hand, without a word of
/// the file, nobody knows where the daemon listens, and another one must not be asked in its place.
///
/// # Errors
/// There is no way; why is in the list.
pub(super) fn way(global: &Global) -> Result<Way, Vec<Problem>> {
    if let Some(socket) = &global.socket {
        return Ok(Way { socket: socket.clone(), problems: Vec::new() });
    }
    let defaults = Directories::from_environment().defaults();
    tracing::debug!(path = %global.config.display(), "reading the configuration");
    let error = match load(&global.config, &defaults) {
        Ok(loaded) => {
            return Ok(Way { socket: loaded.config.control.socket, problems: Vec::new() });
        }
        Err(error) => error,
    };
    let inside = defaults.runtime_dir.map(|folder| folder.join("control.sock"));
    let packaged = inside.or_else(|| Name::of_config(&global.config).map(|own| own.socket()));
    match (error, packaged) {
        // Not every user may read the service's configuration, and not every machine has one.
        (LoadError::Missing { .. }, Some(socket)) => Ok(Way { socket, problems: Vec::new() }),
        (LoadError::Unreadable { source, .. }, Some(socket))
            if source.kind() == io::ErrorKind::PermissionDenied =>
        {
            Ok(Way { socket, problems: Vec::new() })
        }
        (LoadError::Bad { problems, socket: Some(socket) }, _) => Ok(Way { socket, problems }),
        (error, Some(socket)) => Ok(Way { socket, problems: error.problems() }),
        (error, None) => Err(error.problems()),
    }
}
