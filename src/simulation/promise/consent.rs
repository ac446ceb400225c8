//! No data call after a consent has ended: not after its last day, which is known beforehand, and not after the bank said that
//! it was revoked.

use crate::model::time::UtcInstant;

use super::super::fact::Machine;
use super::told::Told;
use super::{Fact, Promise, Verdict};

/// The judge.
#[derive(Debug, Default)]
pub(super) struct Consent {
    /// That access is over, by account and requisition.
    told: Told<(String, String), ()>,
    /// The wall clock has jumped, and no answer with the provider's time has come since.
    lost_in_time: bool,
}

impl Promise for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.told.see(at, fact);
        match fact {
            Fact::Machine(Machine::Stepped(_) | Machine::Slept(_)) | Fact::Began => {
                self.lost_in_time = true;
                None
            }
            Fact::Heard(request) => {
                self.lost_in_time = false;
                let before = request.before.as_ref().filter(|before| before.revoked)?;
                if request.scope.is_some()
                    && matches!(request.status, 401 | 403)
                    && !request.token_refused
                {
                    let key = (request.account.clone()?, before.requisition.clone());
                    self.told.learn(at, key, ());
                }
                None
            }
            Fact::Request(request) => {
                let (account, _) = request.data()?;
                let before = request.before.as_ref()?;
                let end = before.consent_ends_at?;
                // With a clock that is behind, nobody can know until the provider has said what time it is.
                let excused = self.lost_in_time && request.wall_error_ms < 0;
                if end <= request.sent_at && !excused {
                    return Some(Err(format!(
                        "a data call for {account} after its consent ended at {end}"
                    )));
                }
                let key = (account.to_owned(), before.requisition.clone());
                let told = self.told.get(&key).is_some_and(|(told, ())| *told < request.sent_at);
                Some(if told {
                    Err(format!("a data call for {account}, whose consent is known to be revoked"))
                } else {
                    Ok(())
                })
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
    fn a_call_after_the_last_day_is_seen() {
        let mut judge = Consent::default();
        let last = 90 * 24;
        let mut ask = |hour| judge.see(at_hour(hour), &Fact::Request(Arc::new(request(hour, 401))));
        assert_eq!(ask(last - 1), Some(Ok(())));
        assert!(matches!(ask(last), Some(Err(_))));
    }

    #[test]
    fn only_a_clock_that_is_behind_excuses_and_only_until_an_answer() {
        let mut judge = Consent::default();
        let hour = 90 * 24 + 1;
        let mut late = request(hour, 401);
        late.wall_error_ms = -7_200_000;
        let late = Arc::new(late);
        assert_eq!(judge.see(at_hour(hour), &Fact::Machine(Machine::Stepped(-7_200_000))), None);
        assert_eq!(judge.see(at_hour(hour), &Fact::Request(Arc::clone(&late))), Some(Ok(())));
        assert_eq!(judge.see(at_hour(hour), &Fact::Heard(Arc::clone(&late))), None);
        assert!(matches!(judge.see(at_hour(hour), &Fact::Request(late)), Some(Err(_))));
    }

    #[test]
    fn a_call_after_a_known_revocation_is_seen() {
        let mut judge = Consent::default();
        let asked = |hour| Arc::new(changed(request(hour, 401), |before, _| before.revoked = true));
        assert_eq!(judge.see(at_hour(0), &Fact::Request(asked(0))), Some(Ok(())));
        assert_eq!(judge.see(at_hour(0), &Fact::Heard(asked(0))), None);
        assert!(matches!(judge.see(at_hour(1), &Fact::Request(asked(1))), Some(Err(_))));
    }
}
