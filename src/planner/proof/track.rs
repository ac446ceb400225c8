//! One way to read a balance, followed from pull to pull: which sum of rows it stands for, and how far one runs behind.
//!
//! What a balance covers nobody says: with or without pending rows, up to which day, with which sign. So a balance is read
//! in all ways at once; the wrong ones contradict themselves and go. In each way balance and rows differ by a constant, the
//! *base* (what was on the account before the first row). A balance that is late equals an earlier sum of the rows; rows
//! that are late equal an earlier balance. Both explain a difference, and are learned. What remains is a mismatch.

use serde::{Deserialize, Serialize};

use crate::model::money::Amount;
use crate::model::time::UtcInstant;

use super::sums::Signs;

/// A difference is waited for through so many further pulls.
pub(super) const PATIENCE_PULLS: u32 = 2;
/// Through so many where balance or rows have been late before: four days of three pulls.
const LATE_PATIENCE_PULLS: u32 = 12;
/// And through so many times the longest delay that was seen.
const LATE_FACTOR: u32 = 4;
/// So long a balance that nothing is known of may stand still while rows come.
const UNKNOWN_PATIENCE_PULLS: u32 = 24;
/// So often both must have moved by the same amount before they are taken for punctual; once is chance.
const AGREEMENTS_MIN: u32 = 3;
/// A difference counts when it was the same in so many pulls, and in more than lateness lasts: what is under way passes.
const SAME_MIN: u32 = PATIENCE_PULLS + 1;
/// Without such a difference the base is set anew after so many pulls.
const UNCLEAR_PULLS: u32 = 90;
/// Earlier values that are remembered.
const STAGES_MAX: usize = 32;
/// Differences that are counted while one is open.
const AMOUNTS_MAX: usize = 64;
/// Reported differences that are waited for.
const REPORTED_MAX: usize = 8;

/// How a balance is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    /// Rows have the opposite sign (card issuers).
    pub(super) inverted: bool,
    /// Pending rows are in it.
    pub(super) pending: bool,
    /// Rows up to the reference date, this many days later; `None`: all rows.
    pub(super) days_later: Option<i8>,
}

/// A value that another one has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stage {
    value: Amount,
    /// In this pull.
    until: u32,
}

/// A difference that is not explained yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// Since this pull,
    pull: u32,
    /// which came then,
    at: UtcInstant,
    /// after the last one that agreed.
    from: Option<UtcInstant>,
    /// What agreed then.
    rows: Amount,
    balance: Amount,
    /// The statement then.
    statement: u32,
    /// Balance minus what the rows said, in each pull since: how often, the latest last.
    amounts: Vec<(Amount, u32)>,
    /// The balance moved and no row did.
    alone: bool,
    /// Rows came since that equal no others.
    fresh: bool,
    /// Rows left, or came twice, since.
    suspicious: bool,
}

impl Open {
    /// Counts a difference.
    fn count(&mut self, amount: Amount) {
        let place = self.amounts.iter().position(|(known, _)| *known == amount);
        let (_, before) = place.map_or((amount, 0), |place| self.amounts.remove(place));
        if self.amounts.len() >= AMOUNTS_MAX {
            let rare = (0..).zip(&self.amounts).min_by_key(|(_, (_, count))| *count);
            let rare = rare.map_or(0, |(place, _)| place);
            self.amounts.remove(rare);
        }
        self.amounts.push((amount, before.saturating_add(1)));
    }

    /// In how many pulls it was this difference.
    fn same(&self, amount: Amount) -> u32 {
        self.amounts.iter().find(|(known, _)| *known == amount).map_or(0, |(_, count)| *count)
    }
}

/// What a pull brought, besides the two values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Counted per balance.
    pub(super) pull: u32,
    /// Statements so far: pulls with another reference date than the one before.
    pub(super) statement: u32,
    pub(super) at: UtcInstant,
    /// The pull before, if there was one.
    pub(super) before: Option<UtcInstant>,
    /// What happened to rows of the balance's currency.
    pub(super) signs: Signs,
    /// Excuses.
    pub(super) excuse: Excuse,
}

