//! What goes wrong with the machine under the daemon: kills, restarts, clocks, sleep, a full disk. Drawn from the seed before
//! anything happens, so that it does not depend on what the daemon does.

use crate::model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcInstant};
use crate::sandbox::Rng;

use super::Faults;
use super::fate::Boundary;

/// One mishap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The process ends at a boundary and is started again so many milliseconds later.
    Kill(Boundary, i64),
    /// The daemon is stopped in good order and started again so many milliseconds later.
    Restart(i64),
    /// The wall clock jumps, and is set right so many milliseconds later.
    Step {
        /// By how much.
        by_ms: i64,
        /// For how long.
        for_ms: i64,
    },
    /// The machine sleeps for so many milliseconds.
    Sleep(i64),
    /// The disk is full for so many milliseconds.
    DiskFull(i64),
}

type Draw = fn(&mut Rng) -> Mishap;

/// Only a storm brings it.
const NEVER: i64 = 1_000_000;

/// How often each kind comes, as the mean of days between two.
struct Often {
    kill: i64,
    restart: i64,
    step: i64,
    sleep: i64,
    long_sleep: i64,
    disk_full: i64,
}

const DEFAULT: Often =
    Often { kill: 25, restart: 30, step: NEVER, sleep: 20, long_sleep: 500, disk_full: 180 };
const STORM: Often =
    Often { kill: 2, restart: 9, step: 11, sleep: 8, long_sleep: 200, disk_full: 17 };

/// Mishaps stop so long before the end: what can be caught up with is caught up with then.
const CALM_AT_END_MS: i64 = 4 * DAY_MS;
/// And begin so long after the beginning, when the first link is made.
const CALM_AT_BEGIN_MS: i64 = 6 * HOUR_MS;

/// All mishaps of a run, by the true time.
pub(super) fn mishaps(
    seed: u64,
    faults: Faults,
    begin: UtcInstant,
    end: UtcInstant,
) -> Vec<(UtcInstant, Mishap)> {
    let often = match faults {
        Faults::None => return Vec::new(),
        Faults::Default => DEFAULT,
        Faults::Storm => STORM,
    };
    let kinds: [(u64, i64, Draw); 6] = [
        (40, often.kill, kill),
        (41, often.restart, |chance| Mishap::Restart(downtime_ms(chance))),
        (42, often.step, step),
        (43, often.sleep, |chance| Mishap::Sleep(chance.between(HOUR_MS, 3 * DAY_MS))),
        (44, often.long_sleep, |chance| Mishap::Sleep(chance.between(10 * DAY_MS, 40 * DAY_MS))),
        (45, often.disk_full, |chance| Mishap::DiskFull(chance.between(MINUTE_MS, 30 * HOUR_MS))),
    ];
    let mut all = Vec::new();
    for (stream, days, draw) in kinds {
        let mut chance = Rng::keyed(seed, &[stream]);
        let mut at = begin.plus_ms(CALM_AT_BEGIN_MS);
        loop {
            at = at.plus_ms(chance.between(HOUR_MS, 2 * days * DAY_MS));
            if at >= end.plus_ms(-CALM_AT_END_MS) {
                break;
            }
            all.push((at, draw(&mut chance)));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

fn downtime_ms(chance: &mut Rng) -> i64 {
    match chance.below(10) {
        0 => chance.between(HOUR_MS, 30 * HOUR_MS),
        1 | 2 => chance.between(MINUTE_MS, HOUR_MS),
        _ => 5 * SECOND_MS,
    }
}

fn kill(chance: &mut Rng) -> Mishap {
    let boundary = match chance.below(8) {
        0 => Boundary::Now,
        1 => Boundary::Request,
        2 => Boundary::Answer,
        3 => Boundary::Arrival,
        _ => Boundary::Effect(u32::try_from(chance.between(1, 12)).unwrap_or(1)),
    };
    Mishap::Kill(boundary, downtime_ms(chance))
}

fn step(chance: &mut Rng) -> Mishap {
    let by_ms = match chance.below(6) {
        0 => chance.between(MINUTE_MS, 50 * MINUTE_MS),
        1 => chance.between(HOUR_MS, 5 * HOUR_MS),
        2 => -chance.between(HOUR_MS, 5 * HOUR_MS),
        3 => -DAY_MS,
        4 => 30 * DAY_MS,
        _ => -chance.between(2 * DAY_MS, 30 * DAY_MS),
    };
    Mishap::Step { by_ms, for_ms: chance.between(MINUTE_MS, 20 * HOUR_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_has_everything_and_a_seed_decides_it() {
        let end = UtcInstant::EPOCH.plus_days(730);
        let drawn = |seed, faults| mishaps(seed, faults, UtcInstant::EPOCH, end);
        let storm = drawn(7, Faults::Storm);
        assert_eq!(storm, drawn(7, Faults::Storm));
        assert_ne!(storm, drawn(8, Faults::Storm));
        assert!(storm.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let has = |wanted: fn(&Mishap) -> bool| storm.iter().any(|(_, mishap)| wanted(mishap));
        for boundary in [Boundary::Now, Boundary::Request, Boundary::Answer, Boundary::Arrival] {
            assert!(
                storm.iter().any(|(_, own)| matches!(own, Mishap::Kill(at, _) if *at == boundary))
            );
        }
        assert!(has(|own| matches!(own, Mishap::Kill(Boundary::Effect(_), _))));
        assert!(has(|own| matches!(own, Mishap::Restart(_))));
        assert!(has(|own| matches!(own, Mishap::Step { by_ms, .. } if *by_ms == -DAY_MS)));
        assert!(has(|own| matches!(own, Mishap::Step { by_ms, .. } if *by_ms == 30 * DAY_MS)));
        assert!(has(|own| matches!(own, Mishap::Sleep(ms) if *ms > 9 * DAY_MS)));
        assert!(has(|own| matches!(own, Mishap::DiskFull(_))));
        assert!(drawn(7, Faults::Default).len() * 4 < storm.len());
        assert_eq!(drawn(7, Faults::None), []);
    }
}
