//! What stands between this machine and the provider, step by step: name, connection, certificate, secret, address, clock,
//! headers.
//!
//! For a person who asks, never for the daemon's own decisions. It makes two requests at most, on a connection of its own:
//! one for a token, which is thrown away, and one for a list that costs no bank's quota. It waits for nobody's plan: whether
//! calls are paused is not its question.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::Url;
use rustls::CertificateError;

use super::error::{Error, is_success};
use super::rate::{self, Spelling};
use super::token;
use super::token_record::Grant;
use super::transport::{HttpTransport, SetupError, Trouble, is_loopback};
use crate::config;
use crate::model::failure::{Failure, Rate};
use crate::model::port::{Clock, Method, Request, Response};
use crate::model::secret::Secret;

/// Seconds that a person is made to wait for an answer at most.
const PATIENCE_S: u32 = 30;
/// The smallest list that there is.
const LIST: &str = "requisitions/?limit=1&offset=0";
/// Errors within errors that are looked through; the limit ends a chain that runs in circles.
const LINKS_MAX: usize = 16;

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nobody answered in time.
    TimedOut,
    /// Nobody listens, there is no way to it, or the connection broke.
    Refused(io::ErrorKind),
    /// Somebody answered who is not certain to be the provider.
    Untrusted(Untrusted),
    /// For a reason that is not known here.
    Unknown,
}

/// What is wrong with the other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// Nobody whom this machine trusts has signed its certificate.
    Issuer,
    /// The certificate is for another name.
    Name,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// Otherwise wrong.
    Certificate,
    /// It does not speak TLS, or no version of it that is safe.
    NotTls,
}

/// How far the way to the provider is open. A step that was not got to is `None`.
#[derive(Debug)]
pub struct Examined {
    /// The host of the API.
    pub host: String,
    /// How many addresses it has; `None` also for an address, and for this machine.
    pub addresses: Option<Result<usize, io::Error>>,
    /// Whether there is a connection that can be trusted.
    pub reached: Option<Result<(), Unreached>>,
    /// The certificates of this machine could not be read.
    pub setup: Option<SetupError>,
    /// Whether the secret gets a token.
    pub token: Option<Result<(), Failure>>,
    /// Whether a call is answered as it should be.
    pub call: Option<Result<(), Failure>>,
    /// The server's clock minus ours, in milliseconds, as far as whole seconds tell.
    pub ahead_ms: Option<i64>,
    /// How the rate headers are spelled.
    pub spelling: Option<Spelling>,
}

/// Goes the way step by step. Without secrets (id and key) it ends at the door.
pub async fn examine(
    api_base: &str,
    limits: &config::Http,
    secrets: Option<(&Secret, &Secret)>,
    clock: &dyn Clock,
) -> Examined {
    let url = Url::parse(api_base).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
    let patience = Duration::from_secs(u64::from(limits.connect_timeout_s));
    let mut seen = Examined {
        addresses: look_up(&host, port, patience).await,
        host,
        reached: None,
        setup: None,
        token: None,
        call: None,
        ahead_ms: None,
        spelling: None,
    };
    if matches!(seen.addresses, Some(Err(_))) {
        return seen;
    }
    let limits = config::Http {
        total_timeout_s: limits.total_timeout_s.min(PATIENCE_S),
        connect_timeout_s: limits.connect_timeout_s,
        body_limit_bytes: limits.body_limit_bytes,
    };
    match HttpTransport::new(api_base, &limits) {
        Ok(transport) => seen.call_at(&transport, secrets, clock).await,
        Err(error) => seen.setup = Some(error),
    }
    seen
}

impl Examined {
    async fn call_at(
        &mut self,
        transport: &HttpTransport,
        secrets: Option<(&Secret, &Secret)>,
        clock: &dyn Clock,
    ) {
        let mut bearer = None;
        if let Some((id, key)) = secrets {
            let Some(request) = token::new_request(id, key) else { return };
            let Some(response) = self.ask(transport, request, clock, true).await else { return };
            if !is_success(&response) {
                let error = Error::of_token_response(&response, true);
                self.token = Some(Err(error.into_failure(Rate::default(), None)));
                return;
            }
            let Some(grant) = Grant::parse(response.body.bytes()) else {
                let error = Error::TokenNotUnderstood { status: response.status };
                self.token = Some(Err(error.into_failure(Rate::default(), None)));
                return;
            };
            bearer = Some(grant.access());
            self.token = Some(Ok(()));
        }
        let known = bearer.is_some();
        let request = Request { method: Method::Get, path: LIST.to_owned(), bearer, body: None };
        let Some(response) = self.ask(transport, request, clock, false).await else { return };
        self.spelling = Some(rate::spelling(&response.headers));
        if known {
            self.call = Some(if is_success(&response) {
                Ok(())
            } else {
                Err(Error::of_response(&response, false).into_failure(Rate::default(), None))
            });
        }
    }

    /// Sends, and notes what every answer tells; `None` without one.
    async fn ask(
        &mut self,
        transport: &HttpTransport,
        request: Request,
        clock: &dyn Clock,
        minting: bool,
    ) -> Option<Response> {
        match transport.exchange(request).await {
            Ok(response) => {
                self.reached = Some(Ok(()));
                let ours = clock.now().wall;
                let theirs = rate::server_date(&response.headers);
                self.ahead_ms = theirs.map(|theirs| theirs.since(ours)).or(self.ahead_ms);
                Some(response)
            }
            Err(Trouble { why: Some(why), .. }) => {
                self.reached = Some(Err(why));
                None
            }
            Err(Trouble { kind, why: None }) => {
                let failure = Error::of_transport(kind, false).into_failure(Rate::default(), None);
                self.reached = Some(Ok(()));
                let step = if minting { &mut self.token } else { &mut self.call };
                *step = Some(Err(failure));
                None
            }
        }
    }
}

/// How many addresses a name has; `None` where none has to be looked up.
async fn look_up(host: &str, port: u16, patience: Duration) -> Option<Result<usize, io::Error>> {
    let literal = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    if literal || is_loopback(host) {
        return None;
    }
    let found = tokio::time::timeout(patience, tokio::net::lookup_host((host, port))).await;
    Some(match found {
        Ok(found) => found.map(Iterator::count),
        Err(_late) => Err(io::ErrorKind::TimedOut.into()),
    })
}

impl Unreached {
    /// From the error of a connection that was not made.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if let Some(error) = within::<rustls::Error>(error) {
            return Self::Untrusted(Untrusted::of(error));
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        match within::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Self::TimedOut,
            Some(kind) => Self::Refused(kind),
            None => Self::Unknown,
        }
    }
}

impl Untrusted {
    fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(certificate) = error else { return Self::NotTls };
        match certificate {
            CertificateError::UnknownIssuer => Self::Issuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::Name
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            _ => Self::Certificate,
        }
    }
}

/// The innermost error of a kind. An I/O error names what is inside it as its own, and not as its source.
fn within<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let chain = std::iter::successors(Some(error), |error| inner(*error));
    chain.take(LINKS_MAX).filter_map(|link| link.downcast_ref::<T>()).last()
}

fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}
