//! Instants of ours that lie in the future because the clock was wrong when they were written.
//!
//! Every wait that we plan has a longest length. Where a remembered instant is farther away than that, the clock has gone
//! back since, and the wait is cut to that length; otherwise a clock that was a month ahead for a minute would keep an
//! account waiting for a month. What the provider or a person said (the end of access) is left alone.

use crate::model::time::{DAY_MS, HOUR_MS, UtcInstant};

use super::agenda::Key;
use super::pace::Pace;
use super::state::{Account, Link, ProviderState};
use super::{Planner, quota};

/// Longest wait before a call of an account that was put off.
const ACCOUNT_WAIT_MS: i64 = 6 * HOUR_MS;
/// Longest wait before a paused account is asked about.
const ASK_WAIT_MS: i64 = 7 * DAY_MS;
/// Longest wait before a link is looked at.
const LINK_WAIT_MS: i64 = DAY_MS;
/// Longest wait before a fault or an outage is tried again, or the company's limit is over.
const PROVIDER_WAIT_MS: i64 = 6 * HOUR_MS;

fn bound(at: &mut Option<UtcInstant>, latest: UtcInstant) {
    *at = at.map(|at| at.min(latest));
}

/// `there`: now by the provider's clock.
fn bound_account(account: &mut Account, now: UtcInstant, there: UtcInstant) {
    bound(&mut account.retry_at, now.plus_ms(ACCOUNT_WAIT_MS));
    account.quota.values_mut().for_each(|learned| quota::bound(learned, there));
    let past = [
        &mut account.last_synced_at,
        &mut account.details_at,
        &mut account.full_pull_at,
        &mut account.processing_since,
    ];
    for at in past {
        bound(at, now);
    }
    if let Some(pause) = account.pause.as_mut() {
        pause.since = pause.since.min(now);
        pause.ask_at = pause.ask_at.min(now.plus_ms(ASK_WAIT_MS));
    }
}

fn bound_link(link: &mut Link, now: UtcInstant, there: UtcInstant) {
    link.created_at = link.created_at.min(there);
    link.next_at = link.next_at.min(now.plus_ms(LINK_WAIT_MS));
    if let Some(own) = link.confirming.as_mut() {
        own.next_at = own.next_at.min(now.plus_ms(LINK_WAIT_MS));
        bound(&mut own.asked_at, now);
    }
}

fn bound_provider(provider: &mut ProviderState, now: UtcInstant) {
    let latest = now.plus_ms(PROVIDER_WAIT_MS);
    bound(&mut provider.fault_retry_at, latest);
    bound(&mut provider.outage_retry_at, latest);
    bound(&mut provider.throttled_until, latest);
    bound(&mut provider.outage_since, now);
}

impl Planner {
    /// Cuts waits that the clock has made too long. Changes nothing after a clock that went forward.
    pub(super) fn clock_went_back(&mut self, now: UtcInstant) {
        self.store_retry_at = None;
        // The line in the client keeps the limit meanwhile.
        self.pace = Pace::default();
        let there = self.time.latest(now);
        self.ledger.clock_went_back(there);
        for (id, account) in &mut self.accounts {
            let before = account.clone();
            bound_account(account, now, there);
            if *account != before {
                self.draft.accounts.insert(*id);
                self.agenda.touch(Key::Account(*id));
            }
        }
        for (id, link) in &mut self.links {
            let before = link.clone();
            bound_link(link, now, there);
            if *link != before {
                self.draft.links.insert(*id);
                self.agenda.touch(Key::Link(*id));
            }
        }
        let before = self.provider.clone();
        bound_provider(&mut self.provider, now);
        self.draft.provider |= self.provider != before;
    }
}
