//! What can go wrong with a call, and the class that decides what follows.
//!
//! The HTTP status is the authority, then the provider's `type`, then its `summary`; details are looked at for seconds
//! and limits only. What counts towards a suspension follows knowledge base article 16671586189212 (read 2026-11): 500
//! and the typed errors of the bank count, 503 `ServiceError` and 429 do not; where it is silent, a failure counts, and so
//! does every data call without an answer, because the bank may have been asked. Only data calls can count.
//! Nothing of the provider's free text is kept: errors may be logged.

use std::borrow::Cow;

use super::rate::{WAIT_MAX_S, header, read as read_rate, seconds};
use super::refusal::{self, joined};
use super::wire::{filled, pick};
use crate::model::failure::{
    AccessEnd, ConfigurationFault, EdgeFault, Failure, FailureClass, Rate, Refusal, Throttled,
};
use crate::model::port::{Response, TransportError};
use crate::model::time::UtcInstant;

/// A larger error body is not read: the provider's are under 1 KiB.
const ERROR_BODY_BYTES_MAX: usize = 65_536;
/// Longest `type` that is taken for one.
const TYPE_CHARS_MAX: usize = 40;

/// Why a call failed. Safe to log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request did not leave.
    #[error("no connection to the provider")]
    Unreachable,
    /// The request may have left; no whole answer came.
    #[error("no whole answer from the provider")]
    NoAnswer {
        /// Whether the bank may have been asked.
        data: bool,
    },
    /// A body beyond the limit.
    #[error("the answer is larger than the limit")]
    TooLarge,
    /// A success that is not what the operation promises.
    #[error("the answer of HTTP {status} is not understood")]
    NotUnderstood {
        /// HTTP status.
        status: u16,
    },
    /// A success of the token endpoint without a token.
    #[error("the token answer of HTTP {status} is not understood")]
    TokenNotUnderstood {
        /// HTTP status.
        status: u16,
    },
    /// An id or address that cannot stand in a request.
    #[error("the request cannot be sent")]
    NotSendable,
    /// Our own guard against asking for token after token.
    #[error("too many tokens were asked for")]
    TokensSpent {
        /// Until the next may be asked for.
        wait_s: u32,
    },
    /// An answer that is no success.
    #[error("the provider answered `{code}` with HTTP {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The provider's type, or our word.
        code: Cow<'static, str>,
        /// What it means.
        class: FailureClass,
        /// Whether it raises the counter towards suspension.
        counts: bool,
    },
}

impl Error {
    /// A failure to get any answer; `data` if the bank may have been asked.
    pub(super) fn of_transport(error: TransportError, data: bool) -> Self {
        match error {
            TransportError::Unreachable => Self::Unreachable,
            TransportError::TimedOut | TransportError::Broken => Self::NoAnswer { data },
            TransportError::TooLarge => Self::TooLarge,
            TransportError::Invalid => Self::NotSendable,
        }
    }

    /// An answer that is no success; `data` if the call asked a bank.
    pub(super) fn of_response(response: &Response, data: bool) -> Self {
        let bytes = response.body.bytes();
        let body = if bytes.len() > ERROR_BODY_BYTES_MAX {
            Cow::Borrowed("")
        } else {
            String::from_utf8_lossy(bytes)
        };
        let said = Said::read(&body);
        let (class, counts) = classify(response, &body, &said, data);
        let code = said.kind.map_or(Cow::Borrowed(word(&class)), Cow::Owned);
        Self::Refused { status: response.status, code, class, counts: counts && data }
    }

    /// A failure to get a token: the call that needed it did not leave, whatever became of the token's request.
    pub(super) fn of_token_transport(error: TransportError) -> Self {
        match error {
            TransportError::Unreachable | TransportError::TimedOut | TransportError::Broken => {
                Self::Unreachable
            }
            TransportError::TooLarge => Self::TokenNotUnderstood { status: 200 },
            TransportError::Invalid => Self::NotSendable,
        }
    }

    /// A refusal by the token endpoints. `minting`: the credentials themselves were sent.
    pub(super) fn of_token_response(response: &Response, minting: bool) -> Self {
        let error = Self::of_response(response, false);
        let class = error.class();
        let class = match (response.status, class) {
            (_, class @ (FailureClass::Configuration(_) | FailureClass::Throttle { .. })) => class,
            (_, NOT_THE_API) => NOT_THE_API,
            (400 | 401, _) if minting => {
                FailureClass::Configuration(ConfigurationFault::Credentials)
            }
            _ => NOT_THE_API,
        };
        Self::Refused {
            status: response.status,
            code: Cow::Borrowed(word(&class)),
            class,
            counts: false,
        }
    }

