//! The ways to tell: a program, a signed request, a push message, a mail. One file each, and none knows another.
//!
//! A [`Messenger`] sends one [`Letter`] once; whether and when to try again is decided by [`crate::outbox`]. What went wrong
//! is said without addresses, secrets and the receiver's words, because it is logged; what a program printed is kept apart.
//! What sending needs is made when something is sent and given up at rest: who tells nobody has no memory for it.

mod exec;
mod http;
mod ntfy;
mod smtp;
mod webhook;

use std::sync::Arc;

use crate::config::Target;
use crate::model::port::BoxFuture;
use crate::model::secret::Secret;
use crate::model::time::UtcInstant;
use crate::outbox::Letter;

/// Sends letters to one target.
pub trait Messenger: Send + Sync {
    /// Sends once. `now` is for receivers that want to know when.
    fn send<'a>(&'a self, letter: &'a Letter, now: UtcInstant)
    -> BoxFuture<'a, Result<(), Failed>>;

    /// Nothing is to be sent for a while: what was kept for the next letter can be given up.
    fn rest(&self) {}
}

/// Why a letter was not taken, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// For people and logs.
    pub reason: String,
    /// What a program printed, cut: not for logs.
    pub output: Option<String>,
    /// The target wants this letter never.
    pub refused: bool,
    /// How long the target wants to be left alone, in milliseconds.
    pub rest_ms: Option<i64>,
}

impl Failed {
    /// With a reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

/// Why nothing can be sent to a target as it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// What signs requests is no signing secret.
    #[error("its `secret` is not a signing secret: base64 of 24 to 64 bytes after `whsec_`")]
    SigningSecret,
    /// A topic that no server takes.
    #[error("its `topic` is not the name of a topic: up to 64 letters, digits, `-` and `_`")]
    Topic,
    /// A token that no header takes.
    #[error("its `token` cannot be sent")]
    Token,
    /// An address that the HTTP library does not take.
    #[error("its `url` cannot be used")]
    Url,
    /// A mail address that the mail library does not take.
    #[error("its `from` or `to` has an address that cannot be used")]
    Address,
}

/// The secrets of a target by the keys of the configuration.
pub type Secrets = Vec<(&'static str, Secret)>;

/// Makes the messenger of a target. Nothing is connected yet.
///
/// # Errors
/// A secret is not what it should be.
pub fn messenger(
    target: &Target,
    mut secrets: Secrets,
    timeout_s: u32,
) -> Result<Arc<dyn Messenger>, Unusable> {
    let mut secret = |key: &str| {
        let place = secrets.iter().position(|(name, _)| *name == key)?;
        Some(secrets.swap_remove(place).1)
    };
    let timeout = std::time::Duration::from_secs(u64::from(timeout_s));
    Ok(match target {
        Target::Exec { program, arguments } => {
            Arc::new(exec::Exec::new(program.clone(), arguments.clone(), timeout))
        }
        Target::Webhook { url, .. } => {
            let secret = secret("secret").ok_or(Unusable::SigningSecret)?;
            Arc::new(webhook::Webhook::new(url, &secret, timeout)?)
        }
        Target::Ntfy { url, .. } => {
            let topic = secret("topic").ok_or(Unusable::Topic)?;
            Arc::new(ntfy::Ntfy::new(url, topic, secret("token"), timeout)?)
        }
        Target::Smtp(settings) => Arc::new(smtp::Mail::new(settings, secret("password"), timeout)?),
    })
}

/// The innermost cause of an error: what the system or the library says, without the addresses that outer ones add.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
