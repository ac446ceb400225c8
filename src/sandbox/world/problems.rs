//! The provider's error bodies, worded as its `OpenAPI` document of 2025-10-31 and live answers
//! have them.
//!
//! Builders only: when an error is due is decided elsewhere.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::wire::HttpResponse;
use super::Scope;

/// A flat error: summary, detail, status.
pub(super) fn flat(status: u16, summary: &str, detail: &str) -> HttpResponse {
    let body = json!({"summary": summary, "detail": detail, "status_code": status});
    HttpResponse::json(status, &body)
}

/// Errors by field, in one of the shapes that the provider mixes freely.
#[derive(Debug, Default)]
pub(super) struct FieldErrors(Map<String, Value>);

impl FieldErrors {
    /// Strings in a list, as the framework's own checks give them.
    pub(super) fn strings(&mut self, field: &str, text: &str) {
        self.0.insert(field.to_owned(), json!([text]));
    }

    /// An object with summary and detail.
    pub(super) fn object(&mut self, field: &str, summary: &str, detail: &str) {
        self.0.insert(field.to_owned(), json!({"summary": summary, "detail": detail}));
    }

    /// A list of such objects.
    pub(super) fn objects(&mut self, field: &str, summary: &str, detail: &str) {
        self.0.insert(field.to_owned(), json!([{"summary": summary, "detail": detail}]));
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// The answer, if there is any error.
    pub(super) fn answer(mut self, status: u16) -> Result<(), HttpResponse> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.insert("status_code".to_owned(), json!(status));
        Err(HttpResponse::json(status, &self.0))
    }
}

/// The framework's words for an absent field.
pub(super) const REQUIRED: &str = "This field is required.";
/// The framework's words for an empty text.
pub(super) const BLANK: &str = "This field may not be blank.";

pub(super) fn invalid_token() -> HttpResponse {
    flat(401, "Invalid token", "Token is invalid or expired")
}

pub(super) fn address_denied() -> HttpResponse {
    let detail = "Your IP 127.0.0.1 isn't whitelisted to perform this action";
    flat(403, "IP address access denied", detail)
}

pub(super) fn not_found() -> HttpResponse {
    flat(404, "Not found.", "Not found.")
}

pub(super) fn invalid_uuid(id: &str) -> HttpResponse {
    flat(400, "Invalid ID", &format!("{id} is not a valid UUID."))
}

pub(super) fn unknown_fields(fields: &[String], location: &str) -> HttpResponse {
    let detail = format!("Unknown fields {{{}}} in {{{location}}}", fields.join(", "));
    flat(400, "Unknown fields", &detail)
}

pub(super) fn payment_required() -> HttpResponse {
    flat(402, "Payment Required", "Free usage limit exceeded")
}

/// Company limits and the daily limit of an account differ only in the text.
pub(super) fn rate_limit(limit: u32, period: &str, wait_s: i64) -> HttpResponse {
    let detail = format!(
        "The rate limit for this resource is {limit}/{period}. Please try again in {wait_s} seconds"
    );
    flat(429, "Rate limit exceeded", &detail)
}

/// What can go wrong between the provider and the bank: the typed errors of the data endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankProblem {
    /// 500 `UnknownRequestError`.
    UnknownRequest,
    /// 401 `AccessExpiredError`.
    AccessExpired,
    /// 401 `AccountInactiveError`.
    AccountInactive,
    /// 403 `AccountAccessForbidden`.
    AccessForbidden,
    /// 403 `AccountResourceUnavailable`.
    ResourceUnavailable,
    /// 429 `RateLimitError`: the bank's own daily limit.
    DailyLimit,
    /// 503 `ServiceError`.
    ServiceUnavailable,
    /// 503 `ConnectionError`.
    ConnectionFailed,
}

impl BankProblem {
    /// Whether it raises the counter that leads to suspension (knowledge base article
    /// 16671586189212, read 2026-11; of the four that its published table does not settle, the
    /// world assumes the worse).
    pub const fn counts(self) -> bool {
        !matches!(self, Self::DailyLimit | Self::ServiceUnavailable)
    }

    pub(super) fn answer(self, scope: Scope) -> HttpResponse {
        let (status, kind, detail) = match self {
            Self::UnknownRequest => {
                (500, "UnknownRequestError", "Request to Institution returned an error")
            }
            Self::AccessExpired => (
                401,
                "AccessExpiredError",
                "Access has expired or it has been revoked. To restore access \
 reconnect the account.",
            ),
            Self::AccountInactive => (
                401,
                "AccountInactiveError",
                "Account has been deactivated or it no longer exists.",
            ),
            Self::AccessForbidden => (
                403,
                "AccountAccessForbidden",
                "Access to account is forbidden. The user might not have the necessary \
 permissions.",
            ),
            Self::ResourceUnavailable => (
                403,
                "AccountResourceUnavailable",
                "The requested resource is unavailable for this account. Certain resources may \
                 be restricted or unsupported for specific accounts.",
            ),
            Self::DailyLimit => (
                429,
                "RateLimitError",
                "Daily request limit set by the Institution has been exceeded.",
            ),
            Self::ServiceUnavailable => (503, "ServiceError", "Institution service unavailable"),
            Self::ConnectionFailed => (503, "ConnectionError", "Couldn't connect to Institution"),
        };
        let summary = format!("Couldn't update account {}", scope.as_str());
        let body =
            json!({"summary": summary, "detail": detail, "type": kind, "status_code": status});
        HttpResponse::json(status, &body)
    }
}
