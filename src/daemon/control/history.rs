//! One transaction: its versions, and why it is one.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use super::rows::Switch;
use crate::daemon::view;
use crate::model::id::TransactionId;

#[derive(Debug, Deserialize)]
pub(super) struct HistoryQuery {
    #[serde(default)]
    raw: Switch,
}

fn unknown() -> Refusal {
    Refusal::not_found("there is no such transaction")
        .hint("`banksyncd transactions --all --json` lists them with their ids")
}

fn id(text: &str) -> Result<TransactionId, Refusal> {
    text.trim().to_ascii_lowercase().parse().map_err(|()| unknown())
}

pub(super) async fn history(
    State(shared): State<Shared>,
    Path(text): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Refusal> {
    let versions = shared.store.versions(id(&text)?).await?;
    if versions.is_empty() {
        return Err(unknown());
    }
    Ok(reply::written(&versions, |body, version| {
        view::history::version_line(body, version, shared.reader.as_ref(), query.raw.0)
    }))
}

pub(super) async fn explain(
    State(shared): State<Shared>,
    Path(text): Path<String>,
) -> Result<Response, Refusal> {
    let explanation = shared.store.explain(id(&text)?).await?.ok_or_else(unknown)?;
    let shown = view::explain::explanation(&explanation, shared.reader.as_ref());
    Ok(reply::object(StatusCode::OK, &shown))
}
