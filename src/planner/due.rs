//! What is due: for every account and link the next chore and the next call, and which call is made now.

use crate::model::agreement::Scope;
use crate::model::failure::FailureClass;
use crate::model::port::ApiCall;
use crate::model::time::{DAY_MS, HOUR_MS, UtcInstant};

use super::agenda::{CallDue, Key};
use super::effect::PlannedCall;
use super::outage::Gate;
use super::state::{Account, AccountStatus, LinkStatus, Pull};
use super::{Aim, CALLS_IN_FLIGHT_MAX, Planner, backoff, guard};

/// Details change seldom: once after linking, then at this distance.
const DETAILS_EVERY_MS: i64 = 30 * DAY_MS;
/// What a failed pull left to do is still worth resuming for so long.
const LEFTOVER_MS: i64 = 6 * HOUR_MS;
/// Where access ends within this time, what covers days is read first.
const LAST_MS: i64 = HOUR_MS;

/// A pull and when it may begin.
pub(super) struct PullDue {
    pub(super) at: UtcInstant,
    pub(super) slot: Option<UtcInstant>,
    pub(super) manual: bool,
}

/// The next call of an account.
pub(super) enum AccountCall {
    Metadata,
    Details,
    Pull,
}

impl Planner {
    pub(super) fn touch(&mut self, key: Key) {
        self.agenda.touch(key);
    }

    pub(super) fn touch_all(&mut self) {
        self.links.keys().for_each(|id| self.agenda.touch(Key::Link(*id)));
        self.accounts.keys().for_each(|id| self.agenda.touch(Key::Account(*id)));
    }

    pub(super) fn refresh_agenda(&mut self, now: UtcInstant) {
        while let Some(key) = self.agenda.take_stale() {
            if let Key::Account(id) = key
                && !self.is_busy(key)
            {
                self.settle_waiting(id, now);
            }
            let (chore, call) = match key {
                Key::Account(id) => match self.accounts.get(&id) {
                    Some(account) => {
                        let chores = [self.stale_at(account), self.pairing_due(account)];
                        (chores.into_iter().flatten().min(), self.account_due(account, now))
                    }
                    None => (None, None),
                },
                Key::Link(id) => match self.links.get(&id) {
                    Some(link) => {
                        let due = |at| CallDue {
                            at,
                            fresh_until: UtcInstant::EPOCH,
                            ends_at: UtcInstant::NEVER,
                        };
                        let call = self.link_call_at(link, now).map(due);
                        (self.link_chore_at(link, now), call)
                    }
                    None => (None, None),
                },
            };
            self.agenda.set(key, chore, call.filter(|_| !self.is_busy(key)));
        }
        self.agenda.fall_due(now);
    }

    fn is_busy(&self, key: Key) -> bool {
        self.flights.values().any(|flight| match flight.aim {
            Aim::Metadata(id) | Aim::Data(id, _) => key == Key::Account(id),
            Aim::Link(id, _) | Aim::Confirmation(id, _) => key == Key::Link(id),
            Aim::Ask(..) => false,
        })
    }

    /// When nobody needs to be woken before.
    pub(super) fn wake_at(&self, now: UtcInstant) -> UtcInstant {
        let call = match self.gate(now) {
            Gate::Open if self.flights.len() < CALLS_IN_FLIGHT_MAX => {
                self.call_at(now).into_iter().chain(self.time_question_at(now)).min()
            }
            Gate::Probe if self.flights.is_empty() => self.call_at(now),
            Gate::Open | Gate::Probe => None,
            Gate::ClosedUntil(until) => Some(until),
        };
        let wake = call.into_iter().chain(self.agenda.next_chore_at()).min();
        wake.unwrap_or(UtcInstant::NEVER).max(now.plus_ms(1))
    }

