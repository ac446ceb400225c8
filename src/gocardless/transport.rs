//! Sends one request over HTTPS to the one origin of the configuration and reads its answer within limits.
//!
//! The client underneath would by default follow redirects, repeat requests, honour proxy variables, wait for ever and
//! read bodies of any size (reqwest 0.13, read 2026-11): all of that is switched off or bounded here. Plain HTTP goes to
//! this machine only. Errors lose their address, because it holds ids.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Url, redirect, retry};

use super::examine::Unreached;
use super::inflight::{BODY_BYTES_MAX, InFlight, Share};
use crate::config;
use crate::model::port::{Body, BoxFuture, Method, Request, Response, Transport, TransportError};

const USER_AGENT: &str = concat!("banksyncd/", env!("CARGO_PKG_VERSION"));
/// An idle connection is closed by us before the server would: a request sent into a closing one has no answer, and that
/// costs a call of the day.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Of the total time-out, how much may pass between two pieces of an answer. Banks take long for the first one.
const READ_SHARE_PERCENT: u32 = 75;
/// First room for a body of unknown length.
const FIRST_BYTES: usize = 16_384;

/// Why the transport cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The base address cannot be used.
    #[error("the API's address {0}")]
    BaseUrl(&'static str),
    /// TLS or the resolver could not be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A request without answer.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What follows from it.
    pub(super) kind: TransportError,
    /// Why there was no connection, if that was it.
    pub(super) why: Option<Unreached>,
}

impl From<TransportError> for Trouble {
    fn from(kind: TransportError) -> Self {
        Self { kind, why: None }
    }
}

/// [`Transport`] over HTTP.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client,
    base: Url,
    body_limit_bytes: usize,
    in_flight: InFlight,
}

impl HttpTransport {
    /// `api_base` ends with a slash and is https, or http to a loopback address. The body limit is cut to 32 MiB.
    ///
    /// Reads the system's certificates, unless the address is plain HTTP. Like the programs that use OpenSSL it looks for them
    /// where `SSL_CERT_FILE` and `SSL_CERT_DIR` say, if they are set: whoever sets the environment of a daemon could as well
    /// set its configuration.
    pub fn new(api_base: &str, limits: &config::Http) -> Result<Self, SetupError> {
        Self::trusting(api_base, limits, None)
    }

