//! Doubles for the unit tests of this room: a clock that jumps, a vault in memory, a transport with a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use crate::model::port::{
    Body, BoxFuture, Clock, Request, Response, Transport, TransportError, Vault, VaultError,
};
use crate::model::secret::Secret;
use crate::model::time::{Now, UtcInstant};

/// 2026-01-05T10:00:00Z.
const BEGIN_MS: i64 = 1_767_607_200_000;

/// Sleeping moves it.
pub(super) struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(0)))
    }

    pub(super) fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let mono_ms = self.0.load(Ordering::SeqCst);
        Now { wall: UtcInstant::from_ms(BEGIN_MS + mono_ms), mono_ms }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        self.0.fetch_max(mono_ms, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

/// One value; may be out of order.
#[derive(Default)]
pub(super) struct MemoryVault {
    pub(super) value: Mutex<Option<String>>,
    pub(super) broken: AtomicBool,
}

impl Vault for MemoryVault {
    fn load<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        Box::pin(async {
            if self.broken.load(Ordering::SeqCst) {
                return Err(VaultError);
            }
            Ok(self.value.lock().unwrap().clone().map(Secret::new))
        })
    }

    fn save<'a>(
        &'a self,
        _name: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        Box::pin(async move {
            if self.broken.load(Ordering::SeqCst) {
                return Err(VaultError);
            }
            *self.value.lock().unwrap() = value.map(|secret| secret.expose().to_owned());
            Ok(())
        })
    }
}

type Scripted = Result<(u16, String), TransportError>;

/// Answers in the order of its script, then by its rule, and remembers what it was asked.
pub(super) struct Script {
    answers: Mutex<VecDeque<Scripted>>,
    rule: fn(&Request) -> Scripted,
    pub(super) asked: Mutex<Vec<Request>>,
}

impl Script {
    pub(super) fn new(answers: impl IntoIterator<Item = Scripted>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self {
            answers,
            rule: |_| panic!("the script has no answer"),
            asked: Mutex::default(),
        })
    }

    pub(super) fn with_rule(rule: fn(&Request) -> Scripted) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::default(), rule, asked: Mutex::default() })
    }

    pub(super) fn push(&self, answer: Scripted) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// Method and path of every request so far; clears them.
    pub(super) fn take_paths(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked
            .iter()
            .map(|request| format!("{} {}", request.method.as_str(), request.path))
            .collect()
    }
}

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let scripted = self.answers.lock().unwrap().pop_front();
        let answer = scripted.unwrap_or_else(|| (self.rule)(&request));
        self.asked.lock().unwrap().push(request);
        Box::pin(async move {
            tokio::task::yield_now().await;
            let (status, body) = answer?;
            Ok(Response { status, headers: Vec::new(), body: Body::new(body.into_bytes(), None) })
        })
    }
}
