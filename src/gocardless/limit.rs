//! Spacing of requests, so that the company's limits are never hit.
//!
//! The limits hold for all calls of a company together (knowledge base article 11529637772188, read 2026-11): 100 a minute
//! for `accounts/*`, 300 for `institutions/*`, 300 for reading agreements and requisitions and 100 for making and removing
//! them, and 100 token refreshes. New tokens (100 an hour) have a guard of their own, and the daily limit per account is a
//! ledger, and the planner's.
//!
//! A bucket that refills evenly lets through its burst plus what refills in a window. So burst and refill of a minute are
//! cut from the limit: their sum is the limit, and no window of 60 seconds sees more.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter, clock};
use tokio::sync::Semaphore;

use super::inflight::CALLS_MAX;
use crate::model::port::{Clock, Request, Response, Transport, TransportError};

/// Calls a minute of `institutions/*`.
const INSTITUTIONS_PER_MINUTE: u32 = 300;
/// Reads a minute of agreements and requisitions together.
const LINK_READS_PER_MINUTE: u32 = 300;
/// Agreements and requisitions made or removed a minute, together.
const LINK_WRITES_PER_MINUTE: u32 = 100;
/// Token requests a minute.
const TOKENS_PER_MINUTE: u32 = 100;
/// One share of this many is the burst.
const BURST_SHARE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Added where a wait in whole milliseconds could end too early.
const SLACK: Duration = Duration::from_millis(1);

/// What a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Accounts,
    Institutions,
    /// Polls of links: they must not hold up the making of one, nor the other way round.
    LinkReads,
    LinkWrites,
    Tokens,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, PortClock, NoOpMiddleware<Duration>>;

/// All buckets.
#[derive(Debug)]
pub(super) struct Spacing {
    clock: PortClock,
    accounts: Bucket,
    institutions: Bucket,
    link_reads: Bucket,
    link_writes: Bucket,
    tokens: Bucket,
}

impl Spacing {
    /// With full buckets; zero a minute is taken for one.
    pub(super) fn new(clock: Arc<dyn Clock>, accounts_per_minute: u32) -> Self {
        let clock = PortClock(clock);
        let bucket =
            |per_minute| Bucket::direct_with_clock(per_minute_quota(per_minute), clock.clone());
        Self {
            accounts: bucket(accounts_per_minute),
            institutions: bucket(INSTITUTIONS_PER_MINUTE),
            link_reads: bucket(LINK_READS_PER_MINUTE),
            link_writes: bucket(LINK_WRITES_PER_MINUTE),
            tokens: bucket(TOKENS_PER_MINUTE),
            clock,
        }
    }

    /// Resolves when a request may be sent, and counts it as sent.
    pub(super) async fn wait(&self, resource: Resource) {
        let bucket = match resource {
            Resource::Accounts => &self.accounts,
            Resource::Institutions => &self.institutions,
            Resource::LinkReads => &self.link_reads,
            Resource::LinkWrites => &self.link_writes,
            Resource::Tokens => &self.tokens,
        };
        while let Err(not_until) = bucket.check() {
            let wait =
                not_until.wait_time_from(clock::Clock::now(&self.clock)).saturating_add(SLACK);
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            let until_ms = self.clock.0.now().mono_ms.saturating_add(wait_ms);
            self.clock.0.sleep_until(until_ms).await;
        }
    }
}

/// The transport behind the spacing: the one way for requests to leave.
pub(super) struct Line {
    transport: Arc<dyn Transport>,
    spacing: Spacing,
    /// As many as the transport takes at once: what was given a place in time must not queue up behind it, or many could
    /// leave in one moment.
    places: Semaphore,
}

impl Line {
    /// Nothing is sent yet.
    pub(super) fn new(transport: Arc<dyn Transport>, spacing: Spacing) -> Self {
        Self { transport, spacing, places: Semaphore::new(CALLS_MAX) }
    }

    /// Nothing is sent for a while.
    pub(super) fn rest(&self) {
        self.transport.rest();
    }

    /// Waits for a place and sends once.
    pub(super) async fn send(
        &self,
        resource: Resource,
        request: Request,
    ) -> Result<Response, TransportError> {
        let _place = self.places.acquire().await;
        self.spacing.wait(resource).await;
        self.transport.send(request).await
    }
}

/// Burst and refill of a minute sum up to the limit.
fn per_minute_quota(per_minute: u32) -> Quota {
    let limit = per_minute.max(1);
    let burst = limit.checked_div(BURST_SHARE).and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
    let refill = limit.saturating_sub(burst.get());
    // A limit of one leaves nothing to refill within the minute: the next comes after it.
    let period = MINUTE.checked_div(refill).unwrap_or(MINUTE.saturating_add(SLACK));
    Quota::with_period(period)
        .map_or(Quota::per_minute(NonZeroU32::MIN), |quota| quota.allow_burst(burst))
}

/// The port's monotonic clock as the limiter wants it.
#[derive(Clone)]
struct PortClock(Arc<dyn Clock>);

impl clock::Clock for PortClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now().mono_ms.max(0).unsigned_abs())
    }
}

impl std::fmt::Debug for PortClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PortClock")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::VirtualClock;
    use super::*;

    /// When a greedy caller's requests leave, in milliseconds.
    async fn departures(resource: Resource, per_minute: u32, count: usize) -> Vec<i64> {
        let clock = VirtualClock::new();
        let spacing = Spacing::new(clock.clone(), per_minute);
        let mut left = Vec::new();
        for _ in 0..count {
            spacing.wait(resource).await;
            left.push(clock.now().mono_ms);
        }
        left
    }

    #[tokio::test]
    async fn no_minute_sees_more_than_the_limit() {
        for limit in [1_u32, 2, 7, 10, 33, 100, 1_000] {
            let size = usize::try_from(limit).unwrap();
            let left = departures(Resource::Accounts, limit, size * 4 + 1).await;
            for (first, next) in left.iter().zip(left.iter().skip(size)) {
                assert!(next - first >= 60_000, "{limit} a minute: {first} {next}");
            }
            // And it is not much slower than needed: four windows' worth take less than five.
            let minutes = (left.last().unwrap() - left[0]).div_euclid(60_000);
            assert!(limit < 10 || minutes < 5, "{limit} a minute took {minutes} minutes");
        }
    }

    #[tokio::test]
    async fn polls_of_links_have_a_limit_of_their_own() {
        let in_a_minute = async |resource| {
            let left = departures(resource, 1, 600).await;
            left.iter().filter(|at| *at - left[0] < 60_000).count()
        };
        let reads = in_a_minute(Resource::LinkReads).await;
        assert!((250..=300).contains(&reads), "{reads}");
        let writes = in_a_minute(Resource::LinkWrites).await;
        assert!((90..=100).contains(&writes), "{writes}");
    }
}
