//! The wire between the daemon's client and the world: a transport that loses, breaks and delays as real ones do.
//!
//! What the provider itself does wrong is the world's matter; here is what happens on the way. Every request takes a little
//! time in each direction, so that nothing happens at the instant at which it was decided.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::model::port::{Body, BoxFuture, Method, Request, Response, Transport, TransportError};
use crate::model::time::{BankDate, SECOND_MS, UtcInstant};
use crate::sandbox::{Delivery, HttpRequest, HttpResponse, Rng, Scope, World, fingerprint};

use super::Faults;
use super::clock::VirtualClock;
use super::fact::{self, Fact};
use super::fate::{Boundary, Fate};
use super::journal::Journal;
use super::shown::{self, Shown};

/// How the provider says that a token is not good.
const INVALID_TOKEN: &[u8] = b"Invalid token";
/// How it says that nobody may call from here.
const ADDRESS_DENIED: &[u8] = b"IP address access denied";
/// How it says that an account's calls of the day are spent, not the company's of a minute.
const DAILY: [&[u8]; 2] = [b"/day", b"RateLimitError"];
/// How a page of the edge begins, and no answer of the API.
const PAGE: &[u8] = b"<";

/// What the wire does to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// No connection within the time for it.
    ConnectTimeout,
    /// Refused, no such name, or no agreement about encryption.
    Unreachable,
    /// Silence after the request has arrived.
    ReadTimeout,
    /// The connection breaks before or within the answer.
    Broken,
    /// The answer ends early, and nothing on the wire says so.
    CutShort,
    /// Far more bytes than allowed.
    TooLarge,
}

const MISHAPS: [Mishap; 6] = [
    Mishap::ConnectTimeout,
    Mishap::Unreachable,
    Mishap::ReadTimeout,
    Mishap::Broken,
    Mishap::CutShort,
    Mishap::TooLarge,
];

/// [`Transport`] to a world in the same process.
pub(super) struct Line {
    world: Arc<Mutex<World>>,
    clock: Arc<VirtualClock>,
    journal: Arc<Journal>,
    fate: Arc<Fate>,
    connect_timeout_ms: i64,
    total_timeout_ms: i64,
    body_bytes_max: usize,
    seed: u64,
    mishaps_permille: u64,
    requests: Arc<Requests>,
}

/// Counts requests over all lives, by path: what happens to one does not depend on which others leave at the same instant,
/// whose order the threads of the database decide.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<BTreeMap<String, u64>>);

impl Requests {
    /// The chance behind the next request to a path.
    fn chance(&self, seed: u64, path: &str) -> Rng {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(path.to_owned()).or_default();
        *count += 1;
        Rng::keyed(seed, &[31, fingerprint(path.as_bytes()), *count])
    }
}

/// What a line connects.
pub(super) struct Ends {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) journal: Arc<Journal>,
    pub(super) fate: Arc<Fate>,
    pub(super) requests: Arc<Requests>,
}

