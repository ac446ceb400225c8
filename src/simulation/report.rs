//! What a simulation says at its end: one object with stable names, because scripts read it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::promise::Tally;

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromiseReport {
    /// Which.
    pub name: Cow<'static, str>,
    /// How often it was judged, and broken.
    #[serde(flatten)]
    pub tally: Tally,
}

/// The report of one seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Virtual days.
    pub days: u32,
    /// Accounts at the banks that people linked.
    pub accounts: u32,
    /// Pulls that ended with all of their data.
    pub pulls: u64,
    /// Requests that reached the provider.
    pub calls: u64,
    /// New token pairs.
    pub tokens_minted: u64,
    /// Booked movements that answers showed.
    pub rows_shown: u64,
    /// Booked rows in the database.
    pub rows_stored: u64,
    /// Shown, but not stored.
    pub rows_missing: u64,
    /// Stored more often than shown.
    pub rows_doubled: u64,
    /// Answers after which the listing was not what the bank showed.
    pub view_mismatches: u64,
    /// Successful calls beyond a daily limit, and calls before a reset.
    pub quota_exceeded: u64,
    /// Accounts that the provider suspended for our failures.
    pub suspensions_caused: u64,
    /// Data calls after the end of a consent.
    pub calls_after_end: u64,
    /// Warnings that access ends.
    pub warnings: u64,
    /// Ends of access that were announced.
    pub expiries: u64,
    /// Days that a renewal left without data.
    pub uncovered_days: u64,
    /// Each promise.
    #[serde(skip_deserializing)]
    pub promises: Vec<PromiseReport>,
    /// Hash of the final logical dump of the database.
    pub fingerprint: String,
    /// What the daemon took, where it is measured apart from the bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<Took>,
}

/// What a process took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// Resident memory at its largest, in bytes.
    pub memory_bytes: u64,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.promises.iter().all(|promise| promise.tally.broken == 0)
    }
}
