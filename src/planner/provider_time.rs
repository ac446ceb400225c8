//! What time it is at the provider: consents end and quotas refill by its clock, not by ours.
//!
//! Our wall clock may be wrong by weeks, be set while we run, or go on while the machine sleeps. Three witnesses are heard:
//! the wall clock, the running time between two looks (which no setting of a clock moves), and the `Date` header of the
//! provider's answers (RFC 9110 section 6.6.1). The provider's time is kept as its distance from our wall clock:
//! * a jump of the wall clock moves the distance the other way, so that the provider's time goes on evenly. If the clock
//!   went forward, the machine may as well have slept: both are kept as possible until an answer tells.
//! * an answer that fits what is thought possible settles it at once. One that fits nothing may come from a liar: it is
//!   believed when further answers, some time apart, agree with it.
//!
//! While a question is open, whatever could do harm is judged by the time at which it does none: quota by the earliest
//! possible one, the end of access by the latest before a call and by the earliest before it is announced.

use crate::model::time::{HOUR_MS, Now, SECOND_MS, UtcInstant};

/// An answer's date may lie this far behind ours: it was written before a long body travelled.
const BEHIND_MS: i64 = 150 * SECOND_MS;
/// Or this far ahead: the margin of the quota windows.
const AHEAD_MS: i64 = 30 * SECOND_MS;
/// Two strange answers agree if they differ by no more.
const AGREE_MS: i64 = 5 * SECOND_MS;
/// A strange time is believed after so many answers that agree …
const ANSWERS_MIN: u32 = 3;
/// … the first and the last of them so far apart: a date that stands still does not get there.
const APART_MS: i64 = 15 * SECOND_MS;
/// After so many strange answers that do not agree with each other, nobody listens for a while.
const STRANGE_MAX: u32 = 6;
/// How long.
const DEAF_MS: i64 = HOUR_MS;
/// Answers without a date after which the wall clock is believed: nobody else will tell.
const UNDATED_MAX: u32 = 3;
/// Between two questions for the time.
const ASK_EVERY_MS: i64 = 5 * SECOND_MS;
/// A change of the distance that is worth writing down.
const WORTH_KEEPING_MS: i64 = AHEAD_MS;
/// No clock of a provider says less than 2026-01-01 or more than 2200-01-01: this program was written in between.
const PLAUSIBLE: std::ops::Range<UtcInstant> =
    UtcInstant::from_ms(1_767_225_600_000)..UtcInstant::from_ms(7_258_118_400_000);

/// A time that the provider may mean.
#[derive(Clone, Copy, Debug)]
struct Strange {
    distance_ms: i64,
    answers: u32,
    first_mono_ms: i64,
    /// Strange answers since the question was opened.
    tries: u32,
}

/// What an answer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing that matters.
    Nothing,
    /// A question was settled, or the first answer confirmed the time.
    Settled,
    /// The provider's time is this far from what was thought, in milliseconds.
    Corrected(i64),
}

/// The provider's time as far as it is known.
#[derive(Debug, Default)]
pub(super) struct ProviderTime {
    /// The provider's time minus our wall clock.
    distance_ms: i64,
    /// As it is written down.
    kept_ms: i64,
    /// The same if the last jump was a sleep.
    slept_ms: Option<i64>,
    strange: Option<Strange>,
    undated: u32,
    /// An answer came since the process began.
    confirmed: bool,
    deaf_until_mono_ms: Option<i64>,
    ask_at_mono_ms: i64,
}

impl ProviderTime {
    /// From the distance that was written down.
    pub(super) fn remembered(distance_ms: i64) -> Self {
        Self { distance_ms, kept_ms: distance_ms, ..Self::default() }
    }

    /// The most probable time.
    pub(super) fn at(&self, wall: UtcInstant) -> UtcInstant {
        wall.plus_ms(self.distance_ms)
    }

    fn possible(&self) -> impl Iterator<Item = i64> {
        let strange = self.strange.map(|strange| strange.distance_ms);
        [Some(self.distance_ms), self.slept_ms, strange].into_iter().flatten()
    }

