//! From the provider's small answers to our nouns.
//!
//! Only what an operation is useless without makes an answer not understood (`None`): an id, a list. Everything else is
//! absent where it is absent, null, blank or of a surprising kind. Field names are those of the provider's `OpenAPI` document
//! of 2025-10-31; older names and shapes that were seen since 2021 are accepted too. A person's social security number in
//! a requisition is never read.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::rows::money;
use super::wire::{Json, count, filled, flag, list, members, pick, string};
use crate::model::account::{AccountFacts, Metadata, ProviderStatus};
use crate::model::agreement::{Agreement, Scope};
use crate::model::balance::Balance;
use crate::model::iban::Iban;
use crate::model::id::{AgreementId, InstitutionId, ProviderAccountId, RequisitionId};
use crate::model::institution::Institution;
use crate::model::money::{Currency, Money};
use crate::model::port::Reply;
use crate::model::reconfirmation::{Confirmation, Reconfirmation, Reconfirmed};
use crate::model::requisition::{ConsentUrl, Requisition, RequisitionStatus};
use crate::model::time::{BankDate, UtcInstant};

/// A bare array; those without an id are left out.
pub(super) fn institutions(body: &str) -> Option<Vec<Institution>> {
    let body: &RawValue = serde_json::from_str(body).ok()?;
    Some(list(body.into())?.into_iter().filter_map(|item| institution(item.get())).collect())
}

