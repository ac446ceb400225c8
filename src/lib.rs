//! `banksyncd`: a daemon that keeps bank data fresh in an encrypted file.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod exit;
pub mod gocardless;
pub mod model;
pub mod observe;
pub mod planner;
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod systemd;
