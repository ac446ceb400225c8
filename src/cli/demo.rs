//! `demo`
use super::args::{Demo, Global};
use super::error::CliError;
use super::output::Output;
use crate::exit::Code;
/// x
pub(super) fn run(_args: &Demo, _global: &Global, _output: &mut Output) -> Result<Code, CliError> {
    Ok(Code::Ok)
}
