//! Institutions: looked up at the provider at most once a day per country, searched as people type.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::Shared;
use super::reply::{self, Refusal};
use crate::daemon::{search, view};
use crate::exit::Code;
use crate::model::id::InstitutionId;
use crate::model::institution::Institution;
use crate::model::time::{DAY_MS, UtcInstant};
use crate::planner::effect::Refused;
use crate::planner::event::Question;

/// Lists and features are asked for again after this time.
const FRESH_MS: i64 = DAY_MS;

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    query: Option<String>,
    country: Option<String>,
}

/// The refusal for an id that nobody knows.
pub(super) fn no_such() -> Refusal {
    Refusal::not_found("there is no such institution")
        .hint("find its id: `banksyncd institutions NAME --country CC`")
}

fn refusal(refused: &Refused) -> Refusal {
    if refused.unknown {
        return no_such();
    }
    let message = format!("the provider cannot be asked now: {}", refused.reason);
    let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, Code::TempFail, message);
    match refused.until {
        Some(until) => refusal.hint(format!("try again after {until}")),
        None => refusal.hint("see `banksyncd status`"),
    }
}

fn is_fresh(at: UtcInstant, shared: &Shared) -> bool {
    (0..FRESH_MS).contains(&shared.clock.now().wall.since(at))
}

/// One institution with its features, from the cache or from the provider.
pub(super) async fn read(shared: &Shared, id: &InstitutionId) -> Result<Institution, Refusal> {
    if let Some((institution, at)) = shared.store.institution(id.clone()).await?
        && institution.supported_features.is_some()
        && is_fresh(at, shared)
    {
        return Ok(institution);
    }
    let told = shared.engine.question(Question::Institution(id.clone())).await?;
    told.map_err(|refused| refusal(&refused))?.into_iter().next().ok_or_else(no_such)
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let institution = read(&shared, &InstitutionId(id)).await?;
    Ok(reply::object(StatusCode::OK, &view::institution(&institution)))
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Query(wanted): Query<Search>,
) -> Result<Response, Refusal> {
    let country = wanted.country.map(|country| country.trim().to_ascii_uppercase());
    if country.as_ref().is_some_and(|code| {
        code.len() != 2 || !code.bytes().all(|letter| letter.is_ascii_uppercase())
    }) {
        return Err(Refusal::usage("a country is two letters, such as `DE`"));
    }
    let cached = shared.store.institutions(country.clone()).await?;
    let listed = match cached.fetched_at {
        Some(at) if is_fresh(at, &shared) => cached.institutions,
        _ => {
            let question = Question::Institutions { country };
            match shared.engine.question(question).await? {
                Ok(institutions) => institutions,
                // Yesterday's list is better than none.
                Err(_) if !cached.institutions.is_empty() => cached.institutions,
                Err(refused) => return Err(refusal(&refused)),
            }
        }
    };
    let found = search::search(&listed, wanted.query.as_deref().unwrap_or_default());
    Ok(reply::lines(found.into_iter().map(view::institution)))
}
