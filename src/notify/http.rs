//! Posts a body to one address, for the targets that speak HTTP. It follows no redirect and reads no answer but its head.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};

use super::{Failed, Unusable, root};
use crate::web::{self, Patience};

/// One address, and the client for it while something is sent.
#[derive(Debug)]
pub(super) struct Poster {
    url: Url,
    timeout: Duration,
    client: Mutex<Option<Client>>,
}

impl Poster {
    /// For an address that the configuration has checked.
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, Unusable> {
        let url = Url::parse(url).ok().ok_or(Unusable::Url)?;
        Ok(Self { url, timeout, client: Mutex::new(None) })
    }

    /// Posts once; any status of success is one.
    pub(super) async fn post(&self, headers: HeaderMap, body: String) -> Result<(), Failed> {
        let client = self.client().map_err(|error| {
            Failed::because(format!("the HTTP client cannot be set up: {}", root(&error)))
        })?;
        let request = client.post(self.url.clone()).headers(headers).body(body);
        let answer = request.send().await.map_err(|error| {
            let error = error.without_url();
            let what = if error.is_timeout() {
                "no answer in time"
            } else if error.is_connect() {
                "no connection"
            } else {
                "the connection broke"
            };
            Failed::because(format!("{what}: {}", root(&error)))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let rest = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let rest_ms = rest.and_then(|seconds| seconds.trim().parse::<u32>().ok());
        Err(Failed {
            reason: format!("the server answered {status}"),
            // Gone for good (RFC 9110 section 15.5.11; Standard Webhooks 1.0.0 says the same).
            refused: status == StatusCode::GONE,
            rest_ms: rest_ms.map(|seconds| i64::from(seconds).saturating_mul(1_000)),
            output: None,
        })
    }

    fn client(&self) -> Result<Client, reqwest::Error> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let patience = Patience { connect: self.timeout, read: self.timeout, total: self.timeout };
        let client = web::client(self.url.scheme() == "https", patience, None)?;
        Ok(kept.insert(client).clone())
    }

    /// Gives the client up.
    pub(super) fn rest(&self) {
        drop(self.client.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
