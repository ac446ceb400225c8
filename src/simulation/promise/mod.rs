//! Those who judge: one file for each promise, and none of them knows the planner.
//!
//! A promise sees every [`Fact`] in order and says after each whether there was something to judge and how it came out. What
//! can only be judged by looking into the database is judged by the driver and counted here under the promise's name.

mod consent;
mod quota;
mod suspension;
mod token;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::time::UtcInstant;

use super::fact::Fact;

/// What the rows of an answer and the database are compared under.
pub(super) const VIEW: &str = "view";
/// What all answers and the database are compared under.
pub(super) const ROWS: &str = "stored_once";

/// How a judgment came out: `None` if there was nothing to judge, else what is wrong.
type Verdict = Option<Result<(), String>>;

/// One who judges.
trait Promise: Send {
    /// Under which name.
    fn name(&self) -> &'static str;
    /// Looks at a fact.
    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict;
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which.
    pub promise: &'static str,
    /// When, by the true time.
    pub at: UtcInstant,
    /// What is wrong.
    pub sentence: String,
    /// The last things that happened before, oldest first.
    pub effects: Vec<String>,
}

/// How a promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Judgments.
    pub checked: u64,
    /// Of these, broken.
    pub broken: u64,
}

/// All who judge.
#[derive(Default)]
pub(super) struct Bench {
    promises: Vec<Box<dyn Promise>>,
    tallies: BTreeMap<&'static str, Tally>,
}

impl Bench {
    /// Everybody, for a provider that allows so many successful calls a day and whose refresh tokens live so long.
    pub(super) fn new(daily_limit: u32, refresh_life_ms: i64) -> Self {
        let promises: Vec<Box<dyn Promise>> = vec![
            Box::new(quota::Quota::new(daily_limit)),
            Box::<suspension::Suspension>::default(),
            Box::<consent::Consent>::default(),
            Box::new(token::Token::new(refresh_life_ms)),
        ];
        let names = promises.iter().map(|promise| promise.name()).chain([VIEW, ROWS]);
        let tallies = names.map(|name| (name, Tally::default())).collect();
        Self { promises, tallies }
    }

    /// Lets everybody look; the first sentence about something broken.
    pub(super) fn see(&mut self, at: UtcInstant, fact: &Fact) -> Option<(&'static str, String)> {
        let mut first = None;
        for promise in &mut self.promises {
            let name = promise.name();
            let Some(verdict) = promise.see(at, fact) else { continue };
            let tally = self.tallies.entry(name).or_default();
            tally.checked += 1;
            if let Err(sentence) = verdict {
                tally.broken += 1;
                first.get_or_insert((name, sentence));
            }
        }
        first
    }

    /// Counts a judgment that was made elsewhere.
    pub(super) fn count(&mut self, name: &'static str, broken: bool) {
        let tally = self.tallies.entry(name).or_default();
        tally.checked += 1;
        tally.broken += u64::from(broken);
    }

    /// How often each promise was judged and broken, by name.
    pub(super) fn tallies(&self) -> &BTreeMap<&'static str, Tally> {
        &self.tallies
    }
}

#[cfg(test)]
mod testing {
    //! Facts for those who test a judge.

    use crate::model::time::UtcInstant;
    use crate::sandbox::{Scope, Witness};

    use super::super::fact::Request;

    /// So many hours after the beginning.
    pub(super) fn at_hour(hour: i64) -> UtcInstant {
        UtcInstant::EPOCH.plus_days(20_000).plus_hours(hour)
    }

    /// The same request with another account before and after it.
    pub(super) fn changed(
        mut request: Request,
        change: impl FnOnce(&mut Witness, &mut Witness),
    ) -> Request {
        change(request.before.as_mut().unwrap(), request.after.as_mut().unwrap());
        request
    }

    /// A transactions call of the one account, which is well, with consent for 90 days.
    pub(super) fn request(hour: i64, status: u16) -> Request {
        let witness = Witness {
            bank_account: 1,
            requisition: "r".to_owned(),
            consent_ends_at: Some(at_hour(90 * 24)),
            revoked: false,
            closed: false,
            suspended: false,
            failures: 0,
            status: "READY",
        };
        Request {
            sent_at: at_hour(hour),
            method: "GET",
            path: "accounts/a/transactions/".to_owned(),
            account: Some("a".to_owned()),
            scope: Some(Scope::Transactions),
            before: Some(witness.clone()),
            after: Some(witness),
            wall_error_ms: 0,
            token_refused: false,
            status,
            daily_reset_at: None,
        }
    }
}
