//! The distance between calls for accounts, so that the company's limit over all of them (knowledge base article
//! 11529637772188, read 2026-11) is never reached and what is called next is decided as late as possible.
//!
//! The client keeps the limit, too, but whoever waits there has left: nobody can go before it any more, and its access may
//! end meanwhile. As there, a burst and what refills in a minute sum up to the limit.

use crate::model::time::{MINUTE_MS, UtcInstant};

/// One share of this many of the limit is the burst.
const BURST_SHARE: u32 = 10;

/// A limit as distance and burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// Between two calls in the long run, in milliseconds.
    pub(super) gap_ms: i64,
    burst: i64,
}

impl Rhythm {
    /// Of a limit per minute; zero is taken for one.
    pub(super) fn per_minute(limit: u32) -> Self {
        let limit = limit.max(1);
        let burst = limit.checked_div(BURST_SHARE).unwrap_or(0).max(1);
        let refill = i64::from(limit.saturating_sub(burst));
        // A limit of one leaves nothing to refill within the minute: the next comes after it.
        let gap_ms = MINUTE_MS.checked_div(refill).unwrap_or(MINUTE_MS).saturating_add(1);
        Self { gap_ms, burst: burst.into() }
    }
}

/// How far the burst is used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When nothing of it is.
    whole_at: UtcInstant,
}

impl Default for Pace {
    fn default() -> Self {
        Self { whole_at: UtcInstant::EPOCH }
    }
}

impl Pace {
    /// When the next call may leave; now or earlier if it may.
    pub(super) fn free_at(self, rhythm: Rhythm) -> UtcInstant {
        self.whole_at.plus_ms(rhythm.gap_ms.saturating_mul(1 - rhythm.burst))
    }

    /// A call leaves.
    pub(super) fn take(&mut self, rhythm: Rhythm, now: UtcInstant) {
        self.whole_at = self.whole_at.max(now).plus_ms(rhythm.gap_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_sees_more_than_the_limit() {
        for limit in [1, 2, 7, 10, 33, 100, 1_000] {
            let rhythm = Rhythm::per_minute(limit);
            let (mut pace, mut now, mut left) = (Pace::default(), UtcInstant::EPOCH, Vec::new());
            for _ in 0..=4 * limit {
                now = now.max(pace.free_at(rhythm));
                pace.take(rhythm, now);
                left.push(now);
            }
            let size = usize::try_from(limit).unwrap();
            for (first, next) in left.iter().zip(left.iter().skip(size)) {
                assert!(next.since(*first) > MINUTE_MS, "{limit} a minute");
            }
            assert!(limit < 10 || now.ms() < 5 * MINUTE_MS, "{limit} a minute is slow");
        }
    }
}
