//! The loop that turns effects into deeds.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::handle::{Brief, Handle, INBOX_LEN, Message, Report};
use super::teller::Teller;
use super::waiters::Waiters;
use crate::model::failure::Failure;
use crate::model::id::CallId;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Answered, ApiCall, Clock, Provider, RowReader};
use crate::model::time::{MINUTE_MS, Now, SECOND_MS};
use crate::observe::{Chain, Tell};
use crate::planner::effect::{Batch, Effect, PlannedCall, Ticket};
use crate::planner::event::Event;
use crate::planner::{Planner, Step, backoff};
use crate::store::{self, Reservation, Store, StoredEvent};

/// Longest sleep between two looks, so that a stepped clock is noticed and the watchdog is fed.
const SLEEP_MAX_MS: i64 = MINUTE_MS;
/// Nothing to do for so long: memory is given back.
const REST_MS: i64 = SECOND_MS;
/// So many new rows of one answer are a burst, after which the database gives memory back, too.
const BURST_ROWS: u64 = 500;
/// How long calls in flight may still take when the daemon stops; they are paid for.
const GRACE_MS: i64 = 4 * SECOND_MS;

/// Why the engine ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database cannot be used any more.
    #[error("the database cannot be used any more")]
    Store(#[source] store::Error),
}

/// What an engine is made of.
pub struct Parts<P> {
    /// The brain, restored.
    pub planner: Planner,
    /// The provider's adapter.
    pub provider: Arc<P>,
    /// How its rows are read.
    pub reader: Arc<dyn RowReader>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Longest time between two signs of life, in milliseconds.
    pub beat_ms: i64,
    /// The way to the log.
    pub tell: Tell,
    /// Events that were committed but not told before the last end.
    pub untold: Vec<StoredEvent>,
}

/// What a turn was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One effect was carried out; there may be more.
    Worked,
    /// There was nothing to do, and something happened.
    Waited,
}

/// A batch that could not be written; nothing else is done before it is.
struct Stuck {
    batch: Arc<Batch>,
    tries: u32,
    retry_mono_ms: i64,
}

/// Owns the planner and does what it wants.
pub struct Engine<P> {
    planner: Planner,
    provider: Arc<P>,
    reader: Arc<dyn RowReader>,
    store: Store,
    clock: Arc<dyn Clock>,
    beat_ms: i64,
    inbox: mpsc::Receiver<Message>,
    calls: JoinSet<(Ticket, Result<Answered, Failure>)>,
    waiters: Waiters,
    stuck: Option<Stuck>,
    /// Many new rows came since the database last gave memory back.
    burst: bool,
    /// Taken from the planner to see whether it goes with the batch before it, and did not.
    ahead: Option<Effect>,
    /// Writes that failed in a row because the disk is full or failing.
    failed_writes: u32,
    teller: Teller,
    /// Counts the turns of the loop: the daemon's sign of life.
    pulse: watch::Sender<u64>,
}

