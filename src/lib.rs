//! `banksyncd`: a daemon that keeps bank data fresh in an encrypted file.
pub mod config;
pub mod model;
pub mod planner;
pub mod sandbox;
