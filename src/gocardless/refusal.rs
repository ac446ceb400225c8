//! What a 400 refused, in all its shapes, as values that linking can act on.
//!
//! The provider writes one refusal as a flat summary and detail, as strings or as arrays of one, as an object per field, as
//! an array of objects or of plain strings per field, and as mixtures of these (its `OpenAPI` document of 2025-10-31, and what
//! live answers look like). All are read as a list of (field, summary, detail). Details are looked at for numbers and
//! lists of scopes only.

use super::wire::{Json, filled, is_string, list, members, pick, text};
use crate::model::agreement::Scope;
use crate::model::failure::Refusal;

/// Members that are not fields of the request.
const NOT_FIELDS: [&str; 4] = ["summary", "detail", "type", "status_code"];
/// A field's name goes into messages: it may be this long.
const FIELD_CHARS_MAX: usize = 40;

/// All refusals of an error body; empty if it is not an object.
pub(super) fn read(body: &str) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for complaint in complaints(body) {
        let refusal = complaint.refusal();
        if !refusals.contains(&refusal) {
            refusals.push(refusal);
        }
    }
    refusals
}

/// One thing that was refused; no field where the body is flat.
#[derive(Debug, PartialEq)]
struct Complaint {
    field: Option<String>,
    summary: String,
    detail: String,
}

/// In the order of the body.
fn complaints(body: &str) -> Vec<Complaint> {
    let mut found = Vec::new();
    for (name, value) in members(body).unwrap_or_default() {
        if !NOT_FIELDS.contains(&name.as_str()) {
            of_field(&name, value, &mut found);
        }
    }
    if found.is_empty() {
        found.extend(flat(body));
    }
    found
}

/// A flat body, its summary and detail plain or in arrays.
fn flat(body: &str) -> Option<Complaint> {
    let [summary, detail] = pick(body, ["summary", "detail"])?;
    let line = |raw: Option<Json<'_>>| raw.map(joined).unwrap_or_default();
    let complaint = Complaint { field: None, summary: line(summary), detail: line(detail) };
    (!complaint.summary.is_empty() || !complaint.detail.is_empty()).then_some(complaint)
}

/// The complaints about one field: an object, a string, or an array of either.
fn of_field(field: &str, value: Json<'_>, found: &mut Vec<Complaint>) {
    for item in list(value).unwrap_or_else(|| vec![value]) {
        let (summary, detail) = match item.pick(["summary", "detail"]) {
            Some([summary, detail]) => {
                (summary.map(joined).unwrap_or_default(), detail.map(joined).unwrap_or_default())
            }
            None if is_string(item) => (joined(item), String::new()),
            None => continue,
        };
        // An object without summary and detail is no complaint but a stray member.
        if !summary.is_empty() || !detail.is_empty() {
            found.push(Complaint { field: Some(field.to_owned()), summary, detail });
        }
    }
}

/// A string, or the strings of an array.
pub(super) fn joined(raw: Json<'_>) -> String {
    match list(raw) {
        Some(items) => items.into_iter().filter_map(text).collect::<Vec<_>>().join(" "),
        None => filled(Some(raw)).unwrap_or_default().into_owned(),
    }
}

impl Complaint {
    fn refusal(&self) -> Refusal {
        let says = |words: &str| {
            self.summary.to_ascii_lowercase().contains(words)
                || self.detail.to_ascii_lowercase().contains(words)
        };
        if says("unknown institution id") {
            return Refusal::UnknownInstitution;
        }
        // A flat body names its field in the text, if at all.
        let about = |field: &str| match &self.field {
            Some(given) => given == field,
            None => says(field),
        };
        if about("max_historical_days") {
            return Refusal::HistoryDays;
        }
        if about("access_valid_for_days") {
            return Refusal::AccessDays { max: number_after(&self.detail, "<= ") };
        }
        if about("access_scope") || (self.field.is_none() && says("access scope")) {
            return scopes(&self.detail);
        }
        if about("account_selection") || (self.field.is_none() && says("account selection")) {
            return Refusal::AccountSelection;
        }
        if says("after acceptance period") {
            return Refusal::ReconfirmationOver;
        }
        if says("no accounts left to reconfirm") || says("reconfirmation is not enabled") {
            return Refusal::NothingToReconfirm;
        }
        if about("reconfirmation") {
            return Refusal::Reconfirmation;
        }
        if says("reference must be unique") || (about("reference") && says("already exists")) {
            return Refusal::ReferenceTaken;
        }
        if says("already associated") {
            return Refusal::AgreementTaken;
        }
        if about("redirect") || (self.field.is_none() && says("redirect u")) {
            return Refusal::Redirect;
        }
        if (about("date_from") || about("date_to")) && says("future") {
            return Refusal::DateInFuture;
        }
        if says("not found") || says("matches the given query") {
            return Refusal::NotFound;
        }
        Refusal::Field(field_name(self.field.as_deref().unwrap_or("request")))
    }
}

/// Letters, digits and underscores of a name, so that it may stand in a message.
fn field_name(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .take(FIELD_CHARS_MAX)
        .collect()
}

