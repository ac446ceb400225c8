//! A rule applied to a row, and to the balances of an account.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::Serialize;

use super::text::{day_first, tidy, unescaped, whole, without};
use super::{DateSource, Extract, Field, Only, Rule, Sign};
use crate::model::balance::Balance;
use crate::model::money::Amount;
use crate::model::port::RowReader;
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, Columns, Texts};

/// What the rules make of a row; all null where they are switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown<'a> {
    /// Signed as people expect: negative is money out.
    pub display_amount: Option<Amount>,
    /// Of the amount.
    pub display_currency: Option<Cow<'a, str>>,
    /// When it happened, as far as the bank tells.
    pub display_date: Option<BankDate>,
    /// The other party.
    pub display_payee: Option<Cow<'a, str>>,
    /// What for.
    pub display_notes: Option<Cow<'a, str>>,
}

/// A row in hand: its columns, and its single texts once somebody asks.
struct Row<'a> {
    columns: &'a Columns<'a>,
    status: BookingStatus,
    reader: &'a dyn RowReader,
    raw: &'a str,
    texts: OnceCell<Texts>,
}

impl Rule {
    /// Shows a row.
    pub fn show<'a>(
        &'a self,
        columns: &'a Columns<'a>,
        status: BookingStatus,
        (reader, raw): (&'a dyn RowReader, &'a str),
    ) -> Shown<'a> {
        let row = Row { columns, status, reader, raw, texts: OnceCell::new() };
        let (amount, currency) = self.amount(&row);
        let out = amount.map(|amount| amount.units() < 0);
        Shown {
            display_amount: amount,
            display_currency: currency,
            display_date: self.dates.iter().find_map(|source| date(source, &row, out)),
            display_payee: self.payee(&row, out),
            display_notes: self.notes(&row, out),
        }
    }

    fn amount<'a>(&'a self, row: &Row<'a>) -> (Option<Amount>, Option<Cow<'a, str>>) {
        let elsewhere = self.amount.as_ref().and_then(|(extract, currency)| {
            Some((Amount::parse(&row.extract(extract, None)?)?, currency.as_str()))
        });
        let given = row.columns.currency.as_deref().map(Cow::Borrowed);
        let (amount, currency) = match elsewhere {
            Some((amount, currency)) => (Some(amount), Some(Cow::Borrowed(currency))),
            None => (row.columns.amount, given),
        };
        let turn = |amount: Amount| {
            let positive = amount.units() > 0;
            let turned = match self.sign {
                Sign::AsGiven => false,
                Sign::Inverted => true,
                Sign::PendingNegative => positive && row.status == BookingStatus::Pending,
                Sign::ByParty => positive && row.names_creditor_only(),
            };
            if turned { Amount::ZERO.checked_sub(amount) } else { Some(amount) }
        };
        (amount.and_then(turn), currency)
    }

    fn payee<'a>(&self, row: &Row<'a>, out: Option<bool>) -> Option<Cow<'a, str>> {
        let columns = row.columns;
        let (first, second) = match out {
            Some(false) => (&columns.debtor_name, &columns.creditor_name),
            Some(true) | None => (&columns.creditor_name, &columns.debtor_name),
        };
        let ruled = self.payees.iter().find_map(|extract| row.extract(extract, out));
        let given = || [first, second].into_iter().flatten().find_map(|name| tidy(name));
        let payee = ruled.map(Cow::Owned).or_else(given)?;
        Some(self.readable(payee))
    }

    fn notes<'a>(&self, row: &Row<'a>, out: Option<bool>) -> Option<Cow<'a, str>> {
        let ruled = self.notes.iter().find_map(|extract| row.find(extract, out));
        let text = match ruled {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(row.columns.remittance_information.as_deref()?),
        };
        let without = |text: Cow<'a, str>, needless: &String| without(&text, needless).into();
        match self.notes_without.iter().fold(self.readable(text), without) {
            Cow::Borrowed(text) => tidy(text),
            Cow::Owned(text) => tidy(&text).map(|text| text.into_owned().into()),
        }
    }

    fn readable<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.escapes { unescaped(&text).into() } else { text }
    }

    /// The place of the balance that says what is on the account, in an answer.
    pub fn ledger_balance(&self, balances: &[&Balance]) -> Option<usize> {
        let place = |wanted: &String| {
            let is = |one: &&Balance| {
                one.balance_type.eq_ignore_ascii_case(wanted) && one.money.is_some()
            };
            balances.iter().position(is)
        };
        self.ledger_balance.iter().find_map(place)
    }
}

fn date(source: &DateSource, row: &Row<'_>, out: Option<bool>) -> Option<BankDate> {
    let columns = row.columns;
    let of_time = |time: &Option<Cow<'_, str>>| time.as_deref().and_then(BankDate::parse);
    match source {
        DateSource::Booking => columns.booking_date,
        DateSource::Value => columns.value_date,
        DateSource::BookingTime => of_time(&columns.booking_date_time),
        DateSource::ValueTime => of_time(&columns.value_date_time),
        DateSource::Text(extract) => {
            let text = row.extract(extract, out)?;
            BankDate::parse(&text).or_else(|| day_first(&text))
        }
    }
}

impl Row<'_> {
    /// Whether somebody is named who gets the money, and nobody who gives it.
    fn names_creditor_only(&self) -> bool {
        let Columns { creditor_name, creditor_account, debtor_name, debtor_account, .. } =
            self.columns;
        let [creditor, debtor] = [(creditor_name, creditor_account), (debtor_name, debtor_account)]
            .map(|(name, account)| name.is_some() || account.is_some());
        creditor && !debtor
    }

    /// What an extract finds, tidied.
    fn extract(&self, extract: &Extract, out: Option<bool>) -> Option<String> {
        tidy(&self.find(extract, out)?).map(Cow::into_owned)
    }

    /// What an extract finds.
    fn find(&self, extract: &Extract, out: Option<bool>) -> Option<String> {
        let meant = match extract.only {
            None => true,
            Some(Only::Debits) => out == Some(true),
            Some(Only::Credits) => out == Some(false),
            Some(Only::Booked) => self.status == BookingStatus::Booked,
            Some(Only::Pending) => self.status == BookingStatus::Pending,
        };
        let text = meant.then(|| self.text(extract.from)).flatten()?;
        match &extract.pattern {
            None => Some(text.into_owned()),
            Some(pattern) => pattern.find(&text).map(str::to_owned),
        }
        .filter(|text| !text.trim().is_empty())
    }

    fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        let plain = |text: &'_ Option<String>| text.clone().map(Cow::Owned);
        let texts = || self.texts.get_or_init(|| self.reader.texts(self.raw));
        let lines = |lines: &[String]| (!lines.is_empty()).then(|| Cow::Owned(lines.join("\n")));
        match field {
            Field::Creditor => self.columns.creditor_name.as_deref().map(Cow::Borrowed),
            Field::Debtor => self.columns.debtor_name.as_deref().map(Cow::Borrowed),
            Field::UltimateCreditor => plain(&texts().ultimate_creditor),
            Field::UltimateDebtor => plain(&texts().ultimate_debtor),
            Field::Unstructured => plain(&texts().unstructured),
            Field::UnstructuredArray => lines(&texts().unstructured_lines),
            Field::Structured => plain(&texts().structured),
            Field::StructuredArray => lines(&texts().structured_lines),
            Field::Additional => plain(&texts().additional),
            Field::Whole => whole(texts()).map(Cow::Owned),
            Field::Text => self.columns.remittance_information.as_deref().map(Cow::Borrowed),
        }
    }
}
