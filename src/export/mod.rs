//! Getting data out: rows and accounts turned into the files that other programs read.
//!
//! Pure: no clock, no store, no files. The same rows give the same bytes, whenever and wherever they are written, and every
//! form carries our transaction id where its readers look for one, so that importing a file twice adds nothing. A row
//! that a form cannot express (no date, no amount) is left out and counted, never bent into shape; CSV and JSON Lines
//! take every row.

mod beancount;
mod camt053;
mod csv;
mod entry;
mod hledger;
mod ledger;
mod ofx;
mod qif;
mod xml;

use crate::display::Shown;
use crate::model::id::AccountId;
use crate::model::ledger::LedgerAccount;
use crate::model::money::Money;
use crate::model::time::{BankDate, UtcInstant};
use crate::model::transaction::Listed;

pub use csv::COLUMNS;
pub(crate) use xml::escaped as xml_text;

/// What a file can look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header.
    Csv,
    /// The objects of `transactions --json`.
    Jsonl,
    /// A journal of hledger (and Ledger).
    Hledger,
    /// A Beancount file.
    Beancount,
    /// OFX 2.2, what finance programs call Web Connect.
    Ofx,
    /// Quicken's interchange format.
    Qif,
    /// ISO 20022 camt.053.001.08, bank to customer statement.
    Camt053,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Csv,
        Self::Jsonl,
        Self::Hledger,
        Self::Beancount,
        Self::Ofx,
        Self::Qif,
        Self::Camt053,
    ];

    /// As it is typed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Hledger => "hledger",
            Self::Beancount => "beancount",
            Self::Ofx => "ofx",
            Self::Qif => "qif",
            Self::Camt053 => "camt053",
        }
    }

    /// The format of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Media type of the file.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
            Self::Hledger | Self::Beancount | Self::Qif => "text/plain; charset=utf-8",
            Self::Ofx => "application/x-ofx",
            Self::Camt053 => "application/xml",
        }
    }

    /// Whether its rows stand account by account; else they stand in the order of their dates.
    pub const fn by_account(self) -> bool {
        matches!(self, Self::Ofx | Self::Qif | Self::Camt053)
    }

    /// Whether rows can be added at the end of a file; not where they stand account by account.
    pub const fn grows(self) -> bool {
        !self.by_account()
    }
}

/// An account as files show it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Ours.
    pub id: AccountId,
    /// What a person calls it: nickname, else the bank's name for it, else its number.
    pub title: String,
    /// Without blanks, in capitals.
    pub iban: Option<String>,
    /// Another number of it.
    pub bban: Option<String>,
    /// ISO 4217, where the bank said it.
    pub currency: Option<String>,
    /// Whose it is.
    pub owner_name: Option<String>,
    /// The provider's name of the bank.
    pub institution_id: String,
    /// Its name in a ledger.
    pub ledger: LedgerAccount,
    /// The newest balances.
    pub balances: Vec<Balance>,
    /// First and last effective day of the rows that are written, for forms by account.
    pub days: Option<(BankDate, BankDate)>,
    /// When the last pull ended well.
    pub synced_at: Option<UtcInstant>,
}

/// A balance as files show it.
#[derive(Clone, Debug)]
pub struct Balance {
    /// As the provider spells it, such as `closingBooked`.
    pub balance_type: String,
    /// How much.
    pub money: Money,
    /// The day it is of.
    pub date: BankDate,
}

/// How files are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The ledger account that money goes to when nobody says where.
    pub expenses: LedgerAccount,
    /// The ledger account that money comes from when nobody says whence.
    pub income: LedgerAccount,
    /// Rows follow what a file has already: no heading again.
    pub continued: bool,
}

/// A row to be written.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Whose it is.
    pub account: &'a Account,
    /// What is stored.
    pub listed: &'a Listed<'a>,
    /// What the display rules make of it.
    pub shown: &'a Shown<'a>,
}

/// A file being written. The calls come in this order: `begin`, then for each account (of a form by account) `open`, its
/// rows, `close`, or (of the others) all rows, then `end`.
pub trait Form: Send {
    /// What stands before everything.
    fn begin(&mut self, out: &mut String, accounts: &[Account]);
    /// What stands before the rows of an account.
    fn open(&mut self, _out: &mut String, _account: &Account) {}
    /// A row; `false` if this form cannot express it.
    fn row(&mut self, out: &mut String, row: &Row<'_>) -> bool;
    /// What stands behind the rows of an account.
    fn close(&mut self, _out: &mut String, _account: &Account) {}
    /// What stands behind everything.
    fn end(&mut self, _out: &mut String) {}
}

/// The writer of a format; `None` for JSON Lines, whose objects are those of the control socket.
pub fn form(format: Format, style: Style) -> Option<Box<dyn Form>> {
    Some(match format {
        Format::Jsonl => return None,
        Format::Csv => Box::new(csv::Csv::new(&style)),
        Format::Hledger => Box::new(hledger::Hledger::new(style)),
        Format::Beancount => Box::new(beancount::Beancount::new(style)),
        Format::Ofx => Box::new(ofx::Ofx::default()),
        Format::Qif => Box::new(qif::Qif),
        Format::Camt053 => Box::new(camt053::Camt053::default()),
    })
}