/// Why a difference may mean nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excuse {
    /// The last pull with rows that no sum can hold: of another currency, or not readable.
    pub(super) odd_rows: Option<u32>,
    /// No row has ever been negative: amounts may have no sign at all.
    pub(super) unsigned: bool,
    /// The balance counts a credit limit in, which may have changed.
    pub(super) limit_included: bool,
}

/// What a pull means for one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Balance and rows agree.
    Agrees,
    /// A reported difference is gone: by this amount.
    Explained(Amount),
    /// They differ, but not for long.
    Waits,
    /// The difference means nothing here; the base was set anew.
    Excused,
    /// They differ by this amount, and nothing explains it.
    Differs(Amount),
}

/// One way to read a balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) way: Way,
    /// Balance minus rows.
    base: Amount,
    /// In which pull that was set.
    based: u32,
    rows: Amount,
    balance: Amount,
    /// Balance and rows have met again at a new value since the base was set.
    met: bool,
    /// How often both have moved by the same amount.
    agreements: u32,
    /// The base is right, and so is this way.
    pub(super) firm: bool,
    /// There were rows of the last days when the base was set: the balance may not have had them yet.
    busy: bool,
    /// Longest delay seen, in pulls.
    pub(super) late: u32,
    former_rows: Vec<Stage>,
    former_balances: Vec<Stage>,
    open: Option<Open>,
    reported: Vec<Amount>,
}

impl Track {
    /// `None` where the numbers do not fit.
    pub(super) fn begin(way: Way, rows: Amount, balance: Amount, busy: bool) -> Option<Self> {
        Some(Self {
            based: 0,
            way,
            base: balance.checked_sub(rows)?.trimmed(),
            rows,
            balance,
            met: false,
            agreements: 0,
            firm: false,
            busy,
            late: 0,
            former_rows: Vec::new(),
            former_balances: Vec::new(),
            open: None,
            reported: Vec::new(),
        })
    }

    /// The next pull: what the rows sum up to in this way, and the balance.
    pub(super) fn step(&mut self, turn: &Turn, rows: Amount, balance: Amount) -> Verdict {
        let before = (self.rows, self.balance);
        let moved = (rows != self.rows, balance != self.balance);
        remember(&mut self.former_rows, self.rows, rows, turn.pull);
        remember(&mut self.former_balances, self.balance, balance, turn.pull);
        (self.rows, self.balance) = (rows, balance);
        let (Some(need), Some(shown)) =
            (balance.checked_sub(self.base), rows.checked_add(self.base))
        else {
            return self.set_base(turn.pull, false);
        };
        let (need, shown) = (need.trimmed(), shown.trimmed());
        if need == rows {
            return self.agree(turn, moved);
        }
        let Some(amount) = self.difference() else { return self.set_base(turn.pull, false) };
        if let Some(verdict) = self.explain_reported(turn.pull, amount) {
            return verdict;
        }
        let statements = self.way.days_later.is_some();
        let another =
            |open: &Open| statements && turn.statement != open.statement && open.same(amount) == 0;
        let mut open = self.open.take().filter(|open| !another(open)).unwrap_or(Open {
            pull: turn.pull,
            at: turn.at,
            from: turn.before,
            rows: before.0,
            balance: before.1,
            statement: turn.statement,
            amounts: Vec::new(),
            alone: !moved.0 && turn.signs == Signs::default(),
            fresh: false,
            suspicious: false,
        });
        open.fresh |= turn.signs.fresh;
        open.suspicious |= turn.signs.suspicious;
        let amounts = self.differences(turn.pull);
        for amount in &amounts {
            open.count(*amount);
        }
        let mut matched = false;
        if let Some(since) = catch_up(&mut self.former_rows, need) {
            // The balance is late; if it has moved, it took up a sum that the rows had before.
            matched = true;
            self.learn(moved.1 && need != open.rows, turn, &open);
            if moved.1 {
                self.former_balances.clear();
                open = Open { pull: since, rows: need, balance, ..open };
            }
        } else if let Some(since) = catch_up(&mut self.former_balances, shown) {
            matched = true;
            self.learn(moved.0 && shown != open.balance, turn, &open);
            if moved.0 {
                self.former_rows.clear();
                open = Open { pull: since, rows, balance: shown, ..open };
            }
        }
        // The one that was there most often; in doubt the present one, which is the first.
        let likely = amounts
            .iter()
            .copied()
            .reduce(|best, other| if open.same(other) > open.same(best) { other } else { best });
        let verdict = self.judge(turn, &open, (likely.unwrap_or(amount), matched));
        if !matches!(verdict, Verdict::Excused) {
            self.open = Some(open);
        }
        verdict
    }

