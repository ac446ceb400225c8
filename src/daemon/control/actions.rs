//! What a person asks for now: pulls, a check of the database, a fresh look at the configuration.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::reply::{self, Refusal};
use super::resolve;
use crate::config::Problem;
use crate::daemon::reload::ReloadError;
use crate::daemon::view;
use crate::exit::Code;
use crate::model::id::AccountId;
use crate::observe::Chain;
use crate::planner::effect::PullResult;

/// The body of a wish for pulls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SyncWish {
    /// As a person names them; none means all that are switched on.
    accounts: Vec<String>,
    force: bool,
    wait: bool,
}

pub(super) async fn version(State(shared): State<Shared>) -> Response {
    let version = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "started_at": view::At(shared.started_at),
    });
    reply::object(StatusCode::OK, &version)
}

pub(super) async fn sync(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let wish: SyncWish = reply::parse(&body)?;
    let report = shared.engine.report().await?;
    let mut accounts: Vec<AccountId> = Vec::new();
    for text in &wish.accounts {
        let id = resolve::account(&report, text)?;
        if !accounts.contains(&id) {
            accounts.push(id);
        }
    }
    if wish.accounts.is_empty() {
        let wanted = report
            .accounts
            .iter()
            .filter(|account| account.identifying.is_none() && report.policy.is_enabled(account));
        accounts.extend(wanted.map(|account| account.id));
    }
    let asked = accounts.len();
    let mut results = shared.engine.sync(accounts, wish.force).await?;
    if wish.wait {
        return Ok(wait_for(&shared, results, asked));
    }
    // The engine answers in order: with this report, everything that is left out is known. The others have begun.
    shared.engine.report().await?;
    let mut left_out = Vec::new();
    while let Ok(result) = results.try_recv() {
        left_out.push(result);
    }
    Ok(reply::lines(left_out.iter().map(view::sync_result)))
}

/// One line per account, as its pull ends.
fn wait_for(
    shared: &Shared,
    mut results: tokio::sync::mpsc::Receiver<PullResult>,
    count: usize,
) -> Response {
    let (mut pieces, response) = reply::stream();
    let stop = shared.stop.clone();
    shared.write_along(async move {
        for _ in 0..count {
            let result = tokio::select! {
                () = stop.cancelled() => None,
                result = results.recv() => result,
            };
            let Some(result) = result else {
                let gone = "the daemon is shutting down";
                let refusal =
                    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, gone);
                return pieces.broken(refusal).await;
            };
            let mut line = Vec::new();
            if view::line(&mut line, &view::sync_result(&result)).is_err()
                || !pieces.send(line).await
            {
                return;
            }
        }
    });
    response
}

pub(super) async fn verify(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let checks = shared.store.verify(std::sync::Arc::clone(&shared.reader), |_check| {}).await?;
    Ok(reply::object(StatusCode::OK, &view::verify(&checks)))
}

pub(super) async fn reload(State(shared): State<Shared>) -> Result<Response, Refusal> {
    match shared.reloader.reload().await {
        Ok(restart) => {
            Ok(reply::object(StatusCode::OK, &json!({ "ok": true, "needs_restart": restart })))
        }
        Err(error) => {
            let message = match &error {
                ReloadError::Rejected(error) => listed(&error.problems()),
                _ => Chain(&error).to_string(),
            };
            let hint =
                "mend it and type `banksyncd reload` again; the old configuration stays in force";
            Err(Refusal::new(StatusCode::BAD_REQUEST, Code::Config, message).hint(hint))
        }
    }
}

/// A line for each problem, as `check-config` shows them.
fn listed(problems: &[Problem]) -> String {
    let lines = problems.iter().map(ToString::to_string);
    std::iter::once("the configuration is bad".to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}