    /// The earliest possible time minus the wall clock, in milliseconds.
    pub(super) fn least_ms(&self) -> i64 {
        self.possible().min().unwrap_or(self.distance_ms)
    }

    /// The earliest possible time.
    pub(super) fn earliest(&self, wall: UtcInstant) -> UtcInstant {
        wall.plus_ms(self.least_ms())
    }

    /// The latest possible time.
    pub(super) fn latest(&self, wall: UtcInstant) -> UtcInstant {
        wall.plus_ms(self.possible().max().unwrap_or(self.distance_ms))
    }

    /// The latest possible time as far as our own clocks can tell.
    pub(super) fn latest_by_us(&self, wall: UtcInstant) -> UtcInstant {
        wall.plus_ms(self.slept_ms.map_or(self.distance_ms, |slept| slept.max(self.distance_ms)))
    }

    /// For something that begins now and must not look older than it is when the time is known better: never too early.
    pub(super) fn beginning(&self, wall: UtcInstant) -> UtcInstant {
        if self.confirmed { self.latest(wall) } else { self.latest(wall).max(wall) }
    }

    /// No answer has come since the process began: the wall clock alone is no witness for what cannot be undone.
    pub(super) fn is_unconfirmed(&self) -> bool {
        !self.confirmed
    }

    /// Several times are possible: the provider has to be asked.
    pub(super) fn is_open(&self) -> bool {
        self.slept_ms.is_some() || self.strange.is_some()
    }

    /// When to ask next, monotonic.
    pub(super) fn ask_at_mono_ms(&self) -> i64 {
        self.ask_at_mono_ms
    }

    /// A question for the time is on its way.
    pub(super) fn asked(&mut self, mono_ms: i64) {
        self.ask_at_mono_ms = mono_ms.saturating_add(ASK_EVERY_MS);
    }

    /// The wall clock moved against the running time by `step_ms`.
    pub(super) fn stepped(&mut self, step_ms: i64, may_have_slept: bool) {
        if may_have_slept {
            self.slept_ms = Some(self.slept_ms.unwrap_or(self.distance_ms));
        } else {
            self.slept_ms = self.slept_ms.map(|slept_ms| slept_ms.saturating_sub(step_ms));
        }
        self.distance_ms = self.distance_ms.saturating_sub(step_ms);
        if let Some(strange) = self.strange.as_mut() {
            strange.distance_ms = strange.distance_ms.saturating_sub(step_ms);
        }
    }

    /// The distance to write down, if it has changed by enough to matter.
    pub(super) fn take_worth_keeping(&mut self) -> Option<i64> {
        let worth = self.distance_ms.abs_diff(self.kept_ms) > WORTH_KEEPING_MS.unsigned_abs();
        worth.then(|| {
            self.kept_ms = self.distance_ms;
            self.distance_ms
        })
    }

    /// An answer of the provider came.
    pub(super) fn heard(&mut self, date: Option<UtcInstant>, now: Now) -> Heard {
        let Some(date) = date.filter(|date| PLAUSIBLE.contains(date)) else {
            return self.heard_undated();
        };
        self.undated = 0;
        let said_ms = date.since(now.wall);
        let fits = |distance_ms: i64| {
            (-BEHIND_MS..=AHEAD_MS).contains(&said_ms.saturating_sub(distance_ms))
        };
        // Our own clock and the provider's, each for itself, say the same: that needs no further witness.
        let fitting = [Some(self.distance_ms), self.slept_ms, Some(0)];
        if let Some(distance_ms) = fitting.into_iter().flatten().find(|ms| fits(*ms)) {
            return self.settle(distance_ms);
        }
        if self.deaf_until_mono_ms.is_some_and(|until_ms| now.mono_ms < until_ms) {
            return Heard::Nothing;
        }
        self.heard_strange(said_ms, now.mono_ms)
    }

    fn heard_undated(&mut self) -> Heard {
        self.undated = self.undated.saturating_add(1);
        // What was written down may be about a clock that was set while nobody looked.
        let doubtful = self.is_open() || self.is_unconfirmed();
        if doubtful && self.undated < UNDATED_MAX {
            return Heard::Nothing;
        }
        self.settle(self.slept_ms.unwrap_or(self.distance_ms))
    }

