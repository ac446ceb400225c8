//! Who waits for what: clients that want to hear how pulls ended, or what the provider said.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, oneshot};

use crate::model::id::AccountId;
use crate::model::institution::Institution;
use crate::planner::effect::{PullResult, Refused};
use crate::planner::event::AskId;

/// What a question is answered with.
pub(super) type Told = Result<Vec<Institution>, Refused>;

/// A client that waits for pulls.
#[derive(Debug)]
struct PullWaiter {
    accounts: BTreeSet<AccountId>,
    results: mpsc::Sender<PullResult>,
}

/// All who wait. A client that went away is forgotten at its next result.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    pulls: Vec<PullWaiter>,
    asks: BTreeMap<AskId, oneshot::Sender<Told>>,
    last_ask: u64,
}

impl Waiters {
    /// Somebody waits for the pulls of these accounts.
    pub(super) fn wait_for_pulls(
        &mut self,
        accounts: &[AccountId],
        results: mpsc::Sender<PullResult>,
    ) {
        self.pulls.push(PullWaiter { accounts: accounts.iter().copied().collect(), results });
    }

    /// An account's pull ended, or was not begun.
    pub(super) fn pulled(&mut self, result: &PullResult) {
        for waiter in &mut self.pulls {
            if waiter.accounts.remove(&result.account_id) {
                // The queue has room for one result per account asked for.
                let _full_or_gone = waiter.results.try_send(result.clone());
            }
        }
        self.pulls.retain(|waiter| !waiter.accounts.is_empty() && !waiter.results.is_closed());
    }

    /// Somebody waits for the answer to a question.
    pub(super) fn wait_for_answer(&mut self, told: oneshot::Sender<Told>) -> AskId {
        self.last_ask = self.last_ask.wrapping_add(1);
        let ask = AskId(self.last_ask);
        self.asks.insert(ask, told);
        ask
    }

    /// A question was answered.
    pub(super) fn told(&mut self, ask: AskId, answer: Told) {
        if let Some(waiter) = self.asks.remove(&ask) {
            let _gone = waiter.send(answer);
        }
    }
}
