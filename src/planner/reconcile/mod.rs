//! Reconciliation: which stored row continues as which row of an answer, and what becomes of the rest.
//!
//! Pure: rows in, decisions out; the store carries them out in the transaction that applies the answer. What may never
//! happen, whatever a bank does (the *view invariant*, after every answer):
//! (a) each booked row of the answer is listed, with multiplicity, whatever its date;
//! (b) no listed booked row that the answer surely covers is absent from it.
//! Everything else here only decides which stored row goes on as which, so that an id stays with its payment. Ids of banks
//! and providers are evidence, never identity.
//!
//! Why two phases: nearly every row of nearly every answer is stored already, byte for byte. [`identical`] pairs those on
//! 16-byte hashes alone; only the few that are left are read in full for [`tiers`]. [`decide`] does this for an answer,
//! with what [`memory`] knows of the account's ids; [`conclude`] then turns pairs and leftovers into changes, [`coverage`]
//! says which absences mean something, [`notices`] tells people.

pub mod conclude;
pub mod coverage;
pub mod decide;
pub mod explain;
pub mod identical;
pub mod memory;
pub mod notices;
pub mod tiers;

mod evidence;
mod normal;

pub use memory::Memory;

use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::{BookingStatus, RowState};

/// Version of the matching rules, stored with every answer, so that a later version can tell what it would do differently.
pub const STRATEGY_VERSION: u32 = 1;

/// First 16 bytes of BLAKE3 over the raw text of a row.
pub type RowHash = [u8; 16];

/// What matching needs of a stored row; its number grows with age: smaller is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The store's number of the row.
    pub number: i64,
    /// Of its newest raw text.
    pub hash: RowHash,
    /// Booking date, else value date, else the date part of the date-times.
    pub effective_date: Option<BankDate>,
    /// The earliest of all its dates.
    pub earliest_date: Option<BankDate>,
    /// It has a date that the provider's filter looks at; a filtered answer says nothing about other rows.
    pub filterable: bool,
    /// Whether the bank has booked it.
    pub status: BookingStatus,
    /// What it is to us.
    pub state: RowState,
}

impl StoredRow {
    /// Whether the default list shows it.
    pub fn is_listed_booked(&self) -> bool {
        self.status == BookingStatus::Booked && self.state == RowState::Current
    }
}

/// What matching needs of a row of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedRow {
    /// Of its raw text.
    pub hash: RowHash,
    /// In which list of the answer it stands.
    pub status: BookingStatus,
}

/// What an answer says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerFacts {
    /// When it came.
    pub at: UtcInstant,
    /// The filter it was asked with; `None` without.
    pub date_from: Option<BankDate>,
    /// When the provider last asked the bank, as given.
    pub last_updated: Option<String>,
}

/// What is known of a row that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The first covering answer that lacked it came then.
    pub since: UtcInstant,
    /// What that answer gave as `last_updated`.
    pub last_updated: Option<String>,
}