impl Line {
    pub(super) fn new(ends: Ends, limits: &config::Http, seed: u64, faults: Faults) -> Self {
        let Ends { world, clock, journal, fate, requests } = ends;
        let ms = |seconds: u32| i64::from(seconds).saturating_mul(SECOND_MS);
        Self {
            world,
            clock,
            journal,
            fate,
            connect_timeout_ms: ms(limits.connect_timeout_s),
            total_timeout_ms: ms(limits.total_timeout_s),
            body_bytes_max: usize::try_from(limits.body_limit_bytes).unwrap_or(usize::MAX),
            seed,
            mishaps_permille: match faults {
                Faults::None => 0,
                Faults::Default => 4,
                Faults::Storm => 20,
            },
            requests,
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.path.split_once('?').map_or(request.path.as_str(), |(path, _)| path);
        let mut chance = self.requests.chance(self.seed, path);
        let mishap =
            chance.chance(self.mishaps_permille).then(|| chance.pick(&MISHAPS).copied()).flatten();
        let (there_ms, back_ms) = (chance.between(5, 120), chance.between(20, 2_500));
        let sent = (self.clock.truth(), self.clock.wall_error_ms());
        self.clock.sleep_ms(there_ms).await;
        match mishap {
            Some(Mishap::ConnectTimeout) => {
                self.clock.sleep_ms(self.connect_timeout_ms).await;
                return Err(self.unreachable());
            }
            Some(Mishap::Unreachable) => return Err(self.unreachable()),
            _ => {}
        }
        self.fate.pass(Boundary::Request).await;
        let (mut response, asked, shown) = self.decide(&request, sent);
        self.fate.pass(Boundary::Answer).await;
        match mishap {
            Some(Mishap::ReadTimeout) => response.delivery = Delivery::Silent,
            Some(Mishap::Broken) => response.delivery = Delivery::Reset,
            Some(Mishap::CutShort) => response.body.truncate(response.body.len().div_ceil(2)),
            _ => {}
        }
        let bytes_max = if mishap == Some(Mishap::TooLarge) { 0 } else { self.body_bytes_max };
        let arrived = self.deliver(response, back_ms, bytes_max).await;
        self.fate.pass(Boundary::Arrival).await;
        let whole = arrived.is_ok() && mishap != Some(Mishap::CutShort);
        if let Some(shown) = shown.filter(|_| whole) {
            self.journal.rows_arrived(Shown { arrived_at: self.clock.truth(), ..shown });
        }
        let fact = if whole { Fact::Heard(asked) } else { Fact::Lost(asked) };
        self.journal.note(self.clock.truth(), fact);
        arrived
    }

    fn unreachable(&self) -> TransportError {
        self.journal.note(self.clock.truth(), Fact::Unreachable);
        TransportError::Unreachable
    }

    /// The provider's part, at the instant at which the request arrives.
    fn decide(
        &self,
        request: &Request,
        sent: (UtcInstant, i64),
    ) -> (HttpResponse, Arc<fact::Request>, Option<Shown>) {
        let now = self.clock.truth();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let (response, asked, shown) = decide(&mut world, request, sent, now);
        drop(world);
        let asked = Arc::new(asked);
        self.journal.note(now, Fact::Request(Arc::clone(&asked)));
        (response, asked, shown)
    }

    /// The way back.
    async fn deliver(
        &self,
        response: HttpResponse,
        back_ms: i64,
        bytes_max: usize,
    ) -> Result<Response, TransportError> {
        let late_ms = match response.delivery {
            Delivery::Silent => i64::MAX,
            Delivery::Late { delay_ms } => i64::try_from(delay_ms).unwrap_or(i64::MAX),
            Delivery::Whole | Delivery::Cut { .. } | Delivery::Reset => 0,
        };
        let takes_ms = late_ms.saturating_add(back_ms);
        self.clock.sleep_ms(takes_ms.min(self.total_timeout_ms)).await;
        if takes_ms >= self.total_timeout_ms {
            return Err(TransportError::TimedOut);
        }
        match response.delivery {
            Delivery::Cut { .. } | Delivery::Reset => return Err(TransportError::Broken),
            Delivery::Whole | Delivery::Late { .. } | Delivery::Silent => {}
        }
        if response.body.len() > bytes_max {
            return Err(TransportError::TooLarge);
        }
        // As the library underneath gives them.
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        Ok(Response {
            status: response.status,
            headers: response.headers.into_iter().map(lower).collect(),
            body: Body::new(response.body, None),
        })
    }
}

impl Transport for Line {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// What the world says to a request that was sent at an instant, by a clock that was wrong by so much, and arrives now.
pub(super) fn decide(
    world: &mut World,
    request: &Request,
    (sent_at, wall_error_ms): (UtcInstant, i64),
    now: UtcInstant,
) -> (HttpResponse, fact::Request, Option<Shown>) {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let (account, scope) = data_of(path);
    let before = account.as_ref().and_then(|account| world.witness(account, now));
    let response = world.handle(now, &http_request(request, path, query));
    let after = account.as_ref().and_then(|account| world.witness(account, now));
    let daily_reset_at = account
        .as_deref()
        .zip(scope)
        .filter(|_| is_daily(&response))
        .and_then(|(account, scope)| world.daily_reset(account, scope, now));
    let known = before.as_ref().map(|before| (before.bank_account, before.stands_still));
    let has_rows = response.status == 200 && scope == Some(Scope::Transactions);
    let rows = has_rows.then(|| shown::booked(&response.body)).flatten();
    let newest = account.as_ref().and_then(|account| world.last_answer(account));
    let delivered = newest.filter(|answer| has_rows && answer.at == now);
    let delivered = delivered.map_or_else(Vec::new, |answer| answer.rows.clone());
    let shown = rows.zip(account.clone().zip(known)).map(|(booked, (account, known))| Shown {
        arrived_at: now,
        account,
        bank_account: known.0,
        stands_still: known.1,
        date_from: date_from(query),
        rows: delivered,
        booked,
    });
    let asked = fact::Request {
        sent_at,
        method: request.method.as_str(),
        path: path.to_owned(),
        account,
        scope,
        before,
        after,
        wall_error_ms,
        filtered: !query.is_empty(),
        token_refused: response.status == 401 && says(&response, INVALID_TOKEN),
        nobody_served: is_nobodys(&response, scope),
        status: response.status,
        daily_reset_at,
    };
    (response, asked, shown)
}

/// Whether it refuses this account's scope until its next day begins.
fn is_daily(response: &HttpResponse) -> bool {
    response.status == 429 && DAILY.iter().any(|words| says(response, words))
}

/// Whether it would have been said to anybody, whatever was asked for.
fn is_nobodys(response: &HttpResponse, scope: Option<Scope>) -> bool {
    (scope.is_none() && response.body.starts_with(PAGE))
        || (response.status == 403 && says(response, ADDRESS_DENIED))
}

fn says(response: &HttpResponse, words: &[u8]) -> bool {
    response.body.windows(words.len()).any(|part| part == words)
}

fn http_request(request: &Request, path: &str, query: &str) -> HttpRequest {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if let Some(bearer) = &request.bearer {
        headers.push(("authorization".to_owned(), format!("Bearer {}", bearer.expose())));
    }
    if request.body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    HttpRequest {
        method: match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
        .to_owned(),
        path: format!("/api/v2/{path}"),
        query: query.to_owned(),
        headers,
        body: request.body.as_ref().map_or_else(Vec::new, |body| body.expose().as_bytes().to_vec()),
    }
}

/// The account of a path and the data endpoint, if it is one.
fn data_of(path: &str) -> (Option<String>, Option<Scope>) {
    let mut parts = path.trim_end_matches('/').split('/');
    let account = match (parts.next(), parts.next()) {
        (Some("accounts"), Some(id)) => Some(id.to_owned()),
        _ => None,
    };
    let word = parts.next();
    (account, Scope::ALL.into_iter().find(|scope| Some(scope.as_str()) == word))
}

fn date_from(query: &str) -> Option<BankDate> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("date_from="))?;
    BankDate::parse(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> HttpResponse {
        let body = body.as_bytes().to_vec();
        HttpResponse { status, headers: Vec::new(), body, delivery: Delivery::Whole }
    }

    #[test]
    fn only_the_account_s_own_limit_closes_its_day() {
        let limit =
            |limit: &str| format!(r#"{{"detail":"The rate limit for this resource is {limit}."}}"#);
        assert!(is_daily(&said(429, &limit("4/day"))));
        assert!(is_daily(&said(429, r#"{"type":"RateLimitError"}"#)));
        assert!(!is_daily(&said(429, &limit("100/minute"))), "that is the company's");
        assert!(!is_daily(&said(500, &limit("4/day"))));
    }

    #[test]
    fn a_page_of_the_edge_is_everybody_s_where_no_bank_was_asked() {
        let page = said(502, "<html>");
        assert!(is_nobodys(&page, None));
        assert!(!is_nobodys(&page, Some(Scope::Balances)), "it may be this bank's");
        assert!(!is_nobodys(&said(500, r#"{"detail":"Server error"}"#), None));
        let address = said(403, r#"{"summary":"IP address access denied"}"#);
        assert!(is_nobodys(&address, None) && is_nobodys(&address, Some(Scope::Balances)));
    }
}