    fn heard_strange(&mut self, said_ms: i64, mono_ms: i64) -> Heard {
        let tries = self.strange.map_or(0, |strange| strange.tries).saturating_add(1);
        let agreeing = self
            .strange
            .filter(|strange| strange.distance_ms.abs_diff(said_ms) <= AGREE_MS.unsigned_abs());
        let Some(strange) = agreeing else {
            if tries > STRANGE_MAX {
                self.deaf_until_mono_ms = Some(mono_ms.saturating_add(DEAF_MS));
                return self.settle(self.slept_ms.unwrap_or(self.distance_ms));
            }
            let first = Strange { distance_ms: said_ms, answers: 1, first_mono_ms: mono_ms, tries };
            self.strange = Some(first);
            return Heard::Nothing;
        };
        let strange = Strange {
            // The answer that travelled least is the nearest to the truth.
            distance_ms: strange.distance_ms.max(said_ms),
            answers: strange.answers.saturating_add(1),
            ..strange
        };
        self.strange = Some(strange);
        let apart_ms = mono_ms.saturating_sub(strange.first_mono_ms);
        if strange.answers < ANSWERS_MIN || apart_ms < APART_MS {
            return Heard::Nothing;
        }
        let corrected_ms = strange.distance_ms.saturating_sub(self.distance_ms);
        self.settle(strange.distance_ms);
        Heard::Corrected(corrected_ms)
    }