    /// Balance and rows have met again, at a new value.
    fn learn(&mut self, caught_up: bool, turn: &Turn, open: &Open) {
        let again = self.met;
        self.met |= caught_up;
        // What is booked after a statement stands in the next one: that is no delay, and a way that is a day off follows
        // in the same manner. So statements have to agree at once.
        if caught_up && self.way.days_later.is_none() {
            self.firm |= again;
            self.late = self.late.max(turn.pull.saturating_sub(open.pull));
        }
    }

    fn agree(&mut self, turn: &Turn, moved: (bool, bool)) -> Verdict {
        match self.open.take() {
            // What came back to where it was teaches nothing.
            Some(open) => {
                let both = self.rows != open.rows && self.balance != open.balance;
                self.learn(both, turn, &open);
            }
            None if moved.0 && moved.1 => {
                self.agreements = self.agreements.saturating_add(1).min(AGREEMENTS_MIN);
                self.firm |= self.agreements >= AGREEMENTS_MIN;
            }
            None => {}
        }
        self.former_rows.clear();
        self.former_balances.clear();
        Verdict::Agrees
    }

    /// A reported difference, or all of them together, is gone.
    fn explain_reported(&mut self, pull: u32, amount: Amount) -> Option<Verdict> {
        let gone = Amount::ZERO.checked_sub(amount)?;
        let all = self.reported.iter().try_fold(Amount::ZERO, |sum, one| sum.checked_add(*one));
        if let Some(place) = self.reported.iter().position(|one| *one == gone) {
            self.reported.remove(place);
        } else if !self.reported.is_empty() && all.map(Amount::trimmed) == Some(gone) {
            self.reported.clear();
        } else {
            return None;
        }
        self.set_base(pull, true);
        Some(Verdict::Explained(gone))
    }

    fn judge(&mut self, turn: &Turn, open: &Open, (amount, matched): (Amount, bool)) -> Verdict {
        let waited = turn.pull.saturating_sub(open.pull);
        let still = (self.rows == open.rows, self.balance == open.balance);
        // Only one side moved, and not in a way that lateness explains.
        let lost_row = still.1 && open.suspicious && !open.fresh;
        let unseen_row = still.0 && !open.fresh && !open.suspicious;
        let patience = match self.late {
            0 if !self.firm && matched && !lost_row => UNKNOWN_PATIENCE_PULLS,
            0 => PATIENCE_PULLS,
            late => late.saturating_mul(LATE_FACTOR).max(LATE_PATIENCE_PULLS),
        };
        let enough = if self.late == 0 {
            SAME_MIN
        } else {
            self.late.saturating_add(1).saturating_mul(SAME_MIN)
        };
        if waited < patience || open.same(amount) < enough || amount.units() == 0 {
            let unclear = waited >= UNCLEAR_PULLS;
            return if unclear { self.set_base(turn.pull, false) } else { Verdict::Waits };
        }
        let statements = self.way.days_later.is_some();
        let same_statement = statements && turn.statement == open.statement;
        let taken_up = self.late.max(if statements { LATE_PATIENCE_PULLS } else { PATIENCE_PULLS });
        let odd =
            turn.excuse.odd_rows.is_some_and(|pull| pull.saturating_add(taken_up) >= open.pull);
        let no_sign = turn.excuse.unsigned && (amount.units() < 0 || self.late > 0);
        let limit = turn.excuse.limit_included && open.alone && !open.suspicious;
        let excused = odd || no_sign || limit;
        // A statement does not change any more: what is booked later stands in the next one.
        if same_statement && (excused || !(lost_row || unseen_row)) {
            return Verdict::Waits;
        }
        if excused {
            return self.shift_base(turn.pull, amount, self.firm);
        }
        let clear = lost_row || (unseen_row && !self.busy);
        if !self.firm && !clear {
            return self.shift_base(turn.pull, amount, false);
        }
        Verdict::Differs(amount)
    }

