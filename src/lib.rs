//! `banksyncd`: a daemon that keeps bank data fresh in an encrypted file.
pub mod config;
pub mod exit;
pub mod model;
pub mod observe;
pub mod planner;
pub mod systemd;
