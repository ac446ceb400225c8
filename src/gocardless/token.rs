//! The life of the API tokens: loaded once, renewed before they end, minted anew only when nothing else helps.
//!
//! An access token lasts a day and a refresh token thirty (API reference, "Token"; read 2026-11). `token/new` is limited
//! to 100 an hour, and a person's secret should travel seldom; so tokens outlive restarts in the vault, one renewal
//! serves all waiting calls, and a guard of our own stands far below the limit. The server's word is the last: whatever
//! our clock says, a token is bad when the API says `Invalid token`. While renewal fails and the old token has not
//! ended, the old one is used.
//!
//! Tokens belong to a secret and to the server that issued them: a fingerprint of both stands beside them, so that a
//! changed secret takes effect at once and a token is never shown to another server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::error::{Error, is_success};
use super::limit::{Line, Resource};
use super::rate::server_date;
use super::token_record::{Grant, Held, Obtained, fingerprint};
use crate::model::failure::{Failure, Rate};
use crate::model::port::{Clock, Method, Request, Response, TransportError, Vault};
use crate::model::secret::Secret;
use crate::model::time::{HOUR_MS, MINUTE_MS, Now, SECOND_MS};

/// Where a pair of tokens is given for a secret.
const NEW_PATH: &str = "token/new/";
/// The name in the vault.
const VAULT_NAME: &str = "gocardless-token";
/// New tokens in any hour of the monotonic clock. One a month is normal; the provider's limit is 100.
const MINTS_PER_HOUR_MAX: usize = 10;
/// A token refused so soon after a refresh means that its refresh token is no good either.
const FRESH_MS: i64 = 10 * MINUTE_MS;
/// After a failed renewal the old token serves this long before the next try.
const RENEW_PAUSE_MS: i64 = 5 * MINUTE_MS;

/// What was obtained, for the log of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenEvent {
    /// A new pair by secret.
    Issued,
    /// A new access token by refresh token.
    Refreshed,
}

/// How to get tokens.
#[derive(Debug)]
pub(super) struct Credentials {
    /// The server that they are for.
    pub(super) api_base: String,
    pub(super) secret_id: Secret,
    pub(super) secret_key: Secret,
}

/// The one keeper of the tokens.
pub(super) struct Tokens {
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    fingerprint: String,
    /// Held across a renewal, so that there is one at a time.
    state: tokio::sync::Mutex<State>,
    /// How many renewals have failed: who was waiting meanwhile shares the failure instead of asking again.
    failures: AtomicU64,
    events: Mutex<Vec<TokenEvent>>,
}

#[derive(Default)]
struct State {
    /// The vault has been read.
    loaded: bool,
    held: Option<Held>,
    /// The vault does not have what is held.
    unsaved: bool,
    /// Of the last renewal, if it failed.
    failure: Option<Failure>,
    /// Not to try a renewal before, monotonic.
    renew_pause_until_ms: Option<i64>,
    /// When new tokens were asked for in the last hour, monotonic.
    mints_ms: Vec<i64>,
}

impl Tokens {
    pub(super) fn new(
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        credentials: Credentials,
    ) -> Self {
        Self {
            fingerprint: fingerprint(&credentials),
            vault,
            clock,
            credentials,
            state: tokio::sync::Mutex::default(),
            failures: AtomicU64::new(0),
            events: Mutex::default(),
        }
    }

    /// What was obtained since this was last asked.
    pub(super) fn take_events(&self) -> Vec<TokenEvent> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token to call with. Waits for a renewal that another call began.
    pub(super) async fn access(&self, line: &Line) -> Result<Secret, Failure> {
        let failures = self.failures.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        self.load(&mut state).await;
        let now = self.clock.now();
        let usable = state.held.as_ref().and_then(|held| held.usable(now.wall));
        let pausing = state.renew_pause_until_ms.is_some_and(|until_ms| now.mono_ms < until_ms);
        let due = state.held.as_ref().is_none_or(|held| held.renewal_is_due(now.wall));
        if let Some(access) = usable.filter(|_| pausing || !due) {
            let access = access.clone();
            self.save(&mut state).await;
            return Ok(access);
        }
        if failures != self.failures.load(Ordering::SeqCst)
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        match self.renew(&mut state, line).await {
            Err(failure) => self.make_do(&mut state, failure),
            renewed => renewed,
        }
    }

    /// After a failed renewal: the old token while it lasts, or the failure.
    fn make_do(&self, state: &mut State, failure: Failure) -> Result<Secret, Failure> {
        let now = self.clock.now();
        self.failures.fetch_add(1, Ordering::SeqCst);
        state.failure = Some(failure.clone());
        state.renew_pause_until_ms = Some(now.mono_ms.saturating_add(RENEW_PAUSE_MS));
        let usable = state.held.as_ref().and_then(|held| held.usable(now.wall));
        usable.cloned().ok_or(failure)
    }

    /// The API said `Invalid token` to this one. Another call may have renewed it meanwhile.
    pub(super) async fn refused(&self, access: &Secret) {
        let mut state = self.state.lock().await;
        let now_ms = self.clock.now().mono_ms;
        if let Some(held) = state.held.as_mut().filter(|held| held.access == *access) {
            held.refused = true;
            if let Some(Obtained { how: TokenEvent::Refreshed, at_ms }) = held.obtained
                && now_ms.saturating_sub(at_ms) < FRESH_MS
            {
                held.refresh = None;
            }
        }
    }

