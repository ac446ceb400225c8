//! Never a suspension caused by us and never more than eight counted failures in a row; after a suspension from elsewhere no
//! further data call until there is a new link.

use crate::model::time::UtcInstant;

use super::told::Told;
use super::{Fact, Promise, Verdict};

/// Counted failures in a row that may be.
const FAILURES_MAX: u32 = 8;

/// The judge.
#[derive(Debug, Default)]
pub(super) struct Suspension {
    /// By account and requisition.
    told: Told<(String, String), ()>,
}

impl Promise for Suspension {
    fn name(&self) -> &'static str {
        "suspension"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.told.see(at, fact);
        match fact {
            Fact::Heard(request) => {
                let before = request.before.as_ref().filter(|before| before.suspended)?;
                let data = request.scope.is_some() && request.status == 409;
                let metadata = request.scope.is_none() && request.status == 200;
                if data || metadata {
                    let key = (request.account.clone()?, before.requisition.clone());
                    self.told.learn(at, key, ());
                }
                None
            }
            Fact::Request(request) => {
                let (account, _) = request.data()?;
                let (before, after) = request.before.as_ref().zip(request.after.as_ref())?;
                let key = (account.to_owned(), before.requisition.clone());
                if self.told.get(&key).is_some_and(|(told, ())| *told < request.sent_at) {
                    return Some(Err(format!(
                        "a data call for {account}, which is known to be suspended"
                    )));
                }
                if after.suspended && !before.suspended {
                    return Some(Err(format!("{account} was suspended for our failures")));
                }
                if after.failures > FAILURES_MAX {
                    return Some(Err(format!(
                        "{account} has {} failures in a row",
                        after.failures
                    )));
                }
                Some(Ok(()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{at_hour, changed, request};
    use super::*;

    #[test]
    fn a_ninth_failure_and_a_suspension_of_ours_are_seen() {
        let judge = |failures, suspended| {
            let request = changed(request(0, 503), |_, after| {
                (after.failures, after.suspended) = (failures, suspended);
            });
            Suspension::default().see(at_hour(0), &Fact::Request(Arc::new(request)))
        };
        assert_eq!(judge(8, false), Some(Ok(())));
        assert!(matches!(judge(9, false), Some(Err(_))));
        assert!(matches!(judge(8, true), Some(Err(_))));
    }

    #[test]
    fn a_call_after_a_known_suspension_is_seen_until_a_new_link() {
        let mut judge = Suspension::default();
        let asked = |hour, requisition: &str| {
            Arc::new(changed(request(hour, 409), |before, after| {
                (before.suspended, after.suspended) = (true, true);
                before.requisition = requisition.to_owned();
            }))
        };
        assert_eq!(judge.see(at_hour(0), &Fact::Request(asked(0, "r"))), Some(Ok(())));
        assert_eq!(judge.see(at_hour(0), &Fact::Lost(asked(0, "r"))), None);
        assert_eq!(judge.see(at_hour(1), &Fact::Request(asked(1, "r"))), Some(Ok(())), "not told");
        assert_eq!(judge.see(at_hour(1), &Fact::Heard(asked(1, "r"))), None);
        assert!(matches!(judge.see(at_hour(2), &Fact::Request(asked(2, "r"))), Some(Err(_))));
        assert_eq!(judge.see(at_hour(3), &Fact::Request(asked(3, "s"))), Some(Ok(())));
    }
}
