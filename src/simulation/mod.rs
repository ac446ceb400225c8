//! Promises kept for years, tried in seconds: the real engine against the sandbox bank on a virtual clock.
//!
//! Planner, engine, client with its JSON and the encrypted store are the daemon's own, and none of them knows that it is
//! simulated: the clock is virtual, the wire ends in the sandbox world instead of a network,
//! and chance comes from a seed. One thread runs everything but the database, and time passes only when all of it waits, so one
//! seed is one run: the same events, the same database. What happened is told as facts to judges who know
//! the world and not the planner. A simulation has a temporary folder of its own and touches nothing else.

pub mod apart;
mod audit;
mod clock;
mod conclude;
mod driver;
mod fact;
mod fate;
mod folder;
mod journal;
mod life;
mod line;
mod machine;
mod promise;
mod report;
mod shown;
mod stage;
mod wishes;

use std::sync::Arc;

use crate::store;
use crate::systemd::process;

pub use promise::{Broken, Tally};
pub use report::Report;

/// How bad things get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// Everybody is well and in time.
    None,
    /// What happens to everybody in a year.
    #[default]
    Default,
    /// Everything that can happen, often.
    Storm,
}

/// What to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Virtual days, at least 1.
    pub days: u32,
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Accounts to link, at least 1.
    pub accounts: u32,
    /// How bad things get.
    pub faults: Faults,
}

/// How a simulation ended.
#[derive(Debug)]
pub struct Outcome {
    /// What it counted.
    pub report: Report,
    /// The first promise that was broken, if any.
    pub broken: Option<Broken>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The folder for the database cannot be made.
    #[error("cannot make a temporary folder")]
    Folder(#[source] std::io::Error),
    /// The runtime cannot be built.
    #[error("cannot prepare the process")]
    Process(#[source] std::io::Error),
    /// The built-in configuration is refused.
    #[error("the configuration of the simulated daemon is refused: {0}")]
    Config(String),
    /// The database does not work although nothing is wrong with it on purpose.
    #[error("the database of the simulation failed")]
    Store(#[source] store::Error),
    /// The engine gave up although nothing was wrong with its database.
    #[error("the simulated daemon gave up")]
    Engine(#[source] crate::sync::EngineError),
}

/// Runs one simulation to its end.
///
/// # Errors
/// Only what has nothing to do with the promises: no folder, no thread. A broken promise is an [`Outcome`].
pub fn run(options: &Options) -> Result<Outcome, SimulationError> {
    let folder = folder::Folder::make().map_err(SimulationError::Folder)?;
    let stage = stage::stage(options, folder.path())?;
    let clock = Arc::clone(&stage.host.clock);
    survive_a_full_disk().map_err(SimulationError::Process)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || clock.tick())
        .build()
        .map_err(SimulationError::Process)?;
    runtime.block_on(driver::Driver::new(*options, stage).run())
}

/// In a runtime of its own: only signals need one that waits for files, and that costs two calls of the kernel each time
/// somebody wakes.
fn survive_a_full_disk() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async { process::survive_file_size_limit() })
}
