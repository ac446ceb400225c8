//! How a row of the provider is read: the columns of the contract, exactly what the bank said, nothing repaired.
//!
//! A row is any JSON value. What is not understood is null and flagged; a surprise in one member never spoils another.
//! Field names are those of the provider's `OpenAPI` document of 2025-10-31 and what its banks send beyond it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::wire::{Json, filled, is_string, list, string, text};
use crate::model::json::compact;
use crate::model::money::{Amount, CurrencyCode};
use crate::model::port::RowReader;
use crate::model::time::BankDate;
use crate::model::transaction::{Columns, Flag, RowKey, Texts};

/// Reads the raw rows of this provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows;

impl RowReader for Rows {
    fn key(&self, raw: &str) -> RowKey {
        let Some([booking, value, booking_time, value_time, amount]) = Json::of_answer(raw).pick([
            "bookingDate",
            "valueDate",
            "bookingDateTime",
            "valueDateTime",
            "transactionAmount",
        ]) else {
            return RowKey::default();
        };
        let dates = Dates::read(booking, value, booking_time, value_time);
        let effective_date = dates.effective();
        let (amount, currency) = money(amount);
        RowKey {
            effective_date,
            earliest_date: dates.all().min(),
            filterable: dates.filterable(),
            understood: effective_date.is_some() && amount.is_some(),
            amount,
            currency: currency.and_then(|code| CurrencyCode::parse(&code)),
        }
    }

    fn texts(&self, raw: &str) -> Texts {
        let fields = Json::of_answer(raw).pick([
            "remittanceInformationUnstructured",
            "remittanceInformationUnstructuredArray",
            "remittanceInformationStructured",
            "remittanceInformationStructuredArray",
            "additionalInformation",
            "ultimateCreditor",
            "ultimateDebtor",
        ]);
        let [
            unstructured,
            unstructured_lines,
            structured,
            structured_lines,
            additional,
            ultimate_creditor,
            ultimate_debtor,
        ] = fields.unwrap_or_default();
        let strings = |raw: Option<Json<'_>>| {
            let items = raw.and_then(list).unwrap_or_default();
            items.into_iter().filter_map(|item| string(Some(item))).collect()
        };
        Texts {
            unstructured: string(unstructured),
            unstructured_lines: strings(unstructured_lines),
            structured: string(structured),
            structured_lines: strings(structured_lines),
            additional: string(additional),
            ultimate_creditor: string(ultimate_creditor),
            ultimate_debtor: string(ultimate_debtor),
        }
    }

    fn includes_credit_limit(&self, balance: &str) -> bool {
        let included =
            Json::of_answer(balance).pick(["creditLimitIncluded"]).and_then(|[included]| included);
        included.is_some_and(|raw| raw.get() == "true")
    }

    fn read<'r>(&self, raw: &'r str) -> Columns<'r> {
        read(raw).unwrap_or_else(|| Columns {
            flags: vec![Flag::RowNotUnderstood],
            ..Columns::default()
        })
    }
}

/// `None` if the row is not a JSON object.
fn read(raw: &str) -> Option<Columns<'_>> {
    let [
        transaction_id,
        entry_reference,
        end_to_end_id,
        mandate_id,
        booking,
        value,
        booking_time,
        value_time,
        transaction_amount,
        exchange,
        creditor,
        creditor_account,
        debtor,
        debtor_account,
        unstructured,
        unstructured_lines,
        structured,
        structured_lines,
        additional,
        bank_code,
        proprietary_code,
        internal_id,
        merchant_code,
    ] = Json::of_answer(raw).pick(
        // About in the order in which rows have them: each is looked for from the place of the one before it.
        [
            "transactionId",
            "entryReference",
            "endToEndId",
            "mandateId",
            "bookingDate",
            "valueDate",
            "bookingDateTime",
            "valueDateTime",
            "transactionAmount",
            "currencyExchange",
            "creditorName",
            "creditorAccount",
            "debtorName",
            "debtorAccount",
            "remittanceInformationUnstructured",
            "remittanceInformationUnstructuredArray",
            "remittanceInformationStructured",
            "remittanceInformationStructuredArray",
            "additionalInformation",
            "bankTransactionCode",
            "proprietaryBankTransactionCode",
            "internalTransactionId",
            "merchantCategoryCode",
        ],
    )?;
    // What for: the first of these that has any text.
    let texts = [unstructured, unstructured_lines, structured, structured_lines, additional];
    let dates = Dates::read(booking, value, booking_time, value_time);
    let (amount, currency) = money(transaction_amount);
    Some(Columns {
        booking_date: dates.booking.date,
        value_date: dates.value.date,
        booking_date_time: time(booking_time),
        value_date_time: time(value_time),
        amount,
        currency,
        creditor_name: filled(creditor),
        creditor_account: account(creditor_account),
        debtor_name: filled(debtor),
        debtor_account: account(debtor_account),
        remittance_information: texts.into_iter().flatten().find_map(lines),
        end_to_end_id: filled(end_to_end_id),
        mandate_id: filled(mandate_id),
        bank_transaction_code: filled(bank_code),
        proprietary_bank_transaction_code: filled(proprietary_code),
        merchant_category_code: filled(merchant_code),
        currency_exchange: exchange.and_then(one_line),
        transaction_id: filled(transaction_id),
        internal_transaction_id: filled(internal_id),
        entry_reference: filled(entry_reference),
        flags: flags(&dates, amount.is_some()),
    })
}

