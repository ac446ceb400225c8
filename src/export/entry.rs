//! A row as bookkeeping forms see it: dated, with an amount in a currency, somebody on the other side and a text.

use crate::display::Shown;
use crate::model::id::TransactionId;
use crate::model::money::Amount;
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, Columns};

use super::Row;

/// What the forms for bookkeeping write: by the display rules where they say something, else what the bank says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) id: TransactionId,
    /// By the display rules, else [`Columns::effective_date`].
    pub(super) date: BankDate,
    pub(super) amount: Amount,
    pub(super) currency: &'a str,
    pub(super) pending: bool,
    pub(super) transaction: &'a Columns<'a>,
    shown: &'a Shown<'a>,
}

impl<'a> Entry<'a> {
    /// The entry of a row; `None` if it has no date, no amount, or a currency that is none.
    pub(super) fn of(row: &Row<'a>) -> Option<Self> {
        let Row { account, listed: row, shown } = *row;
        let transaction = row.columns;
        let currency = match (&shown.display_currency, &transaction.currency) {
            (Some(currency), _) | (None, Some(currency)) => currency.as_ref(),
            (None, None) => account.currency.as_deref()?,
        };
        let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        Some(Self {
            id: row.id,
            date: shown.display_date.or_else(|| transaction.effective_date())?,
            amount: shown.display_amount.or(transaction.amount)?,
            currency: is_code.then_some(currency)?,
            pending: row.booking_status == BookingStatus::Pending,
            transaction,
            shown,
        })
    }

    /// Whether money goes out.
    pub(super) fn is_debit(&self) -> bool {
        self.amount.units() < 0
    }

    /// The other side: whom the money goes to or comes from.
    pub(super) fn party(&self) -> Option<&'a str> {
        let row = self.transaction;
        let (first, second) = if self.is_debit() {
            (&row.creditor_name, &row.debtor_name)
        } else {
            (&row.debtor_name, &row.creditor_name)
        };
        let shown = self.shown.display_payee.as_deref();
        shown.or(first.as_deref()).or(second.as_deref())
    }

    /// What for.
    pub(super) fn text(&self) -> Option<&'a str> {
        let shown = self.shown.display_notes.as_deref();
        shown.or(self.transaction.remittance_information.as_deref())
    }
}

/// Text on one line: control characters and runs of blanks become one blank.
pub(super) fn one_line(text: &str) -> String {
    let visible = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<&str> = visible.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The amount without its sign.
pub(super) fn unsigned(amount: Amount) -> String {
    let text = amount.to_string();
    text.strip_prefix('-').map_or_else(|| text.clone(), str::to_owned)
}

/// The amount with the other sign.
pub(super) fn negated(amount: Amount) -> String {
    let text = amount.to_string();
    match text.strip_prefix('-') {
        Some(rest) => rest.to_owned(),
        None if amount.units() == 0 => text,
        None => format!("-{text}"),
    }
}
