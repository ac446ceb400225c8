//! CSV after RFC 4180: a header, a line per row in every state that was asked for, nothing left out.
//!
//! The columns are the fields of a transaction object. Texts are written as they are, line breaks and leading `=` included,
//! so that the file reads back exactly; who opens it in a spreadsheet should import its text columns as text.

use std::fmt::{Display, Write as _};

use memchr::{memchr, memchr3};

use crate::model::id::AccountId;
use crate::model::money::Amount;
use crate::model::time::{BankDate, UtcInstant};

use super::{Account, Form, Row, Style};

/// The columns, in their order.
pub const COLUMNS: [&str; 33] = [
    "id",
    "account_id",
    "booking_status",
    "state",
    "booking_date",
    "value_date",
    "booking_date_time",
    "value_date_time",
    "amount",
    "currency",
    "creditor_name",
    "creditor_account",
    "debtor_name",
    "debtor_account",
    "remittance_information",
    "end_to_end_id",
    "mandate_id",
    "bank_transaction_code",
    "proprietary_bank_transaction_code",
    "merchant_category_code",
    "currency_exchange",
    "transaction_id",
    "internal_transaction_id",
    "entry_reference",
    "flags",
    "display_amount",
    "display_currency",
    "display_date",
    "display_payee",
    "display_notes",
    "first_seen_at",
    "last_seen_at",
    "revision",
];

/// What ends a record.
const END: &str = "\r\n";

/// Writes CSV.
#[derive(Default)]
pub(super) struct Csv {
    headed: bool,
    account: Written<AccountId>,
    date: Written<BankDate>,
    amount: Written<Amount>,
    first_seen: Written<UtcInstant>,
    last_seen: Written<UtcInstant>,
    revision: Written<u32>,
}

impl Csv {
    pub(super) fn new(style: &Style) -> Self {
        Self { headed: style.continued, ..Self::default() }
    }
}

impl Form for Csv {
    fn begin(&mut self, out: &mut String, _accounts: &[Account]) {
        if !self.headed {
            out.push_str(&COLUMNS.join(","));
            out.push_str(END);
        }
    }

    fn row(&mut self, out: &mut String, row: &Row<'_>) -> bool {
        let Row { listed: row, shown, .. } = *row;
        let columns = row.columns;
        let mut line = Line { out, any: false };
        line.shown(row.id);
        line.plain(self.account.text(Some(row.account_id)));
        line.plain(row.booking_status.as_str());
        line.plain(row.state.as_str());
        line.plain(self.date.text(columns.booking_date));
        line.plain(self.date.text(columns.value_date));
        line.text(columns.booking_date_time.as_deref());
        line.text(columns.value_date_time.as_deref());
        line.plain(self.amount.text(columns.amount));
        line.text(columns.currency.as_deref());
        for text in [
            &columns.creditor_name,
            &columns.creditor_account,
            &columns.debtor_name,
            &columns.debtor_account,
            &columns.remittance_information,
            &columns.end_to_end_id,
            &columns.mandate_id,
            &columns.bank_transaction_code,
            &columns.proprietary_bank_transaction_code,
            &columns.merchant_category_code,
        ] {
            line.text(text.as_deref());
        }
        line.text(columns.currency_exchange.as_ref().map(|json| json.get()));
        for text in
            [&columns.transaction_id, &columns.internal_transaction_id, &columns.entry_reference]
        {
            line.text(text.as_deref());
        }
        line.separate();
        for (place, flag) in columns.flags.iter().enumerate() {
            line.out.push_str(if place > 0 { " " } else { "" });
            line.out.push_str(flag.as_str());
        }
        line.plain(self.amount.text(shown.display_amount));
        line.text(shown.display_currency.as_deref());
        line.plain(self.date.text(shown.display_date));
        line.text(shown.display_payee.as_deref());
        line.text(shown.display_notes.as_deref());
        line.plain(self.first_seen.text(Some(row.first_seen_at)));
        line.plain(self.last_seen.text(Some(row.last_seen_at)));
        line.plain(self.revision.text(Some(row.revision)));
        out.push_str(END);
        true
    }
}

/// A value and its text: one field after the other has the same.
struct Written<T> {
    value: Option<T>,
    text: String,
}

impl<T> Default for Written<T> {
    fn default() -> Self {
        Self { value: None, text: String::new() }
    }
}

impl<T: Copy + PartialEq + Display> Written<T> {
    /// Empty for nothing.
    fn text(&mut self, value: Option<T>) -> &str {
        let Some(value) = value else { return "" };
        if self.value != Some(value) {
            self.value = Some(value);
            self.text.clear();
            // Writing to memory cannot fail.
            let _infallible = write!(self.text, "{value}");
        }
        &self.text
    }
}

/// A record being written.
struct Line<'a> {
    out: &'a mut String,
    any: bool,
}

impl Line<'_> {
    /// A field that is a text, or an empty one.
    fn text(&mut self, text: Option<&str>) {
        self.separate();
        let Some(text) = text else { return };
        if is_plain(text) {
            self.out.push_str(text);
            return;
        }
        self.out.push('"');
        for (place, piece) in text.split('"').enumerate() {
            if place > 0 {
                self.out.push_str("\"\"");
            }
            self.out.push_str(piece);
        }
        self.out.push('"');
    }

    /// A field whose text never needs quotes.
    fn plain(&mut self, text: &str) {
        self.separate();
        self.out.push_str(text);
    }

    /// The same of an id.
    fn shown(&mut self, id: impl Display) {
        self.separate();
        // Writing to memory cannot fail.
        let _infallible = write!(self.out, "{id}");
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.any, true) {
            self.out.push(',');
        }
    }
}

/// Whether a field can stand without quotes, and is read back with all its blanks.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let blank = |letter: Option<char>| letter.is_some_and(char::is_whitespace);
    memchr3(b',', b'"', b'\n', bytes).is_none()
        && memchr(b'\r', bytes).is_none()
        && !blank(text.chars().next())
        && !blank(text.chars().next_back())
}