    fn settle(&mut self, distance_ms: i64) -> Heard {
        let news = !self.confirmed || self.is_open() || self.distance_ms != distance_ms;
        self.distance_ms = distance_ms;
        self.slept_ms = None;
        self.strange = None;
        self.undated = 0;
        self.confirmed = true;
        if news { Heard::Settled } else { Heard::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{DAY_MS, MINUTE_MS};

    const T0: UtcInstant = UtcInstant::from_ms(1_790_000_000_000);

    /// A true time, a wall clock and a running one.
    struct Clocks {
        truth_ms: i64,
        wrong_ms: i64,
        slept_ms: i64,
        time: ProviderTime,
    }

    impl Clocks {
        fn new(wrong_ms: i64) -> Self {
            Self { truth_ms: 0, wrong_ms, slept_ms: 0, time: ProviderTime::remembered(0) }
        }

        fn truth(&self) -> UtcInstant {
            T0.plus_ms(self.truth_ms)
        }

        fn now(&self) -> Now {
            Now {
                wall: self.truth().plus_ms(self.wrong_ms),
                mono_ms: self.truth_ms - self.slept_ms,
            }
        }

        fn hear(&mut self, lie_ms: i64) -> Heard {
            let now = self.now();
            self.time.heard(Some(self.truth().plus_ms(lie_ms)), now)
        }

        /// How far the believed time is from the truth.
        fn off_ms(&self) -> i64 {
            self.time.at(self.now().wall).since(self.truth())
        }
    }

    #[test]
    fn a_clock_that_is_right_is_confirmed_by_the_first_answer() {
        let mut clocks = Clocks::new(0);
        assert!(clocks.time.is_unconfirmed());
        assert_eq!(clocks.hear(-2_000), Heard::Settled);
        assert!(!clocks.time.is_unconfirmed() && !clocks.time.is_open());
        assert_eq!(clocks.hear(0), Heard::Nothing);
        assert_eq!((clocks.off_ms(), clocks.time.take_worth_keeping()), (0, None));
    }

    #[test]
    fn a_wrong_clock_is_corrected_by_answers_that_agree() {
        for wrong_ms in [30 * DAY_MS, -30 * DAY_MS, 10 * MINUTE_MS] {
            let mut clocks = Clocks::new(wrong_ms);
            assert_eq!(clocks.hear(0), Heard::Nothing);
            assert!(clocks.time.is_open());
            let wall = clocks.now().wall;
            assert!(clocks.time.earliest(wall) <= clocks.truth());
            assert!(clocks.time.latest(wall) >= clocks.truth());
            clocks.truth_ms += 8_000;
            assert_eq!(clocks.hear(-1_000), Heard::Nothing);
            clocks.truth_ms += 8_000;
            assert_eq!(clocks.hear(0), Heard::Corrected(-wrong_ms));
            assert_eq!(clocks.off_ms(), 0);
            assert_eq!(clocks.time.take_worth_keeping(), Some(-wrong_ms));
            assert_eq!(clocks.time.take_worth_keeping(), None);
            // Put right while nobody looked: one answer that our own clock agrees with is enough.
            clocks.time = ProviderTime::remembered(-wrong_ms);
            clocks.wrong_ms = 0;
            assert_eq!(clocks.hear(0), Heard::Settled);
            assert_eq!(clocks.off_ms(), 0);
        }
    }

    #[test]
    fn liars_are_not_believed() {
        let mut clocks = Clocks::new(0);
        clocks.hear(0);
        assert_eq!(clocks.hear(40 * DAY_MS), Heard::Nothing, "one answer alone");
        assert_eq!(clocks.hear(0), Heard::Settled);
        // A date that stands still.
        let frozen = clocks.truth().plus_ms(-50 * DAY_MS);
        for _ in 0..200 {
            clocks.truth_ms += 5_000;
            let now = clocks.now();
            let heard = clocks.time.heard(Some(frozen), now);
            assert!(!matches!(heard, Heard::Corrected(_)));
        }
        // Dates at random, and dates of no time at all.
        for lie in 0..50 {
            clocks.truth_ms += 9_000;
            assert!(!matches!(clocks.hear((lie * lie + 3) * HOUR_MS), Heard::Corrected(_)));
            let now = clocks.now();
            clocks.time.heard(Some(UtcInstant::EPOCH), now);
            clocks.time.heard(Some(UtcInstant::NEVER), now);
        }
        assert_eq!(clocks.off_ms(), 0);
    }

    #[test]
    fn a_set_clock_and_a_sleep_are_told_apart_by_one_answer() {
        let mut set = Clocks::new(0);
        set.hear(0);
        set.wrong_ms = 30 * DAY_MS;
        set.time.stepped(30 * DAY_MS, true);
        assert!(set.time.is_open());
        assert_eq!(set.hear(0), Heard::Settled);
        assert_eq!(set.off_ms(), 0, "the provider's time went on evenly");
        let mut slept = Clocks::new(0);
        slept.hear(0);
        slept.truth_ms += 30 * DAY_MS;
        slept.slept_ms = 30 * DAY_MS;
        slept.time.stepped(30 * DAY_MS, true);
        let wall = slept.now().wall;
        assert_eq!(slept.time.earliest(wall).since(slept.truth()), -30 * DAY_MS);
        assert_eq!(slept.time.latest(wall), slept.truth());
        assert_eq!(slept.hear(0), Heard::Settled);
        assert_eq!(slept.off_ms(), 0);
    }

    #[test]
    fn without_dates_the_wall_clock_is_believed_in_the_end() {
        let mut clocks = Clocks::new(0);
        let now = clocks.now();
        for _ in 0..2 {
            assert_eq!(clocks.time.heard(None, now), Heard::Nothing);
            assert_eq!(clocks.time.heard(None, now), Heard::Nothing);
            assert_eq!(clocks.time.heard(None, now), Heard::Settled);
            clocks.time.stepped(DAY_MS, true);
        }
        assert!(clocks.time.is_open() && !clocks.time.is_unconfirmed());
    }

    #[test]
    fn one_answer_without_a_date_confirms_no_clock_that_was_set_while_nobody_looked() {
        let mut clocks = Clocks::new(0);
        clocks.time = ProviderTime::remembered(-30 * DAY_MS);
        let now = clocks.now();
        assert_eq!(clocks.time.heard(None, now), Heard::Nothing);
        assert!(clocks.time.is_unconfirmed());
        assert_eq!(clocks.hear(0), Heard::Settled);
        assert_eq!(clocks.off_ms(), 0);
    }
}
