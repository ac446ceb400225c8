//! What a person calls an account or link: an id, a unique prefix of one, a nickname, or an IBAN.

use axum::http::StatusCode;

use super::reply::Refusal;
use crate::exit::Code;
use crate::model::iban::{Iban, normalise};
use crate::model::id::{AccountId, LinkId};
use crate::planner::state::Account;
use crate::sync::Report;

/// Whether an id is meant by a text: all of it or its beginning, with or without the prefix.
fn begins(id: &str, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    id.starts_with(&text) || id.split_once('_').is_some_and(|(_, body)| body.starts_with(&text))
}

/// Most ids and letters that are repeated to a person who named what is not clear.
const REPEATED_MAX: usize = 8;
const LETTERS_MAX: usize = 64;

fn unknown(wanted: &str, what: &str) -> Refusal {
    let shown: String = wanted.chars().take(LETTERS_MAX).collect();
    Refusal::not_found(format!("there is no such {what}: `{shown}`"))
        .hint(format!("`banksyncd {what}s` lists them"))
}

/// The one that is meant, or why it is not clear.
fn only<T: Copy + ToString>(found: &[T], wanted: &str, what: &str) -> Result<T, Refusal> {
    match found {
        [] => Err(unknown(wanted, what)),
        [one] => Ok(*one),
        several => {
            let ids: Vec<_> = several.iter().take(REPEATED_MAX).map(ToString::to_string).collect();
            let ids = ids.join(" ");
            let more = match several.len().saturating_sub(REPEATED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!("several {what}s are meant: {ids}{more}");
            Err(Refusal::new(StatusCode::CONFLICT, Code::Usage, message)
                .hint("name one of them by its id"))
        }
    }
}

/// The account that a text means.
pub(super) fn account(report: &Report, text: &str) -> Result<AccountId, Refusal> {
    let wanted = text.trim();
    if wanted.is_empty() {
        return Err(unknown(wanted, "account"));
    }
    let by = |test: &dyn Fn(&Account) -> bool| -> Vec<AccountId> {
        // One that is still being identified may turn out to be a known one: nobody can name it yet.
        let identified = report.accounts.iter().filter(|account| account.identifying.is_none());
        identified.filter(|account| test(account)).map(|account| account.id).collect()
    };
    let named = by(&|account| report.policy.nickname(account) == Some(wanted));
    if !named.is_empty() {
        return only(&named, wanted, "account");
    }
    let number = normalise(wanted);
    let numbered = by(&|account| {
        account
            .facts
            .iban
            .as_ref()
            .map(Iban::normalised)
            .is_some_and(|iban| !number.is_empty() && iban == number)
    });
    if !numbered.is_empty() {
        return only(&numbered, wanted, "account");
    }
    only(&by(&|account| begins(&account.id.to_string(), wanted)), wanted, "account")
}

/// The account that a query names, if it names one.
pub(super) fn optional_account(
    report: &Report,
    text: Option<&str>,
) -> Result<Option<AccountId>, Refusal> {
    text.map(|text| account(report, text)).transpose()
}

/// The link that a text means.
pub(super) fn link(report: &Report, text: &str) -> Result<LinkId, Refusal> {
    let wanted = text.trim();
    if wanted.is_empty() {
        return Err(unknown(wanted, "link"));
    }
    let found: Vec<LinkId> = report
        .links
        .iter()
        .map(|link| link.id)
        .filter(|id| begins(&id.to_string(), wanted))
        .collect();
    only(&found, wanted, "link")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_count_with_and_without_prefix_and_in_any_case() {
        let id = "acc_01hx5zzkbkactav9wevgemmvrz";
        for text in ["acc_", "acc_01hx5", "01HX5Z", id] {
            assert!(begins(id, text), "{text}");
        }
        assert!(!begins(id, "1hx5"));
    }
}
