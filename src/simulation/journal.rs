//! What happened, told to all who judge; the last of it is kept for whoever has to find out why.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::time::UtcInstant;

use super::fact::Fact;
use super::promise::{Bench, Broken, Scene};
use super::shown::Shown;

/// Facts that are quoted with a broken promise.
const QUOTED: usize = 20;

#[derive(Default)]
struct Pages {
    bench: Bench,
    last: VecDeque<(UtcInstant, Fact)>,
    first_broken: Option<Broken>,
    /// Answers that arrived and whose rows should be in the database soon.
    shown: Vec<Shown>,
    /// The newest event that was noted: after a kill some are told again.
    newest_event: i64,
}

/// The journal of a run.
#[derive(Default)]
pub(super) struct Journal {
    pages: Mutex<Pages>,
    arrived: Notify,
}

impl Journal {
    /// With these judges.
    pub(super) fn new(bench: Bench) -> Self {
        Self { pages: Mutex::new(Pages { bench, ..Pages::default() }), arrived: Notify::new() }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(super) fn note(&self, at: UtcInstant, fact: Fact) {
        let pages = &mut *self.pages();
        if let Fact::Event(event) = &fact {
            if event.id <= pages.newest_event {
                return;
            }
            pages.newest_event = event.id;
        }
        let sentence = pages.bench.see(at, &fact);
        if pages.last.len() >= QUOTED {
            pages.last.pop_front();
        }
        pages.last.push_back((at, fact));
        if let Some((promise, sentence)) = sentence {
            pages.keep(promise, at, sentence);
        }
    }

    /// The newest event that was noted.
    pub(super) fn newest_event(&self) -> i64 {
        self.pages().newest_event
    }

    /// Everybody looks around.
    pub(super) fn look(&self, at: UtcInstant, scene: &mut Scene<'_>) {
        let pages = &mut *self.pages();
        if let Some((promise, sentence)) = pages.bench.look(at, scene) {
            pages.keep(promise, at, sentence);
        }
    }

    /// A judgment that the driver reached by looking into the database.
    pub(super) fn judge(&self, at: UtcInstant, promise: &'static str, verdict: Result<(), String>) {
        let pages = &mut *self.pages();
        pages.bench.count(promise, verdict.is_err());
        if let Err(sentence) = verdict {
            pages.keep(promise, at, sentence);
        }
    }

    /// An answer with rows arrived.
    pub(super) fn rows_arrived(&self, shown: Shown) {
        self.pages().shown.push(shown);
        self.arrived.notify_one();
    }

    /// Resolves when an answer with rows has arrived.
    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    /// The answers that arrived before an instant and were not yet taken.
    pub(super) fn take_shown(&self, before: UtcInstant) -> Vec<Shown> {
        let pages = &mut *self.pages();
        let all = std::mem::take(&mut pages.shown);
        let (taken, left) = all.into_iter().partition(|shown| shown.arrived_at < before);
        pages.shown = left;
        taken
    }

    /// How all promises were kept, and the first that was not.
    pub(super) fn close(&self) -> (Bench, Option<Broken>) {
        let pages = &mut *self.pages();
        (std::mem::take(&mut pages.bench), pages.first_broken.take())
    }

    /// Whether a promise was broken.
    pub(super) fn is_broken(&self) -> bool {
        self.pages().first_broken.is_some()
    }
}

impl Pages {
    fn keep(&mut self, promise: &'static str, at: UtcInstant, sentence: String) {
        let effects = self.last.iter().map(|(at, fact)| format!("{at} {fact}")).collect();
        self.first_broken.get_or_insert(Broken { promise: promise.into(), at, sentence, effects });
    }
}
