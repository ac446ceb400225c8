//! The balances and details answers of one account.

use serde_json::{Value, json};

use crate::model::time::UtcInstant;

use super::bank::BankAccount;
use super::institutions::Kind;
use super::quirks::Quirk;
use super::rows::decimal;

/// What is on the account at an instant, in the types that its bank knows.
pub(super) fn balances(bank: &mut BankAccount, at: UtcInstant) -> Value {
    let booked = bank.ledger.booked_minor(at);
    let available = booked.saturating_add(bank.ledger.pending_minor(at));
    let today = at.utc_date();
    let institution = bank.institution;
    let row = |minor: i64, kind: &str| {
        json!({"balanceAmount": {"amount": decimal(minor), "currency": bank.product.currency},
            "balanceType": kind, "referenceDate": today.to_string()})
    };
    let rows = if institution.is(Quirk::EmptyBalances) {
        Vec::new()
    } else if institution.is(Quirk::InformationOnly) {
        vec![row(booked, "information")]
    } else if institution.is(Quirk::CreditAsAvailable) {
        const CREDIT_MINOR: i64 = 500_000;
        vec![
            row(CREDIT_MINOR.saturating_add(available), "interimAvailable"),
            row(booked, "closingBooked"),
        ]
    } else if institution.is(Quirk::RepeatedBalanceTypes) {
        let mut former = row(booked, "interimBooked");
        let yesterday = today.plus_days(-1).unwrap_or(today);
        if let Some(fields) = former.as_object_mut() {
            fields.insert("referenceDate".to_owned(), json!(yesterday.to_string()));
        }
        vec![row(available, "interimBooked"), former]
    } else {
        vec![row(available, "interimAvailable"), row(booked, "interimBooked")]
    };
    json!({ "balances": rows })
}

/// Product, currency, owner.
pub(super) fn details(bank: &BankAccount) -> Value {
    let kind = match bank.product.kind {
        Kind::Current => "CACC",
        Kind::Card => "CARD",
        Kind::Savings => "SVGS",
    };
    let mut account = json!({
        "resourceId": format!("{:016x}", bank.seed), "currency": bank.product.currency,
        "ownerName": bank.owner, "name": bank.product.name, "product": bank.product.name,
        "cashAccountType": kind, "status": "enabled", "bic": bank.institution.bic, "usage": "PRIV",
    });
    let field = if bank.institution.is(Quirk::MaskedPanAsIban) { "maskedPan" } else { "iban" };
    if let Some(fields) = account.as_object_mut() {
        fields.insert(field.to_owned(), json!(bank.iban));
    }
    json!({ "account": account })
}