    /// Chooses the call to make now, if one is due and may be made.
    pub(super) fn next_call(&mut self, now: UtcInstant) -> Option<PlannedCall> {
        let gate = self.gate(now);
        if let Some(call) = self.next_ask(&gate, now) {
            return Some(call);
        }
        match gate {
            Gate::ClosedUntil(_) => return None,
            Gate::Open if self.flights.len() >= CALLS_IN_FLIGHT_MAX => return None,
            Gate::Probe if !self.flights.is_empty() => return None,
            Gate::Probe => {
                if let Some(call) = self.probe(now) {
                    return Some(call);
                }
            }
            Gate::Open => {}
        }
        if let Some(question) = self.ask_the_time(now) {
            return Some(question);
        }
        while let Some(key) = self.turn(now) {
            self.touch(key);
            let call = match key {
                Key::Link(id) => {
                    self.call_for_link(id, now).or_else(|| self.call_for_confirmation(id, now))
                }
                Key::Account(id) if self.time.is_unconfirmed() => self.metadata_call(id, now),
                Key::Account(id) => self.call_for_account(id, now),
            };
            self.refresh_agenda(now);
            if call.is_some() {
                return call;
            }
            if self.agenda.is_due(key) {
                // What was due brought no call and is due again: leave it for a moment rather than spin.
                self.agenda.delay_call(key, now.plus_s(60));
            }
        }
        None
    }

    /// The metadata of an account, which cost nothing.
    pub(super) fn metadata_call(
        &mut self,
        id: crate::model::id::AccountId,
        now: UtcInstant,
    ) -> Option<PlannedCall> {
        let provider_id = self.accounts.get(&id)?.provider_account_id.clone();
        self.touch(Key::Account(id));
        Some(self.launch(Aim::Metadata(id), ApiCall::Metadata(provider_id), None, now))
    }

    fn call_for_account(
        &mut self,
        id: crate::model::id::AccountId,
        now: UtcInstant,
    ) -> Option<PlannedCall> {
        let account = self.accounts.get(&id)?;
        let (at, what) = self.account_call(account, now)?;
        // While several times are possible, data are asked for only if access lasts by all of them.
        let surely = self.gives_access(account, self.time.latest(now));
        if at > now || !(surely || matches!(what, AccountCall::Metadata)) {
            return None;
        }
        let provider_id = account.provider_account_id.clone();
        match what {
            AccountCall::Metadata => self.metadata_call(id, now),
            AccountCall::Details => Some(self.launch(
                Aim::Data(id, Scope::Details),
                ApiCall::Details(provider_id),
                None,
                now,
            )),
            AccountCall::Pull => self.continue_pull(id, now),
        }
    }

    /// The next call of an account and when it is due, whatever the gate says.
    pub(super) fn account_call(
        &self,
        account: &Account,
        now: UtcInstant,
    ) -> Option<(UtcInstant, AccountCall)> {
        if account.status.is_over() || !self.gives_access(account, self.time.at(now)) {
            return None;
        }
        let not_before = account.retry_at.unwrap_or(now);
        if account.is_identified() {
            // It waits for the others of its link, or brings history, once.
            let pull = self.pull_due(account, now).filter(|_due| account.last_synced_at.is_none());
            return pull.map(|due| (due.at, AccountCall::Pull));
        }
        if let Some(identifying) = account.identifying {
            let details = identifying.metadata_read
                && !identifying.details_settled
                && account.status != AccountStatus::Processing;
            return Some(if details {
                let allowed = self.allowance(account, Scope::Details, true, now).next_allowed_at;
                (not_before.max(allowed), AccountCall::Details)
            } else {
                (not_before, AccountCall::Metadata)
            });
        }
        match account.status {
            AccountStatus::Expired | AccountStatus::Suspended | AccountStatus::Inactive => None,
            AccountStatus::Processing => Some((not_before, AccountCall::Metadata)),
            AccountStatus::Ready | AccountStatus::Paused | AccountStatus::Unknown => {
                let pull = self.pull_due(account, now).map(|due| (due.at, AccountCall::Pull));
                let ask = account.pause.filter(|pause| {
                    !pause.lifted && account.consecutive_failures < self.policy.error_hard_limit
                });
                let ask = ask.map(|pause| (pause.ask_at, AccountCall::Metadata));
                match (pull, ask) {
                    (Some(pull), Some(ask)) => Some(if ask.0 <= pull.0 { ask } else { pull }),
                    (one, other) => one.or(other),
                }
            }
        }
    }

