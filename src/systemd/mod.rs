//! The service manager and the process: credentials, notifications, limits. Everything here also works without systemd.

pub mod credentials;
pub mod notify;
pub mod process;
pub mod seal;
pub mod unit;
