//! A message to a topic of an ntfy server (<https://docs.ntfy.sh/publish/#publish-as-json>, read 2026-11).
//!
//! The key of the message is its sequence id: where a message comes a second time, servers and apps from 2.16 on show it
//! in the place of the first, older ones show both. Whoever knows the topic of a public server can listen: it is a secret.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;

use super::http::Poster;
use super::{Failed, Messenger, Unusable};
use crate::model::notice::Level;
use crate::model::port::BoxFuture;
use crate::model::secret::Secret;
use crate::model::time::UtcInstant;
use crate::outbox::Letter;

/// Longest topic.
const TOPIC_CHARS_MAX: usize = 64;

/// A topic of a server.
pub(super) struct Ntfy {
    poster: Poster,
    topic: Secret,
    token: Option<HeaderValue>,
}

impl fmt::Debug for Ntfy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ntfy")
    }
}

#[derive(Serialize)]
struct Push<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: u8,
    tags: [&'static str; 1],
    sequence_id: String,
}

impl Ntfy {
    pub(super) fn new(
        url: &str,
        topic: Secret,
        token: Option<Secret>,
        timeout: Duration,
    ) -> Result<Self, Unusable> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let text = topic.expose();
        if text.is_empty() || text.len() > TOPIC_CHARS_MAX || !text.chars().all(allowed) {
            return Err(Unusable::Topic);
        }
        let token = token.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let token = token.map(|token| token.ok_or(Unusable::Token)).transpose()?;
        Ok(Self { poster: Poster::new(url, timeout)?, topic, token })
    }

    async fn post(&self, letter: &Letter) -> Result<(), Failed> {
        let (priority, tag) = match letter.level {
            Level::Error => (5, "rotating_light"),
            Level::Warning => (4, "warning"),
            Level::Notice => (3, "bank"),
            Level::Info => (2, "bank"),
        };
        let push = Push {
            topic: self.topic.expose(),
            title: &letter.title,
            message: &letter.text,
            priority,
            tags: [tag],
            sequence_id: letter.key.to_string(),
        };
        let body = serde_json::to_string(&push).ok();
        let body = body.ok_or_else(|| Failed::because("the message cannot be written"))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        self.poster.post(headers, body).await
    }
}

impl Messenger for Ntfy {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
        _now: UtcInstant,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(self.post(letter))
    }

    fn rest(&self) {
        self.poster.rest();
    }
}
