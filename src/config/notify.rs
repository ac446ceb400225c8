//! `[[notify]]`: who is told of what, and how. Types only; `check::notify` reads them.

use std::path::PathBuf;

use super::SecretSource;
use crate::model::daily::DailySpan;
use crate::model::notice::{EventCode, Level};

/// A target: what it wants to know, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Its name, which no other has: what waits for it goes by it.
    pub name: String,
    /// Where messages go.
    pub target: Target,
    /// Nothing quieter than this.
    pub level: Level,
    /// Only these events; empty: all.
    pub codes: Vec<EventCode>,
    /// Only what is about these accounts or their links, by ids or IBANs; empty: everything.
    pub accounts: Vec<String>,
    /// Spans of each day, in the zone of the schedule, in which messages wait.
    pub quiet: Vec<DailySpan>,
    /// What is this loud does not wait.
    pub urgent: Option<Level>,
    /// Whether messages hold personal data.
    pub personal: bool,
    /// Seconds for one message.
    pub timeout_s: u32,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A program.
    Exec {
        /// Its whole path.
        program: PathBuf,
        /// What it is called with.
        arguments: Vec<String>,
    },
    /// A server that takes signed requests.
    Webhook {
        /// https, or http to a loopback address.
        url: String,
        /// What they are signed with.
        secret: SecretSource,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// The server: https, or http to a loopback address.
        url: String,
        /// Who knows it may listen.
        topic: SecretSource,
        /// For servers that ask for one.
        token: Option<SecretSource>,
    },
    /// Mail.
    Smtp(Smtp),
}

impl Target {
    /// The words of `type`.
    pub const TYPES: [&'static str; 4] = ["exec", "webhook", "ntfy", "smtp"];

    /// The word of `type`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Exec { .. } => "exec",
            Self::Webhook { .. } => "webhook",
            Self::Ntfy { .. } => "ntfy",
            Self::Smtp(_) => "smtp",
        }
    }

    /// Its secrets by their keys.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretSource)> {
        match self {
            Self::Exec { .. } => Vec::new(),
            Self::Webhook { secret, .. } => vec![("secret", secret)],
            Self::Ntfy { topic, token, .. } => {
                let token = token.iter().map(|token| ("token", token));
                std::iter::once(("topic", topic)).chain(token).collect()
            }
            Self::Smtp(smtp) => {
                smtp.login.iter().map(|(_, password)| ("password", password)).collect()
            }
        }
    }
}

/// A mail server, and who writes to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Its name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: Security,
    /// User name and password.
    pub login: Option<(String, SecretSource)>,
    /// The sender's address.
    pub from: String,
    /// The addresses of those who are told.
    pub to: Vec<String>,
}

/// `security`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after a command, or no mail.
    StartTls,
    /// None: for a server on this machine.
    None,
}

impl Security {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::None];

    /// The word of the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// The port where such a server usually listens (RFC 8314, RFC 5321).
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}
