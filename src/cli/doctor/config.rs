//! The configuration: its problems and weak spots.

use std::io;
use std::path::Path;

use super::daemon::Daemon;
use crate::config::{LoadError, Loaded, Problem};
use crate::daemon::doctor::Finding;
use crate::model::shell::quoted;

const CONFIG: &str = "config";

pub(super) fn check(
    path: &Path,
    loaded: &Result<Loaded, LoadError>,
    daemon: &Daemon,
) -> Vec<Finding> {
    match loaded {
        Ok(loaded) if loaded.warnings.is_empty() => {
            vec![Finding::fine(CONFIG, path.display().to_string())]
        }
        Ok(loaded) => loaded.warnings.iter().map(told).collect(),
        Err(LoadError::Missing { .. }) => {
            let message = format!("there is no configuration at `{}`", path.display());
            vec![Finding::trouble(CONFIG, message, "banksyncd init")]
        }
        // The service's own: who may not read it leaves it to the daemon.
        Err(LoadError::Unreadable { source, .. })
            if source.kind() == io::ErrorKind::PermissionDenied
                && matches!(daemon, Daemon::Answers { .. }) =>
        {
            vec![Finding::fine(CONFIG, "read by the daemon")]
        }
        Err(LoadError::Unreadable { source, .. }) => {
            let message = format!("`{}` cannot be read: {source}", path.display());
            vec![Finding::trouble(CONFIG, message, "sudo banksyncd doctor")]
        }
        Err(error) => error.problems().iter().map(told).collect(),
    }
}

fn told(problem: &Problem) -> Finding {
    let message = problem.to_string().replace("\nhint: ", "; ");
    let file = quoted(&problem.file);
    // Some hints are commands.
    let command = match &problem.hint {
        Some(hint) if hint.starts_with("chmod ") => hint.clone(),
        _ if problem.line > 0 => format!("${{EDITOR:-vi}} +{} {file}", problem.line),
        _ => format!("${{EDITOR:-vi}} {file}"),
    };
    Finding::trouble(CONFIG, message, command)
}
