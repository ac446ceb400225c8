//! Which request an operation is: method, path, body, and what it counts against.
//!
//! Ids come from outside. They become one path segment each, percent-encoded (RFC 3986 section 2.1), and what could not
//! stay one segment (`..`) is refused. Nothing is sent that the API does not know: it answers 400 to unknown fields.
//! Lists are asked for by offset; a `next` address of an answer is never followed.

use serde_json::json;

use super::limit::Resource;
use crate::model::agreement::{Scope, Terms};
use crate::model::id::InstitutionId;
use crate::model::port::{ApiCall, Method, NewRequisition};
use crate::model::secret::Secret;

/// Items of a page; the API's default.
const PAGE_ITEMS: u32 = 100;
/// Longest id: the longest seen has 40 characters.
const ID_BYTES_MAX: usize = 256;

/// A request but for its token.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Secret>,
    pub(super) resource: Resource,
    /// Whether a bank may be asked for an account's data.
    pub(super) data: bool,
}

/// The request of an operation; `None` if an id cannot stand in a path.
pub(super) fn prepare(call: &ApiCall) -> Option<Prepared> {
    use Resource::{Accounts, Institutions, LinkReads, LinkWrites};
    Some(match call {
        ApiCall::Institutions { country } => {
            let query = country.as_deref().map(|code| format!("?country={}", encoded(code)));
            get(Institutions, format!("institutions/{}", query.unwrap_or_default()))
        }
        ApiCall::Institution(id) => get(Institutions, format!("institutions/{}/", segment(&id.0)?)),
        ApiCall::CreateAgreement { institution, terms } => {
            post("agreements/enduser/", &agreement_body(institution, terms))
        }
        ApiCall::Agreement(id) => {
            get(LinkReads, format!("agreements/enduser/{}/", segment(&id.0)?))
        }
        // Without an address of its own the browser goes where the requisition sends it.
        ApiCall::CreateReconfirmation(id) => {
            post(&format!("agreements/enduser/{}/reconfirm/", segment(&id.0)?), &json!({}))
        }
        ApiCall::Reconfirmation(id) => {
            get(LinkReads, format!("agreements/enduser/{}/reconfirm/", segment(&id.0)?))
        }
        ApiCall::CreateRequisition(new) => post("requisitions/", &requisition_body(new)),
        ApiCall::Requisition(id) => get(LinkReads, format!("requisitions/{}/", segment(&id.0)?)),
        ApiCall::Requisitions { offset } => {
            get(LinkReads, format!("requisitions/?limit={PAGE_ITEMS}&offset={offset}"))
        }
        ApiCall::DeleteRequisition(id) => Prepared {
            method: Method::Delete,
            ..get(LinkWrites, format!("requisitions/{}/", segment(&id.0)?))
        },
        ApiCall::Metadata(id) => get(Accounts, format!("accounts/{}/", segment(&id.0)?)),
        ApiCall::Details(id) => data(&id.0, Scope::Details, "")?,
        ApiCall::Balances(id) => data(&id.0, Scope::Balances, "")?,
        ApiCall::Transactions { account, date_from, known: _ } => {
            let query = date_from.map(|date| format!("?date_from={date}")).unwrap_or_default();
            data(&account.0, Scope::Transactions, &query)?
        }
    })
}

fn get(resource: Resource, path: String) -> Prepared {
    Prepared { method: Method::Get, path, body: None, resource, data: false }
}

fn data(account: &str, scope: Scope, query: &str) -> Option<Prepared> {
    let path = format!("accounts/{}/{}/{query}", segment(account)?, scope.as_str());
    Some(Prepared { data: true, ..get(Resource::Accounts, path) })
}

fn post(path: &str, body: &serde_json::Value) -> Prepared {
    Prepared {
        method: Method::Post,
        body: Some(Secret::new(body.to_string())),
        ..get(Resource::LinkWrites, path.to_owned())
    }
}

fn agreement_body(institution: &InstitutionId, terms: &Terms) -> serde_json::Value {
    let scopes: Vec<_> = terms.scopes.iter().map(|scope| scope.as_str()).collect();
    let mut body = json!({
        "institution_id": institution.0,
        "max_historical_days": terms.history_days,
        "access_valid_for_days": terms.access_days,
        "access_scope": scopes,
    });
    if let (true, Some(fields)) = (terms.reconfirmation, body.as_object_mut()) {
        fields.insert("reconfirmation".to_owned(), true.into());
    }
    body
}