    /// What follows from it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable => FailureClass::Edge(EdgeFault::Unreachable),
            Self::NoAnswer { .. } => FailureClass::Edge(EdgeFault::NoAnswer),
            Self::TooLarge | Self::NotUnderstood { .. } => {
                FailureClass::Edge(EdgeFault::NotUnderstood)
            }
            Self::TokenNotUnderstood { .. } => FailureClass::Edge(EdgeFault::NotTheApi),
            Self::NotSendable => FailureClass::Bug(Vec::new()),
            Self::TokensSpent { wait_s } => {
                FailureClass::Throttle { wait_s: Some(*wait_s), whom: Throttled::Company }
            }
            Self::Refused { class, .. } => class.clone(),
        }
    }

    /// As the planner sees it, with what came along.
    pub(super) fn into_failure(self, rate: Rate, server_date: Option<UtcInstant>) -> Failure {
        let class = self.class();
        let (status, counts) = match &self {
            Self::NoAnswer { data } => (None, *data),
            Self::Unreachable | Self::TooLarge | Self::NotSendable | Self::TokensSpent { .. } => {
                (None, false)
            }
            Self::NotUnderstood { status } | Self::TokenNotUnderstood { status } => {
                (Some(*status), false)
            }
            Self::Refused { status, counts, .. } => (Some(*status), *counts),
        };
        let code = match self {
            Self::Refused { code, .. } => code.into_owned(),
            _ => word(&class).to_owned(),
        };
        Failure { class, counts, status, code, rate, server_date }
    }
}

/// 2xx.
pub(super) fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// Our word for a class, for logs.
fn word(class: &FailureClass) -> &'static str {
    match class {
        FailureClass::Token => "token",
        FailureClass::Configuration(ConfigurationFault::Credentials) => "credentials",
        FailureClass::Configuration(ConfigurationFault::IpNotAllowed) => "ip_not_allowed",
        FailureClass::Configuration(ConfigurationFault::PlanLimit) => "plan_limit",
        FailureClass::Throttle { whom: Throttled::Company, .. } => "rate_limit",
        FailureClass::Throttle { whom: Throttled::AccountScope, .. } => "account_rate_limit",
        FailureClass::Wait { processing: true } => "processing",
        FailureClass::Wait { processing: false } => "wait",
        FailureClass::Reconnect(AccessEnd::Expired) => "access_expired",
        FailureClass::Reconnect(AccessEnd::ExpiredOrRevoked) => "access_expired_or_revoked",
        FailureClass::DeadAccount => "account_inactive",
        FailureClass::ScopeGone => "scope_refused",
        FailureClass::Suspended => "suspended",
        FailureClass::InstitutionError => "institution_error",
        FailureClass::Bug(_) => "request_refused",
        FailureClass::Edge(EdgeFault::Unreachable) => "unreachable",
        FailureClass::Edge(EdgeFault::NoAnswer) => "no_answer",
        FailureClass::Edge(EdgeFault::NotTheApi) => "not_the_api",
        FailureClass::Edge(EdgeFault::NotUnderstood) => "not_understood",
    }
}

/// What an error body says, in lower case except the type.
struct Said {
    /// A JSON object: the API spoke, not something in front of it.
    json: bool,
    kind: Option<String>,
    summary: String,
    detail: String,
    /// An account object in place of an error has only this.
    status: String,
}

impl Said {
    fn read(body: &str) -> Self {
        let picked = pick(body, ["type", "summary", "detail", "status"]);
        let [kind, summary, detail, status] = picked.unwrap_or_default();
        let low = |raw| Option::map_or(raw, String::new(), joined).to_ascii_lowercase();
        Self {
            json: picked.is_some(),
            // The type goes into logs: a word or nothing.
            kind: filled(kind).map(Cow::into_owned).filter(|kind| {
                kind.len() <= TYPE_CHARS_MAX && kind.bytes().all(|byte| byte.is_ascii_alphabetic())
            }),
            summary: low(summary),
            detail: low(detail),
            status: low(status),
        }
    }

    fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// "End User Agreement (EUA) … has expired": 401 since 2024, 400 in 2022.
    fn agreement_has_expired(&self) -> bool {
        self.summary.contains("end user agreement") && self.summary.contains("has expired")
    }
}

const NOT_THE_API: FailureClass = FailureClass::Edge(EdgeFault::NotTheApi);

/// The class, and whether the failure of a data call counts.
fn classify(response: &Response, body: &str, said: &Said, data: bool) -> (FailureClass, bool) {
    match response.status {
        // A throttle of the edge is a throttle, whatever its body.
        429 => (throttle(&response.headers, said, data), false),
        500..=599 => server_error(response.status, said),
        // A redirect (never followed), a teapot of the edge, a proxy's page.
        _ if !said.json => (NOT_THE_API, false),
        401 => unauthorised(said, data),
        402 => (FailureClass::Configuration(ConfigurationFault::PlanLimit), false),
        403 => forbidden(said, data),
        409 => conflict(said),
        404 => (FailureClass::Bug(not_found(body)), false),
        400 if said.agreement_has_expired() => (FailureClass::Reconnect(AccessEnd::Expired), false),
        400..=499 => (FailureClass::Bug(refusal::read(body)), false),
        _ => (NOT_THE_API, false),
    }
}

