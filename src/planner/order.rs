//! Which account is called first where not all that are due can be called at once.
//!
//! The company's limit over all accounts makes a line after an outage, a sleep, or at the hour at which thousands are due.
//! What is lost by waiting decides, in this order: days that no answer will cover because access ends before their turn, how
//! far the age of the stalest account goes beyond its objective, and calls.
//!
//! As long as nobody's access ends before the line is worked off, the stalest goes first: that is best whatever the lengths
//! of the pulls (Jackson's rule, "Scheduling a production line to minimize maximum tardiness", 1955). Where access may end,
//! all orders of the few calls at the head of the line are tried.

use crate::model::id::AccountId;
use crate::model::time::UtcInstant;

/// Accounts at the head of the line that are compared with each other.
pub(super) const HEAD_LEN: usize = 4;

/// An account that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) id: AccountId,
    /// When its data are as old as they should ever be.
    pub(super) fresh_until: UtcInstant,
    /// No data call may leave later.
    pub(super) ends_at: UtcInstant,
    /// Calls that its pull still needs.
    pub(super) calls: u32,
    /// After so many of them its days are covered; 0 if they are.
    pub(super) covered_after: u32,
    /// Days that are lost if they are not.
    pub(super) days: u32,
}

/// What an order costs; the smaller the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    uncovered_days: u32,
    age_over_ms: i64,
    calls: u32,
}

impl Cost {
    fn aged(self, since: UtcInstant, at: UtcInstant) -> Self {
        Self { age_over_ms: self.age_over_ms.max(at.since(since)), ..self }
    }
}

/// Who is called now, if one call may leave every `gap_ms` from now on.
pub(super) fn first(line: &[Candidate], now: UtcInstant, gap_ms: i64) -> Option<AccountId> {
    let mut line = line.to_vec();
    line.sort_by_key(|one| (one.fresh_until, one.id));
    let calls: u32 = line.iter().map(|one| one.calls).sum();
    let worked_off = now.plus_ms(gap_ms.saturating_mul(calls.into()));
    if line.iter().all(|one| one.ends_at >= worked_off) {
        return line.first().map(|one| one.id);
    }
    let mut search = Search { gap_ms, best: None };
    search.go_on(&mut line, now, Cost::default(), None);
    // Where nobody can be called any more, that is found out by trying.
    search.best.map(|(_, id)| id).or(line.first().map(|one| one.id))
}

struct Search {
    gap_ms: i64,
    /// The best order so far: its cost and who is first in it.
    best: Option<(Cost, AccountId)>,
}

impl Search {
    /// Tries every order of what is left. Costs only grow, so what is no better than the best already is left.
    fn go_on(
        &mut self,
        line: &mut [Candidate],
        at: UtcInstant,
        cost: Cost,
        begun_with: Option<AccountId>,
    ) {
        if self.best.is_some_and(|(best, _)| cost >= best) {
            return;
        }
        let callable = |one: &Candidate| one.calls > 0 && at <= one.ends_at;
        if !line.iter().any(callable) {
            let given_up = line.iter().filter(|one| one.calls > 0);
            let end = given_up.fold(cost, |cost, one| {
                let days = if one.covered_after > 0 { one.days } else { 0 };
                let uncovered_days = cost.uncovered_days.saturating_add(days);
                Cost { uncovered_days, ..cost }.aged(one.fresh_until, one.ends_at)
            });
            if let Some(id) = begun_with
                && self.best.is_none_or(|(best, _)| end < best)
            {
                self.best = Some((end, id));
            }
            return;
        }
        for place in 0..line.len() {
            let Some(before) = line.get(place).copied().filter(|one| callable(one)) else {
                continue;
            };
            let after = Candidate {
                calls: before.calls.saturating_sub(1),
                covered_after: before.covered_after.saturating_sub(1),
                ..before
            };
            let spent = Cost { calls: cost.calls.saturating_add(1), ..cost };
            let spent = if after.calls == 0 { spent.aged(before.fresh_until, at) } else { spent };
            line.get_mut(place).into_iter().for_each(|one| *one = after);
            let next = at.plus_ms(self.gap_ms);
            self.go_on(line, next, spent, begun_with.or(Some(before.id)));
            line.get_mut(place).into_iter().for_each(|one| *one = before);
        }
    }
}
