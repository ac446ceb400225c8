//! The secrets: whether they are there, closed to others, and what they should be. Whether they are accepted, the provider
//! says.

use super::{Database, Finding, Patient};
use crate::observe::Chain;
use crate::systemd::credentials::CredentialError;

/// The check's name.
const CREDENTIALS: &str = "credentials";

pub(super) fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let Err(errors) = &patient.secrets else {
        return vec![Finding::fine(CREDENTIALS, "all three are there, closed to others")];
    };
    let finding = |error: &CredentialError| {
        let mut message = Chain(error).to_string();
        if error.is_of_database() && !matches!(patient.database, Database::Absent) {
            message.push_str(
                "; only the key that the database was made with opens it: put your copy back",
            );
        }
        Finding::trouble(CREDENTIALS, message, error.command())
    };
    errors.iter().map(finding).collect()
}