fn not_found(body: &str) -> Vec<Refusal> {
    let mut refusals = refusal::read(body);
    if !refusals.contains(&Refusal::NotFound) {
        refusals.insert(0, Refusal::NotFound);
    }
    refusals
}

fn unauthorised(said: &Said, data: bool) -> (FailureClass, bool) {
    match said.kind() {
        // Without accounts or after a failed check of the person only a new link helps.
        Some("AccessExpiredError" | "NoAccountsConnected" | "SSNVerificationFailed") => {
            (FailureClass::Reconnect(AccessEnd::ExpiredOrRevoked), true)
        }
        Some("AccountInactiveError") => (FailureClass::DeadAccount, true),
        None if said.summary.trim() == "invalid token" => (FailureClass::Token, false),
        None if said.agreement_has_expired() => {
            (FailureClass::Reconnect(AccessEnd::Expired), false)
        }
        _ => (unheard_of(data), true),
    }
}

fn forbidden(said: &Said, data: bool) -> (FailureClass, bool) {
    match said.kind() {
        Some("AccountAccessForbidden" | "AccountResourceUnavailable") => {
            (FailureClass::ScopeGone, true)
        }
        None if said.summary.contains("ip address access denied") => {
            (FailureClass::Configuration(ConfigurationFault::IpNotAllowed), false)
        }
        None if said.summary.contains("no valid end user agreement") => {
            (FailureClass::Reconnect(AccessEnd::ExpiredOrRevoked), false)
        }
        None if said.summary.contains("access scope error") => (FailureClass::ScopeGone, false),
        // The company may not make agreements that last longer by being confirmed; shorter ones it may.
        None if said.detail.contains("enable reconfirmation") => {
            (FailureClass::Bug(vec![Refusal::Reconfirmation]), false)
        }
        _ => (unheard_of(data), true),
    }
}

/// A refusal that nobody has described: of an account's data it is taken for the bank's, of anything else for our fault.
fn unheard_of(data: bool) -> FailureClass {
    if data { FailureClass::InstitutionError } else { FailureClass::Bug(Vec::new()) }
}

fn conflict(said: &Said) -> (FailureClass, bool) {
    let class = if said.summary.contains("suspended") || said.status == "suspended" {
        FailureClass::Suspended
    } else if said.summary.contains("processing")
        || matches!(said.status.as_str(), "processing" | "discovered")
    {
        FailureClass::Wait { processing: true }
    } else if said.status == "expired" {
        FailureClass::Reconnect(AccessEnd::Expired)
    } else {
        FailureClass::Wait { processing: false }
    };
    (class, false)
}

fn server_error(status: u16, said: &Said) -> (FailureClass, bool) {
    match (status, said.kind()) {
        (503, None) => (NOT_THE_API, false),
        (503, Some(kind)) => (FailureClass::Wait { processing: false }, kind != "ServiceError"),
        (_, None) => (NOT_THE_API, true),
        (_, Some(_)) => (FailureClass::InstitutionError, true),
    }
}

/// Whom a 429 concerns and for how long: by the account's header, else the period and the seconds in the text.
fn throttle(headers: &[(String, String)], said: &Said, data: bool) -> FailureClass {
    let rate = read_rate(headers);
    let in_text = seconds_in(&said.detail);
    if data && said.kind() == Some("RateLimitError") {
        let wait_s = rate.account_reset_s.max(in_text);
        return FailureClass::Throttle { wait_s, whom: Throttled::AccountScope };
    }
    let spent = rate.account_remaining == Some(0)
        || (rate.account_remaining.is_none() && rate.account_reset_s.is_some());
    if data && spent {
        // Where header and text disagree, the longer wait is the safe one.
        let wait_s = rate.account_reset_s.max(in_text);
        return FailureClass::Throttle { wait_s, whom: Throttled::AccountScope };
    }
    let for_the_day = if said.detail.contains("/day") {
        true
    } else if ["/second", "/minute", "/hour"].iter().any(|period| said.detail.contains(period)) {
        false
    } else {
        // The company's windows are no longer than an hour.
        in_text.is_some_and(|wait_s| wait_s > 3_600)
    };
    if data && for_the_day {
        let wait_s = in_text.max(rate.account_reset_s);
        return FailureClass::Throttle { wait_s, whom: Throttled::AccountScope };
    }
    let retry_after = || header(headers, "retry-after")?.trim().parse().ok().and_then(seconds);
    let wait_s = in_text.or(rate.company_reset_s).or_else(retry_after);
    FailureClass::Throttle { wait_s, whom: Throttled::Company }
}

/// The number before "second", clamped; a number too long to read is the longest wait.
fn seconds_in(detail: &str) -> Option<u32> {
    let (before, _) = detail.split_once(" second")?;
    let word = before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?;
    if word.is_empty() {
        return None;
    }
    Some(word.parse::<u32>().map_or(WAIT_MAX_S, |wait_s| wait_s.min(WAIT_MAX_S)))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
