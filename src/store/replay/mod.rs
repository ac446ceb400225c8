//! Replay: matches every stored answer anew, from nothing, and compares what comes of it with what is stored.
//!
//! The log of answers is carried out in a scratch database beside the real one, encrypted with the same key and gone at the
//! end, by the very code that applies answers as they come; a row that the rules make in the same place gets the number that
//! it has, so that ids stay with their payments. Nothing in the real database changes unless it is asked for, and then in
//! one transaction. Nothing here decides about rows.

mod apply;
mod compare;
mod rerun;
mod scratch;

use serde::Serialize;

use crate::model::id::{AccountId, TransactionId};
use crate::model::port::RowReader;
use crate::planner::reconcile::STRATEGY_VERSION;

use super::error::Error;
use super::worker::Writer;

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Entries of the log.
    pub answers: u64,
    /// Transactions that were compared, whatever their state.
    pub transactions: u64,
    /// Everything that is stored in another way than the present rules make it, by account or transaction.
    pub differences: Vec<Difference>,
}

/// Something that is stored in another way than the present rules make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose; `None` if there is no such account any more.
    pub account_id: Option<AccountId>,
    /// Which; `None` for what is remembered of an account as a whole.
    pub transaction_id: Option<TransactionId>,
    /// In what they differ.
    pub what: What,
    /// As it is stored; `None`: not at all.
    pub stored: Option<String>,
    /// As the rules make it; `None`: not at all.
    pub replayed: Option<String>,
}

/// In what a stored thing differs from what the rules make of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Whether there is such a transaction.
    Transaction,
    /// Booked or pending.
    BookingStatus,
    /// Current, missing, vanished or closed.
    State,
    /// The dates by which it is listed and covered.
    Dates,
    /// Its texts, in order: which run brought each, and a mark of the text.
    Versions,
    /// The evidence by which each text goes on from the one before.
    Tiers,
    /// Since when it is absent, and when it was last seen.
    Absence,
    /// Of which transactions the stored answers of the account consist.
    Answers,
    /// What is remembered of the account's ids.
    Memory,
    /// What answers covered when.
    Coverage,
    /// By which version of the rules the account's answers were matched.
    Strategy,
}

impl What {
    /// As interfaces write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::BookingStatus => "booking_status",
            Self::State => "state",
            Self::Dates => "dates",
            Self::Versions => "versions",
            Self::Tiers => "tiers",
            Self::Absence => "absence",
            Self::Answers => "answers",
            Self::Memory => "memory",
            Self::Coverage => "coverage",
            Self::Strategy => "strategy",
        }
    }
}

/// Replays; with `apply` the stored rows become what the rules make of the answers.
pub(super) fn replay(
    writer: &mut Writer,
    reader: &dyn RowReader,
    apply: bool,
) -> Result<Replayed, Error> {
    let identity = writer.identity();
    let place = writer.place().clone();
    let (connection, packer, unpacker) = writer.parts()?;
    let scratch = scratch::Scratch::make(&place, connection)?;
    let (answers, mut differences) =
        rerun::rerun(connection, unpacker, &scratch.connection, reader)?;
    let transactions =
        compare::compare(connection, &scratch.connection, unpacker, identity, &mut differences)?;
    if apply && !differences.is_empty() {
        apply::apply(connection, &scratch.connection, (packer, unpacker))?;
    }
    Ok(Replayed { answers, transactions, differences })
}

/// The version by which everything is matched now.
fn present_strategy() -> String {
    STRATEGY_VERSION.to_string()
}
