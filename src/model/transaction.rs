//! Transactions: the answer that brings them, a row as it is read, and the state of a stored row.
//!
//! The raw row is the truth and is kept for ever; everything in [`Columns`] is derived from it by the provider's
//! [`crate::model::port::RowReader`] and can be derived again. Ids in a row are evidence, never identity.

use std::borrow::Cow;

use serde::Serialize;

use super::id::{AccountId, TransactionId};
use super::money::{Amount, CurrencyCode};
use super::port::TextBody;
use super::time::{BankDate, UtcInstant};

/// Whether the bank has booked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BookingStatus {
    /// On the statement.
    Booked,
    /// Announced; a snapshot that the next answer replaces.
    Pending,
}

impl BookingStatus {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Pending => "pending",
        }
    }
}

/// What a stored row is to us now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowState {
    /// Listed.
    Current,
    /// One answer that surely covers it lacked it: unlisted, kept, revived when it returns.
    Missing,
    /// A second one lacked it too.
    Vanished,
    /// A pending row that is no longer announced.
    Closed,
}

impl RowState {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::Vanished => "vanished",
            Self::Closed => "closed",
        }
    }
}

/// A piece of the answer's text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// Recognises an answer that was seen before: where its `transactions` value stood and the hash of that text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct AnswerMark {
    /// First byte of the value in its body.
    pub start: u32,
    /// Bytes of the value.
    pub len: u32,
    /// First 16 bytes of BLAKE3 over the value.
    pub hash: [u8; 16],
}

/// A transactions answer: its text, where the rows are, nothing interpreted.
#[derive(Debug)]
pub struct Answer {
    /// The whole body: valid JSON.
    pub body: TextBody,
    /// The booked rows in the bank's order, each one JSON value of any kind.
    pub booked: Vec<Span>,
    /// The pending rows; `None` where the answer has no such key.
    pub pending: Option<Vec<Span>>,
    /// When the provider last asked the bank, as given.
    pub last_updated: Option<String>,
    /// To recognise this answer when it comes again.
    pub mark: AnswerMark,
}

impl Answer {
    /// The text of one row; empty if the span is not of this answer.
    pub fn row(&self, span: Span) -> &str {
        self.body.text().get(span.start..span.end).unwrap_or_default()
    }
}

/// What storing needs to know of a row: cheap to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowKey {
    /// As [`Columns::effective_date`].
    pub effective_date: Option<BankDate>,
    /// The earliest of all its dates: a row is surely covered only if this is.
    pub earliest_date: Option<BankDate>,
    /// It has a date that the provider's filter looks at; other rows come in unfiltered answers only.
    pub filterable: bool,
    /// Amount and a date were understood.
    pub understood: bool,
    /// Signed, as the bank wrote it.
    pub amount: Option<Amount>,
    /// Where it looks like one.
    pub currency: Option<CurrencyCode>,
}

/// Why a field of a row is null, or strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The row is not a JSON object.
    RowNotUnderstood,
    /// No amount, or one that is not a decimal.
    AmountNotUnderstood,
    /// A date field that is not a date.
    DateNotUnderstood,
    /// A date no payment can have.
    DateAbsurd,
    /// No date at all.
    Undated,
}

impl Flag {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RowNotUnderstood => "row_not_understood",
            Self::AmountNotUnderstood => "amount_not_understood",
            Self::DateNotUnderstood => "date_not_understood",
            Self::DateAbsurd => "date_absurd",
            Self::Undated => "undated",
        }
    }
}

/// The single texts of a row, as given: a column has only the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Unstructured remittance information.
    pub unstructured: Option<String>,
    /// The same as an array.
    pub unstructured_lines: Vec<String>,
    /// Structured remittance information.
    pub structured: Option<String>,
    /// The same as an array.
    pub structured_lines: Vec<String>,
    /// Additional information.
    pub additional: Option<String>,
    /// Who is paid in the end.
    pub ultimate_creditor: Option<String>,
    /// Who pays in the end.
    pub ultimate_debtor: Option<String>,
}

