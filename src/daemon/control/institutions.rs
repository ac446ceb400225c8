//! Institutions: looked up at the provider at most once a day per country, searched as people type.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Shared;
use super::reply::{self, Refusal};
use crate::daemon::view;
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
    Refusal::new(StatusCode::NOT_FOUND, Code::Usage, "there is no such institution")
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

/// A text as it is compared: no case, no accents, words apart.
fn folded(text: &str) -> String {
    let folded =
        text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase);
    let mut folded: String = folded.collect();
    // Letters that do not decompose, as people type them.
    for (letter, typed) in
        [("ß", "ss"), ("ø", "o"), ("ł", "l"), ("đ", "d"), ("æ", "ae"), ("œ", "oe")]
    {
        folded = folded.replace(letter, typed);
    }
    folded
}

/// Whether an institution has all words of a query, in any order, in its name, id or BIC.
fn matches(institution: &Institution, words: &[String]) -> bool {
    let text = folded(&format!("{} {} {}", institution.name, institution.id.0, institution.bic));
    words.iter().all(|word| text.contains(word.as_str()))
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

pub(super) async fn search(
    State(shared): State<Shared>,
    Query(search): Query<Search>,
) -> Result<Response, Refusal> {
    let country = search.country.map(|country| country.trim().to_ascii_uppercase());
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
    let words: Vec<String> = folded(search.query.as_deref().unwrap_or_default())
        .split_whitespace()
        .map(ToOwned::to_owned)
        .collect();
    let found = listed.iter().filter(|institution| matches(institution, &words));
    Ok(reply::lines(found.map(view::institution)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_without_case_accents_and_order() {
        let bank = Institution {
            id: InstitutionId::from("EXAMPLE_EXMPDE21"),
            name: "Kreissparkasse Köln-Straße".into(),
            bic: "EXMPDE21".into(),
            countries: vec!["DE".into()],
            transaction_total_days: None,
            max_access_valid_for_days: None,
            max_access_valid_for_days_reconfirmation: None,
            supported_features: None,
        };
        let found = |query: &str| {
            let words: Vec<String> =
                folded(query).split_whitespace().map(ToOwned::to_owned).collect();
            matches(&bank, &words)
        };
        for query in ["", "koln", "KÖLN kreis", "strasse", "exmpde"] {
            assert!(found(query), "{query}");
        }
        assert!(!found("koln hamburg"));
    }
}
