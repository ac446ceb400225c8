//! Which accounts are one: said by a person, and taken back.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::lists;
use super::reply::{self, Refusal};
use super::resolve;
use crate::model::id::AccountId;
use crate::planner::state::Account;
use crate::planner::union::{NotOne, may_be_one};
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

fn found(report: &Report, id: AccountId) -> Option<&Account> {
    report.accounts.iter().find(|account| account.id == id)
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
    let both = found(&report, kept).zip(found(&report, absorbed));
    if let Some((one, other)) = both {
        may_be_one(one, other).map_err(not_one)?;
    }
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
        return Err(Refusal::new(StatusCode::BAD_REQUEST, crate::exit::Code::Usage, message)
            .hint("`banksyncd accounts --json` shows in `merged_from` which accounts were"));
    };
    shared.engine.split(kept).await?;
    shown(&shared, &[kept, absorbed]).await
}
