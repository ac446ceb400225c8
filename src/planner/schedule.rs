//! When a pull is due: cron patterns read in an IANA zone, with a jitter that depends only on account and slot.
//!
//! A slot is the instant that a pattern names. Missed slots need no list: the latest one not yet served is due, whatever
//! happened meanwhile (sleep, downtime, a clock that stepped).

use crate::model::cron::{Pattern, PatternFault};
use crate::model::id::AccountId;
use crate::model::time::{UtcInstant, Zone};

/// A pattern that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern of the schedule cannot be used")]
pub struct BadPattern(#[source] PatternFault);

/// The schedule of pulls.
#[derive(Clone, Debug)]
pub struct Schedule {
    patterns: Vec<Pattern>,
    zone: Zone,
    jitter_ms: i64,
}

impl Schedule {
    /// From patterns, their zone and the largest delay of a slot.
    pub fn new(patterns: &[String], zone: Zone, jitter_s: u32) -> Result<Self, BadPattern> {
        let patterns = patterns.iter().map(|text| Pattern::parse(text).map_err(BadPattern));
        let patterns = patterns.collect::<Result<_, _>>()?;
        Ok(Self { patterns, zone, jitter_ms: i64::from(jitter_s).saturating_mul(1_000) })
    }

    /// The latest slot at or before `at`.
    pub fn slot_before(&self, at: UtcInstant) -> Option<UtcInstant> {
        self.patterns.iter().filter_map(|pattern| pattern.previous(at, &self.zone)).max()
    }

    /// The first slot after `at`.
    pub fn slot_after(&self, at: UtcInstant) -> Option<UtcInstant> {
        self.patterns.iter().filter_map(|pattern| pattern.next(at, &self.zone, false)).min()
    }

    /// The slot that an account should have been pulled for by `now`, and when the next one falls due.
    ///
    /// `served` is the latest slot that a pull has served. The first element is `None` when nothing is due.
    pub fn due(
        &self,
        account: AccountId,
        served: Option<UtcInstant>,
        now: UtcInstant,
    ) -> (Option<UtcInstant>, Option<UtcInstant>) {
        let mut slot = self.slot_before(now);
        let mut next = None;
        if let Some(latest) = slot {
            let begins = latest.plus_ms(self.jitter(account, latest));
            if begins > now {
                next = Some(begins);
                slot = self.slot_before(latest.plus_ms(-1));
            }
        }
        let next = next.or_else(|| {
            let coming = self.slot_after(now)?;
            Some(coming.plus_ms(self.jitter(account, coming)))
        });
        // A served slot in our future means that the clock went back: what is due is due again.
        let due = slot.filter(|slot| served.is_none_or(|served| served < *slot || served > now));
        (due, next)
    }

    /// The delay of a slot for one account, in milliseconds: the same at every look.
    fn jitter(&self, account: AccountId, slot: UtcInstant) -> i64 {
        if self.jitter_ms <= 0 {
            return 0;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&account.bits().to_be_bytes());
        hasher.update(&slot.ms().to_be_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        let spread = u64::from_be_bytes(bytes).checked_rem(self.jitter_ms.unsigned_abs());
        spread.and_then(|delay| i64::try_from(delay).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcInstant {
        UtcInstant::parse(text).unwrap()
    }

    fn schedule(patterns: &[&str], zone: &str, jitter_s: u32) -> Schedule {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Schedule::new(&patterns, zone.parse().unwrap(), jitter_s).unwrap()
    }

    #[test]
    fn the_wall_clock_rules_across_daylight_saving() {
        let plan = schedule(&["0 30 9 * * *"], "Europe/Amsterdam", 0);
        assert_eq!(plan.slot_after(at("2026-10-24T00:00:00Z")), Some(at("2026-10-24T07:30:00Z")));
        assert_eq!(plan.slot_after(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T08:30:00Z")));
        let night = schedule(&["0 30 2 * * *"], "Europe/Berlin", 0);
        let spring = night.slot_after(at("2026-03-29T00:00:00Z")).unwrap();
        assert_eq!(spring, at("2026-03-29T01:00:00Z"), "02:30 does not exist: the gap's end");
        let autumn = night.slot_after(at("2026-10-25T00:00:00Z")).unwrap();
        assert!(night.slot_after(autumn).unwrap() > autumn.plus_hours(20), "once, not twice");
    }

    #[test]
    fn a_missed_slot_is_due_until_it_is_served() {
        let plan = schedule(&["0 0 6,20 * * *"], "UTC", 0);
        let account = AccountId::from_bits(1);
        let now = at("2026-05-10T09:00:00Z");
        let six = at("2026-05-10T06:00:00Z");
        assert_eq!(plan.due(account, None, now), (Some(six), Some(at("2026-05-10T20:00:00Z"))));
        assert_eq!(plan.due(account, Some(six), now).0, None);
        assert_eq!(plan.due(account, Some(six.plus_days(30)), now).0, Some(six), "clock went back");
        assert_eq!(
            plan.due(account, Some(six), now.plus_days(3)).0,
            Some(six.plus_days(3)),
            "one catch-up"
        );
    }

    #[test]
    fn jitter_is_stable_and_bounded() {
        let plan = schedule(&["0 0 6 * * *"], "UTC", 600);
        let account = AccountId::from_bits(77);
        let six = at("2026-05-10T06:00:00Z");
        let (due, next) = plan.due(account, Some(six.plus_days(-1)), six);
        let begins = next.unwrap();
        assert_eq!(due, None);
        assert!(begins >= six && begins < six.plus_s(600));
        assert_eq!(plan.due(account, Some(six.plus_days(-1)), begins).0, Some(six));
    }
}