    /// Balance minus what the rows say.
    fn difference(&self) -> Option<Amount> {
        Some(self.balance.checked_sub(self.rows)?.checked_sub(self.base)?.trimmed())
    }

    /// Takes balance and rows as they are for right from now on.
    pub(super) fn set_base(&mut self, pull: u32, firm: bool) -> Verdict {
        self.based = pull;
        if let Some(base) = self.balance.checked_sub(self.rows) {
            self.base = base.trimmed();
        }
        self.firm = firm;
        if !firm {
            (self.met, self.agreements) = (false, 0);
        }
        self.busy = true;
        self.open = None;
        self.former_rows.clear();
        self.former_balances.clear();
        Verdict::Excused
    }

    /// Expects a difference from now on.
    fn shift_base(&mut self, pull: u32, amount: Amount, firm: bool) -> Verdict {
        let (rows, balances) = (self.former_rows.clone(), self.former_balances.clone());
        let base = self.base.checked_add(amount);
        self.set_base(pull, firm);
        if let Some(base) = base.filter(|_| self.late > 0) {
            (self.base, self.former_rows, self.former_balances) = (base.trimmed(), rows, balances);
        }
        Verdict::Excused
    }

    /// The difference was reported: it is expected from now on, and recognised when it goes.
    pub(super) fn report(&mut self, pull: u32, amount: Amount) {
        self.reported.truncate(REPORTED_MAX.saturating_sub(1));
        self.reported.push(amount);
        self.shift_base(pull, amount, self.firm);
    }

    /// The present difference, and those that lateness leaves possible: of the balance with what the rows were lately, and
    /// of what the balance was with the rows.
    fn differences(&self, pull: u32) -> Vec<Amount> {
        let lately = |stage: &&Stage| {
            self.late > 0 && pull.saturating_sub(stage.until) <= self.late.saturating_add(2)
        };
        let of = |balance: Amount, rows: Amount| {
            Some(balance.checked_sub(rows)?.checked_sub(self.base)?.trimmed())
        };
        let rows = self.former_rows.iter().rev().filter(lately);
        let balances = self.former_balances.iter().rev().filter(lately);
        let mut amounts: Vec<Amount> = Vec::new();
        let all = std::iter::once(of(self.balance, self.rows))
            .chain(rows.map(|stage| of(self.balance, stage.value)))
            .chain(balances.map(|stage| of(stage.value, self.rows)));
        for amount in all.flatten() {
            if !amounts.contains(&amount) {
                amounts.push(amount);
            }
        }
        amounts
    }

    /// Since when the present difference is there: the pull that agreed last, and the one that did not.
    pub(super) fn interval(&self) -> Option<(Option<UtcInstant>, UtcInstant)> {
        self.open.as_ref().map(|open| (open.from, open.at))
    }

    /// In which pull the present difference began.
    pub(super) fn open_since(&self) -> Option<u32> {
        self.open.as_ref().map(|open| open.pull)
    }

    /// Whether the base was there before a difference that began in this pull: only then can this way contradict it.
    pub(super) fn knew(&self, pull: u32) -> bool {
        self.based < pull
    }

    /// Whether balance and rows have moved together, if not often enough to be sure.
    pub(super) fn is_promising(&self) -> bool {
        self.met || self.agreements > 0
    }
}

fn remember(former: &mut Vec<Stage>, value: Amount, now: Amount, pull: u32) {
    if value != now {
        if former.len() >= STAGES_MAX {
            former.remove(0);
        }
        former.push(Stage { value, until: pull });
    }
}

/// Finds the newest stage with this value and forgets the older ones; the pull in which it was replaced.
fn catch_up(former: &mut Vec<Stage>, value: Amount) -> Option<u32> {
    let place = former.iter().rposition(|stage| stage.value == value)?;
    former.drain(..place);
    former.first().map(|stage| stage.until)
}
