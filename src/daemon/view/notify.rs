//! Targets of messages and how they fare.

use serde::Serialize;

use super::{At, at};
use crate::daemon::notify::{Standing, Tried};

/// How a target fares.
#[derive(Clone, Debug, Serialize)]
pub struct StandingView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    waiting: usize,
    oldest_at: Option<At>,
    failing_since: Option<At>,
    taken_at: Option<At>,
    given_up: u64,
    reason: Option<&'a str>,
    output: Option<&'a str>,
}

/// Shows a target.
pub fn standing(standing: &Standing) -> StandingView<'_> {
    let failed = standing.failed.as_ref();
    StandingView {
        name: &standing.name,
        kind: standing.kind,
        waiting: standing.waiting,
        oldest_at: at(standing.oldest_at),
        failing_since: at(standing.failing_since),
        taken_at: at(standing.taken_at),
        given_up: standing.given_up,
        reason: failed.map(|failed| failed.reason.as_str()),
        output: failed.and_then(|failed| failed.output.as_deref()),
    }
}

/// What became of a trial.
#[derive(Clone, Debug, Serialize)]
pub struct TriedView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    ok: bool,
    reason: Option<&'a str>,
    output: Option<&'a str>,
}

/// Shows what became of a trial.
pub fn tried(tried: &Tried) -> TriedView<'_> {
    let failed = tried.failed.as_ref();
    TriedView {
        name: &tried.name,
        kind: tried.kind,
        ok: failed.is_none(),
        reason: failed.map(|failed| failed.reason.as_str()),
        output: failed.and_then(|failed| failed.output.as_deref()),
    }
}
