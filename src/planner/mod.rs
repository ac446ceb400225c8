//! The sans-io brain: what is due is computed from remembered state and `now`, and comes out as effects.
//!
//! No clock, no I/O, no randomness, no hash maps: the same inputs give the same effects, bit for bit. The loop around it is
//! `on(now, event)` for everything that happens and `next(now)` until it says [`Step::SleepUntil`]. A trigger carries no
//! meaning: a cron tick, a signal or a resume only make somebody call `next` again.
//!
//! Two agendas keep a look cheap with thousands of accounts: *chores* need no call (warnings, alarms), *calls* need a free
//! slot and an open gate. Every change of an account or link marks it stale; its entries are computed anew at the next look.
//!
//! INVARIANT: every change of a document is in the batch that is emitted by the same `on` or `next`, so that what is in
//! memory is what a restart would find once that batch is committed. One exception saves a commit per pull: that a pull has
//! begun is written with its first answer, since a restart before that answer may as well begin it anew.

pub mod backoff;
pub mod confirmation;
pub mod consent;
pub mod effect;
pub mod event;
pub mod ids;
pub mod policy;
pub mod proof;
pub mod quota;
pub mod reconcile;
pub mod schedule;
pub mod state;

mod access;
mod agenda;
mod draft;
mod due;
mod forget;
mod guard;
mod health;
mod history;
mod likeness;
mod linking;
mod order;
mod outage;
mod pace;
pub mod pairing;
mod provider_time;
mod pull;
mod renewal;
mod requisition;
mod rewind;
mod terms;
mod turn;
pub mod union;
mod wishes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::agreement::Scope;
use crate::model::failure::Failure;
use crate::model::id::{AccountId, CallId, LinkId, ProviderAccountId, RunId};
use crate::model::port::{Answered, ApiCall};
use crate::model::time::{BankDate, Now, UtcInstant};

use agenda::{Agenda, Key};
use draft::Draft;
use effect::{Effect, PlannedCall, RunOutcome, Settlement, Ticket};
use event::{AskId, Event, Question};
use ids::IdSource;
use pace::{Pace, Rhythm};
use policy::Policy;
use provider_time::ProviderTime;
use quota::{Allowance, Ledger, LedgerRow};
use state::{Account, ConfirmStep, Link, LinkStep, ProviderState, ScopeQuota, Union};

/// Calls under way at the same time: enough that one slow bank does not hold up the others, few enough that their bodies
/// fit the in-flight limit.
pub const CALLS_IN_FLIGHT_MAX: usize = 4;

/// What to do now.
#[derive(Debug)]
pub enum Step {
    /// Carry this out, then ask again.
    Do(Effect),
    /// Nothing until then, unless something happens.
    SleepUntil(UtcInstant),
}

/// What the store gives back at start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// All accounts.
    pub accounts: Vec<Account>,
    /// All links.
    pub links: Vec<Link>,
    /// The provider.
    pub provider: ProviderState,
    /// The ledger of at least the last 25 hours.
    pub ledger: Vec<LedgerRow>,
    /// Accounts that became one, oldest first.
    pub unions: Vec<Union>,
}

/// A call under way.
#[derive(Debug)]
struct Flight {
    aim: Aim,
    spends: Option<(AccountId, Scope)>,
    call_id: Option<CallId>,
    run_id: Option<RunId>,
    /// Through which handle an account is called: it may go on through another before the answer comes.
    handle: Option<ProviderAccountId>,
    /// The date filter of a transactions call, as it was sent.
    date_from: Option<BankDate>,
}

/// What a call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Aim {
    /// The metadata of an account.
    Metadata(AccountId),
    /// Data of an account.
    Data(AccountId, Scope),
    /// A step of a link; a person may have given the link up before the answer comes.
    Link(LinkId, LinkStep),
    /// A step of confirming that access goes on.
    Confirmation(LinkId, ConfirmStep),
    /// A client's question.
    Ask(AskId, Question),
}

