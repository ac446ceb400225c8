//! What the planner wants done. Effects are data; `sync` carries them out in order and reports back.

use crate::model::agreement::Scope;
use crate::model::balance::Balance;
use crate::model::id::{AccountId, CallId, LinkId, RunId};
use crate::model::institution::Institution;
use crate::model::notice::Notice;
use crate::model::port::ApiCall;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::Answer;

use super::event::AskId;
use super::state::{Account, Link, ProviderState, Union};

/// One thing to do.
#[derive(Debug)]
pub enum Effect {
    /// Make a call. If it spends quota, the reservation is committed first: spend before send.
    Call(Box<PlannedCall>),
    /// Commit a batch in one transaction.
    Apply(Box<Batch>),
    /// Tell whoever waits what became of an account's pull.
    Pulled(Box<PullResult>),
    /// Answer a client's question.
    Told(AskId, Result<Vec<Institution>, Refused>),
}

/// Why a client's wish or question is not met now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// One sentence, safe to log.
    pub reason: String,
    /// When to ask again, if that is known.
    pub until: Option<UtcInstant>,
    /// The thing asked for does not exist.
    pub unknown: bool,
}

/// Recognises a planned call when its answer comes: increasing, never reused while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A call to make.
#[derive(Debug)]
pub struct PlannedCall {
    /// To recognise the answer.
    pub ticket: Ticket,
    /// What to ask.
    pub call: ApiCall,
    /// Which quota it spends, if any: where accounts became one, that of the part whose handle is called.
    pub spends: Option<(AccountId, Scope)>,
    /// When it is reserved: by the provider's clock, which the ledger knows.
    pub at: UtcInstant,
}

/// How a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// A success: counts for 24 hours from now.
    Succeeded,
    /// The provider answered with something else: given back.
    Released,
    /// No answer: kept, as if it had succeeded now.
    Unanswered,
}

/// Everything that one answer (or one decision) changes, committed together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Which batch this is, to recognise its [`super::event::Event::Applied`].
    pub number: u64,
    /// When it was decided.
    pub at: Option<UtcInstant>,
    /// The reservation that it settles.
    pub settle: Option<(CallId, Settlement)>,
    /// When, by the provider's clock; `None`: when the batch was decided.
    pub settled_at: Option<UtcInstant>,
    /// Accounts to write, whole.
    pub accounts: Vec<Account>,
    /// Links to write, whole.
    pub links: Vec<Link>,
    /// Links to drop: over for long.
    pub forgotten_links: Vec<LinkId>,
    /// Accounts to erase, with all that became part of them.
    pub forgotten_accounts: Vec<AccountId>,
    /// The provider's state, if it changed.
    pub provider: Option<ProviderState>,
    /// Institutions to cache: of a country (the list replaces it), or single ones with features.
    pub institutions: Option<InstitutionUpdate>,
    /// Accounts that turned out to be one: everything of the absorbed one is the kept one's from now on. In order.
    pub unions: Vec<Union>,
    /// A union to undo, the newest of its kept account.
    pub undo: Option<Undo>,
    /// Rows of the answer in `data` are counted that exist under another account already.
    pub compare: Option<Comparison>,
    /// Runs that began or ended. If there is data, its rows are counted to the run that it names.
    pub runs: Vec<RunRecord>,
    /// Rows of an answer.
    pub data: Option<Data>,
    /// Events, in order.
    pub notices: Vec<Notice>,
}

/// Cached institutions.
#[derive(Clone, Debug)]
pub enum InstitutionUpdate {
    /// The whole list of a country (`None`: of all).
    List {
        /// Capitals.
        country: Option<String>,
        /// As listed.
        institutions: Vec<Institution>,
    },
    /// One with its features.
    One(Box<Institution>),
}

/// A union to undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo {
    /// The account that goes on.
    pub kept: AccountId,
    /// The one that becomes an account of its own again.
    pub absorbed: AccountId,
    /// Calls went through the absorbed one's handle since: what became of payments that both had is what became of its.
    pub through_absorbed: bool,
}

/// Two accounts whose rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The account of the answer.
    pub new: AccountId,
    /// The one that it may continue.
    pub known: AccountId,
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Which accounts.
    pub accounts: Comparison,
    /// Rows of the answer.
    pub rows: u64,
    /// Of these, how many are rows of the known account by more than a resemblance.
    pub shared: u64,
}

/// A run as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Which.
    pub id: RunId,
    /// Whose: where accounts became one, the part whose handle was called.
    pub account_id: AccountId,
    /// Since when.
    pub started_at: UtcInstant,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<RunOutcome>,
}

/// How a pull ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// All scopes were read, something was new.
    Pulled,
    /// All scopes were read, nothing was new.
    Unchanged,
    /// It ended without all of its data.
    Failed,
}

impl RunOutcome {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pulled => "pulled",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// Rows of an answer.
#[derive(Debug)]
pub enum Data {
    /// All balances of an answer.
    Balances {
        /// Whose.
        account_id: AccountId,
        /// In which run.
        run_id: RunId,
        /// As given, possibly none.
        balances: Vec<Balance>,
    },
    /// A transactions answer to reconcile with what is stored.
    Transactions {
        /// Whose.
        account_id: AccountId,
        /// In which run.
        run_id: RunId,
        /// The filter it was asked with; `None` without.
        date_from: Option<BankDate>,
        /// The answer.
        answer: Box<Answer>,
    },
    /// The known answer came again: one small update.
    Unchanged {
        /// Whose.
        account_id: AccountId,
        /// In which run.
        run_id: RunId,
        /// The filter it was asked with; `None` without.
        date_from: Option<BankDate>,
        /// When the provider last asked the bank, as given.
        last_updated: Option<String>,
    },
}

/// What storing an answer changed; the store counts, the planner tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowsChanged {
    /// New booked or pending rows.
    pub added: u64,
    /// Rows that go on with another text, or were booked.
    pub changed: u64,
    /// Rows that returned after having been missing.
    pub revived: u64,
    /// Rows lacking for the first time.
    pub missing: u64,
    /// Rows lacking for good.
    pub vanished: u64,
    /// New rows without a readable amount or date.
    pub not_understood: u64,
}

/// What became of one account's pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullResult {
    /// Whose.
    pub account_id: AccountId,
    /// How it ended; `None` when it was not tried.
    pub outcome: Option<RunOutcome>,
    /// Why, where there is something to say; safe to log.
    pub reason: Option<String>,
    /// When the next call is allowed.
    pub next_allowed_at: Option<UtcInstant>,
    /// Rows.
    pub rows: RowsChanged,
}