/// A date-time as given.
fn time(raw: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    filled(raw.filter(|raw| is_string(*raw)))
}

/// In the order of the enum, each once.
fn flags(dates: &Dates, has_amount: bool) -> Vec<Flag> {
    [
        (!has_amount, Flag::AmountNotUnderstood),
        (dates.any_wrong(), Flag::DateNotUnderstood),
        (dates.all().any(|date| !date.is_plausible()), Flag::DateAbsurd),
        (dates.effective().is_none(), Flag::Undated),
    ]
    .into_iter()
    .filter_map(|(applies, flag)| applies.then_some(flag))
    .collect()
}

/// A date member: absent, understood, or wrong.
#[derive(Clone, Copy)]
struct DateField {
    date: Option<BankDate>,
    wrong: bool,
}

impl DateField {
    fn read(raw: Option<Json<'_>>) -> Self {
        let Some(raw) = raw else { return Self { date: None, wrong: false } };
        if !is_string(raw) {
            return Self { date: None, wrong: true };
        }
        let date = filled(Some(raw)).map(|text| BankDate::parse(&text));
        Self { date: date.flatten(), wrong: date == Some(None) }
    }
}

/// All dates of a row.
struct Dates {
    booking: DateField,
    value: DateField,
    booking_time: DateField,
    value_time: DateField,
}

impl Dates {
    fn read(
        booking: Option<Json<'_>>,
        value: Option<Json<'_>>,
        booking_time: Option<Json<'_>>,
        value_time: Option<Json<'_>>,
    ) -> Self {
        Self {
            booking: DateField::read(booking),
            value: DateField::read(value),
            booking_time: DateField::read(booking_time),
            value_time: DateField::read(value_time),
        }
    }

    fn fields(&self) -> [DateField; 4] {
        [self.booking, self.value, self.booking_time, self.value_time]
    }

    /// In the order in which they stand for the effective date.
    fn all(&self) -> impl Iterator<Item = BankDate> {
        self.fields().into_iter().filter_map(|field| field.date)
    }

    fn effective(&self) -> Option<BankDate> {
        self.all().next()
    }

    /// A filter holds booking and value dates against its range, nothing else, and drops rows without either (knowledge base
    /// article 11529689817628, read 2026-11).
    fn filterable(&self) -> bool {
        self.booking.date.or(self.value.date).is_some()
    }

    fn any_wrong(&self) -> bool {
        self.fields().iter().any(|field| field.wrong)
    }
}

/// Amount and currency of `{"amount":…,"currency":…}`. A number's lexeme is taken as it stands, never through a float.
pub(super) fn money(raw: Option<Json<'_>>) -> (Option<Amount>, Option<Cow<'_, str>>) {
    let Some([amount, currency]) = raw.and_then(|raw| raw.pick(["amount", "currency"])) else {
        return (None, None);
    };
    (filled(amount).and_then(|text| Amount::parse(&text)), filled(currency))
}

/// IBAN, else BBAN, else card number, else telephone number; a plain string in some data.
fn account(raw: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let raw = raw?;
    let Some(fields) = raw.pick(["iban", "bban", "pan", "maskedPan", "msisdn"]) else {
        return filled(Some(raw));
    };
    fields.into_iter().find_map(filled)
}

