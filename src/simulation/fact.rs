//! What a simulation sees, as facts: the one language between the driver and those who judge.
//!
//! Facts come from the world, from the wire and from the database, never from the planner, so that nobody who judges takes the
//! word of the judged.

use std::fmt;
use std::sync::Arc;

use crate::model::time::UtcInstant;
use crate::sandbox::{Scope, Witness};
use crate::store::StoredEvent;

/// A request that reached the provider, and how it was decided.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// When the daemon sent it, by the true time.
    pub(super) sent_at: UtcInstant,
    /// In capitals.
    pub(super) method: &'static str,
    /// Below the API's base, without the query.
    pub(super) path: String,
    /// The provider's id of the account in the path.
    pub(super) account: Option<String>,
    /// The data endpoint.
    pub(super) scope: Option<Scope>,
    /// The account just before.
    pub(super) before: Option<Witness>,
    /// The account just after.
    pub(super) after: Option<Witness>,
    /// By how much the daemon's wall clock was wrong when it sent it, in milliseconds.
    pub(super) wall_error_ms: i64,
    /// The provider did not accept the token.
    pub(super) token_refused: bool,
    /// The address it came from is not accepted, or a page of the edge answers what is no bank's to answer: nobody is served,
    /// whoever was asked for.
    pub(super) nobody_served: bool,
    /// Whether it asks for a part of the days only.
    pub(super) filtered: bool,
    /// The provider's decision, whether or not it arrives.
    pub(super) status: u16,
    /// The account's calls of the day are spent until then.
    pub(super) daily_reset_at: Option<UtcInstant>,
}

impl Request {
    /// Whether it asks for data of an account, and how.
    pub(super) fn data(&self) -> Option<(&str, Scope)> {
        Some((self.account.as_deref()?, self.scope?))
    }
}

/// What the machine under the daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    /// The wall clock jumps by so many milliseconds.
    Stepped(i64),
    /// Somebody sets the wall clock right.
    Corrected,
    /// It was asleep for so many milliseconds.
    Slept(i64),
    /// Nothing more can be written.
    DiskFull,
    /// There is room again.
    DiskFree,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stepped(ms) => write!(f, "the wall clock jumps by {ms} ms"),
            Self::Corrected => f.write_str("the wall clock is set right"),
            Self::Slept(ms) => write!(f, "the machine was asleep for {ms} ms"),
            Self::DiskFull => f.write_str("the disk is full"),
            Self::DiskFree => f.write_str("the disk has room again"),
        }
    }
}

/// One thing that happened, at a true instant.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    /// A life of the daemon began.
    Began,
    /// It ended: how.
    Ended(&'static str),
    /// A request did not reach the provider.
    Unreachable,
    /// A request was decided.
    Request(Arc<Request>),
    /// Its answer came to the daemon whole.
    Heard(Arc<Request>),
    /// It did not.
    Lost(Arc<Request>),
    /// An event was committed.
    Event(Box<StoredEvent>),
    /// Something about the machine.
    Machine(Machine),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began => f.write_str("the daemon starts"),
            Self::Ended(how) => write!(f, "the daemon {how}"),
            Self::Unreachable => f.write_str("no connection to the provider"),
            Self::Request(request) => {
                write!(f, "{} {} -> {}", request.method, request.path, request.status)
            }
            Self::Heard(request) => write!(f, "answer to {} {}", request.method, request.path),
            Self::Lost(request) => write!(f, "no answer to {} {}", request.method, request.path),
            Self::Event(event) => {
                write!(f, "event {}: {}", event.notice.code.as_str(), event.notice.message)?;
                if let Some(id) = event.notice.account_id {
                    write!(f, " [{id}]")?;
                }
                event.notice.link_id.map_or(Ok(()), |id| write!(f, " [{id}]"))
            }
            Self::Machine(what) => what.fmt(f),
        }
    }
}
