//! `check-config`: every problem of the configuration, with place and cure; the effective configuration if there is none.

use super::args::Global;
use super::error::CliError;
use super::output::Output;
use crate::config::Problem;
use crate::config::{Loaded, load};
use crate::exit::Code;
use crate::systemd::credentials::Directories;

/// Checks; [`Code::Config`] if there are problems.
pub(super) fn run(global: &Global, output: &mut Output) -> Result<Code, CliError> {
    match load(&global.config, &Directories::from_environment().defaults()) {
        Ok(Loaded { config, warnings, .. }) => {
            for warning in &warnings {
                output.note(&format!("warning: {warning}"));
            }
            if !global.json {
                output.verbatim(&config.effective())?;
            }
            Ok(Code::Ok)
        }
        Err(error) => {
            for problem in error.problems() {
                tell(&problem, global.json, output)?;
            }
            Ok(Code::Config)
        }
    }
}

fn tell(problem: &Problem, json: bool, output: &mut Output) -> Result<(), CliError> {
    if json {
        let line = serde_json::to_vec(problem).map_err(|error| CliError::NotUnderstood {
            what: format!("a problem that cannot be written: {error}"),
            hint: None,
        })?;
        return output.json(&line);
    }
    output.error(&problem.to_string());
    Ok(())
}
