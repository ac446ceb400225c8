//! One target's queue: one message at a time, tried again after longer and longer waits, given up after days.
//!
//! After a failure the target rests, whatever waits for it; then the message goes on that has not been tried for longest, so
//! that one which is never taken holds up no other. Nothing of this is stored: after a restart everything is tried
//! at once, and age counts from the event.

use std::collections::BTreeMap;

use crate::config::Notify;
use crate::model::daily;
use crate::model::notice::{EventCode, Level};
use crate::model::time::{DAY_MS, Now, UtcInstant, Zone};
use crate::planner::backoff;

/// Most messages that wait for a target; beyond, the oldest are given up.
const WAITING_MAX: usize = 1_000;
/// How long a message is tried, from its event on.
const TRIED_MS: i64 = 3 * DAY_MS;
/// The longest rest that a target may ask for.
const REST_MS_MAX: i64 = DAY_MS;

/// A message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number: older messages have smaller ones.
    pub number: i64,
    /// When its event happened.
    pub at: UtcInstant,
    /// What event.
    pub code: EventCode,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this message, and say how it went: [`Lane::took`] or [`Lane::failed`].
    Send(i64),
    /// Give these up, and say so: [`Lane::forget`].
    GiveUp(GivenUp),
    /// Nothing, for so many milliseconds, or until something happens (`None`).
    Wait(Option<i64>),
}

/// Messages that will not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Their numbers.
    pub numbers: Vec<i64>,
    /// Why, to follow the target's name.
    pub why: &'static str,
    /// Whether it becomes an event: once until the target takes a message again, and never for what tells of such.
    pub tell: bool,
}

/// How a message fares.
#[derive(Clone, Copy, Debug)]
struct State {
    at: UtcInstant,
    code: EventCode,
    tries: u32,
    not_before_ms: i64,
    /// The target wants it never.
    refused: bool,
}

/// The queue of one target.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    waiting: BTreeMap<i64, State>,
    sending: Option<i64>,
    /// In a row.
    failures: u32,
    failing_since: Option<UtcInstant>,
    rests_until_ms: i64,
    told: bool,
}

impl Lane {
    /// A message has come.
    pub fn add(&mut self, message: Waiting) {
        let Waiting { number, at, code } = message;
        let state = State { at, code, tries: 0, not_before_ms: i64::MIN, refused: false };
        self.waiting.entry(number).or_insert(state);
    }

    /// What to do now.
    pub fn next(&mut self, now: Now, target: &Notify, zone: &Zone) -> Turn {
        if let Some(given_up) = self.hopeless(now) {
            return Turn::GiveUp(given_up);
        }
        if self.sending.is_some() || self.waiting.is_empty() {
            return Turn::Wait(None);
        }
        if now.mono_ms < self.rests_until_ms {
            return Turn::Wait(Some(self.rests_until_ms.saturating_sub(now.mono_ms)));
        }
        let quiet_ms = match daily::end(&target.quiet, zone, now.wall).since(now.wall) {
            0 => None,
            ms => Some(ms),
        };
        let held =
            |level: Level| quiet_ms.is_some() && target.urgent.is_none_or(|urgent| level < urgent);
        let free = self.waiting.iter().filter(|(_, state)| !held(state.code.level()));
        let first = free.min_by_key(|(number, state)| (state.not_before_ms, **number));
        match first {
            Some((number, state)) if state.not_before_ms <= now.mono_ms => {
                self.sending = Some(*number);
                Turn::Send(*number)
            }
            Some((_, state)) => {
                let wait_ms = state.not_before_ms.saturating_sub(now.mono_ms);
                Turn::Wait(Some(quiet_ms.map_or(wait_ms, |quiet_ms| quiet_ms.min(wait_ms))))
            }
            None => Turn::Wait(quiet_ms),
        }
    }

    /// What is not worth another try: too many, refused, or too old and tried at least once.
    fn hopeless(&self, now: Now) -> Option<GivenUp> {
        let waiting = || self.waiting.iter().filter(|(number, _)| self.sending != Some(**number));
        let over = self.waiting.len().saturating_sub(WAITING_MAX);
        let of = |found: Vec<(&i64, &State)>, why| {
            let tells = found.iter().any(|(_, state)| state.code != EventCode::NotifyFailed);
            let numbers: Vec<i64> = found.iter().map(|(number, _)| **number).collect();
            (!numbers.is_empty()).then_some(GivenUp { numbers, why, tell: tells && !self.told })
        };
        let old = |state: &State| state.tries > 0 && now.wall.since(state.at) > TRIED_MS;
        of(waiting().take(over).collect(), "has too many waiting")
            .or_else(|| {
                of(waiting().filter(|(_, it)| it.refused).collect(), "refuses them for good")
            })
            .or_else(|| {
                of(waiting().filter(|(_, it)| old(it)).collect(), "has not taken them for days")
            })
    }

