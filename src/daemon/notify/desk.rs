//! The desk of messages: takes what the store's outbox holds to its targets, each at its own pace.
//!
//! What was written together with an event is read, sent when the target's [`Lane`] says so, and deleted when it was taken. A
//! target that does not answer holds up no other: each has one message under way at most, and its own rests. What is given
//! up becomes an event. Without targets the desk does nothing and has nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Ask, Handle, Standing, Targets, Tried, letter};
use crate::config::{AccountRule, Notify};
use crate::daemon::DaemonError;
use crate::daemon::clock::OsEntropy;
use crate::model::id::MessageId;
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Clock, Entropy as _};
use crate::model::time::{MINUTE_MS, Now, UtcInstant};
use crate::notify::{Failed, Messenger};
use crate::observe::{Chain, LogEvent, Tell};
use crate::outbox::{Audience, GivenUp, Lane, TARGET, Turn};
use crate::store::Store;

/// Requests that may wait for the desk.
const INBOX_LEN: usize = 8;
/// Longest time between two looks while something waits: the wall clock may be set.
const LOOK_MS: i64 = MINUTE_MS;
/// How long messages under way may still take when the daemon goes down. What is not taken then is sent again after the
/// next start.
const GRACE: Duration = Duration::from_secs(3);

/// A target at the desk.
struct Place {
    target: Notify,
    messenger: Arc<dyn Messenger>,
    lane: Lane,
    taken_at: Option<UtcInstant>,
    /// Messages, since the daemon started.
    given_up: u64,
    failed: Option<Failed>,
}

/// What was sent: to whom, which message, and how it went.
type Sent = (String, i64, Result<(), Failed>);

/// Sends what waits.
pub struct Desk {
    store: Store,
    clock: Arc<dyn Clock>,
    tell: Tell,
    stop: CancellationToken,
    inbox: mpsc::Receiver<Ask>,
    written: watch::Receiver<()>,
    audience: Arc<Audience>,
    rules: Arc<[AccountRule]>,
    places: Vec<Place>,
    /// The newest message that was read.
    read: i64,
    /// There may be newer ones, which could not be read.
    unread: bool,
    sends: JoinSet<Sent>,
    tests: JoinSet<()>,
    /// Taken, but not deleted yet.
    taken: Vec<i64>,
}

impl Desk {
    /// A desk without targets, and a way to it.
    pub fn new(
        store: &Store,
        clock: &Arc<dyn Clock>,
        tell: Tell,
        stop: CancellationToken,
    ) -> (Self, Handle) {
        let (sender, inbox) = mpsc::channel(INBOX_LEN);
        let desk = Self {
            store: store.clone(),
            clock: Arc::clone(clock),
            tell,
            stop,
            inbox,
            written: store.message_watch(),
            audience: Arc::new(Audience::NOBODY),
            rules: Arc::from([]),
            places: Vec::new(),
            read: 0,
            unread: false,
            sends: JoinSet::new(),
            tests: JoinSet::new(),
            taken: Vec::new(),
        };
        (desk, Handle { inbox: sender, store: store.clone() })
    }