fn requisition_body(new: &NewRequisition) -> serde_json::Value {
    json!({
        "redirect": new.redirect,
        "institution_id": new.institution.0,
        "agreement": new.agreement.0,
        "reference": new.reference,
        "account_selection": new.account_selection,
        "redirect_immediate": new.redirect_immediate,
    })
}

/// One path segment. Dots alone would be taken for steps up, even when encoded.
fn segment(id: &str) -> Option<String> {
    let steps_or_nothing = id.bytes().all(|byte| byte == b'.');
    (!steps_or_nothing && id.len() <= ID_BYTES_MAX).then(|| encoded(id))
}

/// Everything but RFC 3986's unreserved characters percent-encoded.
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 0x0f)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ProviderAccountId;
    use crate::model::time::BankDate;

    fn path(call: &ApiCall) -> Option<String> {
        prepare(call).map(|prepared| prepared.path)
    }

    #[test]
    fn paths_end_with_a_slash_before_the_query() {
        let account = || ProviderAccountId::from("7e944232-bda9-40bc-b784-660c7ab5fe78");
        for (call, expected) in [
            (ApiCall::Institutions { country: None }, "institutions/"),
            (ApiCall::Institutions { country: Some("DE".into()) }, "institutions/?country=DE"),
            (ApiCall::Institution("N26_NTSBDEB1".into()), "institutions/N26_NTSBDEB1/"),
            (ApiCall::Agreement("a".into()), "agreements/enduser/a/"),
            (ApiCall::CreateReconfirmation("a".into()), "agreements/enduser/a/reconfirm/"),
            (ApiCall::Reconfirmation("a".into()), "agreements/enduser/a/reconfirm/"),
            (ApiCall::Requisition("r".into()), "requisitions/r/"),
            (ApiCall::Requisitions { offset: 200 }, "requisitions/?limit=100&offset=200"),
            (ApiCall::DeleteRequisition("r".into()), "requisitions/r/"),
            (ApiCall::Metadata("m".into()), "accounts/m/"),
            (ApiCall::Balances("m".into()), "accounts/m/balances/"),
            (ApiCall::Details("m".into()), "accounts/m/details/"),
            (
                ApiCall::Transactions {
                    account: account(),
                    date_from: BankDate::from_ymd(2026, 1, 2),
                    known: None,
                },
                "accounts/7e944232-bda9-40bc-b784-660c7ab5fe78/transactions/?date_from=2026-01-02",
            ),
            (
                ApiCall::Transactions { account: "m".into(), date_from: None, known: None },
                "accounts/m/transactions/",
            ),
        ] {
            assert_eq!(path(&call).as_deref(), Some(expected));
        }
    }

    #[test]
    fn ids_from_outside_stay_one_segment() {
        let of = |id: &str| path(&ApiCall::Metadata(id.into()));
        for hostile in ["", ".", "..", "...", &"a".repeat(257)] {
            assert_eq!(of(hostile), None, "{hostile}");
        }
        assert_eq!(of("../token/new").as_deref(), Some("accounts/..%2Ftoken%2Fnew/"));
        assert_eq!(of("a?b#c\\d%2e\r\n").as_deref(), Some("accounts/a%3Fb%23c%5Cd%252e%0D%0A/"));
        assert_eq!(of("ü").as_deref(), Some("accounts/%C3%BC/"));
    }

    #[test]
    fn bodies_have_the_fields_of_the_api_and_no_others() {
        let body = |reconfirmation| {
            let (history_days, access_days, scopes) = (90, 180, Scope::ALL.to_vec());
            let terms = Terms { history_days, access_days, scopes, reconfirmation };
            let call = ApiCall::CreateAgreement { institution: "I".into(), terms };
            prepare(&call).unwrap().body.unwrap().expose().to_owned()
        };
        assert!(body(true).contains(r#""reconfirmation":true"#));
        let call = ApiCall::CreateReconfirmation("A".into());
        assert_eq!(prepare(&call).unwrap().body.unwrap().expose(), "{}");
        assert_eq!(
            body(false),
            r#"{"access_scope":["details","balances","transactions"],"access_valid_for_days":180,"institution_id":"I","max_historical_days":90}"#
        );
        let call = ApiCall::CreateRequisition(NewRequisition {
            institution: "I".into(),
            agreement: "A".into(),
            redirect: "http://localhost:1/x".into(),
            reference: "r \"quoted\"".into(),
            account_selection: false,
            redirect_immediate: true,
        });
        let body: serde_json::Value =
            serde_json::from_str(prepare(&call).unwrap().body.unwrap().expose()).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 6);
        assert_eq!(body["reference"], "r \"quoted\"");
    }
}
