//! How a bank writes a movement down: the row of the transactions answer, oddities included.
//!
//! A row is a pure function of movement, account and [`Face`], so the same row has the same bytes in
//! every answer.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::time::BankDate;

use super::super::rng::{fingerprint, mix};
use super::super::text::date;
use super::bank::BankAccount;
use super::faces::Face;
use super::ledger::{Cause, Exchange, Movement, Phase};
use super::quirks::Quirk;

/// A row's JSON and the dates in it.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) raw: String,
    pub(super) dates: [Option<BankDate>; 2],
}

#[derive(Debug, Default, Serialize)]
struct Money {
    amount: String,
    currency: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Party {
    pub(super) iban: String,
}

/// Field order is that of the provider's samples.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_to_end_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mandate_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creditor_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_date_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_date_time: Option<String>,
    transaction_amount: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_exchange: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) creditor_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) creditor_account: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) debtor_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) debtor_account: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remittance_information_unstructured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remittance_information_unstructured_array: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remittance_information_structured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_information: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_transaction_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proprietary_bank_transaction_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merchant_category_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_transaction_id: Option<String>,
}

/// Writes rows for one account.
pub(super) struct Writer<'a> {
    pub(super) account: &'a BankAccount,
}

impl Writer<'_> {
    pub(super) fn is(&self, quirk: Quirk) -> bool {
        self.account.institution.is(quirk)
    }

    /// One row.
    pub(super) fn write(&self, movement: &Movement, face: Face) -> Raw {
        let phase = face.phase;
        let mut row = Row {
            transaction_amount: self.amount(movement, phase),
            bank_transaction_code: Some(code(movement.cause)),
            ..Row::default()
        };
        let dates = self.dates(&mut row, movement, phase);
        self.ids(&mut row, movement, face);
        self.parties(&mut row, movement);
        self.texts(&mut row, movement, face);
        if phase == Phase::Booked {
            self.exchange(&mut row, movement);
        }
        if self.is(Quirk::PendingPlaceholder) && phase == Phase::Pending {
            row.creditor_name = None;
            row.remittance_information_unstructured = Some("Reservation".to_owned());
        }
        // Plain data always serialises.
        Raw { raw: serde_json::to_string(&row).unwrap_or_default(), dates }
    }

    fn amount(&self, movement: &Movement, phase: Phase) -> Money {
        if self.is(Quirk::ForeignAmount)
            && let Some(exchange) = &movement.exchange
        {
            return Money { amount: decimal(exchange.minor), currency: exchange.currency };
        }
        let minor = if phase == Phase::Pending { movement.pending_minor } else { movement.minor };
        let shown = if self.is(Quirk::UnsignedAmounts)
            || (self.is(Quirk::PositivePendingDebits) && phase == Phase::Pending)
        {
            minor.saturating_abs()
        } else if self.is(Quirk::InvertedSign) {
            -minor
        } else {
            minor
        };
        let plus = if self.is(Quirk::PlusSign) && shown > 0 { "+" } else { "" };
        let zeros = if self.is(Quirk::FourDecimals) { "00" } else { "" };
        let foreign = movement.cause == Cause::Cashback && self.is(Quirk::CurrencyXxx);
        let currency = if foreign { "XXX" } else { self.account.product.currency };
        Money { amount: format!("{plus}{}{zeros}", decimal(shown)), currency }
    }

    /// Fills the dates and says which a filter sees.
    fn dates(&self, row: &mut Row, movement: &Movement, phase: Phase) -> [Option<BankDate>; 2] {
        if phase == Phase::Pending {
            let value = date(movement.value_day);
            return if self.is(Quirk::PendingWithoutDates) {
                [None, None]
            } else if self.is(Quirk::PendingWithoutValueDate) {
                row.booking_date = Some(value.to_string());
                [Some(value), None]
            } else {
                // Most banks know no booking date yet.
                row.value_date = Some(value.to_string());
                [None, Some(value)]
            };
        }
        if movement.cause == Cause::Fee && self.is(Quirk::UndatedFees) {
            return [None, None];
        }
        let late_days = if self.is(Quirk::LateBookingDate) { 2 } else { 0 };
        let booking = date(movement.booking_day + late_days);
        let value = self.value_date(movement, booking);
        if self.is(Quirk::DateTimes) || self.is(Quirk::DateTimesOnly) {
            let ticks = mix(movement.key).rem_euclid(10_000_000);
            row.booking_date_time = Some(format!("{booking}T10:11:12.{ticks:07}"));
            row.value_date_time = Some(format!("{value}T00:00:00"));
        }
        if !self.is(Quirk::DateTimesOnly) {
            let time = if self.is(Quirk::BookingDateWithTime) { "T00:00:00Z" } else { "" };
            row.booking_date = Some(format!("{booking}{time}"));
            row.value_date = Some(value.to_string());
        }
        if self.is(Quirk::DateTimesOnly) {
            // A filter looks at the two dates only (knowledge base article 11529689817628).
            return [None, None];
        }
        [Some(booking), Some(value)]
    }

    fn value_date(&self, movement: &Movement, booking: BankDate) -> BankDate {
        let card = movement.cause == Cause::CardPayment;
        if self.is(Quirk::Year5207) && movement.cause == Cause::Fee {
            BankDate::from_ymd(5207, 1, 1).unwrap_or(booking)
        } else if self.is(Quirk::FutureValueDates) && card {
            date(movement.booking_day + 24)
        } else if self.is(Quirk::PurchaseDateInText) {
            booking
        } else {
            date(movement.value_day)
        }
    }

    /// A number of its own for every movement, purpose and account.
    fn number(&self, movement: &Movement, purpose: u64) -> u64 {
        mix(self.account.seed ^ mix(movement.key ^ mix(purpose)))
    }

    fn ids(&self, row: &mut Row, movement: &Movement, face: Face) {
        let number = self.number(movement, 1 + (face.retrieval << 3));
        let day = date(movement.value_day).to_string().replace('-', "");
        let tidy = format!("{day}{:08}-1", number.rem_euclid(100_000_000));
        row.transaction_id = self.transaction_id(movement, face, number, &tidy);
        let card = movement.cause == Cause::CardPayment;
        if face.phase == Phase::Booked {
            row.entry_reference = (!card).then_some(tidy);
            if !self.is(Quirk::NoInternalId) {
                let high = self.internal_number(movement, face);
                row.internal_transaction_id = Some(format!("{high:016x}{:016x}", mix(high)));
            }
        }
        if movement.cause == Cause::DirectDebit {
            row.mandate_id = Some(format!("M-{:06}", self.account.seed.rem_euclid(1_000_000)));
            row.creditor_id = Some("XX98ZZZ09999999999");
        }
        if matches!(movement.cause, Cause::Salary | Cause::Rent | Cause::Transfer) {
            row.end_to_end_id = Some("NOTPROVIDED");
        }
    }

    fn internal_number(&self, movement: &Movement, face: Face) -> u64 {
        if self.is(Quirk::SharedInternalIds) && movement.cause == Cause::Transfer {
            let bank = fingerprint(self.account.institution.id.as_bytes());
            return mix(bank ^ movement.booking_day.unsigned_abs());
        }
        self.number(movement, 4 + (face.incidents << 3) + (face.retrieval << 16))
    }

    fn transaction_id(
        &self,
        movement: &Movement,
        face: Face,
        number: u64,
        tidy: &str,
    ) -> Option<String> {
        let pending = face.phase == Phase::Pending;
        let card = movement.cause == Cause::CardPayment;
        if self.is(Quirk::NoTransactionId) {
            return None;
        }
        Some(if self.is(Quirk::BlankIds) && card && !self.is_placeholder(face.phase) {
            " ".to_owned()
        } else if self.is(Quirk::ConstantIds) {
            "TRANSACTION".to_owned()
        } else if self.is(Quirk::ReusedIds) {
            format!("{:04}", 9_990 + number.rem_euclid(9))
        } else if self.is(Quirk::NotProvidedIds) && card {
            "NOTPROVIDED".to_owned()
        } else if self.is(Quirk::LongIds) && !pending {
            let part = format!("{:016x}", self.number(movement, 2));
            format!("enc!!{}{tidy}", part.repeat(8))
        } else if self.is(Quirk::PendingOtherId) && pending {
            format!("P{:015}", self.number(movement, 3).rem_euclid(1_000_000_000_000_000))
        } else if self.is(Quirk::MalformedPendingIds) && pending {
            format!("00DEBIT{:06}", self.number(movement, 3).rem_euclid(1_000_000))
        } else if self.is(Quirk::MalformedPendingIds) {
            format!("{:016x}{:016x}{:08x}", number, mix(number), mix(mix(number)) >> 32)
        } else if face.young {
            format!("{:014}", self.number(movement, 2).rem_euclid(100_000_000_000_000))
        } else {
            tidy.to_owned()
        })
    }

    /// Polderbank's pending rows borrow the id of the booked row.
    fn is_placeholder(&self, phase: Phase) -> bool {
        self.is(Quirk::PendingPlaceholder) && phase == Phase::Pending
    }

    fn exchange(&self, row: &mut Row, movement: &Movement) {
        let Some(exchange) = &movement.exchange else { return };
        let Exchange { currency, minor, rate_e4 } = exchange;
        let rate = format!("{}.{:04}", rate_e4.div_euclid(10_000), rate_e4.rem_euclid(10_000));
        let instructed = json!({"amount": decimal(*minor), "currency": currency});
        let own = self.account.product.currency;
        row.currency_exchange = Some(if self.is(Quirk::ExchangeObject) {
            json!({"instructedAmount": instructed, "sourceCurrency": currency, "exchangeRate": rate,
                "unitCurrency": currency, "targetCurrency": own})
        } else if self.is(Quirk::ExchangeArray) {
            json!([{"sourceCurrency": currency, "exchangeRate": rate, "unitCurrency": currency,
                "targetCurrency": own, "quotationDate": date(movement.value_day).to_string()}])
        } else {
            json!([{"instructedAmount": instructed}])
        });
    }
}

/// Minor units with two decimals.
pub(super) fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let value = minor.unsigned_abs();
    format!("{sign}{}.{:02}", value.div_euclid(100), value.rem_euclid(100))
}

const fn code(cause: Cause) -> &'static str {
    match cause {
        Cause::Salary => "PMNT-RCDT-SALA",
        Cause::Rent => "PMNT-ICDT-STDO",
        Cause::DirectDebit => "PMNT-RDDT-ESDD",
        Cause::CardPayment => "PMNT-CCRD-POSD",
        Cause::Refund => "PMNT-CCRD-RIMB",
        Cause::Transfer => "PMNT-ICDT-ESCT",
        Cause::Fee => "ACMT-MDOP-CHRG",
        Cause::Interest => "ACMT-MCOP-INTR",
        Cause::Cashback => "PMNT",
    }
}
