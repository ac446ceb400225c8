//! Never a successful data call beyond the limit per account and scope in any rolling 24 hours, and none between a daily 429
//! and its reset, even when another application spent the calls.

use std::collections::{BTreeMap, VecDeque};

use crate::model::time::{DAY_MS, SECOND_MS, UtcInstant};
use crate::sandbox::Scope;

use super::told::Told;
use super::{Fact, Promise, Verdict};

/// A reset is told in whole seconds.
const ROUNDING_MS: i64 = SECOND_MS;

/// An account of the provider and one of its scopes.
type Key = (String, Scope);

/// The judge.
#[derive(Debug)]
pub(super) struct Quota {
    limit: usize,
    successes: BTreeMap<Key, VecDeque<UtcInstant>>,
    closed_until: Told<Key, UtcInstant>,
}

impl Quota {
    pub(super) fn new(limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { limit, successes: BTreeMap::new(), closed_until: Told::default() }
    }
}

impl Promise for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.closed_until.see(at, fact);
        match fact {
            Fact::Heard(request) => {
                if let (Some((account, scope)), Some(reset)) =
                    (request.data(), request.daily_reset_at)
                {
                    self.closed_until.learn(at, (account.to_owned(), scope), reset);
                }
                None
            }
            Fact::Request(request) => {
                let (account, scope) = request.data()?;
                let key = (account.to_owned(), scope);
                if let Some((_, until)) = self.closed_until.get(&key)
                    && request.sent_at.plus_ms(ROUNDING_MS) < *until
                {
                    let word = scope.as_str();
                    return Some(Err(format!("{word} of {account} before the reset at {until}")));
                }
                if request.status != 200 {
                    return Some(Ok(()));
                }
                let successes = self.successes.entry(key).or_default();
                successes.push_back(at);
                while successes.front().is_some_and(|first| at.since(*first) >= DAY_MS) {
                    successes.pop_front();
                }
                let (count, limit) = (successes.len(), self.limit);
                let word = scope.as_str();
                Some(if count <= limit {
                    Ok(())
                } else {
                    Err(format!(
                        "{count} successful calls for {word} of {account} in 24 hours, {limit} allowed"
                    ))
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{at_hour, request};
    use super::*;

    fn ask(quota: &mut Quota, hour: i64, status: u16) -> Verdict {
        quota.see(at_hour(hour), &Fact::Request(Arc::new(request(hour, status))))
    }

    #[test]
    fn a_fifth_call_within_a_day_is_seen_wherever_the_day_begins() {
        let mut quota = Quota::new(4);
        for hour in [0, 20, 21, 22, 24, 44, 45, 46] {
            assert_eq!(ask(&mut quota, hour, 200), Some(Ok(())), "{hour}");
        }
        // The third one is a day old by now; the last five are not.
        assert!(matches!(ask(&mut quota, 46, 200), Some(Err(_))));
        assert_eq!(ask(&mut Quota::new(1), 0, 503), Some(Ok(())));
    }

    #[test]
    fn a_call_before_the_reset_is_seen() {
        let mut quota = Quota::new(4);
        let mut refused = request(0, 429);
        refused.daily_reset_at = Some(at_hour(9));
        assert_eq!(quota.see(at_hour(0), &Fact::Heard(Arc::new(refused))), None);
        assert!(matches!(ask(&mut quota, 8, 429), Some(Err(_))));
        assert_eq!(ask(&mut quota, 9, 200), Some(Ok(())));
    }
}
