//! Events on their way to the log: committed first, told next, marked as told a little later. At least once: what is told
//! and not marked when the process ends is told again after the next start.

use crate::observe::{LogEvent, Tell};
use crate::store::StoredEvent;

/// Ids of told events that may wait for being marked so.
const TOLD_MAX: usize = 256;
/// Events that may wait for somebody to take them.
const UNTOLD_MAX: usize = 1_000;

/// Tells the log.
pub(super) struct Teller {
    tell: Tell,
    /// Committed, but nobody took them yet.
    untold: Vec<StoredEvent>,
    /// Told, but not yet marked so.
    told: Vec<i64>,
}

impl Teller {
    /// `untold`: what was committed but not told before the last end.
    pub(super) fn new(tell: Tell, untold: Vec<StoredEvent>) -> Self {
        Self { tell, untold, told: Vec::new() }
    }

    /// Tells of these after all that wait already.
    pub(super) fn tell(&mut self, committed: Vec<StoredEvent>) {
        self.untold.extend(committed);
        self.tell_on();
    }

    /// Tells what waits, oldest first. What nobody takes (the journal is down) waits here and, beyond a limit, in the
    /// database for the next start.
    pub(super) fn tell_on(&mut self) {
        let heard = self
            .untold
            .iter()
            .take_while(|event| (self.tell)(&LogEvent::stored(event.id, &event.notice)));
        let heard = heard.count();
        self.told.extend(self.untold.drain(..heard).map(|event| event.id));
        self.untold.truncate(UNTOLD_MAX);
    }

    /// Whether nothing is to be marked.
    pub(super) fn is_even(&self) -> bool {
        self.told.is_empty()
    }

    /// Whether so much is to be marked that it should not wait.
    pub(super) fn is_full(&self) -> bool {
        self.told.len() >= TOLD_MAX
    }

    /// What is to be marked.
    pub(super) fn take_told(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.told)
    }
}
