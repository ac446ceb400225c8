//! Why a transaction is one row: the evidence behind each version, and the rows that were nearly taken for it.

use serde::Serialize;

use super::At;
use crate::model::id::{AccountId, RunId, TransactionId};
use crate::model::port::RowReader;
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState};
use crate::planner::reconcile::explain::{Comparison, Separation, compare};
use crate::planner::reconcile::tiers::Tier;
use crate::store::Explanation;

/// An explanation.
#[derive(Clone, Debug, Serialize)]
pub struct ExplanationView {
    id: TransactionId,
    account_id: AccountId,
    booking_status: BookingStatus,
    state: RowState,
    first_seen_at: At,
    last_seen_at: At,
    revision: u32,
    answers: u64,
    versions: Vec<VersionView>,
    near_misses: Vec<NearMissView>,
}

#[derive(Clone, Debug, Serialize)]
struct VersionView {
    revision: u32,
    run_id: RunId,
    at: At,
    /// The tier that decided; null for the first version.
    evidence: Option<&'static str>,
    /// Point by point against the version before.
    compared: Option<Comparison>,
}

#[derive(Clone, Debug, Serialize)]
struct NearMissView {
    id: TransactionId,
    booking_status: BookingStatus,
    state: RowState,
    effective_date: Option<BankDate>,
    compared: Comparison,
    reason: Separation,
}

/// Shows an explanation. Near misses are rows with the same amount or a same id, nearest first.
pub fn explanation(explanation: &Explanation, reader: &dyn RowReader) -> ExplanationView {
    let row = &explanation.row;
    let texts: Vec<_> =
        explanation.versions.iter().map(|version| reader.read(&version.raw).into_owned()).collect();
    let pairs = texts.iter().zip(texts.iter().skip(1));
    let compared = pairs.map(|(before, now)| Some(compare(before, now, &explanation.memory)));
    let versions = explanation.versions.iter().zip(std::iter::once(None).chain(compared));
    let now = reader.read(&row.raw).into_owned();
    let near = explanation.neighbours.iter().filter_map(|other| {
        let compared =
            compare(&now, &reader.read(&other.row.raw).into_owned(), &explanation.memory);
        let reason =
            if other.in_one_answer { Separation::InOneAnswer } else { compared.separation() };
        compared.is_near().then_some(NearMissView {
            id: other.row.id,
            booking_status: other.row.booking_status,
            state: other.row.state,
            effective_date: other.row.effective_date,
            compared,
            reason,
        })
    });
    ExplanationView {
        id: row.id,
        account_id: row.account_id,
        booking_status: row.booking_status,
        state: row.state,
        first_seen_at: At(row.first_seen_at),
        last_seen_at: At(row.last_seen_at),
        revision: row.revision,
        answers: explanation.answers,
        versions: versions
            .map(|(version, compared)| VersionView {
                revision: version.revision,
                run_id: version.run_id,
                at: At(version.at),
                evidence: version.tier.map(Tier::as_str),
                compared,
            })
            .collect(),
        near_misses: near.collect(),
    }
}
