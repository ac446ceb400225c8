//! After an outage or a sleep of any length everything that is still obtainable is fetched.

use std::collections::BTreeSet;

use crate::model::time::{BankDate, DAY_MS, HOUR_MS, UtcInstant};
use crate::sandbox::Phase;

use super::super::shown::Row;
use super::health::Health;
use super::{Fact, Promise, Scene, Verdict};

/// A healthy account is asked without any filter once a day; so long after the last trouble it has been.
const WELL_MS: i64 = 2 * DAY_MS + 4 * HOUR_MS;
/// The books are compared so often.
const EVERY_MS: i64 = 10 * DAY_MS;

/// The judge.
#[derive(Debug, Default)]
pub(super) struct CatchUp {
    health: Health,
    compared_at: Option<UtcInstant>,
    /// Days of movements that could have been had and were not: bank's account and day.
    uncovered: BTreeSet<(usize, i64)>,
}

impl CatchUp {
    fn compare(
        &mut self,
        account: &str,
        bank_account: usize,
        asked: UtcInstant,
        scene: &mut Scene<'_>,
    ) -> Result<(), String> {
        let rows = scene.world.truth(account, asked).unwrap_or_default();
        let dated = |raw: &str| Row::read(raw).effective.is_some();
        let booked = rows.iter().filter(|row| row.phase == Phase::Booked && dated(&row.raw));
        let missed: Vec<_> =
            booked.filter(|row| !scene.ledger.has(bank_account, row.key)).collect();
        for row in &missed {
            let day = Row::read(&row.raw).effective.map_or(0, BankDate::epoch_days);
            self.uncovered.insert((bank_account, day));
        }
        if missed.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} movements of {account} were there at {asked} and were not fetched",
                missed.len()
            ))
        }
    }
}

impl Promise for CatchUp {
    fn name(&self) -> &'static str {
        "catch_up"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.health.see(at, fact);
        None
    }

    fn look(&mut self, at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        if self.compared_at.is_some_and(|last| at.since(last) < EVERY_MS) && !scene.last {
            return Vec::new();
        }
        let well: Vec<_> = self
            .health
            .well(at, WELL_MS, scene.world)
            .into_iter()
            .filter(|(account, record)| {
                record.pulled().is_some() && !self.health.is_paused(account, scene.identities)
            })
            .map(|(account, record)| (account.to_owned(), record.bank_account, record.unfiltered))
            .collect();
        if !well.is_empty() {
            self.compared_at = Some(at);
        }
        well.into_iter()
            .map(|(account, bank_account, unfiltered)| match unfiltered {
                Some(asked) if at.since(asked) <= WELL_MS => {
                    self.compare(&account, bank_account, asked, scene)
                }
                _ => Err(format!(
                    "{account} is well and was not asked without a filter for two days"
                )),
            })
            .collect()
    }

    fn uncovered_days(&self) -> usize {
        self.uncovered.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::audit::Ledger;
    use super::super::Identities;
    use super::super::testing::{Linked, linked};
    use super::*;

    #[test]
    fn a_movement_that_was_never_fetched_is_seen() {
        let Linked { mut world, begin, request, shown } = linked();
        let mut judge = CatchUp::default();
        judge.see(begin, &Fact::Began);
        judge.see(begin, &Fact::Heard(request.clone()));
        let at = begin.plus_ms(WELL_MS);
        let mut asked = (*request).clone();
        asked.sent_at = at;
        judge.see(at, &Fact::Heard(asked.into()));
        let mut ledger = Ledger::default();
        let identities = Identities::default();
        let mut look = |judge: &mut CatchUp, ledger: &Ledger| {
            judge.look(at, &mut Scene { last: true, ..Scene::new(&mut world, ledger, &identities) })
        };
        // What has been booked since the answer is missed, too.
        assert!(matches!(look(&mut judge, &ledger)[..], [Err(_)]));
        assert!(judge.uncovered_days() > 30);
        ledger.enter(&shown);
        assert!(matches!(look(&mut judge, &ledger)[..], [Err(_)]));
        let mut judge = CatchUp::default();
        judge.see(begin, &Fact::Began);
        judge.see(begin, &Fact::Heard(request));
        assert!(matches!(look(&mut judge, &ledger)[..], [Ok(())]));
        assert_eq!(judge.uncovered_days(), 0);
    }
}
