//! `completions`: what a shell needs to complete our verbs and options, made from the command line's own definition.

use clap::CommandFactory as _;

use super::args::{Args, Completions};
use super::error::CliError;
use super::output::Output;
use crate::exit::Code;

/// Prints the script.
pub(super) fn run(args: &Completions, output: &mut Output) -> Result<Code, CliError> {
    // Into memory first: the generator panics where a write fails, and a reader may go away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "banksyncd", &mut script);
    output.verbatim(&String::from_utf8_lossy(&script))?;
    Ok(Code::Ok)
}
