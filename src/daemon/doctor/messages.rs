//! The targets of messages: whether they take what they are sent.

use super::{Finding, Patient};
use crate::daemon::notify::Standing;
use crate::model::shell::quoted;

const MESSAGES: &str = "messages";

pub(super) fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let targets = patient.config.notify.len();
    let noun = if targets == 1 { "target" } else { "targets" };
    let fine = |message: String| vec![Finding::fine(MESSAGES, message)];
    let Some(standings) = &patient.standings else {
        return fine(format!("{targets} {noun}, told of what happened once the daemon runs"));
    };
    let failing: Vec<Finding> = standings.iter().filter_map(untaken).collect();
    match failing.len() {
        0 if targets == 0 => fine("nobody is told: there is no `[[notify]]`".to_owned()),
        0 => fine(format!("{targets} {noun}, none refuses its messages")),
        _ => failing,
    }
}

/// A target that did not take the last message, and what tries whether it takes one now.
fn untaken(standing: &Standing) -> Option<Finding> {
    let Standing { name, waiting, failing_since, failed, .. } = standing;
    let since = failing_since.as_ref()?;
    let reason = failed.as_ref().map(|failed| format!(": {}", failed.reason)).unwrap_or_default();
    let message = format!("`{name}` takes no messages since {since} ({waiting} wait){reason}");
    Some(Finding::trouble(MESSAGES, message, format!("banksyncd notify test {}", quoted(name))))
}