/// The brain.
#[derive(Debug)]
pub struct Planner {
    policy: Arc<Policy>,
    ids: IdSource,
    accounts: BTreeMap<AccountId, Account>,
    links: BTreeMap<LinkId, Link>,
    provider: ProviderState,
    /// What time it is there: consents and quota go by it.
    time: ProviderTime,
    /// In the provider's time, like the instants at which it blocks us.
    ledger: Ledger,
    /// Accounts that became one, oldest first: what a person may take apart again.
    unions: Vec<Union>,
    /// Calls under way. INVARIANT: at most one per account and per link.
    flights: BTreeMap<Ticket, Flight>,
    /// Accounts that a person wants pulled now, and whether by force.
    wishes: BTreeMap<AccountId, bool>,
    asks: VecDeque<(AskId, Question)>,
    agenda: Agenda,
    /// Of calls for accounts.
    pace: Pace,
    draft: Draft,
    effects: VecDeque<Effect>,
    /// Pulls that ended with a batch of rows: told when the batch is durable.
    endings: BTreeMap<u64, Vec<effect::PullResult>>,
    last_ticket: u64,
    last_batch: u64,
    /// The last call that left before the present fault or outage was found: an answer to it or an earlier one says nothing
    /// about whether that is over.
    trouble_since: Ticket,
    /// Calls that were under way when the last process ended, until they are entered as unanswered.
    interrupted: Vec<LedgerRow>,
    /// Refusals of our token in a row.
    token_failures: u32,
    /// The last call that left before the latest of them was known.
    token_doubted: Ticket,
    /// Reservations in a row that could not be written, and when to try again.
    store_tries: u32,
    store_retry_at: Option<UtcInstant>,
    stopping: bool,
    last_look: Option<Now>,
}

impl Planner {
    /// From what the store remembers. `seed` makes ids and references.
    pub fn restore(snapshot: Snapshot, policy: Policy, seed: [u8; 32]) -> Self {
        let ledger = Ledger::restore(&snapshot.ledger, policy.call_timeout_ms);
        let interrupted = snapshot.ledger.into_iter().filter(|row| row.unsettled).collect();
        let mut planner = Self {
            policy: Arc::new(policy),
            ids: IdSource::new(seed),
            accounts: snapshot.accounts.into_iter().map(|account| (account.id, account)).collect(),
            links: snapshot.links.into_iter().map(|link| (link.id, link)).collect(),
            time: ProviderTime::remembered(snapshot.provider.clock_distance_ms),
            provider: snapshot.provider,
            ledger,
            unions: snapshot.unions,
            flights: BTreeMap::new(),
            wishes: BTreeMap::new(),
            asks: VecDeque::new(),
            agenda: Agenda::default(),
            pace: Pace::default(),
            draft: Draft::default(),
            effects: VecDeque::new(),
            endings: BTreeMap::new(),
            last_ticket: 0,
            last_batch: 0,
            trouble_since: Ticket(0),
            interrupted,
            token_failures: 0,
            token_doubted: Ticket(0),
            store_tries: 0,
            store_retry_at: None,
            stopping: false,
            last_look: None,
        };
        planner.touch_all();
        planner
    }

    /// Something happened.
    pub fn on(&mut self, now: Now, event: Event) {
        self.look_at_the_clock(now);
        let at = now.wall;
        match event {
            Event::Woken => {}
            Event::Started => self.started(at),
            Event::Reserved { ticket, call_id } => {
                self.store_tries = 0;
                if let Some(flight) = self.flights.get_mut(&ticket) {
                    flight.call_id = Some(call_id);
                }
            }
            Event::NotReserved { ticket } => self.not_reserved(ticket, at),
            Event::Answered { ticket, result } => self.answered(ticket, *result, at),
            Event::Applied { number, rows, compared, wants_everything } => {
                self.ask_for_everything(wants_everything);
                for mut ending in self.endings.remove(&number).unwrap_or_default() {
                    // A batch has the rows of one answer, and only the pull that this answer completed succeeds in it.
                    if ending.outcome != Some(RunOutcome::Failed) {
                        ending.rows = rows.unwrap_or_default();
                    }
                    self.effects.push_back(Effect::Pulled(Box::new(ending)));
                }
                if let Some(found) = compared {
                    self.compared(&found, at);
                }
            }
            Event::MergeWanted { kept, absorbed } => self.merge_wanted(kept, absorbed, at),
            Event::SplitWanted { kept } => self.split_wanted(kept),
            Event::ForgetWanted { account } => self.forget_wanted(account, at),
            Event::PullWanted { accounts, force } => self.pull_wanted(&accounts, force, at),
            Event::LinkWanted { link_id, institution, history_days, access_days, replaces } => {
                let wish =
                    linking::LinkWish { link_id, institution, history_days, access_days, replaces };
                self.link_wanted(&wish, at);
            }
            Event::ReconfirmWanted { link_id } => self.reconfirm_wanted(link_id, at),
            Event::UnlinkWanted { link_id } => self.unlink_wanted(link_id, at),
            Event::Asked { ask, question } => self.asks.push_back((ask, question)),
            Event::Noted(notices) => self.draft.notices.extend(notices),
            Event::Stopping => self.stopping = true,
        }
        self.flush(at);
    }

