//! A signed request, as Standard Webhooks 1.0.0 has it (<https://www.standardwebhooks.com>, read 2026-11): a JSON object, the
//! headers `webhook-id` (the same for every try), `webhook-timestamp` (of this try) and `webhook-signature`.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::http::Poster;
use super::{Failed, Messenger, Unusable};
use crate::model::port::BoxFuture;
use crate::model::secret::Secret;
use crate::model::time::UtcInstant;
use crate::outbox::Letter;

/// What a signing secret begins with when it is shown to people.
const PREFIX: &str = "whsec_";
/// Bytes of a signing secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A receiver of signed requests.
pub(super) struct Webhook {
    poster: Poster,
    key: hmac::Key,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}

/// The structure that the specification recommends; `data` is the same object that programs get.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    data: &'a RawValue,
}

impl Webhook {
    pub(super) fn new(url: &str, secret: &Secret, timeout: Duration) -> Result<Self, Unusable> {
        Ok(Self { poster: Poster::new(url, timeout)?, key: signing_key(secret)? })
    }

    async fn post(&self, letter: &Letter, now: UtcInstant) -> Result<(), Failed> {
        let unwritable = |_: serde_json::Error| Failed::because("the message cannot be written");
        let payload = Payload {
            kind: format!("banksyncd.{}", letter.code),
            timestamp: letter.at.to_string(),
            data: serde_json::from_str(&letter.json).map_err(unwritable)?,
        };
        let body = serde_json::to_string(&payload).map_err(unwritable)?;
        let (id, timestamp) = (letter.key.to_string(), now.ms().div_euclid(1_000).to_string());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = sign(&self.key, &id, &timestamp, &body);
        for (name, value) in
            [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
        {
            let value = HeaderValue::try_from(value).ok();
            headers.insert(name, value.ok_or_else(|| Failed::because("a header cannot be sent"))?);
        }
        self.poster.post(headers, body).await
    }
}

impl Messenger for Webhook {
    fn send<'a>(
        &'a self,
        letter: &'a Letter,
        now: UtcInstant,
    ) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(self.post(letter, now))
    }

    fn rest(&self) {
        self.poster.rest();
    }
}

/// The key behind a secret as people have it, with or without its prefix.
fn signing_key(secret: &Secret) -> Result<hmac::Key, Unusable> {
    let text = secret.expose();
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    let bytes = STANDARD.decode(text).map(Zeroizing::new).ok();
    let bytes = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len()));
    bytes.map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes)).ok_or(Unusable::SigningSecret)
}

/// The value of `webhook-signature`.
fn sign(key: &hmac::Key, id: &str, timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_specification() {
        // The example of the specification's own libraries (standardwebhooks 1.0.0).
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let key = signing_key(&secret).unwrap();
        assert_eq!(
            sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn secrets_are_base64_of_enough_bytes() {
        let good = |text: &str| signing_key(&Secret::new(text.to_owned())).is_ok();
        assert!(good("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "without its prefix");
        assert!(good(&format!("whsec_{}", STANDARD.encode([7; 64]))));
        assert!(!good(&format!("whsec_{}", STANDARD.encode([7; 65]))));
        assert!(!good(&format!("whsec_{}", STANDARD.encode([7; 23]))));
        assert!(!good("whsec_"));
        assert!(!good("whsec_not base64 not base64 not base64 no"));
    }
}
