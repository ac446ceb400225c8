//! How long to wait before trying again. One table for all waits, so that none is hidden in a loop.

use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcInstant};

/// Waits after the first, second, … failure; the last one repeats.
#[derive(Clone, Copy, Debug)]
pub struct Backoff(&'static [i64]);

/// After a failure of an account that may heal by itself.
pub const ACCOUNT: Backoff = Backoff(&[30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS]);
/// After a call of an account was refused as such (402, 404, a malformed request): a person or the provider has to act.
pub const REFUSED: Backoff =
    Backoff(&[30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, DAY_MS]);
/// After a reservation that could not be written: the database is busy, or the disk is full.
pub const STORE: Backoff =
    Backoff(&[SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS]);
/// After our token was refused: at once, then with care (mints are limited to 100 an hour).
pub const TOKEN: Backoff = Backoff(&[0, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS]);
/// While a person has to change something: wrong secret, address not allowed.
pub const FAULT: Backoff = Backoff(&[15 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS]);
/// While nothing answers.
pub const OUTAGE: Backoff = Backoff(&[
    5 * SECOND_MS,
    15 * SECOND_MS,
    MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
]);
/// While the provider reads an account for the first time.
pub const PROCESSING: Backoff = Backoff(&[
    3 * SECOND_MS,
    10 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
]);
/// After a failed step of linking or unlinking.
pub const LINK_STEP: Backoff =
    Backoff(&[5 * SECOND_MS, 30 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS]);
/// After a message that its target did not take; about as the specification of Standard Webhooks (1.0.0) proposes.
pub const MESSAGE: Backoff = Backoff(&[
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
]);
/// Between questions about a paused account (the metadata call is free).
pub const PAUSED: Backoff = Backoff(&[10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS]);

impl Backoff {
    /// The wait after `failures` in a row (1 is the first), in milliseconds.
    pub fn wait_ms(self, failures: u32) -> i64 {
        let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(step).or(self.0.last()).copied().unwrap_or(HOUR_MS)
    }

    /// The instant of the next try.
    pub fn next(self, failures: u32, now: UtcInstant) -> UtcInstant {
        now.plus_ms(self.wait_ms(failures))
    }
}

/// How long to wait between two looks at a link that a person is busy with, by its age.
pub fn poll_wait_ms(age_ms: i64) -> i64 {
    match age_ms {
        age if age < 2 * MINUTE_MS => 2 * SECOND_MS,
        age if age < 10 * MINUTE_MS => 5 * SECOND_MS,
        age if age < HOUR_MS => 30 * SECOND_MS,
        _ => 5 * MINUTE_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay() {
        assert_eq!(ACCOUNT.wait_ms(1), 30 * MINUTE_MS);
        assert_eq!(ACCOUNT.wait_ms(99), 6 * HOUR_MS);
        assert_eq!(TOKEN.wait_ms(1), 0);
        assert!(poll_wait_ms(0) < poll_wait_ms(DAY_MS));
    }
}
