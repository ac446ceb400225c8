//! How a bank writes a movement down: the row of the transactions answer, oddities included.
//!
//! A row is a pure function of movement, phase, account and (for banks whose ids change at
//! incidents) the instant, so the same row has the same bytes in every answer.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::time::BankDate;

use super::super::rng::mix;
use super::super::text::date;
use super::bank::{BankAccount, iban};
use super::ledger::{Cause, Exchange, Movement, Phase};
use super::quirks::Quirk;

/// A row as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) key: u64,
    pub(super) phase: Phase,
    /// JSON.
    pub(super) raw: String,
    /// The dates in it, for the filter.
    pub(super) dates: [Option<BankDate>; 2],
}

#[derive(Debug, Default, Serialize)]
struct Money {
    amount: String,
    currency: &'static str,
}

#[derive(Debug, Serialize)]
struct Party {
    iban: String,
}

/// Field order is that of the provider's samples.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
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
    creditor_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creditor_account: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debtor_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debtor_account: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remittance_information_unstructured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remittance_information_unstructured_array: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remittance_information_structured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_information: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_transaction_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proprietary_bank_transaction_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_category_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_transaction_id: Option<String>,
}

/// Writes rows for one account at one instant.
pub(super) struct Writer<'a> {
    pub(super) account: &'a BankAccount,
    /// How many incidents have changed the internal ids so far.
    pub(super) incidents: u64,
}

