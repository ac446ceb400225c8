//! The real program against the sandbox bank: real processes, the real encrypted file, HTTP on loopback.
//!
//! Each test has a folder, a bank and a daemon of its own ([`rig`]) and compares what the verbs say with what the bank knows.
//! The bank runs in the test's process, so that its ledger, its log and its faults are at hand; the daemon never does.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::print_stderr,
    reason = "a test that panics has failed, as it should; a skipped one says so"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests wait by the machine's clock, which the program's own rooms never read"
)]

#[path = "../support/bank.rs"]
mod bank;
#[path = "../support/front.rs"]
mod front;
#[path = "../support/mail_server.rs"]
mod mail_server;
#[expect(dead_code, reason = "other tests break answers in more ways")]
#[path = "../support/raw_server.rs"]
mod raw_server;
#[path = "../support/rig.rs"]
mod rig;
#[path = "../support/signed.rs"]
mod signed;
#[path = "../support/tls.rs"]
mod tls;

mod access;
mod backup;
mod confirming;
mod disk;
mod display;
mod doctor;
mod explain;
mod export;
mod guard;
mod history;
mod hostile;
mod input;
mod keeping;
mod landing;
mod life;
mod linking;
mod metrics;
mod notify;
mod openapi;
mod proof;
mod quota;
mod relink;
mod replay;
mod samples;
mod screens;
mod secrets;
mod start;