    /// The next pull of an account that may be called at all.
    pub(super) fn pull_due(&self, account: &Account, now: UtcInstant) -> Option<PullDue> {
        let callable = matches!(
            account.status,
            AccountStatus::Ready | AccountStatus::Paused | AccountStatus::Unknown
        ) && (account.identifying.is_none()
            || (account.is_identified() && self.brings_history(account)))
            && self.gives_access(account, self.time.at(now))
            && self.policy.is_enabled(account)
            && account.consecutive_failures < self.policy.error_hard_limit;
        if !callable {
            return None;
        }
        let wish = self.wishes.get(&account.id).copied();
        let allowed = |manual: bool| {
            let scopes = self.scopes_of_a_pull(account, now);
            scopes
                .into_iter()
                .map(|scope| self.allowance(account, scope, manual, now).next_allowed_at)
                .max()
        };
        if let Some(pull) = &account.pull {
            let scope = pull.todo.first().copied()?;
            // A person who asked meanwhile lends the pull what is kept for persons.
            let manual = pull.manual || wish.is_some();
            let at = self.allowance(account, scope, manual, now).next_allowed_at;
            let at = at.max(account.retry_at.unwrap_or(now));
            return Some(PullDue { at, slot: pull.slot, manual });
        }
        let held = account.pause.filter(|pause| !pause.lifted);
        if let Some(force) = wish
            && (force || held.is_none())
        {
            return Some(PullDue {
                at: allowed(true)?.max(now),
                slot: self.slot(account, now),
                manual: true,
            });
        }
        if let Some(pause) = held {
            let at = pause.since.plus_days(guard::trial_day(pause.trials)?).max(allowed(false)?);
            return Some(PullDue { at, slot: self.slot(account, now), manual: false });
        }
        let (slot, coming) = self.policy.schedule.due(account.id, account.slot_served, now);
        let never_pulled = account.last_synced_at.is_none() && account.slot_served.is_none();
        let begins = if slot.is_some() || never_pulled { now } else { coming? };
        let at = begins.max(account.retry_at.unwrap_or(begins)).max(allowed(false)?);
        Some(PullDue { at, slot, manual: false })
    }

    fn slot(&self, account: &Account, now: UtcInstant) -> Option<UtcInstant> {
        self.policy.schedule.due(account.id, account.slot_served, now).0
    }

    /// Which scopes a pull that begins now reads, in order. Empty if the bank gives none.
    pub(super) fn scopes_of_a_pull(&self, account: &Account, now: UtcInstant) -> Vec<Scope> {
        if let Some((since, scopes)) = &account.leftover
            && now.since(*since).abs() < LEFTOVER_MS
        {
            return scopes.clone();
        }
        let mut scopes = vec![Scope::Balances, Scope::Transactions];
        let safe_until = now.plus_ms(LAST_MS);
        if self.last_call_at(account, now) < safe_until {
            scopes.reverse();
        }
        let old = account.details_at.is_none_or(|read| now.since(read) >= DETAILS_EVERY_MS);
        if old && self.allowance(account, Scope::Details, false, now).next_allowed_at <= now {
            scopes.push(Scope::Details);
        }
        scopes.retain(|scope| !account.scopes_off.contains(scope));
        scopes
    }

    /// Begins a pull, or goes on with the one under way.
    fn continue_pull(
        &mut self,
        id: crate::model::id::AccountId,
        now: UtcInstant,
    ) -> Option<PlannedCall> {
        let account = self.accounts.get(&id)?;
        let due = self.pull_due(account, now).filter(|due| due.at <= now)?;
        let begin = account.pull.is_none();
        let todo = if begin { self.scopes_of_a_pull(account, now) } else { Vec::new() };
        let run_id = if begin { Some(self.ids.run(now)) } else { None };
        let account = self.accounts.get_mut(&id)?;
        if let Some(run_id) = run_id {
            if let Some(pause) = account.pause.as_mut().filter(|pause| !pause.lifted && !due.manual)
            {
                // Committed before the call leaves: a crash must not bring the trial back.
                // After a long sleep the trials keep their distance: they do not all follow at once.
                let days = guard::trial_day(pause.trials).unwrap_or_default();
                pause.since = pause.since.max(now.plus_days(-days));
                pause.trials = pause.trials.saturating_add(1);
                self.draft.accounts.insert(id);
            }
            account.leftover = None;
            account.retry_at = None;
            account.pull = Some(Pull {
                run_id,
                started_at: now,
                slot: due.slot,
                todo,
                changed: false,
                manual: due.manual,
            });
        }
        let pull = account.pull.as_ref()?;
        let (run_id, scope) = (pull.run_id, pull.todo.first().copied()?);
        let call = self.data_call(id, scope, now)?;
        Some(self.launch(Aim::Data(id, scope), call, Some(run_id), now))
    }

