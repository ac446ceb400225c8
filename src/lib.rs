//! `banksyncd`: a background daemon that keeps bank data fresh in an encrypted file.
//!
//! It reads accounts, balances and transactions through the GoCardless Bank Account Data API (formerly Nordigen) without
//! ever exceeding the banks' daily quotas, and says what needs a person. This is the map of the house; imports go down only
//! (`tests/tidy.rs` guards it):
//!
//! | layer | rooms | what for |
//! |---|---|---|
//! | 4 composition | [`cli`], [`daemon`], [`simulation`] | verbs; the process, its socket and tasks; the engine against the sandbox on a virtual clock |
//! | 3 hands | [`sync`] | carries out what the planner wants |
//! | 2 adapters | [`gocardless`], [`store`], [`observe`], [`notify`], [`systemd`], [`sandbox`] | HTTP; `SQLCipher`; logs; messages; the service manager; a bank of our own. They never meet |
//! | 1 brain | [`planner`], [`outbox`], [`config`], [`display`], [`export`], [`model`] | decisions, rules, files, nouns: no clock, no I/O, no randomness |
//!
//! [`exit`] holds the exit codes, [`files`] how files are replaced, [`web`] the switches of every HTTP client. The planner
//! is sans-io: the same inputs give the same effects, so that years can be simulated in seconds.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod display;
pub mod exit;
pub mod export;
pub mod files;
pub mod gocardless;
pub mod model;
pub mod notify;
pub mod observe;
pub mod outbox;
pub mod planner;
pub mod sandbox;
pub mod simulation;
pub mod store;
pub mod sync;
pub mod systemd;
pub mod web;

use std::ffi::OsString;

/// Runs the program with its arguments (the first is its name) and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> exit::Code {
    cli::main(arguments)
}