    /// These messages are given up, and that was told or was not to be.
    pub fn forget(&mut self, given_up: &GivenUp) {
        for number in &given_up.numbers {
            self.waiting.remove(number);
        }
        self.told |= given_up.tell;
    }

    /// The target has taken the message that was under way.
    pub fn took(&mut self, number: i64) {
        if self.sending != Some(number) {
            return;
        }
        self.sending = None;
        self.waiting.remove(&number);
        (self.failures, self.failing_since, self.rests_until_ms, self.told) = (0, None, 0, false);
    }

    /// The target has not taken the message that was under way: it is tried again, unless it is refused for good. A target
    /// may ask for a rest.
    pub fn failed(&mut self, number: i64, now: Now, refused: bool, rest_ms: Option<i64>) {
        if self.sending != Some(number) {
            return;
        }
        self.sending = None;
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now.wall);
        let rest_ms =
            rest_ms.unwrap_or(0).min(REST_MS_MAX).max(backoff::MESSAGE.wait_ms(self.failures));
        self.rests_until_ms = now.mono_ms.saturating_add(rest_ms);
        if let Some(state) = self.waiting.get_mut(&number) {
            state.tries = state.tries.saturating_add(1);
            state.refused = refused;
            let wait_ms = backoff::MESSAGE.wait_ms(state.tries);
            state.not_before_ms = now.mono_ms.saturating_add(wait_ms);
        }
    }

    /// The same messages with a target that may have been mended: everything is tried at once.
    #[must_use]
    pub fn started_anew(mut self) -> Self {
        (self.failures, self.failing_since, self.rests_until_ms, self.told) = (0, None, 0, false);
        for state in self.waiting.values_mut() {
            (state.not_before_ms, state.refused) = (i64::MIN, false);
        }
        self
    }

    /// Whether a message is under way.
    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// How many messages wait, the one under way included.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the oldest event happened that is not told yet.
    pub fn oldest_at(&self) -> Option<UtcInstant> {
        self.waiting.values().next().map(|state| state.at)
    }

    /// Since when no message was taken, if the last one was not.
    pub fn failing_since(&self) -> Option<UtcInstant> {
        self.failing_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Defaults, parse};
    use crate::model::time::{HOUR_MS, SECOND_MS};

    fn target(more: &str) -> Notify {
        let text =
            format!("[[notify]]\nname = \"x\"\ntype = \"exec\"\ncommand = [\"/x\"]\n{more}\n");
        parse(&text, "x", &Defaults::default()).unwrap().config.notify.remove(0)
    }

    fn start() -> UtcInstant {
        UtcInstant::parse("2026-01-10T12:00:00Z").unwrap()
    }

    /// So many milliseconds after the start, by both clocks.
    fn after(ms: i64) -> Now {
        Now { wall: start().plus_ms(ms), mono_ms: ms }
    }

    fn lane(codes: &[EventCode]) -> Lane {
        let mut lane = Lane::default();
        for (number, code) in (1..).zip(codes) {
            lane.add(Waiting { number, at: start(), code: *code });
        }
        lane
    }

    const LOUD: EventCode = EventCode::AccessExpired;
    const MILD: EventCode = EventCode::AccessExpiring;

    #[test]
    fn one_at_a_time_and_in_order() {
        let (target, mut lane) = (target(""), lane(&[LOUD, LOUD]));
        let next = |lane: &mut Lane, ms| lane.next(after(ms), &target, &Zone::UTC);
        assert_eq!(next(&mut lane, 0), Turn::Send(1));
        assert_eq!(next(&mut lane, 0), Turn::Wait(None));
        lane.took(2);
        assert_eq!(next(&mut lane, 0), Turn::Wait(None), "another one is under way");
        lane.took(1);
        assert_eq!(next(&mut lane, 0), Turn::Send(2));
        // What is read twice from the database is there once.
        lane.add(Waiting { number: 2, at: start(), code: LOUD });
        lane.took(2);
        assert_eq!(next(&mut lane, 0), Turn::Wait(None));
        assert!(lane.is_empty() && lane.oldest_at().is_none());
    }

    #[test]
    fn a_failure_lets_the_target_rest_and_another_message_go_first() {
        let (target, mut lane) = (target(""), lane(&[LOUD, LOUD]));
        let next = |lane: &mut Lane, ms| lane.next(after(ms), &target, &Zone::UTC);
        assert_eq!(next(&mut lane, 0), Turn::Send(1));
        lane.failed(1, after(0), false, None);
        assert_eq!(lane.failing_since(), Some(start()));
        assert_eq!(next(&mut lane, 1_000), Turn::Wait(Some(4_000)));
        assert_eq!(next(&mut lane, 5_000), Turn::Send(2));
        lane.failed(2, after(5_000), false, None);
        assert_eq!(next(&mut lane, 6_000), Turn::Wait(Some(29_000)), "a longer rest");
        assert_eq!(next(&mut lane, 35_000), Turn::Send(1));
        lane.took(1);
        assert_eq!(lane.failing_since(), None);
        assert_eq!(next(&mut lane, 35_000), Turn::Send(2));
        lane.failed(2, after(35_000), false, Some(10 * HOUR_MS));
        assert_eq!(next(&mut lane, 35_000), Turn::Wait(Some(10 * HOUR_MS)), "as the target asks");
    }

    #[test]
    fn the_night_is_quiet_but_for_what_is_urgent() {
        let target = target("quiet = [\"11:00-13:00\"]\nurgent = \"error\"");
        let mut lane = lane(&[MILD, LOUD]);
        let next = |lane: &mut Lane, ms| lane.next(after(ms), &target, &Zone::UTC);
        assert_eq!(next(&mut lane, 0), Turn::Send(2));
        lane.took(2);
        assert_eq!(next(&mut lane, 0), Turn::Wait(Some(HOUR_MS)));
        assert_eq!(next(&mut lane, HOUR_MS - 1), Turn::Wait(Some(1)));
        assert_eq!(next(&mut lane, HOUR_MS), Turn::Send(1));
    }

    #[test]
    fn what_is_old_is_given_up_but_not_untried_and_told_once() {
        let (target, mut lane) = (target(""), lane(&[LOUD, LOUD]));
        let next = |lane: &mut Lane, ms| lane.next(after(ms), &target, &Zone::UTC);
        let aged = TRIED_MS + SECOND_MS;
        assert_eq!(next(&mut lane, aged), Turn::Send(1), "the daemon was down for days");
        lane.failed(1, after(aged), false, None);
        let Turn::GiveUp(first) = next(&mut lane, aged) else { panic!("it is old") };
        assert_eq!((first.numbers.as_slice(), first.tell), ([1].as_slice(), true));
        lane.forget(&first);
        assert_eq!(next(&mut lane, aged + 5_000), Turn::Send(2));
        lane.failed(2, after(aged + 5_000), false, None);
        let Turn::GiveUp(second) = next(&mut lane, aged + 5_000) else { panic!("it is old, too") };
        assert!(!second.tell, "that was told already");
        lane.forget(&second);
        assert!(lane.is_empty());
        // After a success it would be told again.
        lane.add(Waiting { number: 3, at: start(), code: LOUD });
        assert_eq!(next(&mut lane, aged + HOUR_MS), Turn::Send(3));
        lane.took(3);
        lane.add(Waiting { number: 4, at: start(), code: LOUD });
        assert_eq!(next(&mut lane, aged + HOUR_MS), Turn::Send(4));
        lane.failed(4, after(aged + HOUR_MS), true, None);
        let Turn::GiveUp(third) = next(&mut lane, aged + HOUR_MS) else { panic!("refused") };
        assert_eq!((third.numbers, third.tell), (vec![4], true));
    }

    #[test]
    fn failures_to_tell_of_failures_make_no_events() {
        let (target, mut lane) = (target(""), lane(&[EventCode::NotifyFailed]));
        assert_eq!(lane.next(after(0), &target, &Zone::UTC), Turn::Send(1));
        lane.failed(1, after(0), true, None);
        let Turn::GiveUp(given_up) = lane.next(after(0), &target, &Zone::UTC) else { panic!() };
        assert!(!given_up.tell);
    }

    #[test]
    fn a_queue_has_an_end() {
        let (target, mut lane) = (target(""), lane(&[LOUD; WAITING_MAX + 2]));
        let Turn::GiveUp(given_up) = lane.next(after(0), &target, &Zone::UTC) else { panic!() };
        assert_eq!((given_up.numbers.as_slice(), given_up.tell), ([1, 2].as_slice(), true));
        lane.forget(&given_up);
        assert_eq!(lane.next(after(0), &target, &Zone::UTC), Turn::Send(3));
        assert_eq!(lane.len(), WAITING_MAX);
    }
}