    /// When an account becomes stale, unless that was announced already.
    fn stale_at(&self, account: &Account) -> Option<UtcInstant> {
        let watched = !account.stale_announced
            && self.policy.is_enabled(account)
            && (account.identifying.is_none() || !account.status.is_over())
            && self.links.get(&account.link_id).is_some_and(|link| {
                !matches!(link.status, LinkStatus::Abandoned | LinkStatus::Replaced)
            });
        watched.then(|| self.fresh_until(account))
    }

    /// Until when the data of an account are as fresh as they should be.
    pub(super) fn fresh_until(&self, account: &Account) -> UtcInstant {
        let fresh = account.last_synced_at.unwrap_or(account.discovered_at);
        fresh.plus_ms(match account.status {
            AccountStatus::Processing => self.policy.freshness_ms.min(DAY_MS),
            _ => self.policy.freshness_ms,
        })
    }

    /// Does what needs no call.
    pub(super) fn do_chore(&mut self, key: Key, now: UtcInstant) {
        match key {
            Key::Account(id) => {
                let account = self.accounts.get(&id);
                match account.and_then(|account| self.pairing_due(account)) {
                    Some(at) if at <= now => self.identify(id, now),
                    _ => self.announce_stale(id, now),
                }
            }
            Key::Link(id) => {
                self.look_at_consent(id, now);
                self.look_at_confirmation(id, now);
                self.look_at_history(id, now);
            }
        }
        self.touch(key);
    }

    /// The transactions, balances or details call of a pull.
    fn data_call(
        &self,
        id: crate::model::id::AccountId,
        scope: Scope,
        now: UtcInstant,
    ) -> Option<ApiCall> {
        let account = self.accounts.get(&id)?;
        let provider_id = account.provider_account_id.clone();
        Some(match scope {
            Scope::Details => ApiCall::Details(provider_id),
            Scope::Balances => ApiCall::Balances(provider_id),
            Scope::Transactions => {
                let date_from = self.window(account, now);
                let known = match date_from {
                    None => account.full_mark,
                    Some(date) => account
                        .window_mark
                        .filter(|(marked, _)| *marked == date)
                        .map(|(_, mark)| mark),
                };
                ApiCall::Transactions { account: provider_id, date_from, known }
            }
        })
    }

    /// Windows are free, the quota counts calls: the first pull and one pull a calendar day ask without any filter, the
    /// others look some days back.
    pub(super) fn window(
        &self,
        account: &Account,
        now: UtcInstant,
    ) -> Option<crate::model::time::BankDate> {
        let full = account.full_pull_at.filter(|_| !account.wants_everything)?;
        let today = self.policy.zone.date(now);
        if self.policy.zone.date(full) != today {
            return None;
        }
        // UTC's date, minus at least one day: never in the server's future.
        now.utc_date().plus_days(-i64::from(self.policy.overlap_days.max(1)))
    }

    /// The wait after a failed call of an account: the more have failed in a row, the longer.
    pub(super) fn account_retry_at(
        account: &Account,
        class: Option<&FailureClass>,
        now: UtcInstant,
    ) -> UtcInstant {
        let waits = match class {
            Some(FailureClass::Bug(_) | FailureClass::Configuration(_)) => backoff::REFUSED,
            _ => backoff::ACCOUNT,
        };
        waits.next(account.tries.max(account.consecutive_failures).max(1), now)
    }
}