    /// Works until the daemon goes down. The store knows the targets already.
    pub async fn run(mut self, targets: Targets) -> Result<(), DaemonError> {
        self.set(targets).await;
        let clock = Arc::clone(&self.clock);
        loop {
            let wait_ms = self.work().await;
            let until = clock.now().mono_ms.saturating_add(wait_ms.unwrap_or(0).min(LOOK_MS));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(sent) = self.sends.join_next() => self.sent(sent),
                Some(_tried) = self.tests.join_next() => {}
                Some(ask) = self.inbox.recv() => self.answer(ask).await,
                Ok(()) = self.written.changed() => self.look().await,
                () = clock.sleep_until(until), if wait_ms.is_some() => {}
            }
        }
        self.wind_down().await;
        Ok(())
    }

    /// Does what can be done now; says for how many milliseconds there is nothing more to do (`None`: until something happens).
    async fn work(&mut self) -> Option<i64> {
        self.delete().await;
        if self.unread {
            self.look().await;
        }
        let now = self.clock.now();
        let mut wait_ms = (self.unread || !self.taken.is_empty()).then_some(LOOK_MS);
        for index in 0..self.places.len() {
            let place_wait_ms = self.serve(index, now).await;
            wait_ms = wait_ms.into_iter().chain(place_wait_ms).min();
        }
        wait_ms
    }

    async fn serve(&mut self, index: usize, now: Now) -> Option<i64> {
        loop {
            let place = self.places.get_mut(index)?;
            match place.lane.next(now, &place.target, &self.audience.zone) {
                Turn::Send(number) => self.send(index, number),
                Turn::GiveUp(given_up) => {
                    if !self.give_up(index, &given_up, now).await {
                        return Some(LOOK_MS);
                    }
                }
                Turn::Wait(wait_ms) => {
                    if !place.lane.is_sending() {
                        place.messenger.rest();
                    }
                    return wait_ms;
                }
            }
        }
    }

    fn send(&mut self, index: usize, number: i64) {
        let Some(place) = self.places.get(index) else { return };
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let (target, messenger) = (place.target.clone(), Arc::clone(&place.messenger));
        let (rules, audience) = (Arc::clone(&self.rules), Arc::clone(&self.audience));
        self.sends.spawn(async move {
            let result = match store.message(number).await {
                Ok(Some(message)) => {
                    let letter = letter::of(&message, &target, &rules, &audience.zone);
                    messenger.send(&letter, clock.now().wall).await
                }
                // Its account was forgotten meanwhile.
                Ok(None) => Ok(()),
                Err(error) => Err(Failed::because(format!("it cannot be read: {}", Chain(&error)))),
            };
            (target.name, number, result)
        });
    }

    fn sent(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        // A task ends early only by a panic, which aborts the process, or by the runtime's end.
        let Ok((name, number, result)) = sent else { return };
        let now = self.clock.now();
        if result.is_ok() {
            self.taken.push(number);
        }
        let Some(place) = self.places.iter_mut().find(|place| place.target.name == name) else {
            return;
        };
        match result {
            Ok(()) => {
                tracing::debug!(notify = %name, number, "a message was taken");
                if place.lane.failing_since().is_some() {
                    tracing::info!(notify = %name, "messages are taken again");
                }
                place.lane.took(number);
                (place.taken_at, place.failed) = (Some(now.wall), None);
            }
            Err(failed) => {
                let reason = failed.reason.as_str();
                if place.lane.failing_since().is_none() {
                    tracing::warn!(notify = %name, reason, "a message was not taken; it is tried again");
                } else {
                    tracing::debug!(notify = %name, reason, "a message was not taken");
                }
                place.lane.failed(number, now, failed.refused, failed.rest_ms);
                place.failed = Some(failed);
            }
        }
    }

    /// Deletes what was taken. If that fails now it is tried again; after a kill before that, it is sent once more.
    async fn delete(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let now = self.clock.now().wall;
        match self.store.remove_messages(self.taken.clone(), now, None).await {
            Ok(_no_event) => self.taken.clear(),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "messages that were taken cannot be deleted now");
            }
        }
    }

    /// Deletes messages that will not be sent, and says so; `false` if that cannot be done now.
    async fn give_up(&mut self, index: usize, given_up: &GivenUp, now: Now) -> bool {
        let Some(place) = self.places.get_mut(index) else { return true };
        let (name, count) = (&place.target.name, given_up.numbers.len());
        let notice = given_up.tell.then(|| {
            let what =
                if count == 1 { "a message".to_owned() } else { format!("{count} messages") };
            let message = format!("{what} to `{name}` will not be sent: it {}", given_up.why);
            let reason = place.failed.as_ref().map(|failed| failed.reason.clone());
            Notice::new(EventCode::NotifyFailed, message)
                .detail(TARGET, name.as_str())
                .detail("messages", count)
                .detail("reason", reason)
        });
        let removed = self.store.remove_messages(given_up.numbers.clone(), now.wall, notice).await;
        match removed {
            Ok(Some(event)) => {
                let told = LogEvent::stored(event.id, &event.notice);
                let heard = (self.tell)(&told);
                // If it cannot be marked, it is logged a second time after the next start.
                if heard && let Err(error) = self.store.mark_logged(vec![event.id]).await {
                    tracing::debug!(error = %Chain(&error), "an event could not be marked as logged");
                }
            }
            Ok(None) => {
                tracing::warn!(notify = %name, count, why = given_up.why, "messages are given up");
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "messages cannot be given up now");
                return false;
            }
        }
        place.lane.forget(given_up);
        let count = u64::try_from(given_up.numbers.len()).unwrap_or(u64::MAX);
        place.given_up = place.given_up.saturating_add(count);
        true
    }

    /// Reads what was written since the last look.
    async fn look(&mut self) {
        if self.places.is_empty() {
            return;
        }
        let waiting = self.store.waiting(self.read).await;
        self.unread = waiting.is_err();
        match waiting {
            Ok(waiting) => {
                for (name, message) in waiting {
                    self.read = self.read.max(message.number);
                    let place = self.places.iter_mut().find(|place| place.target.name == name);
                    if let Some(place) = place
                        && !self.taken.contains(&message.number)
                    {
                        place.lane.add(message);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "what waits to be told cannot be read");
            }
        }
    }

    async fn set(&mut self, targets: Targets) {
        let mut old = std::mem::take(&mut self.places);
        let wanted = targets.audience.targets.iter().cloned().zip(targets.messengers);
        for (target, messenger) in wanted {
            let same = old.iter().position(|place| place.target.name == target.name);
            let (lane, taken_at, given_up) = match same.map(|place| old.swap_remove(place)) {
                Some(place) => (place.lane.started_anew(), place.taken_at, place.given_up),
                None => (Lane::default(), None, 0),
            };
            self.places.push(Place { target, messenger, lane, taken_at, given_up, failed: None });
        }
        (self.audience, self.rules) = (targets.audience, targets.rules);
        // What was written for a new target before it was known here.
        self.read = 0;
        self.look().await;
    }

    async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Set(targets) => self.set(*targets).await,
            Ask::List(reply) => {
                // What was just committed counts.
                self.look().await;
                let _gone = reply.send(self.places.iter().map(Place::standing).collect());
            }
            Ask::Test(names, reply) => {
                for name in names {
                    self.test(&name, reply.clone());
                }
            }
        }
    }

    fn test(&mut self, name: &str, reply: mpsc::Sender<Tried>) {
        let Some(place) = self.places.iter().find(|place| place.target.name == name) else {
            return;
        };
        let (target, messenger) = (place.target.clone(), Arc::clone(&place.messenger));
        let now = self.clock.now().wall;
        let letter = letter::of_test(&target, MessageId::new(now.ms(), OsEntropy.bits()), now);
        self.tests.spawn(async move {
            let failed = messenger.send(&letter, now).await.err();
            let kind = target.target.as_str();
            let _gone = reply.send(Tried { name: target.name, kind, failed }).await;
        });
    }

    /// What is under way may end within the grace.
    async fn wind_down(mut self) {
        let ended = async {
            while let Some(sent) = self.sends.join_next().await {
                self.sent(sent);
            }
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::debug!("messages under way are sent again after the next start");
        }
        self.delete().await;
    }
}

impl Place {
    fn standing(&self) -> Standing {
        Standing {
            name: self.target.name.clone(),
            kind: self.target.target.as_str(),
            waiting: self.lane.len(),
            oldest_at: self.lane.oldest_at(),
            failing_since: self.lane.failing_since(),
            taken_at: self.taken_at,
            given_up: self.given_up,
            failed: self.failed.clone(),
        }
    }
}
