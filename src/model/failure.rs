//! What can go wrong with a call, in the classes that decide what follows.
//!
//! Every adapter maps its errors to a [`Failure`]; the planner sees nothing else. The classes and what counts towards a
//! suspension follow the provider's documentation (knowledge base articles 16671586189212 and 11529566180892, read
//! 2026-11); where it is silent, a failure counts.

use std::fmt;

use super::agreement::Scope;
use super::time::UtcInstant;

/// What kind of failure, and therefore what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Our access token was refused. Renewed at the next call.
    Token,
    /// Nobody can call until a person has changed something.
    Configuration(ConfigurationFault),
    /// Too many calls.
    Throttle {
        /// Seconds to wait, as far as the answer says.
        wait_s: Option<u32>,
        /// Whom it concerns.
        whom: Throttled,
    },
    /// Come back later; nothing is wrong with us (`processing`: the account is being read for the first time).
    Wait {
        /// The account is being read for the first time.
        processing: bool,
    },
    /// Access is over.
    Reconnect(AccessEnd),
    /// The account is closed at the bank.
    DeadAccount,
    /// This account gives nothing for this scope.
    ScopeGone,
    /// Only a new link helps.
    Suspended,
    /// The bank failed.
    InstitutionError,
    /// We asked wrongly (400, 404, 405): what was refused, as far as it was understood.
    Bug(Vec<Refusal>),
    /// Not the API: no answer, HTML, an answer that is not JSON.
    Edge(EdgeFault),
}

/// What a person has to change.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ConfigurationFault {
    /// Secret id or key refused.
    Credentials,
    /// Our address is not allowed for this secret.
    IpNotAllowed,
    /// The plan's limit is reached (402).
    PlanLimit,
}

/// Whom a 429 concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// All calls of the company for this kind of resource.
    Company,
    /// This account and scope for the day.
    AccountScope,
}

/// Why access is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessEnd {
    /// The provider says that the agreement ran out.
    Expired,
    /// Expired or revoked: before the computed end it was revoked.
    ExpiredOrRevoked,
}

/// How the edge failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeFault {
    /// No connection: the request did not leave.
    Unreachable,
    /// The request may have left, the answer did not arrive whole (time-out, reset).
    NoAnswer,
    /// A 5xx without the API's shape, or a refusal by the edge.
    NotTheApi,
    /// A success whose body is not what it should be (not JSON, too large, wrong shape).
    NotUnderstood,
}

/// One thing that a 400 refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Fewer days of history, please.
    HistoryDays,
    /// Fewer days of access, please; the largest allowed, if it says.
    AccessDays {
        /// From the text "must be > 0 and <= N".
        max: Option<u32>,
    },
    /// Other scopes, please.
    Scopes {
        /// Must be asked for (together).
        required: Vec<Scope>,
        /// Must not be asked for.
        unsupported: Vec<Scope>,
    },
    /// The institution cannot let the user choose accounts.
    AccountSelection,
    /// The reference was used before: an earlier attempt of ours arrived.
    ReferenceTaken,
    /// The agreement belongs to another requisition already.
    AgreementTaken,
    /// No such institution.
    UnknownInstitution,
    /// The redirect address.
    Redirect,
    /// Access cannot be confirmed in between: the institution does not offer it, or the company may not.
    Reconfirmation,
    /// The time in which access could be confirmed is over.
    ReconfirmationOver,
    /// There is nothing to confirm.
    NothingToReconfirm,
    /// `date_from` lies in the server's future.
    DateInFuture,
    /// No such thing (404).
    NotFound,
    /// Another field, by name.
    Field(String),
}

/// A failed call. `Display` is safe to log: status and the provider's type or class, never its detail text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What follows from it.
    pub class: FailureClass,
    /// Whether it raises the provider's counter towards suspension.
    pub counts: bool,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Short code for logs and details: the provider's `type` or our word for the class. Safe to log.
    pub code: String,
    /// What the rate headers said.
    pub rate: Rate,
    /// The server's clock.
    pub server_date: Option<UtcInstant>,
}

impl Failure {
    /// Whether the provider answered at all with something other than success: only then is a reservation given back.
    pub fn releases_reservation(&self) -> bool {
        self.status.is_some_and(|status| !(200..300).contains(&status))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} (HTTP {status})", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// What the rate headers of an answer say; absence is normal. Seconds are clamped to 0…86,400 by the adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Successful calls a day for the account and scope just called.
    pub account_limit: Option<u32>,
    /// How many of them are left.
    pub account_remaining: Option<u32>,
    /// Seconds until that window ends.
    pub account_reset_s: Option<u32>,
    /// Company calls left in the present window.
    pub company_remaining: Option<u32>,
    /// Seconds until the company's window ends.
    pub company_reset_s: Option<u32>,
}
