//! The balances and details answers of one account.

use serde_json::{Value, json};

use crate::model::time::{BankDate, UtcInstant};

use super::bank::BankAccount;
use super::institutions::Kind;
use super::quirks::Quirk;
use super::rows::decimal;

/// By how much a lagging bank is behind.
const LAG_HOURS: i64 = 6;

/// What is on the account at an instant, in the types that its bank knows.
pub(super) fn balances(bank: &mut BankAccount, at: UtcInstant) -> Value {
    let at =
        if bank.institution.is(Quirk::LaggingBalances) { at.plus_hours(-LAG_HOURS) } else { at };
    let booked = bank.ledger.booked_minor(at, None);
    let available = booked.saturating_add(bank.ledger.pending_minor(at));
    let today = at.utc_date();
    let yesterday = today.plus_days(-1).unwrap_or(today);
    let institution = bank.institution;
    let currency = bank.product.currency;
    let of = |minor: i64, kind: &str, day: BankDate| {
        json!({"balanceAmount": {"amount": decimal(minor), "currency": currency},
            "balanceType": kind, "referenceDate": day.to_string()})
    };
    let row = |minor, kind| of(minor, kind, today);
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
    } else if institution.is(Quirk::ClosingBookedOnly) {
        let closing = bank.ledger.booked_minor(at, Some(yesterday.epoch_days()));
        vec![of(closing, "closingBooked", yesterday)]
    } else if institution.is(Quirk::RepeatedBalanceTypes) {
        vec![row(available, "interimBooked"), of(booked, "interimBooked", yesterday)]
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
