//! What became of one transaction: its versions, and why they are one transaction.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{At, line};
use crate::model::id::RunId;
use crate::model::json::compact;
use crate::model::port::RowReader;
use crate::model::transaction::Columns;
use crate::planner::reconcile::tiers::Tier;
use crate::store::VersionRow;

#[derive(Serialize)]
struct VersionView<'a> {
    revision: u32,
    run_id: RunId,
    at: At,
    /// The tier by which it goes on from the one before; null for the first.
    evidence: Option<&'static str>,
    #[serde(flatten)]
    columns: &'a Columns<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a RawValue>,
}

/// Appends one version to `buffer` as one line, newline included; with the bank's row if `raw`.
pub fn version_line(
    buffer: &mut Vec<u8>,
    version: &VersionRow,
    reader: &dyn RowReader,
    raw: bool,
) -> serde_json::Result<()> {
    let one_line = raw.then(|| compact(&version.raw));
    let shown = VersionView {
        revision: version.revision,
        run_id: version.run_id,
        at: At(version.at),
        evidence: version.tier.map(Tier::as_str),
        columns: &reader.read(&version.raw),
        raw: one_line
            .as_deref()
            .map(|text| serde_json::from_str::<&RawValue>(text).unwrap_or(RawValue::NULL)),
    };
    line(buffer, &shown)
}
