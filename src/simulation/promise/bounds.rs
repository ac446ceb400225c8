//! Work and growth per virtual day stay bounded, whatever happens.

use crate::model::notice::EventCode;
use crate::model::time::{DAY_MS, UtcInstant};

use super::{BOUNDS, Fact, Promise, Scene, Verdict};

/// Requests of a day: for the daemon as a whole, and for each account more. While somebody is at the bank, the link is asked
/// about every few seconds.
const REQUESTS: (u64, u64) = (400, 600);
/// Events of a day, likewise.
const EVENTS: (u64, u64) = (60, 40);
/// Events about single rows of a day, likewise: some banks give all of theirs new ids in a night.
const ROW_EVENTS: (u64, u64) = (60, 600);
/// Bytes of the database, likewise, and at the beginning.
const BYTES: (u64, u64) = (8 << 20, 40 << 10);
/// Resident memory of the whole simulation, the world's books included, in bytes.
const MEMORY_BYTES: u64 = 200 << 20;

/// The judge.
#[derive(Debug)]
pub(super) struct Bounds {
    accounts: u64,
    begin: Option<UtcInstant>,
    day: i64,
    requests: u64,
    events: u64,
    row_events: u64,
}

impl Bounds {
    /// For so many accounts.
    pub(super) fn new(accounts: u32) -> Self {
        let (requests, events, row_events) = (0, 0, 0);
        Self { accounts: accounts.into(), begin: None, day: 0, requests, events, row_events }
    }

    fn allowed(&self, (base, each): (u64, u64)) -> u64 {
        base.saturating_add(each.saturating_mul(self.accounts))
    }
}

fn about_a_row(code: EventCode) -> bool {
    matches!(code, EventCode::TransactionChanged | EventCode::TransactionVanished)
}

impl Promise for Bounds {
    fn name(&self) -> &'static str {
        BOUNDS
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        self.begin.get_or_insert(at);
        let day = at.ms().div_euclid(DAY_MS);
        if day != self.day {
            (self.day, self.requests, self.events, self.row_events) = (day, 0, 0, 0);
        }
        let (count, allowed, what) = match fact {
            Fact::Request(_) | Fact::Unreachable => {
                self.requests += 1;
                (self.requests, self.allowed(REQUESTS), "requests")
            }
            Fact::Event(event) if about_a_row(event.notice.code) => {
                self.row_events += 1;
                (self.row_events, self.allowed(ROW_EVENTS), "events about rows")
            }
            Fact::Event(_) => {
                self.events += 1;
                (self.events, self.allowed(EVENTS), "events")
            }
            _ => return None,
        };
        Some(if count <= allowed {
            Ok(())
        } else {
            Err(format!("{count} {what} in one day, {allowed} allowed"))
        })
    }

    fn look(&mut self, at: UtcInstant, scene: &mut Scene<'_>) -> Vec<Result<(), String>> {
        let days = at.since(self.begin.unwrap_or(at)).div_euclid(DAY_MS).unsigned_abs();
        let (base, each) = BYTES;
        let bytes_max =
            base.saturating_add(each.saturating_mul(self.accounts).saturating_mul(days + 30));
        let judge = |bytes: u64, allowed: u64, what: &str| {
            if bytes <= allowed {
                Ok(())
            } else {
                Err(format!("{bytes} bytes of {what} after {days} days, {allowed} allowed"))
            }
        };
        let mut verdicts = vec![judge(scene.database_bytes, bytes_max, "database")];
        // Where the system does not say, there is nothing to judge.
        verdicts.extend(scene.memory_bytes.map(|bytes| judge(bytes, MEMORY_BYTES, "memory")));
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::audit::Ledger;
    use super::super::Identities;
    use super::super::testing::{at_hour, linked, request};
    use super::*;

    #[test]
    fn a_loop_of_requests_is_seen_and_a_new_day_begins_anew() {
        let mut judge = Bounds::new(1);
        let fact = Fact::Request(Arc::new(request(0, 503)));
        let allowed = REQUESTS.0 + REQUESTS.1;
        for _ in 0..allowed {
            assert_eq!(judge.see(at_hour(0), &fact), Some(Ok(())));
        }
        assert!(matches!(judge.see(at_hour(0), &fact), Some(Err(_))));
        assert_eq!(judge.see(at_hour(24), &fact), Some(Ok(())));
    }

    #[test]
    fn growth_is_seen() {
        let (mut world, ledger, identities) =
            (linked().world, Ledger::default(), Identities::default());
        let mut judge = Bounds::new(1);
        judge.see(at_hour(0), &Fact::Began);
        let mut look = |database_bytes, memory_bytes| {
            let scene = Scene::new(&mut world, &ledger, &identities);
            let verdicts =
                judge.look(at_hour(0), &mut Scene { database_bytes, memory_bytes, ..scene });
            verdicts.iter().map(Result::is_ok).collect::<Vec<_>>()
        };
        assert_eq!(look(4 << 20, Some(100 << 20)), [true, true]);
        assert_eq!(look(1 << 30, Some(1 << 30)), [false, false]);
        assert_eq!(look(0, None), [true]);
    }
}