    async fn load(&self, state: &mut State) {
        if state.loaded || state.held.is_some() {
            return;
        }
        // An unreadable vault is asked again next time; until then tokens live in memory.
        if let Ok(record) = self.vault.load(VAULT_NAME).await {
            state.loaded = true;
            state.held = record.and_then(|record| Held::parse(&record, &self.fingerprint));
        }
    }

    /// Writes what the vault lacks. Failing costs a new token after a restart, nothing else.
    async fn save(&self, state: &mut State) {
        if let Some(held) = state.held.as_ref().filter(|_| state.unsaved) {
            let record = held.record(&self.fingerprint);
            state.unsaved = self.vault.save(VAULT_NAME, Some(record)).await.is_err();
        }
    }

    /// By refresh token, else by secret.
    async fn renew(&self, state: &mut State, line: &Line) -> Result<Secret, Failure> {
        let wall = self.clock.now().wall;
        if let Some(refresh) = state.held.as_ref().and_then(|held| held.usable_refresh(wall)) {
            let response = ask(line, "token/refresh/", &RefreshBody { refresh: refresh.expose() })
                .await
                .map_err(no_answer)?;
            if is_success(&response) {
                return self.adopt(state, &response, TokenEvent::Refreshed).await;
            }
            if !matches!(response.status, 400 | 401) {
                return Err(refusal(&response, false));
            }
            // The refresh token is over, whatever its date said.
            if let Some(held) = &mut state.held {
                held.refresh = None;
            }
        }
        self.mint(state, line).await
    }

    async fn mint(&self, state: &mut State, line: &Line) -> Result<Secret, Failure> {
        let now_ms = self.clock.now().mono_ms;
        state.mints_ms.retain(|at_ms| now_ms.saturating_sub(*at_ms) < HOUR_MS);
        if let Some(oldest_ms) =
            state.mints_ms.first().filter(|_| state.mints_ms.len() >= MINTS_PER_HOUR_MAX)
        {
            let wait_ms = oldest_ms.saturating_add(HOUR_MS).saturating_sub(now_ms);
            let seconds = u32::try_from(wait_ms.div_euclid(SECOND_MS).saturating_add(1));
            let error = Error::TokensSpent { wait_s: seconds.unwrap_or(u32::MAX) };
            return Err(error.into_failure(Rate::default(), None));
        }
        let body = NewBody {
            secret_id: self.credentials.secret_id.expose(),
            secret_key: self.credentials.secret_key.expose(),
        };
        // Counted before it leaves, and given back only if it certainly did not.
        state.mints_ms.push(now_ms);
        let response = ask(line, NEW_PATH, &body).await.map_err(|error| {
            if error == TransportError::Unreachable {
                state.mints_ms.pop();
            }
            no_answer(error)
        })?;
        if !is_success(&response) {
            return Err(refusal(&response, true));
        }
        self.adopt(state, &response, TokenEvent::Issued).await
    }

    /// Takes a grant over, keeps it, tells it.
    async fn adopt(
        &self,
        state: &mut State,
        response: &Response,
        how: TokenEvent,
    ) -> Result<Secret, Failure> {
        let Now { wall, mono_ms } = self.clock.now();
        let Some(grant) = Grant::parse(response.body.bytes()) else {
            let error = Error::TokenNotUnderstood { status: response.status };
            return Err(error.into_failure(Rate::default(), server_date(&response.headers)));
        };
        let former = state.held.take().and_then(|held| held.refresh);
        let held = Held::new(grant, former, wall, Obtained { how, at_ms: mono_ms });
        let access = held.access.clone();
        state.held = Some(held);
        state.unsaved = true;
        state.failure = None;
        state.renew_pause_until_ms = None;
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(how);
        self.save(state).await;
        Ok(access)
    }
}

#[derive(Serialize)]
struct RefreshBody<'a> {
    refresh: &'a str,
}

#[derive(Serialize)]
struct NewBody<'a> {
    secret_id: &'a str,
    secret_key: &'a str,
}

/// Sends to one of the token endpoints, which take no token.
async fn ask(line: &Line, path: &str, body: &impl Serialize) -> Result<Response, TransportError> {
    let request = request(path, body).ok_or(TransportError::Invalid)?;
    line.send(Resource::Tokens, request).await
}

fn request(path: &str, body: &impl Serialize) -> Option<Request> {
    let body = serde_json::to_string(body).ok()?;
    Some(Request {
        method: Method::Post,
        path: path.to_owned(),
        bearer: None,
        body: Some(Secret::new(body)),
    })
}

/// The request for a new pair of tokens.
pub(super) fn new_request(secret_id: &Secret, secret_key: &Secret) -> Option<Request> {
    let body = NewBody { secret_id: secret_id.expose(), secret_key: secret_key.expose() };
    request(NEW_PATH, &body)
}

/// No rate headers are passed on from here: those of the token endpoints say nothing about data calls.
fn no_answer(error: TransportError) -> Failure {
    Error::of_token_transport(error).into_failure(Rate::default(), None)
}

fn refusal(response: &Response, minting: bool) -> Failure {
    Error::of_token_response(response, minting)
        .into_failure(Rate::default(), server_date(&response.headers))
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
