//! Single accounts: shown; which are one, said by a person and taken back; erased.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::lists;
use super::reply::{self, Refusal};
use super::resolve;
use crate::exit::Code;
use crate::model::id::{AccountId, LinkId};
use crate::planner::state::Account;
use crate::planner::union::{NotOne, may_be_one};
use crate::store::Kind;
use crate::sync::Report;

/// The body of a wish for a merge; both as a person names them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeWish {
    /// Its id goes on.
    kept: String,
    /// Becomes part of it.
    absorbed: String,
}

fn gone() -> Refusal {
    Refusal::not_found("there is no such account")
}

fn found(report: &Report, id: AccountId) -> Result<&Account, Refusal> {
    report.accounts.iter().find(|account| account.id == id).ok_or_else(gone)
}

/// These accounts as they are now.
async fn shown(shared: &Shared, ids: &[AccountId]) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let views = lists::account_views(&report);
    Ok(reply::lines(views.into_iter().filter(|view| view.is_one_of(ids))))
}

pub(super) async fn merge(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let wish: MergeWish = reply::parse(&body)?;
    let report = shared.engine.report().await?;
    let kept = resolve::account(&report, &wish.kept)?;
    let absorbed = resolve::account(&report, &wish.absorbed)?;
    may_be_one(found(&report, kept)?, found(&report, absorbed)?).map_err(not_one)?;
    shared.engine.merge(kept, absorbed).await?;
    shown(&shared, &[kept]).await
}

fn not_one(why: NotOne) -> Refusal {
    Refusal::usage(why.to_string()).hint(match why {
        NotOne::Same => "name two accounts; `banksyncd accounts` lists them",
        NotOne::Currency => {
            "one IBAN with several currencies is several accounts; `banksyncd accounts` shows the currencies"
        }
    })
}

pub(super) async fn split(
    State(shared): State<Shared>,
    Path(account): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let kept = resolve::account(&report, &account)?;
    let newest = report.unions.iter().rev().find(|(whole, _)| *whole == kept);
    let Some((_, absorbed)) = newest.copied() else {
        let message = format!("{kept} was never merged with another account");
        return Err(Refusal::usage(message)
            .hint("`banksyncd accounts --json` shows in `merged_from` which accounts were"));
    };
    shared.engine.split(kept).await?;
    shown(&shared, &[kept, absorbed]).await
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path(account): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::account(&report, &account)?;
    let view = lists::account_views(&report).into_iter().find(|view| view.is_one_of(&[id]));
    Ok(reply::object(StatusCode::OK, &view.ok_or_else(gone)?))
}

/// What is left of an account and its link.
#[derive(Debug, Serialize)]
struct ForgottenView {
    /// Its id, which names nothing any more.
    id: AccountId,
    /// The link that it came by.
    link_id: LinkId,
    /// That link is ended, because no other account goes by it.
    link_ended: bool,
    /// Accounts that still go by it.
    link_accounts: usize,
}

pub(super) async fn forget(
    State(shared): State<Shared>,
    Path(account): Path<String>,
) -> Result<Response, Refusal> {
    let report = shared.engine.report().await?;
    let id = resolve::account(&report, &account)?;
    let link_id = found(&report, id)?.link_id;
    shared.engine.forget(id).await?;
    let report = shared.engine.report().await?;
    shared.store.erased(id).await.map_err(|error| match error.kind() {
        Kind::Refused => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::TempFail, error.to_string())
                .hint("the daemon goes on trying every hour, and when it starts")
        }
        _ => error.into(),
    })?;
    let left = report.accounts.iter().filter(|account| account.link_id == link_id).count();
    let view = ForgottenView { id, link_id, link_ended: left == 0, link_accounts: left };
    Ok(reply::object(StatusCode::OK, &view))
}