/// A row as it is shown: the columns of the contract, exactly what the bank said, nothing repaired.
///
/// Texts are taken from the row as they stand there wherever that can be: a listing reads a million rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Columns<'a> {
    /// Civil date of booking.
    pub booking_date: Option<BankDate>,
    /// Civil date of value.
    pub value_date: Option<BankDate>,
    /// As given, offset or none.
    pub booking_date_time: Option<Cow<'a, str>>,
    /// As given, offset or none.
    pub value_date_time: Option<Cow<'a, str>>,
    /// Signed, the bank's scale kept.
    pub amount: Option<Amount>,
    /// As given.
    pub currency: Option<Cow<'a, str>>,
    /// Who is paid.
    pub creditor_name: Option<Cow<'a, str>>,
    /// IBAN, else BBAN, else (masked) card number, as given.
    pub creditor_account: Option<Cow<'a, str>>,
    /// Who pays.
    pub debtor_name: Option<Cow<'a, str>>,
    /// IBAN, else BBAN, else (masked) card number, as given.
    pub debtor_account: Option<Cow<'a, str>>,
    /// Unstructured, else its array joined by newlines, else structured, else its array, else additional information.
    pub remittance_information: Option<Cow<'a, str>>,
    /// End-to-end reference.
    pub end_to_end_id: Option<Cow<'a, str>>,
    /// Direct debit mandate.
    pub mandate_id: Option<Cow<'a, str>>,
    /// ISO 20022 code.
    pub bank_transaction_code: Option<Cow<'a, str>>,
    /// The bank's own code.
    pub proprietary_bank_transaction_code: Option<Cow<'a, str>>,
    /// ISO 18245.
    pub merchant_category_code: Option<Cow<'a, str>>,
    /// As given: an object or an array of objects.
    pub currency_exchange: Option<Box<serde_json::value::RawValue>>,
    /// The bank's id: may be missing, blank, constant or reused.
    pub transaction_id: Option<Cow<'a, str>>,
    /// The provider's id: unique per account, as a rule.
    pub internal_transaction_id: Option<Cow<'a, str>>,
    /// Statement reference.
    pub entry_reference: Option<Cow<'a, str>>,
    /// In order, without repetition.
    pub flags: Vec<Flag>,
}

/// A row that is kept beyond its text.
pub type Transaction = Columns<'static>;

impl Columns<'_> {
    /// The same without the text that it was read from.
    pub fn into_owned(self) -> Transaction {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Columns {
            booking_date: self.booking_date,
            value_date: self.value_date,
            booking_date_time: owned(self.booking_date_time),
            value_date_time: owned(self.value_date_time),
            amount: self.amount,
            currency: owned(self.currency),
            creditor_name: owned(self.creditor_name),
            creditor_account: owned(self.creditor_account),
            debtor_name: owned(self.debtor_name),
            debtor_account: owned(self.debtor_account),
            remittance_information: owned(self.remittance_information),
            end_to_end_id: owned(self.end_to_end_id),
            mandate_id: owned(self.mandate_id),
            bank_transaction_code: owned(self.bank_transaction_code),
            proprietary_bank_transaction_code: owned(self.proprietary_bank_transaction_code),
            merchant_category_code: owned(self.merchant_category_code),
            currency_exchange: self.currency_exchange,
            transaction_id: owned(self.transaction_id),
            internal_transaction_id: owned(self.internal_transaction_id),
            entry_reference: owned(self.entry_reference),
            flags: self.flags,
        }
    }

    /// Booking date, else value date, else the date part of the date-times.
    pub fn effective_date(&self) -> Option<BankDate> {
        let part = |text: &Option<Cow<'_, str>>| text.as_deref().and_then(BankDate::parse);
        self.booking_date
            .or(self.value_date)
            .or_else(|| part(&self.booking_date_time))
            .or_else(|| part(&self.value_date_time))
    }
}

/// A stored transaction as it is given out: what we know of it, and what the bank says.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// For ever.
    pub id: TransactionId,
    /// Whose.
    pub account_id: AccountId,
    /// Whether the bank has booked it.
    pub booking_status: BookingStatus,
    /// What it is to us now.
    pub state: RowState,
    /// When an answer first had it.
    pub first_seen_at: UtcInstant,
    /// When an answer last had it.
    pub last_seen_at: UtcInstant,
    /// 1 for the first text, one more with every other text.
    pub revision: u32,
    /// The bank's columns.
    pub columns: &'a Columns<'a>,
}
