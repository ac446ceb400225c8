//! What happens to the planner. Events carry facts; what is due is always computed from state and `now`.

use crate::model::failure::Failure;
use crate::model::id::{AccountId, CallId, InstitutionId, LinkId};
use crate::model::notice::Notice;
use crate::model::port::Answered;

use super::effect::{Compared, RowsChanged, Ticket};

/// A question of a client that needs the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// The process is up: stored faults and outages are tried at once, since a person may have cured them.
    Started,
    /// Something woke us; which thing does not matter.
    Woken,
    /// The reservation of a planned call is durable.
    Reserved {
        /// Of which call.
        ticket: Ticket,
        /// Its row in the ledger.
        call_id: CallId,
    },
    /// The reservation could not be written: the call was not made.
    NotReserved {
        /// Of which call.
        ticket: Ticket,
    },
    /// A planned call came to an end.
    Answered {
        /// Which call.
        ticket: Ticket,
        /// The answer or why there is none.
        result: Box<Result<Answered, Failure>>,
    },
    /// A batch is durable.
    Applied {
        /// Which batch.
        number: u64,
        /// What became of its rows, if it carried any.
        rows: Option<RowsChanged>,
        /// The account whose next transactions are to be asked for without a date.
        wants_everything: Option<AccountId>,
        /// What was found where it asked for a comparison.
        compared: Option<Compared>,
    },
    /// A person says that two accounts are one.
    MergeWanted {
        /// The one whose id goes on.
        kept: AccountId,
        /// The other one.
        absorbed: AccountId,
    },
    /// A person takes the newest union of an account apart.
    SplitWanted {
        /// Which.
        kept: AccountId,
    },
    /// A person wants an account forgotten.
    ForgetWanted {
        /// Which.
        account: AccountId,
    },
    /// A person wants accounts pulled now.
    PullWanted {
        /// Which; already resolved.
        accounts: Vec<AccountId>,
        /// Try paused accounts too, within the hard limit.
        force: bool,
    },
    /// A person wants a link.
    LinkWanted {
        /// Ours, as handed out to the client.
        link_id: LinkId,
        /// With whom.
        institution: InstitutionId,
        /// Days of history, else as configured.
        history_days: Option<u32>,
        /// Days of access, else as configured.
        access_days: Option<u32>,
        /// The link that it succeeds.
        replaces: Option<LinkId>,
    },
    /// A person wants to confirm that access goes on.
    ReconfirmWanted {
        /// Which.
        link_id: LinkId,
    },
    /// A person gives a link up.
    UnlinkWanted {
        /// Which.
        link_id: LinkId,
    },
    /// A client needs to know something that only the provider knows.
    Asked {
        /// To recognise the answer.
        ask: AskId,
        /// What.
        question: Question,
    },
    /// Something outside the planner is worth an event: it is committed and told like the planner's own.
    Noted(Vec<Notice>),
    /// No new calls from now on; those in flight may end.
    Stopping,
}

/// What a client may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The institutions of a country, or all.
    Institutions {
        /// Capitals.
        country: Option<String>,
    },
    /// One institution with its features.
    Institution(InstitutionId),
}