impl Writer<'_> {
    fn is(&self, quirk: Quirk) -> bool {
        self.account.institution.is(quirk)
    }

    /// One row.
    pub(super) fn write(&self, movement: &Movement, phase: Phase) -> Written {
        let mut row = Row {
            transaction_amount: self.amount(movement, phase),
            bank_transaction_code: Some(code(movement.cause)),
            ..Row::default()
        };
        let dates = self.dates(&mut row, movement, phase);
        self.ids(&mut row, movement, phase);
        self.parties(&mut row, movement);
        self.texts(&mut row, movement, phase);
        if phase == Phase::Booked {
            self.exchange(&mut row, movement);
        }
        if self.is(Quirk::PendingPlaceholder) && phase == Phase::Pending {
            row.creditor_name = None;
            row.remittance_information_unstructured = Some("Reservation".to_owned());
        }
        // Plain data always serialises.
        let raw = serde_json::to_string(&row).unwrap_or_default();
        Written { key: movement.key, phase, raw, dates }
    }

    fn amount(&self, movement: &Movement, phase: Phase) -> Money {
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
            if self.is(Quirk::PendingWithoutDates) {
                return [None, None];
            }
            // Most banks know no booking date yet.
            let value = date(movement.value_day);
            row.value_date = Some(value.to_string());
            return [None, Some(value)];
        }
        let booking = date(movement.booking_day);
        let value = if self.is(Quirk::Year5207) && movement.cause == Cause::Fee {
            BankDate::from_ymd(5207, 1, 1).unwrap_or(booking)
        } else if self.is(Quirk::FutureValueDates) && movement.cause == Cause::CardPayment {
            date(movement.booking_day + 24)
        } else {
            date(movement.value_day)
        };
        let time = if self.is(Quirk::BookingDateWithTime) { "T00:00:00Z" } else { "" };
        row.booking_date = Some(format!("{booking}{time}"));
        row.value_date = Some(value.to_string());
        if self.is(Quirk::DateTimes) {
            let ticks = mix(movement.key).rem_euclid(10_000_000);
            row.booking_date_time = Some(format!("{booking}T10:11:12.{ticks:07}"));
            row.value_date_time = Some(format!("{value}T00:00:00"));
        }
        [Some(booking), Some(value)]
    }

    /// A number of its own for every movement, purpose and account.
    fn number(&self, movement: &Movement, purpose: u64) -> u64 {
        mix(self.account.seed ^ mix(movement.key ^ (purpose << 56)))
    }

    fn ids(&self, row: &mut Row, movement: &Movement, phase: Phase) {
        let number = self.number(movement, 1);
        let day = date(movement.value_day).to_string().replace('-', "");
        let tidy = format!("{day}{:08}-1", number.rem_euclid(100_000_000));
        let card = movement.cause == Cause::CardPayment;
        row.transaction_id = if self.is(Quirk::NoTransactionId) {
            None
        } else if self.is(Quirk::BlankIds) && card && !self.is_placeholder(phase) {
            Some(" ".to_owned())
        } else if self.is(Quirk::ReusedIds) {
            Some(format!("{:04}", 9_990 + number.rem_euclid(9)))
        } else if self.is(Quirk::NotProvidedIds) && card {
            Some("NOTPROVIDED".to_owned())
        } else if self.is(Quirk::LongIds) && phase == Phase::Booked {
            let part = format!("{:016x}", self.number(movement, 2));
            Some(format!("enc!!{}{tidy}", part.repeat(8)))
        } else if self.is(Quirk::PendingOtherId) && phase == Phase::Pending {
            Some(format!("P{:015}", self.number(movement, 3).rem_euclid(1_000_000_000_000_000)))
        } else {
            Some(tidy.clone())
        };
        if phase == Phase::Booked {
            row.entry_reference = (!card).then_some(tidy);
            if !self.is(Quirk::NoInternalId) {
                let high = self.number(movement, 4 + (self.incidents << 3));
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

    /// Polderbank's pending rows borrow the id of the booked row.
    fn is_placeholder(&self, phase: Phase) -> bool {
        self.is(Quirk::PendingPlaceholder) && phase == Phase::Pending
    }

    fn parties(&self, row: &mut Row, movement: &Movement) {
        if matches!(movement.cause, Cause::Fee | Cause::Interest | Cause::Cashback) {
            return;
        }
        let name = party(movement).to_owned();
        let account = (!matches!(movement.cause, Cause::CardPayment | Cause::Refund))
            .then(|| Party { iban: iban("DE", 1_000_000, movement.party.rem_euclid(1_000_000)) });
        if movement.minor < 0 && self.is(Quirk::PaddedNames) {
            row.debtor_name = Some(format!("{:<35}", self.account.owner));
            row.creditor_name = None;
        } else if movement.minor < 0 {
            (row.creditor_name, row.creditor_account) = (Some(name), account);
        } else {
            (row.debtor_name, row.debtor_account) = (Some(name), account);
        }
    }

    fn texts(&self, row: &mut Row, movement: &Movement, phase: Phase) {
        let text = text(movement, phase);
        if self.is(Quirk::TextOnlyInArray) {
            let (head, tail) = text.split_once(' ').unwrap_or((&text, ""));
            row.remittance_information_unstructured_array =
                Some(vec![head.to_owned(), tail.to_owned()]);
        } else if self.is(Quirk::TextInStructured) {
            row.remittance_information_structured = Some(text);
        } else if self.is(Quirk::TextInAdditional) {
            row.additional_information = Some(text);
        } else {
            row.remittance_information_unstructured = Some(text);
        }
        if movement.cause == Cause::CardPayment {
            row.proprietary_bank_transaction_code = Some("PURCHASE");
            let place = movement.party.rem_euclid(4);
            row.merchant_category_code = Some(format!("{}", 5_411 + place * 3));
        }
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

const MERCHANTS: [&str; 16] = [
    "Kaffeehaus Morgenrot",
    "Papierwolke",
    "Obst & Gruen",
    "Nordwind Fahrraeder",
    "Kino Lichtspiel",
    "Tankhof Sued",
    "Buchladen am Eck",
    "Backstube Ahorn",
    "Velvet Comb Hair",
    "Zoo Handel Fink",
    "Drogerie Seifenblase",
    "Marktplatz Online",
    "Gasthaus Zur Linde",
    "Schuhwerk",
    "Elektro Funke",
    "Garten Paradies",
];

fn party(movement: &Movement) -> &'static str {
    match movement.cause {
        Cause::Salary => "Werkhof Sonnental GmbH",
        Cause::Rent => "Hausverwaltung Birke",
        Cause::DirectDebit => "Stadtwerke Musterfluss",
        Cause::Transfer => "Eigenes Konto",
        Cause::CardPayment | Cause::Refund => {
            let place = usize::try_from(movement.party.rem_euclid(16)).unwrap_or(0);
            MERCHANTS.get(place).copied().unwrap_or("")
        }
        Cause::Fee | Cause::Interest | Cause::Cashback => "",
    }
}

fn text(movement: &Movement, phase: Phase) -> String {
    let name = party(movement);
    match (movement.cause, phase) {
        (Cause::CardPayment, Phase::Pending) => format!("Reserved PAYMENT {name}"),
        (Cause::CardPayment, Phase::Booked) => format!("PAYMENT {name}"),
        (Cause::Refund, _) => format!("REFUND {name}"),
        (Cause::Salary, _) => "Lohn und Gehalt".to_owned(),
        (Cause::Rent, _) => "Miete Wohnung 3".to_owned(),
        (Cause::DirectDebit, _) => "Abschlag Strom und Gas".to_owned(),
        (Cause::Transfer, _) => "Umbuchung Sparen".to_owned(),
        (Cause::Fee, _) => "Kontofuehrung".to_owned(),
        (Cause::Interest, _) => "Zinsabschluss".to_owned(),
        (Cause::Cashback, _) => "Cashback".to_owned(),
    }
}