    /// `roots`: trust these and nobody else.
    fn trusting(
        api_base: &str,
        limits: &config::Http,
        roots: Option<Vec<Certificate>>,
    ) -> Result<Self, SetupError> {
        let base = base_url(api_base)?;
        let total = Duration::from_secs(u64::from(limits.total_timeout_s));
        let read = total.saturating_mul(READ_SHARE_PERCENT).checked_div(100).unwrap_or(total);
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static("application/json"),
            )]))
            .connect_timeout(Duration::from_secs(u64::from(limits.connect_timeout_s)))
            .read_timeout(read)
            .timeout(total)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy();
        let builder = if base.scheme() == "https" {
            let builder = builder.https_only(true);
            match roots {
                Some(roots) => builder.tls_certs_only(roots),
                None => builder,
            }
        } else {
            // No TLS will happen, so that a machine without certificates can do it; and whatever a hosts file says, the
            // name means this machine.
            let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            let addresses = loopback.map(|address| SocketAddr::new(address, 0));
            builder.tls_certs_only([]).resolve_to_addrs("localhost", &addresses)
        };
        Ok(Self {
            client: builder.build().map_err(|error| SetupError::Client(error.without_url()))?,
            base,
            body_limit_bytes: usize::try_from(limits.body_limit_bytes)
                .map_or(BODY_BYTES_MAX, |limit| limit.min(BODY_BYTES_MAX)),
            in_flight: InFlight::new(),
        })
    }

    /// Sends once and reads the answer.
    pub(super) async fn exchange(&self, request: Request) -> Result<Response, Trouble> {
        let request = self.build(request)?;
        let mut share = self.in_flight.enter().await;
        let mut answer = self.client.execute(request).await.map_err(|error| Trouble {
            kind: transport_error(&error),
            why: error.is_connect().then(|| Unreached::of(&error)),
        })?;
        if !same_origin(answer.url(), &self.base) {
            return Err(TransportError::Invalid.into());
        }
        let status = answer.status().as_u16();
        let headers = texts(answer.headers());
        let bytes = self.read(&mut answer, &mut share).await?;
        Ok(Response { status, headers, body: Body::new(bytes, Some(Box::new(share))) })
    }

    /// The request to exactly the address that was meant: what the URL parser would rewrite is refused.
    fn build(&self, request: Request) -> Result<reqwest::Request, TransportError> {
        let Request { method, path, bearer, body } = request;
        let address = format!("{}{path}", self.base);
        let url = Url::parse(&address).ok().ok_or(TransportError::Invalid)?;
        if url.as_str() != address || !same_origin(&url, &self.base) {
            return Err(TransportError::Invalid);
        }
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut built = reqwest::Request::new(method, url);
        if let Some(bearer) = bearer {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose()))
                .ok()
                .ok_or(TransportError::Invalid)?;
            value.set_sensitive(true);
            built.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            built.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *built.body_mut() = Some(body.expose().to_owned().into());
        }
        Ok(built)
    }

    /// The decoded body, as far as the limits allow.
    async fn read(
        &self,
        answer: &mut reqwest::Response,
        share: &mut Share,
    ) -> Result<Vec<u8>, TransportError> {
        let limit = self.body_limit_bytes;
        // Known only where nothing is decoded; then memory is taken once.
        let announced = match answer.content_length().map(usize::try_from) {
            None => None,
            Some(Ok(bytes)) if bytes <= limit => Some(bytes),
            Some(_) => return Err(TransportError::TooLarge),
        };
        let mut bytes = share.used_memory();
        if let Some(announced) = announced {
            self.make_room(&mut bytes, announced, share).await;
        }
        while let Some(chunk) = answer.chunk().await.map_err(|error| transport_error(&error))? {
            let needed = bytes.len().saturating_add(chunk.len());
            if needed > limit {
                return Err(TransportError::TooLarge);
            }
            if needed > bytes.capacity() {
                let doubled = bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
                self.make_room(&mut bytes, needed.max(doubled.min(limit)), share).await;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn make_room(&self, bytes: &mut Vec<u8>, capacity: usize, share: &mut Share) {
        self.in_flight.grow(share, capacity).await;
        bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move { self.exchange(request).await.map_err(|trouble| trouble.kind) })
    }

    fn rest(&self) {
        self.in_flight.rest();
    }
}

/// The address as it will be used, or what is wrong with it.
fn base_url(text: &str) -> Result<Url, SetupError> {
    let url = Url::parse(text).ok().ok_or(SetupError::BaseUrl("is not a URL"))?;
    let problem = if !url.username().is_empty() || url.password().is_some() {
        "must not hold a user name or password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "must not have a query or fragment"
    } else if !url.path().ends_with('/') {
        "must end with a slash"
    } else {
        match url.scheme() {
            "https" => return Ok(url),
            "http" if is_loopback(url.host_str().unwrap_or_default()) => return Ok(url),
            "http" => "must be https, or http to a loopback address",
            _ => "must be https",
        }
    };
    Err(SetupError::BaseUrl(problem))
}

/// `localhost`, 127.0.0.0/8, `[::1]`.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

fn same_origin(url: &Url, base: &Url) -> bool {
    url.origin() == base.origin()
}

fn transport_error(error: &reqwest::Error) -> TransportError {
    if error.is_connect() {
        TransportError::Unreachable
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else if error.is_builder() {
        TransportError::Invalid
    } else {
        TransportError::Broken
    }
}

/// Names in lower case, as the library has them; values that are no text are left out.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
#[path = "transport_tls_tests.rs"]
mod tls_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_may_be_called() {
        for good in [
            "https://bankaccountdata.gocardless.com/api/v2/",
            "https://bank.example:8443/",
            "http://localhost:9/api/",
            "http://127.0.0.1:9/",
            "http://127.8.8.8/",
            "http://[::1]:9/",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "bank.example",
            "https://bank.example/api",
            "http://bank.example/",
            "http://10.0.0.1/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://[::2]/",
            "http://[::ffff:127.0.0.1.x]/",
            "https://user@bank.example/",
            "https://user:word@bank.example/",
            "https://bank.example/?a=/",
            "https://bank.example/#/",
            "ftp://localhost/",
            "file:///etc/",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