    /// What to do now. Call again after each [`Step::Do`].
    pub fn next(&mut self, now: Now) -> Step {
        self.look_at_the_clock(now);
        let at = now.wall;
        if let Some(effect) = self.effects.pop_front() {
            return Step::Do(effect);
        }
        if self.stopping {
            return Step::SleepUntil(UtcInstant::NEVER);
        }
        self.refresh_agenda(at);
        while let Some(key) = self.agenda.chore_due(at) {
            self.do_chore(key, at);
            self.flush(at);
            self.refresh_agenda(at);
            if let Some(effect) = self.effects.pop_front() {
                return Step::Do(effect);
            }
        }
        if let Some(call) = self.next_call(at) {
            // What the call presupposes (an intent, a new run) is committed before it leaves.
            self.flush(at);
            self.effects.push_back(Effect::Call(Box::new(call)));
        }
        self.flush(at);
        match self.effects.pop_front() {
            Some(effect) => Step::Do(effect),
            None => Step::SleepUntil(self.wake_at(at)),
        }
    }

    /// Puts another policy in force.
    pub fn set_policy(&mut self, policy: Policy, now: Now) {
        self.policy = Arc::new(policy);
        self.touch_all();
        self.on(now, Event::Started);
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// All accounts, oldest first; those still being identified are among them.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// All links, oldest first.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// One link.
    pub fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The provider as a whole.
    pub fn provider(&self) -> &ProviderState {
        &self.provider
    }

    /// Whether a pull of this account is wanted by a person or under way.
    pub fn is_pulling(&self, id: AccountId) -> bool {
        self.wishes.contains_key(&id)
            || self.accounts.get(&id).is_some_and(|account| account.pull.is_some())
    }

    /// The link that is to succeed this one, or does so already for some of its accounts.
    pub fn successor(&self, old: LinkId) -> Option<LinkId> {
        let succeeds = |link: &&Link| {
            link.replaces == Some(old) && (link.status.is_pending() || link.status.is_live())
        };
        self.links.values().find(succeeds).map(|link| link.id)
    }

    /// A fresh link id for a client's wish.
    pub fn new_link_id(&mut self, now: UtcInstant) -> LinkId {
        self.ids.link(now)
    }

    /// What time it is at the provider when our wall clock says `now`, as far as is known.
    pub fn provider_time(&self, now: UtcInstant) -> UtcInstant {
        self.time.at(now)
    }

    /// What is left for an account and scope; `manual`: with the calls that are kept for a person. The ledger knows the
    /// provider's time; what comes out is by our wall clock.
    pub fn allowance(
        &self,
        account: &Account,
        scope: Scope,
        manual: bool,
        now: UtcInstant,
    ) -> Allowance {
        let quota = account.quota.get(&scope).copied().unwrap_or_default();
        let reserve = if manual { 0 } else { self.policy.manual_reserve };
        // Where several times are possible, the earliest: no more of the window has surely passed.
        let ahead_ms = self.time.least_ms();
        let limits = (self.policy.calls_per_day, reserve);
        let there = now.plus_ms(ahead_ms);
        let mut allowance = self.ledger.allowance(account.id, scope, &quota, limits, there);
        allowance.next_allowed_at = allowance.next_allowed_at.plus_ms(ahead_ms.saturating_neg());
        allowance
    }

    /// When the next scheduled pull of an account begins, as things stand; `None` if none will.
    pub fn next_pull_at(&self, account: &Account, now: UtcInstant) -> Option<UtcInstant> {
        self.pull_due(account, now).map(|due| due.at.max(now))
    }

    fn quota_mut(account: &mut Account, scope: Scope) -> &mut ScopeQuota {
        account.quota.entry(scope).or_default()
    }

    fn not_reserved(&mut self, ticket: Ticket, now: UtcInstant) {
        if let Some(flight) = self.flights.remove(&ticket) {
            if let Some((account, scope)) = flight.spends {
                self.ledger.settle(account, scope, ticket, None);
                self.touch(Key::Account(account));
            }
            self.store_tries = self.store_tries.saturating_add(1);
            self.store_retry_at = Some(backoff::STORE.next(self.store_tries, now));
        }
    }

    fn answered(&mut self, ticket: Ticket, result: Result<Answered, Failure>, now: UtcInstant) {
        let Some(flight) = self.flights.remove(&ticket) else { return };
        self.hear_the_time(&result);
        if let Some((account, scope)) = flight.spends {
            let settlement = match &result {
                Ok(_) => Settlement::Succeeded,
                Err(failure) if failure.releases_reservation() => Settlement::Released,
                Err(_) => Settlement::Unanswered,
            };
            let there = self.time.latest(now);
            let counts_from = (settlement != Settlement::Released).then_some(there);
            self.ledger.settle(account, scope, ticket, counts_from);
            self.draft.settle = flight.call_id.map(|id| (id, settlement));
            self.draft.settled_at = Some(there);
        }
        self.heard(ticket, &result, now);
        let present = |id| self.accounts.get(id).map(|account| &account.provider_account_id);
        match flight.aim {
            Aim::Metadata(id) if flight.handle.as_ref() == present(&id) => {
                self.metadata_answered(id, result, now);
            }
            Aim::Metadata(id) => self.touch(Key::Account(id)),
            Aim::Data(id, scope) => {
                let late = flight.handle.as_ref() != present(&id);
                let asked =
                    pull::Asked { scope, run_id: flight.run_id, date_from: flight.date_from };
                if late {
                    self.late_answer(id, asked, result);
                } else {
                    self.data_answered(id, asked, result, now);
                }
            }
            Aim::Link(id, step) => self.link_answered(id, step, result, now),
            Aim::Confirmation(id, step) => self.confirmation_answered(id, step, result, now),
            Aim::Ask(ask, question) => self.ask_answered(ask, question, result),
        }
    }

    /// Plans a call and notes that it is under way.
    fn launch(
        &mut self,
        aim: Aim,
        call: ApiCall,
        run_id: Option<RunId>,
        now: UtcInstant,
    ) -> PlannedCall {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = Ticket(self.last_ticket);
        let spends = match aim {
            Aim::Data(account, scope) => Some((account, scope)),
            Aim::Metadata(_) | Aim::Link(..) | Aim::Confirmation(..) | Aim::Ask(..) => None,
        };
        let handle = match &aim {
            Aim::Data(account, _) | Aim::Metadata(account) => {
                self.accounts.get(account).map(|account| account.provider_account_id.clone())
            }
            Aim::Link(..) | Aim::Confirmation(..) | Aim::Ask(..) => None,
        };
        if handle.is_some() {
            self.pace.take(self.rhythm(), now);
        }
        let at = self.time.latest(now);
        let part = spends.and_then(|(id, _)| self.accounts.get(&id)).map(|it| self.part_of(it));
        if let (Some((account, scope)), Some(part)) = (spends, part) {
            self.ledger.reserve((account, part), scope, ticket, at);
        }
        let date_from = match &call {
            ApiCall::Transactions { date_from, .. } => *date_from,
            _ => None,
        };
        let flight = Flight { aim, spends, call_id: None, run_id, handle, date_from };
        self.flights.insert(ticket, flight);
        let spends = part.zip(spends).map(|(part, (_, scope))| (part, scope));
        PlannedCall { ticket, call, spends, at }
    }

    fn rhythm(&self) -> Rhythm {
        Rhythm::per_minute(self.policy.accounts_per_minute)
    }

    /// Emits what was drafted as one batch.
    fn flush(&mut self, now: UtcInstant) {
        let Some(mut batch) = self.draft.take(&self.accounts, &self.links, &self.provider) else {
            return;
        };
        self.last_batch = self.last_batch.wrapping_add(1);
        batch.number = self.last_batch;
        batch.at = Some(now);
        let endings = std::mem::take(&mut self.draft.endings);
        if !endings.is_empty() {
            self.endings.insert(batch.number, endings);
        }
        self.effects.push_back(Effect::Apply(Box::new(batch)));
    }
}