/// The number that follows the last `marker`.
fn number_after(text: &str, marker: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(marker)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// "required together: […]", "mandatory for this institution: […]", "not supported: […]".
fn scopes(detail: &str) -> Refusal {
    let after = |markers: [&str; 2]| {
        markers
            .into_iter()
            .find_map(|marker| detail.split_once(marker))
            .map(|(_, rest)| words_of_list(rest))
            .unwrap_or_default()
    };
    Refusal::Scopes {
        required: after(["required together", "mandatory"]),
        unsupported: after(["not supported", "unsupported"]),
    }
}

/// The scopes in the first `[…]` of a text; words not understood are left out.
fn words_of_list(text: &str) -> Vec<Scope> {
    let inner = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let words = inner.map(|(inner, _)| inner).unwrap_or_default().split(',');
    words.filter_map(|word| Scope::from_word(word.trim().trim_matches(['\'', '"']))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_says_the_same() {
        let history = "Incorrect max_historical_days";
        for body in [
            format!(
                r#"{{"max_historical_days":{{"summary":"{history}","detail":"d"}},"status_code":400}}"#
            ),
            format!(
                r#"{{"max_historical_days":[{{"summary":"{history}","detail":"d"}}],"status_code":400}}"#
            ),
            format!(r#"{{"max_historical_days":["{history}"],"status_code":400}}"#),
            format!(r#"{{"max_historical_days":"{history}"}}"#),
            format!(r#"{{"summary":"{history}","detail":"d","status_code":400}}"#),
            format!(r#"{{"summary":["{history}"],"detail":["d"],"status_code":400}}"#),
        ] {
            assert_eq!(read(&body), [Refusal::HistoryDays], "{body}");
        }
    }

    #[test]
    fn several_fields_in_mixed_shapes() {
        let body = r#"{"institution_id":["This field is required."],"access_valid_for_days":
            {"summary":"Incorrect access_valid_for_days","detail":"access_valid_for_days must be > 0 and <= 180"},
            "max_historical_days":[{"summary":"Incorrect max_historical_days","detail":"… (90)"}],"status_code":400}"#;
        assert_eq!(
            read(body),
            [
                Refusal::Field("institution_id".into()),
                Refusal::AccessDays { max: Some(180) },
                Refusal::HistoryDays
            ]
        );
    }

    #[test]
    fn scopes_that_are_wanted_and_not_wanted() {
        use Scope::{Balances, Details, Transactions};
        let scopes = |detail: &str| {
            read(&format!(
                r#"{{"summary":["Institution access scope dependencies error"],"detail":["{detail}"]}}"#
            ))
        };
        let refused = |required: &[Scope], unsupported: &[Scope]| {
            vec![Refusal::Scopes { required: required.to_vec(), unsupported: unsupported.to_vec() }]
        };
        assert_eq!(
            scopes(
                "For this institution the following scopes are required together: ['balances', 'details']"
            ),
            refused(&[Balances, Details], &[])
        );
        assert_eq!(
            scopes("The following scopes are mandatory for this institution: ['transactions']"),
            refused(&[Transactions], &[])
        );
        assert_eq!(
            scopes(
                "The access scopes supported by the institution are ['balances', 'transactions']. The following scopes are not supported: ['details', 'x']"
            ),
            refused(&[], &[Details])
        );
    }

    #[test]
    fn refusals_of_requisitions_and_ranges() {
        for (body, refusal) in [
            (
                r#"{"reference":{"summary":"Client reference must be unique","detail":"Client reference: r-1 already exists"}}"#,
                Refusal::ReferenceTaken,
            ),
            (r#"{"reference":["This field is too long."]}"#, Refusal::Field("reference".into())),
            (
                r#"{"reconfirmation":[{"summary":"Reconfirmation not supported","detail":"Reconfirmation not supported for I"}]}"#,
                Refusal::Reconfirmation,
            ),
            (
                r#"{"summary":"Reconfirmation requested after acceptance period.","detail":"For EUA 'a' reconfirmation period was until 2025-11-14."}"#,
                Refusal::ReconfirmationOver,
            ),
            (
                r#"{"summary":"No accounts left to reconfirm.","detail":"…","status_code":400}"#,
                Refusal::NothingToReconfirm,
            ),
            (
                r#"{"summary":"Reconfirmation is not enabled.","detail":"…","status_code":400}"#,
                Refusal::NothingToReconfirm,
            ),
            (
                r#"{"agreement":{"summary":"Agreement a-1 is already associated","detail":"…"}}"#,
                Refusal::AgreementTaken,
            ),
            (
                r#"{"agreement":{"summary":"Unknown Institution ID X","detail":"…"}}"#,
                Refusal::UnknownInstitution,
            ),
            (
                r#"{"account_selection":{"summary":"Account selection not supported","detail":"…"}}"#,
                Refusal::AccountSelection,
            ),
            (r#"{"redirect":["This field is required."]}"#, Refusal::Redirect),
            (
                r#"{"date_from":{"summary":"Date can't be in future","detail":"'2026-04-21' can't be greater than 2026-04-20."}}"#,
                Refusal::DateInFuture,
            ),
            (
                r#"{"agreement":{"summary":"ID a-1 not found","detail":"…"},"status_code":404}"#,
                Refusal::NotFound,
            ),
            (r#"{"summary":"Unknown fields","detail":"…"}"#, Refusal::Field("request".into())),
            (r#"{"a b\n\u001bc":["x"]}"#, Refusal::Field("abc".into())),
        ] {
            assert_eq!(read(body), [refusal], "{body}");
        }
        for nothing in ["", "[]", "{}", r#"{"id":7,"x":{}}"#, r#"{"status_code":400}"#] {
            assert_eq!(read(nothing), [], "{nothing}");
        }
    }
}
