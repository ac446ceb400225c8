//! Who is told, how that goes, and a message to see whether it arrives.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use crate::daemon::view;

/// The body of a wish for a trial.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TestWish {
    /// None means all of them.
    target: Option<String>,
}

pub(super) async fn list(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let standings = shared.messages.list().await?;
    Ok(reply::lines(standings.iter().map(view::notify::standing)))
}

/// One line per target, as it has taken its message or not.
pub(super) async fn test(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let wish: TestWish = reply::parse(&body)?;
    let mut names: Vec<String> =
        shared.messages.list().await?.into_iter().map(|standing| standing.name).collect();
    if let Some(target) = wish.target {
        if !names.contains(&target) {
            let message = format!("no target of `[[notify]]` is called `{target}`");
            return Err(Refusal::not_found(message).hint("`banksyncd notify` lists them"));
        }
        names = vec![target];
    }
    let mut tried = shared.messages.test(names).await?;
    let (mut pieces, response) = reply::stream();
    shared.write_along(async move {
        while let Some(tried) = tried.recv().await {
            let mut line = Vec::new();
            if view::line(&mut line, &view::notify::tried(&tried)).is_err()
                || !pieces.send(line).await
            {
                return;
            }
        }
    });
    Ok(response)
}
