//! `banksyncd`: a daemon that keeps bank data fresh in an encrypted file.
pub mod config;
pub mod gocardless;
pub mod model;
pub mod planner;
