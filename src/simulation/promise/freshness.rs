//! While bank and consent are healthy, no account is staler than its objective.

use crate::model::time::{HOUR_MS, UtcInstant};

use super::health::Health;
use super::{Fact, Promise, Scene, Verdict};

/// After the last trouble, an account may take so much longer than its objective.
const RECOVERY_MS: i64 = 2 * HOUR_MS;

/// The judge.
#[derive(Debug)]
pub(super) struct Freshness {
    objective_ms: i64,
    health: Health,
}

impl Freshness {
    /// For an objective in milliseconds.
    pub(super) fn new(objective_ms: i64) -> Self {
        Self { objective_ms, health: Health::default() }
    }
}

impl Promise for Freshness {
    fn name(&self) -> &'static str {
        "freshness"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.health.see(at, fact);
        None
    }

    fn look(&mut self, at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        let well = self.health.well(at, self.objective_ms + RECOVERY_MS, scene.world);
        let called =
            |(account, _): &(&str, UtcInstant)| !self.health.is_paused(account, scene.identities);
        let judge = |(account, pulled): (&str, UtcInstant)| {
            if at.since(pulled) <= self.objective_ms {
                Ok(())
            } else {
                Err(format!("{account} is well, and its data are of {pulled}"))
            }
        };
        well.into_iter()
            .filter_map(|(account, record)| Some((account, record.pulled()?)))
            .filter(called)
            .map(judge)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::audit::Ledger;
    use super::super::Identities;
    use super::super::testing::{Linked, linked};
    use super::*;

    #[test]
    fn a_healthy_account_that_is_left_alone_is_seen() {
        let Linked { mut world, begin, request, .. } = linked();
        let mut judge = Freshness::new(26 * HOUR_MS);
        let look = |judge: &mut Freshness, world: &mut _, hours| {
            let (ledger, identities) = <(Ledger, Identities)>::default();
            judge.look(begin.plus_hours(hours), &mut Scene::new(world, &ledger, &identities))
        };
        judge.see(begin, &Fact::Began);
        judge.see(begin, &Fact::Heard(request.clone()));
        assert_eq!(look(&mut judge, &mut world, 25), []);
        assert!(matches!(look(&mut judge, &mut world, 29)[..], [Err(_)]));
        // Nor does anybody while nobody is served, whoever was asked for.
        let mut refused = (*request).clone();
        (refused.account, refused.status) = (Some("another".to_owned()), 403);
        refused.nobody_served = true;
        let mut elsewhere = Freshness::new(26 * HOUR_MS);
        elsewhere.see(begin, &Fact::Began);
        elsewhere.see(begin, &Fact::Heard(request.clone()));
        elsewhere.see(begin.plus_hours(20), &Fact::Request(refused.into()));
        assert_eq!(look(&mut elsewhere, &mut world, 29), []);
        // The account goes on through another link, which the bank does not serve yet.
        let mut through_new = (*request).clone();
        (through_new.account, through_new.status) = (Some("another".to_owned()), 503);
        let mut renewed = Freshness::new(26 * HOUR_MS);
        renewed.see(begin, &Fact::Began);
        renewed.see(begin, &Fact::Heard(request.clone()));
        renewed.see(begin.plus_hours(20), &Fact::Request(through_new.clone().into()));
        assert_eq!(look(&mut renewed, &mut world, 29), []);
        assert!(matches!(look(&mut renewed, &mut world, 49)[..], [Err(_)]), "not for ever");
        // Nor does the trouble of another account excuse anything.
        through_new.before.as_mut().unwrap().bank_account += 1;
        renewed.see(begin.plus_hours(48), &Fact::Request(through_new.into()));
        assert!(matches!(look(&mut renewed, &mut world, 49)[..], [Err(_)]));
        // Whoever has failed a moment ago need not be fresh yet.
        judge.see(begin.plus_hours(28), &Fact::Lost(request));
        assert_eq!(look(&mut judge, &mut world, 29), []);
    }
}