impl<P: Provider + Send + Sync + 'static> Engine<P> {
    /// An engine, a way to talk to it, and its sign of life.
    pub fn new(parts: Parts<P>) -> (Self, Handle, watch::Receiver<u64>) {
        let (sender, inbox) = mpsc::channel(INBOX_LEN);
        let (pulse, life) = watch::channel(0);
        let engine = Self {
            planner: parts.planner,
            provider: parts.provider,
            reader: parts.reader,
            store: parts.store,
            clock: parts.clock,
            beat_ms: parts.beat_ms.clamp(SECOND_MS, SLEEP_MAX_MS),
            inbox,
            calls: JoinSet::new(),
            waiters: Waiters::default(),
            stuck: None,
            burst: false,
            ahead: None,
            failed_writes: 0,
            teller: Teller::new(parts.tell, parts.untold),
            pulse,
        };
        (engine, Handle::new(sender), life)
    }

    /// Works until `stop`, then lets calls in flight end within the grace.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), EngineError> {
        self.begin();
        while !stop.is_cancelled() {
            self.turn(&stop).await?;
        }
        self.wind_down().await
    }

    /// Once, before the first turn.
    pub fn begin(&mut self) {
        self.planner.on(self.clock.now(), Event::Started);
    }

    /// One turn of the loop: carries out one effect, or waits for something to happen if there is none.
    ///
    /// Whoever drops this before it ends has stopped the engine as a killed process is stopped.
    pub async fn turn(&mut self, stop: &CancellationToken) -> Result<Turn, EngineError> {
        let Some(wake_mono_ms) = self.work().await? else { return Ok(Turn::Worked) };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(done) = self.calls.join_next() => self.call_ended(done),
            Some(message) = self.inbox.recv() => self.receive(message),
            () = self.clock.sleep_until(wake_mono_ms) => {}
        }
        Ok(Turn::Waited)
    }

    /// Carries out one thing that can be done now; if there is none, says when to look again (monotonic).
    async fn work(&mut self) -> Result<Option<i64>, EngineError> {
        self.pulse.send_modify(|turns| *turns = turns.wrapping_add(1));
        let now = self.clock.now();
        if let Some(stuck) = &self.stuck {
            if stuck.retry_mono_ms > now.mono_ms {
                return Ok(Some(stuck.retry_mono_ms.min(now.mono_ms.saturating_add(self.beat_ms))));
            }
            self.retry().await?;
            return Ok(None);
        }
        match self.next_step(now) {
            Step::Do(effect) => self.carry_out(effect).await?,
            Step::SleepUntil(at) => {
                self.teller.tell_on();
                // Between two calls of a pull it can wait: a commit costs more than all the rest of a small answer.
                if self.teller.is_even() || !self.calls.is_empty() {
                    let wait_ms = at.since(now.wall).clamp(0, self.beat_ms);
                    if self.calls.is_empty() && wait_ms >= REST_MS {
                        self.rest().await?;
                    }
                    return Ok(Some(now.mono_ms.saturating_add(wait_ms)));
                }
                self.mark_told().await?;
            }
        }
        Ok(None)
    }

    /// Nothing to do for a while: memory is given back.
    async fn rest(&mut self) -> Result<(), EngineError> {
        self.provider.rest();
        if !std::mem::take(&mut self.burst) {
            return Ok(());
        }
        match self.store.rest().await {
            Ok(()) => Ok(()),
            Err(error) => self.store_trouble(error),
        }
    }

    /// What the planner wants now.
    fn next_step(&mut self, now: Now) -> Step {
        self.ahead.take().map_or_else(|| self.planner.next(now), Step::Do)
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<(), EngineError> {
        match effect {
            Effect::Call(call) => self.make_call(*call).await,
            Effect::Apply(batch) => {
                let next = self.call_after_batch();
                self.apply(Arc::from(batch), next, 0).await
            }
            Effect::Pulled(result) => {
                self.waiters.pulled(&result);
                Ok(())
            }
            Effect::Told(ask, answer) => {
                self.waiters.told(ask, answer);
                Ok(())
            }
        }
    }

    /// The call that comes next, if it spends quota: it is reserved in the transaction of the batch before it.
    fn call_after_batch(&mut self) -> Option<PlannedCall> {
        match self.next_step(self.clock.now()) {
            Step::Do(Effect::Call(call)) if reservation(&call).is_some() => Some(*call),
            Step::Do(other) => {
                self.ahead = Some(other);
                None
            }
            Step::SleepUntil(_) => None,
        }
    }

    /// Spends before it sends: the reservation is durable before the call leaves.
    async fn make_call(&mut self, planned: PlannedCall) -> Result<(), EngineError> {
        if let Some(reservation) = reservation(&planned) {
            match self.store.reserve(reservation).await {
                Ok(call_id) => {
                    self.store_well();
                    self.reserved(planned.ticket, call_id);
                }
                Err(error) => {
                    self.not_reserved(planned.ticket);
                    return self.store_trouble(error);
                }
            }
        }
        self.send(planned);
        Ok(())
    }

    fn reserved(&mut self, ticket: Ticket, call_id: CallId) {
        self.planner.on(self.clock.now(), Event::Reserved { ticket, call_id });
    }

    fn not_reserved(&mut self, ticket: Ticket) {
        self.planner.on(self.clock.now(), Event::NotReserved { ticket });
    }

    fn send(&mut self, planned: PlannedCall) {
        let PlannedCall { ticket, call, .. } = planned;
        let provider = Arc::clone(&self.provider);
        self.calls.spawn(async move { (ticket, provider.call(call).await) });
    }

    /// Commits a batch together with the reservation of the next call, then tells its events and makes the call.
    async fn apply(
        &mut self,
        batch: Arc<Batch>,
        next: Option<PlannedCall>,
        tries: u32,
    ) -> Result<(), EngineError> {
        let number = batch.number;
        let (copy, reader) = (Arc::clone(&batch), Arc::clone(&self.reader));
        let reservation = next.as_ref().and_then(reservation);
        match self.store.apply_and_reserve(copy, reader, reservation).await {
            Ok((applied, call_id)) => {
                self.store_well();
                let store::Applied { events, rows, compared, wants_everything, .. } = applied;
                self.teller.tell(events);
                self.burst |= rows.is_some_and(|rows| rows.added >= BURST_ROWS);
                let event = Event::Applied { number, rows, compared, wants_everything };
                self.planner.on(self.clock.now(), event);
                if let (Some(planned), Some(call_id)) = (next, call_id) {
                    self.reserved(planned.ticket, call_id);
                    self.send(planned);
                }
                if self.teller.is_full() { self.mark_told().await } else { Ok(()) }
            }
            Err(error) => {
                if let Some(planned) = next {
                    self.not_reserved(planned.ticket);
                }
                let tries = tries.saturating_add(1);
                let wait_ms = backoff::OUTAGE.wait_ms(tries).min(MINUTE_MS);
                let retry_mono_ms = self.clock.now().mono_ms.saturating_add(wait_ms);
                self.stuck = Some(Stuck { batch, tries, retry_mono_ms });
                self.store_trouble(error)
            }
        }
    }

    async fn retry(&mut self) -> Result<(), EngineError> {
        match self.stuck.take() {
            Some(stuck) => self.apply(stuck.batch, None, stuck.tries).await,
            None => Ok(()),
        }
    }

    /// A full disk is waited for; a database that is gone or damaged ends the engine.
    fn store_trouble(&mut self, error: store::Error) -> Result<(), EngineError> {
        if !error.may_heal() {
            return Err(EngineError::Store(error));
        }
        self.failed_writes = self.failed_writes.saturating_add(1);
        if self.failed_writes == 1 {
            tracing::error!(
                error = %Chain(&error),
                "the database cannot be written; calls stop until it can"
            );
        }
        Ok(())
    }

    /// The database can be written again: that it could not for a while is an event like any other.
    fn store_well(&mut self) {
        let tries = std::mem::take(&mut self.failed_writes);
        if tries > 0 {
            let message = "the database could not be written for a while";
            let notice = Notice::new(EventCode::StoreFull, message).detail("tries", tries);
            self.planner.on(self.clock.now(), Event::Noted(vec![notice]));
        }
    }

    async fn mark_told(&mut self) -> Result<(), EngineError> {
        match self.store.mark_logged(self.teller.take_told()).await {
            Ok(()) => Ok(()),
            // They will be told again after a restart: at least once.
            Err(error) => self.store_trouble(error),
        }
    }

    fn call_ended(
        &mut self,
        done: Result<(Ticket, Result<Answered, Failure>), tokio::task::JoinError>,
    ) {
        // A task ends early only by a panic, which aborts the process, or by the runtime's end.
        let Ok((ticket, result)) = done else { return };
        if let Err(failure) = &result {
            tracing::debug!(failure = %failure, "a call failed");
        }
        let now = self.clock.now();
        let notices = self.provider.take_notices();
        if !notices.is_empty() {
            self.planner.on(now, Event::Noted(notices));
        }
        self.planner.on(now, Event::Answered { ticket, result: Box::new(result) });
    }

    fn receive(&mut self, message: Message) {
        let now = self.clock.now();
        match message {
            Message::Happened(event) => self.planner.on(now, event),
            Message::Wanted { event, done } => {
                self.planner.on(now, event);
                let _gone = done.send(());
            }
            Message::Report(reply) => {
                let _gone = reply.send(Box::new(Report::of(&self.planner, now.wall)));
            }
            Message::Sync { accounts, force, results } => {
                self.waiters.wait_for_pulls(&accounts, results);
                self.planner.on(now, Event::PullWanted { accounts, force });
            }
            Message::Brief(reply) => {
                let _gone = reply.send(Brief::of(&self.planner, now.wall));
            }
            Message::Link { wish, made } => {
                // Two who renew at once get the same successor.
                if let Some(link_id) = wish.replaces.and_then(|old| self.planner.successor(old)) {
                    let _gone = made.send(link_id);
                    return;
                }
                let link_id = self.planner.new_link_id(now.wall);
                let event = Event::LinkWanted {
                    link_id,
                    institution: wish.institution,
                    history_days: wish.history_days,
                    access_days: wish.access_days,
                    replaces: wish.replaces,
                };
                self.planner.on(now, event);
                let _gone = made.send(link_id);
            }
            Message::Ask { question, told } => {
                let ask = self.waiters.wait_for_answer(told);
                self.planner.on(now, Event::Asked { ask, question });
            }
            Message::SetPolicy(policy) => self.planner.set_policy(*policy, now),
        }
    }

    /// No new calls; those in flight are paid for and may end within the grace.
    pub async fn wind_down(mut self) -> Result<(), EngineError> {
        let stopped = Notice::new(EventCode::DaemonStopped, "the daemon goes down in good order");
        self.planner.on(self.clock.now(), Event::Noted(vec![stopped]));
        self.planner.on(self.clock.now(), Event::Stopping);
        let deadline = self.clock.now().mono_ms.saturating_add(GRACE_MS);
        loop {
            // A batch that cannot be written is tried again until the grace is over.
            let Some(wake_mono_ms) = self.work().await? else { continue };
            let wake_mono_ms = wake_mono_ms.min(deadline);
            if self.calls.is_empty() && self.stuck.is_none() {
                return Ok(());
            }
            if self.clock.now().mono_ms >= deadline {
                tracing::warn!(
                    calls = self.calls.len(),
                    unwritten = self.stuck.is_some(),
                    "the daemon goes down before everything has ended"
                );
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(done) = self.calls.join_next() => self.call_ended(done),
                () = self.clock.sleep_until(wake_mono_ms) => {}
            }
        }
    }
}

/// What a call spends; `None` for one that is free.
fn reservation(planned: &PlannedCall) -> Option<Reservation> {
    let (account_id, scope) = planned.spends?;
    let provider_account_id = match &planned.call {
        ApiCall::Details(id)
        | ApiCall::Balances(id)
        | ApiCall::Transactions { account: id, .. } => id.clone(),
        _ => return None,
    };
    Some(Reservation { account_id, scope, provider_account_id, at: planned.at })
}