/// One institution; the list has no features.
pub(super) fn institution(body: &str) -> Option<Institution> {
    let [id, name, bic, countries, total_days, access_days, confirmed_days, features] = pick(
        body,
        [
            "id",
            "name",
            "bic",
            "countries",
            "transaction_total_days",
            "max_access_valid_for_days",
            "max_access_valid_for_days_reconfirmation",
            "supported_features",
        ],
    )?;
    let id = string(id)?;
    let mut codes: Vec<String> = Vec::new();
    for code in words(countries).unwrap_or_default() {
        let code = code.to_ascii_uppercase();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Some(Institution {
        name: string(name).unwrap_or_else(|| id.clone()),
        id: InstitutionId(id),
        bic: string(bic).unwrap_or_default(),
        countries: codes,
        transaction_total_days: count(total_days),
        max_access_valid_for_days: count(access_days),
        max_access_valid_for_days_reconfirmation: count(confirmed_days),
        supported_features: words(features),
    })
}

/// An end user agreement.
pub(super) fn agreement(body: &str) -> Option<Agreement> {
    let [id, institution, history, access, scopes, accepted, reconfirmation] = pick(
        body,
        [
            "id",
            "institution_id",
            "max_historical_days",
            "access_valid_for_days",
            "access_scope",
            "accepted",
            "reconfirmation",
        ],
    )?;
    Some(Agreement {
        id: AgreementId(string(id)?),
        institution_id: string(institution).map(InstitutionId),
        max_historical_days: count(history),
        access_valid_for_days: count(access),
        access_scope: words(scopes)
            .map(|words| words.iter().filter_map(|word| Scope::from_word(word)).collect()),
        accepted: instant(accepted),
        reconfirmation: flag(reconfirmation),
    })
}

/// A reconfirmation. An account with two blank answers has not been answered for.
pub(super) fn reconfirmation(body: &str) -> Option<Reconfirmation> {
    let [url, from, to, accounts] =
        pick(body, ["reconfirmation_url", "url_valid_from", "url_valid_to", "accounts"])?;
    let account = |(id, outcome): (String, Json<'_>)| {
        let [confirmed, rejected] = outcome.pick(["reconfirmed", "rejected"])?;
        let said = |raw: Option<Json<'_>>| filled(raw).is_some();
        let (answer, at) = match (said(confirmed), said(rejected)) {
            (_, true) => (Confirmation::Rejected, instant(rejected)),
            (true, false) => (Confirmation::Confirmed, instant(confirmed)),
            (false, false) => (Confirmation::Open, None),
        };
        Some(Reconfirmed { account: ProviderAccountId(id), answer, at })
    };
    Some(Reconfirmation {
        url: ConsentUrl(string(url)?),
        valid_from: instant(from),
        valid_to: instant(to),
        accounts: accounts
            .and_then(|accounts| members(accounts.get()))
            .unwrap_or_default()
            .into_iter()
            .filter_map(account)
            .collect(),
    })
}

/// A requisition.
pub(super) fn requisition(body: &str) -> Option<Requisition> {
    let [id, status, institution, agreement, reference, accounts, link] = pick(
        body,
        ["id", "status", "institution_id", "agreement", "reference", "accounts", "link"],
    )?;
    let mut ids: Vec<ProviderAccountId> = Vec::new();
    for id in words(accounts).unwrap_or_default().into_iter().map(ProviderAccountId) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Some(Requisition {
        id: RequisitionId(string(id)?),
        status: RequisitionStatus::from_code(&status_word(status).unwrap_or_default()),
        institution_id: string(institution).map(InstitutionId),
        agreement: string(agreement).map(AgreementId),
        reference: string(reference).unwrap_or_default(),
        accounts: ids,
        link: string(link).map(ConsentUrl),
    })
}

/// A page of requisitions. Where the count is missing, the page is taken for the last one.
pub(super) fn requisitions(body: &str, offset: u32) -> Option<Reply> {
    let [total, results] = pick(body, ["count", "results"])?;
    let items = list(results?)?;
    let page_len = u32::try_from(items.len()).ok()?;
    Some(Reply::Requisitions {
        count: count(total).unwrap_or(offset.saturating_add(page_len)),
        results: items.into_iter().filter_map(|item| requisition(item.get())).collect(),
        page_len,
    })
}

/// What the provider knows about an account.
pub(super) fn metadata(body: &str) -> Option<Metadata> {
    let [status, institution, older_institution, iban, bban, owner, name] = pick(
        body,
        ["status", "institution_id", "aspsp_identifier", "iban", "bban", "owner_name", "name"],
    )?;
    Some(Metadata {
        status: status_word(status).map(|word| ProviderStatus::from_word(&word)),
        facts: AccountFacts {
            institution_id: string(institution).or_else(|| string(older_institution)),
            iban: number(iban),
            bban: number(bban),
            name: string(name),
            owner_name: string(owner),
            ..AccountFacts::default()
        },
    })
}

/// What the bank knows about an account. An answer without content is one: many banks say nothing.
pub(super) fn details(body: &str) -> Option<AccountFacts> {
    let [account] = pick(body, ["account"])?;
    let Some(account) = account else { return Some(AccountFacts::default()) };
    let [iban, bban, scan, masked, currency, name, display, product, owner, kind] =
        account.pick([
            "iban",
            "bban",
            "scan",
            "maskedPan",
            "currency",
            "name",
            "displayName",
            "product",
            "ownerName",
            "cashAccountType",
        ])?;
    Some(AccountFacts {
        institution_id: None,
        iban: number(iban),
        // Sort code and number: the domestic number of British accounts.
        bban: number(bban).or_else(|| number(scan)),
        masked_pan: number(masked),
        currency: string(currency),
        name: string(name).or_else(|| string(display)),
        product: string(product),
        owner_name: string(owner),
        cash_account_type: string(kind),
    })
}

/// All balances, none chosen.
pub(super) fn balances(body: &str) -> Option<Vec<Balance>> {
    let [balances] = pick(body, ["balances"])?;
    Some(list(balances?)?.into_iter().map(balance).collect())
}

fn balance(item: Json<'_>) -> Balance {
    let fields = item.pick(["balanceType", "balanceAmount", "referenceDate"]);
    let [kind, amount, date] = fields.unwrap_or_default();
    let (amount, currency) = money(amount);
    Balance {
        balance_type: string(kind).unwrap_or_default(),
        money: amount.map(|amount| {
            let currency = Currency(currency.map(Cow::into_owned).unwrap_or_default());
            Money { amount, currency }
        }),
        reference_date: filled(date).and_then(|text| BankDate::parse(&text)),
        raw: item.get().to_owned(),
    }
}

fn instant(raw: Option<Json<'_>>) -> Option<UtcInstant> {
    UtcInstant::parse(&filled(raw)?)
}

/// The strings of an array; `None` if it is none.
fn words(raw: Option<Json<'_>>) -> Option<Vec<String>> {
    Some(list(raw?)?.into_iter().filter_map(|item| string(Some(item))).collect())
}

/// A status: a word, or in answers until 2022 an object with a short and a long one.
fn status_word(raw: Option<Json<'_>>) -> Option<String> {
    let raw = raw?;
    match raw.pick(["short", "long"]) {
        Some([short, long]) => string(short).or_else(|| string(long)),
        None => string(Some(raw)),
    }
}

/// An account number.
fn number(raw: Option<Json<'_>>) -> Option<Iban> {
    Iban::new(&filled(raw)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn institutions_with_numbers_as_strings() {
        let list = institutions(
            r#"[{"id":"A_B","name":"Bank A","bic":"","transaction_total_days":"730","max_access_valid_for_days":180,
                 "countries":["DE","de","AT"],"logo":"x"},{"name":"no id"},7,{"id":"C"}]"#,
        )
        .unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].transaction_total_days, Some(730));
        assert_eq!(list[0].max_access_valid_for_days, Some(180));
        assert_eq!(list[0].countries, ["DE", "AT"]);
        assert_eq!(list[0].supported_features, None);
        assert_eq!(list[1].name, "C");
        assert_eq!(
            institution(r#"{"id":"A","supported_features":[]}"#).unwrap().supported_features,
            Some(vec![])
        );
        assert!(institutions("{}").is_none());
    }

    #[test]
    fn agreements_before_and_after_acceptance() {
        let accepted = agreement(
            r#"{"id":"a","max_historical_days":"90","access_valid_for_days":90,"access_scope":["balances","new"],
                "accepted":"2026-01-05T10:00:00.5Z"}"#,
        )
        .unwrap();
        assert_eq!(accepted.max_historical_days, Some(90));
        assert_eq!(accepted.access_scope, Some(vec![Scope::Balances]));
        assert!(accepted.access_expires_at().is_some());
        assert_eq!(accepted.reconfirmation, None, "older answers");
        let confirmed = agreement(r#"{"id":"a","reconfirmation":true}"#).unwrap();
        assert_eq!(confirmed.reconfirmation, Some(true));
        for none in ["null", "\"\"", "\"soon\"", "7"] {
            let body = format!(r#"{{"id":"a","accepted":{none}}}"#);
            assert_eq!(agreement(&body).unwrap().accepted, None, "{none}");
        }
        assert!(agreement("{}").is_none());
    }

    #[test]
    fn reconfirmations_with_an_answer_for_each_account() {
        let read = reconfirmation(
            r#"{"reconfirmation_url":"https://ob.example/confirm/1","created":"2026-01-05T10:00:00Z",
                "url_valid_from":"2026-03-22T10:00:00Z","url_valid_to":"soon","redirect":null,
                "accounts":{"x":{"reconfirmed":"","rejected":""},"y":{"reconfirmed":"2026-04-01T08:00:00.5Z","rejected":""},
                "z":{"reconfirmed":null,"rejected":"2026-04-01T08:00:00Z"},"odd":7}}"#,
        )
        .unwrap();
        assert_eq!(read.url.0, "https://ob.example/confirm/1");
        assert!(read.valid_from.is_some() && read.valid_to.is_none());
        let said: Vec<_> = read.accounts.iter().map(|own| (own.answer, own.at.is_some())).collect();
        let expected = [
            (Confirmation::Open, false),
            (Confirmation::Confirmed, true),
            (Confirmation::Rejected, true),
        ];
        assert_eq!(said, expected);
        assert!(!read.is_answered());
        assert_eq!(read.answer(&"z".into()), Confirmation::Rejected);
        assert_eq!(read.answer(&"elsewhere".into()), Confirmation::Open);
        assert!(reconfirmation(r#"{"accounts":{}}"#).is_none(), "useless without its page");
        assert!(!reconfirmation(r#"{"reconfirmation_url":"https://a/"}"#).unwrap().is_answered());
    }

    #[test]
    fn requisitions_in_old_and_new_shapes() {
        let old = r#"{"id":"r","status":{"short":"LN","long":"LINKED"},"agreement":"","accounts":["x","y","x",null],
            "reference":"ref","link":"https://ob.example/start","ssn":"555"}"#;
        let read = requisition(old).unwrap();
        assert_eq!(read.status, RequisitionStatus::Linked);
        assert_eq!(read.agreement, None);
        assert_eq!(read.accounts, ["x".into(), "y".into()]);
        let unknown = requisition(r#"{"id":"r","status":"ZZ","accounts":null}"#).unwrap();
        assert_eq!(unknown.status, RequisitionStatus::Unknown("ZZ".into()));
        assert!(unknown.accounts.is_empty() && unknown.link.is_none());
        let page = format!(
            r#"{{"count":"7","next":"https://elsewhere.example/","results":[{old},{{}}]}}"#
        );
        let Reply::Requisitions { count, results, page_len } = requisitions(&page, 0).unwrap()
        else {
            panic!()
        };
        assert_eq!((count, results.len(), page_len), (7, 1, 2));
        let Reply::Requisitions { count, .. } = requisitions(r#"{"results":[]}"#, 100).unwrap()
        else {
            panic!()
        };
        assert_eq!(count, 100);
        assert!(requisitions(r#"{"count":1}"#, 0).is_none());
    }

    #[test]
    fn facts_about_accounts() {
        let read = metadata(r#"{"id":"m","status":"READY","iban":"**4572","bban":"","owner_name":"","last_accessed":null}"#)
            .unwrap();
        assert_eq!(read.status, Some(ProviderStatus::Ready));
        assert_eq!(read.facts.iban.unwrap().as_str(), "**4572");
        assert!(read.facts.bban.is_none() && read.facts.owner_name.is_none());
        assert_eq!(metadata("{}").unwrap().status, None);
        let facts = details(
            r#"{"account":{"scan":"20201555555555","displayName":"Giro","currency":"EUR","maskedPan":"**1","usage":"PRIV"}}"#,
        )
        .unwrap();
        assert_eq!(facts.bban.unwrap().as_str(), "20201555555555");
        assert_eq!(facts.name.as_deref(), Some("Giro"));
        assert_eq!(details(r#"{"account":null}"#), Some(AccountFacts::default()));
        assert!(details(r#"{"account":[]}"#).is_none());
        assert!(details("[]").is_none());
    }

    #[test]
    fn balances_all_of_them_as_they_are() {
        let read = balances(
            r#"{"balances":[{"balanceAmount":{"amount":9.10,"currency":"EUR"},"balanceType":"InterimBooked","referenceDate":"2026-01-05"},
                {"balanceAmount":{"amount":"9.10"},"balanceType":"InterimBooked"},{"balanceAmount":null},"x"]}"#,
        )
        .unwrap();
        assert_eq!(read.len(), 4);
        let money = read[0].money.clone().unwrap();
        assert_eq!((money.amount.to_string().as_str(), money.currency.0.as_str()), ("9.10", "EUR"));
        assert_eq!(read[0].balance_type, "InterimBooked");
        assert!(read[2].money.is_none() && read[3].money.is_none());
        assert_eq!(read[3].raw, "\"x\"");
        assert_eq!(balances(r#"{"balances":[]}"#), Some(vec![]));
        assert_eq!(balances(r#"{"balances":{}}"#), None);
        assert_eq!(balances("{}"), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,60}") {
            let _all = (institutions(&body), institution(&body), agreement(&body), requisition(&body));
            let _one = reconfirmation(&body);
            let _more = (requisitions(&body, 0), metadata(&body), details(&body), balances(&body));
        }
    }
}
