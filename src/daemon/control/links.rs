//! Links: shown, begun, renewed, given up.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::institutions;
use super::reply::{self, Refusal};
use super::resolve;
use crate::daemon::view;
use crate::model::id::{InstitutionId, LinkId};
use crate::planner::state::{Link, LinkStatus};
use crate::sync::Report;

/// Longest history and access that the provider knows, in days.
const DAYS_MAX: u32 = 730;
/// Longest institution id, in bytes.
const INSTITUTION_BYTES_MAX: usize = 128;

/// The body of a wish for a link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkWish {
    institution: String,
    history_days: Option<u32>,
    access_days: Option<u32>,
}

fn found(report: &Report, id: LinkId) -> Result<&Link, Refusal> {
    report
        .links
        .iter()
        .find(|link| link.id == id)
        .ok_or_else(|| Refusal::not_found("there is no such link"))
}

pub(super) async fn list(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    Ok(reply::lines(report.links.iter().map(|link| view::link(link, &report.accounts))))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path(link): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::link(&report, &link)?;
    shown(&report, id, StatusCode::OK)
}

fn shown(report: &Report, id: LinkId, status: StatusCode) -> Result<Response, Refusal> {
    Ok(reply::object(status, &view::link(found(report, id)?, &report.accounts)))
}

fn days(name: &str, wanted: Option<u32>) -> Result<Option<u32>, Refusal> {
    match wanted {
        Some(days) if days == 0 || days > DAYS_MAX => {
            Err(Refusal::usage(format!("{name} must be between 1 and {DAYS_MAX}")))
        }
        wanted => Ok(wanted),
    }
}

pub(super) async fn create(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let wish: LinkWish = reply::parse(&body)?;
    let history_days = days("history_days", wish.history_days)?;
    let access_days = days("access_days", wish.access_days)?;
    let id = wish.institution.trim();
    if id.is_empty() || id.len() > INSTITUTION_BYTES_MAX {
        return Err(institutions::no_such());
    }
    // Asked first, so that a mistyped id is an answer and not a failed link.
    let institution = institutions::read(&shared, &InstitutionId::from(id)).await?;
    let link_id = shared.engine.link(institution.id, history_days, access_days, None).await?;
    shown(&*shared.engine.report().await?, link_id, StatusCode::ACCEPTED)
}

pub(super) async fn renew(
    State(shared): State<Shared>,
    Path(link): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let old = found(&report, resolve::link(&report, &link)?)?;
    if matches!(old.status, LinkStatus::Created | LinkStatus::Authenticating) {
        return Err(Refusal::usage(
            "this link still waits for a person: there is nothing to renew yet",
        ));
    }
    if old.is_history() {
        return Err(Refusal::usage("this link only brought the history of another one"));
    }
    if let Some(successor) = old.replaced_by {
        return Err(Refusal::usage("this link was replaced already")
            .hint(format!("renew its successor: `banksyncd renew {successor}`")));
    }
    // A successor that is under way is shown again instead of being doubled.
    let institution = old.institution_id.clone();
    let link_id = shared.engine.link(institution, None, None, Some(old.id)).await?;
    shown(&*shared.engine.report().await?, link_id, StatusCode::ACCEPTED)
}

pub(super) async fn reconfirmation(
    State(shared): State<Shared>,
    Path(link): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::link(&report, &link)?;
    confirming(&report, id, StatusCode::OK)
}

fn confirming(report: &Report, id: LinkId, status: StatusCode) -> Result<Response, Refusal> {
    let link = found(report, id)?;
    let shown = view::reconfirmation::reconfirmation(link, &report.accounts).ok_or_else(|| {
        Refusal::usage("access through this link does not have to be confirmed")
            .hint(format!("to prolong it before it ends: `banksyncd renew {id}`"))
    })?;
    Ok(reply::object(status, &shown))
}

/// Before the time in which access can be confirmed nothing is asked of the provider: the answer says when that is.
pub(super) async fn reconfirm(
    State(shared): State<Shared>,
    Path(link): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::link(&report, &link)?;
    let link = found(&report, id)?;
    if link.status.is_pending() {
        return Err(Refusal::usage("this link still waits for a person to give access"));
    }
    if !link.status.is_live() {
        return Err(Refusal::usage("access through this link is over: confirming does not help")
            .hint(format!("ask for access again: `banksyncd renew {id}`")));
    }
    shared.engine.reconfirm(id).await?;
    confirming(&*shared.engine.report().await?, id, StatusCode::ACCEPTED)
}

pub(super) async fn remove(
    State(shared): State<Shared>,
    Path(link): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::link(&report, &link)?;
    shared.engine.unlink(id).await?;
    shown(&*shared.engine.report().await?, id, StatusCode::OK)
}