/// A string, or the strings of an array joined by newlines; `None` if all of it is blank.
fn lines(raw: Json<'_>) -> Option<Cow<'_, str>> {
    if is_string(raw) {
        return filled(Some(raw));
    }
    let Some(items) = list(raw) else { return filled(Some(raw)) };
    let lines: Vec<_> = items.into_iter().filter_map(text).collect();
    Some(lines.join("\n")).filter(|text| !text.trim().is_empty()).map(Cow::Owned)
}

/// The value without blanks between tokens, because listings are one object per line.
fn one_line(raw: Json<'_>) -> Option<Box<RawValue>> {
    RawValue::from_string(compact(raw.get()).into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Option<BankDate> {
        BankDate::parse(text)
    }

    #[test]
    fn a_plain_row() {
        let row = Rows.read(
            r#"{"transactionId":"T-1","internalTransactionId":"i1","entryReference":"E","endToEndId":"NOTPROVIDED",
            "mandateId":"M","bookingDate":"2026-03-02","valueDate":"2026-03-03","bookingDateTime":"2026-03-02T01:02:03",
            "transactionAmount":{"amount":"-10.5000","currency":"EUR"},"creditorName":"Backhaus Lindt  ",
            "creditorAccount":{"iban":"","bban":"12 34","pan":"4"},"debtorName":"   ","debtorAccount":"DE00 1234",
            "remittanceInformationUnstructured":" ","remittanceInformationUnstructuredArray":["Brot","","Kuchen"],
            "bankTransactionCode":"PMNT","proprietaryBankTransactionCode":"P","merchantCategoryCode":5045,
            "currencyExchange":{ "exchangeRate": 1.10 },"unheard":{"of":[1]}}"#,
        );
        assert_eq!(row.booking_date, date("2026-03-02"));
        assert_eq!(row.value_date, date("2026-03-03"));
        assert_eq!(row.booking_date_time.as_deref(), Some("2026-03-02T01:02:03"));
        assert_eq!(row.amount.unwrap().to_string(), "-10.5000");
        assert_eq!(row.currency.as_deref(), Some("EUR"));
        assert_eq!(row.creditor_name.as_deref(), Some("Backhaus Lindt  "));
        assert_eq!(row.creditor_account.as_deref(), Some("12 34"));
        assert_eq!(row.debtor_name, None);
        assert_eq!(row.debtor_account.as_deref(), Some("DE00 1234"));
        assert_eq!(row.remittance_information.as_deref(), Some("Brot\n\nKuchen"));
        assert_eq!(row.merchant_category_code.as_deref(), Some("5045"));
        assert_eq!(row.currency_exchange.unwrap().get(), r#"{"exchangeRate":1.10}"#);
        assert!(row.flags.is_empty());
    }

    #[test]
    fn texts_are_taken_in_order() {
        let text = |json: &str| Rows.read(json).remittance_information.map(Cow::into_owned);
        let all = r#"{"additionalInformation":"5","remittanceInformationStructuredArray":["4"],
            "remittanceInformationStructured":"3","remittanceInformationUnstructuredArray":["2a","2b"],
            "remittanceInformationUnstructured":"1"}"#;
        assert_eq!(text(all).as_deref(), Some("1"));
        assert_eq!(text(&all.replace("\"1\"", "null")).as_deref(), Some("2a\n2b"));
        let third = all.replace("\"1\"", "\"\"").replace(r#"["2a","2b"]"#, r#"[""]"#);
        assert_eq!(text(&third).as_deref(), Some("3"));
        assert_eq!(text(&third.replace("\"3\"", "\" \"")).as_deref(), Some("4"));
        let fifth = third.replace("\"3\"", "{}").replace("[\"4\"]", "[]");
        assert_eq!(text(&fifth).as_deref(), Some("5"));
        assert_eq!(text("{}"), None);
    }

    #[test]
    fn dates_missing_wrong_absurd() {
        let cases = [
            (
                r#"{"bookingDate":"date","valueDate":"date"}"#,
                None,
                vec![Flag::DateNotUnderstood, Flag::Undated],
            ),
            (r#"{"bookingDate":"5207-01-01"}"#, date("5207-01-01"), vec![Flag::DateAbsurd]),
            (r#"{"bookingDate":"2024-01-01T00:00:00Z"}"#, date("2024-01-01"), vec![]),
            (
                r#"{"bookingDate":"x","valueDate":"2024-01-05"}"#,
                date("2024-01-05"),
                vec![Flag::DateNotUnderstood],
            ),
            (
                r#"{"bookingDate":"","valueDateTime":"2024-01-06T23:59:59.1234567"}"#,
                date("2024-01-06"),
                vec![],
            ),
            (r#"{"bookingDate":20240101}"#, None, vec![Flag::DateNotUnderstood, Flag::Undated]),
            ("{}", None, vec![Flag::Undated]),
        ];
        for (json, effective, mut flags) in cases {
            flags.insert(0, Flag::AmountNotUnderstood);
            assert_eq!(Rows.read(json).flags, flags, "{json}");
            assert_eq!(Rows.key(json).effective_date, effective, "{json}");
            assert!(!Rows.key(json).understood);
        }
        let key = Rows.key(
            r#"{"bookingDate":"2024-03-03","valueDate":"2024-03-09","bookingDateTime":"2024-03-02T23:00:00Z",
            "transactionAmount":{"amount":1e2}}"#,
        );
        assert_eq!(key.effective_date, date("2024-03-03"));
        assert_eq!(key.earliest_date, date("2024-03-02"));
        assert!(key.understood);
    }

    #[test]
    fn numbers_keep_their_lexeme() {
        let amount = |json: &str| Rows.read(json).amount.map(|amount| amount.to_string());
        let row = |amount: &str| {
            format!(r#"{{"transactionAmount":{{"amount":{amount},"currency":"eur"}}}}"#)
        };
        assert_eq!(amount(&row("0.10")).as_deref(), Some("0.10"));
        assert_eq!(amount(&row("\"+0.04\"")).as_deref(), Some("0.04"));
        assert_eq!(amount(&row("9999999999999999999")).as_deref(), Some("9999999999999999999"));
        for odd in ["1e400", "\"abc\"", "\"1,00\"", "null", "{}", "\"\""] {
            assert_eq!(amount(&row(odd)), None, "{odd}");
        }
    }

    #[test]
    fn only_a_balance_that_says_so_includes_a_credit_limit() {
        assert!(Rows.includes_credit_limit(r#"{"creditLimitIncluded": true}"#));
        for raw in
            [r#"{"creditLimitIncluded":false}"#, r#"{"creditLimitIncluded":null}"#, "{}", "[]", ""]
        {
            assert!(!Rows.includes_credit_limit(raw), "{raw}");
        }
    }

    #[test]
    fn whatever_is_no_object_is_flagged() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for raw in ["", "null", "1", "\"row\"", "[]", "{", &deep] {
            assert_eq!(Rows.read(raw).flags, [Flag::RowNotUnderstood]);
            assert_eq!(Rows.key(raw), RowKey::default());
        }
        let deep_member = format!(r#"{{"x":{deep},"valueDate":"2024-01-05","debtorName":{deep}}}"#);
        assert_eq!(Rows.read(&deep_member).value_date, date("2024-01-05"));
    }

    /// Rows of every shape: known and unknown members with values of every kind.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[1-9][0-9]{0,30}(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
            "[ -!#-\\[\\]-~]{0,12}".prop_map(|text| format!("\"{text}\"")),
            Just("\"\\ud800\\u0000\"".to_owned()),
            Just("\"2024-02-30\"".to_owned()),
        ];
        let key = prop_oneof![
            Just("bookingDate"),
            Just("valueDateTime"),
            Just("transactionAmount"),
            Just("amount"),
            Just("creditorAccount"),
            Just("iban"),
            Just("remittanceInformationUnstructuredArray"),
            Just("currencyExchange"),
            Just("other"),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| format!("[ {} ]", items.join(" ,"))),
                prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(key, value)| format!("\"{key}\": {value}"))
                        .collect();
                    format!("{{{}}}", members.join(",\n"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_row_panics_and_key_agrees_with_read(raw in any_json()) {
            let (key, row) = (Rows.key(&raw), Rows.read(&raw));
            prop_assert_eq!(key.effective_date, row.effective_date());
            prop_assert_eq!(
                row.flags.contains(&Flag::RowNotUnderstood) || row.flags.contains(&Flag::Undated),
                key.effective_date.is_none()
            );
            prop_assert_eq!(key.understood, row.amount.is_some() && key.effective_date.is_some());
            let shown = serde_json::to_string(&row).unwrap();
            prop_assert!(!shown.contains('\n'));
        }
    }
}
