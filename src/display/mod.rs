//! What to show of a row where a bank's own columns mislead: amounts with the wrong sign, dates that are due dates, parties
//! that stand in the text only, a credit limit among the balances.
//!
//! Rules are data, by institution ([`SHIPPED`], read by `config`); they fill the `display_*` members and nothing else. What
//! is stored, listed in the other members, matched and summed stays as the bank gave it. Pure: a row in, a few texts out.

mod apply;
mod pattern;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use apply::Shown;
pub use pattern::Pattern;

/// The rules that come with the program, as TOML.
pub const SHIPPED: &str = include_str!("rules.toml");

/// The rules in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    enabled: bool,
    institutions: BTreeMap<String, Arc<Rule>>,
    neutral: Arc<Rule>,
}

impl Rules {
    /// These rules by institution, and neutral ones for all others. `enabled`: else nothing is shown by any rule.
    pub fn new(enabled: bool, institutions: BTreeMap<String, Arc<Rule>>) -> Self {
        Self { enabled, institutions, neutral: Arc::default() }
    }

    /// The rule for an institution: its own, else that of the longest beginning of its id; `None` if rules are switched off.
    pub fn of(&self, institution: &str) -> Option<Arc<Rule>> {
        let by_start = || {
            let starts = |(id, _): &(&String, &Arc<Rule>)| {
                id.strip_suffix('*').is_some_and(|start| institution.starts_with(start))
            };
            let longest = self.institutions.iter().filter(starts).max_by_key(|(id, _)| id.len());
            longest.map(|(_, rule)| rule)
        };
        let rule = || self.institutions.get(institution).or_else(by_start).unwrap_or(&self.neutral);
        self.enabled.then(|| Arc::clone(rule()))
    }

    /// The institutions that have a rule of their own, some by the beginning of their ids and `*`.
    pub fn institutions(&self) -> impl Iterator<Item = &str> {
        self.institutions.keys().map(String::as_str)
    }
}

/// How rows of an institution are shown. The default is neutral: the bank's columns, without needless blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What to do with the sign.
    pub sign: Sign,
    /// Where the amount stands if not in its column, and in which currency it is then.
    pub amount: Option<(Extract, String)>,
    /// The first of these that there is.
    pub dates: Vec<DateSource>,
    /// The first of these that there is, before the party that the sign points to.
    pub payees: Vec<Extract>,
    /// The first of these that there is, before the row's text.
    pub notes: Vec<Extract>,
    /// Texts that are left out of the notes, whatever blanks are in them.
    pub notes_without: Vec<String>,
    /// Letters of payee and notes are written as `\U` and digits.
    pub escapes: bool,
    /// The first of these types that an account has is what is on it.
    pub ledger_balance: Vec<String>,
}

/// Types of balances that say what is on an account, booked ones first.
const LEDGER_BALANCES: [&str; 8] = [
    "interimBooked",
    "closingBooked",
    "expected",
    "interimAvailable",
    "closingAvailable",
    "forwardAvailable",
    "openingBooked",
    "information",
];

impl Default for Rule {
    fn default() -> Self {
        Self {
            sign: Sign::AsGiven,
            amount: None,
            dates: vec![
                DateSource::Booking,
                DateSource::Value,
                DateSource::BookingTime,
                DateSource::ValueTime,
            ],
            payees: Vec::new(),
            notes: Vec::new(),
            notes_without: Vec::new(),
            escapes: false,
            ledger_balance: LEDGER_BALANCES.map(str::to_owned).to_vec(),
        }
    }
}

/// What to do with the sign of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    AsGiven,
    /// Purchases are positive: turn it round.
    Inverted,
    /// Pending payments lack their minus sign.
    PendingNegative,
    /// All amounts are positive: where the row names a creditor and no debtor, it is money out.
    ByParty,
}

impl Sign {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AsGiven, Self::Inverted, Self::PendingNegative, Self::ByParty];

    /// The word of the rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsGiven => "as-given",
            Self::Inverted => "inverted",
            Self::PendingNegative => "pending-negative",
            Self::ByParty => "by-party",
        }
    }
}

/// Where a date may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateSource {
    /// Booking date.
    Booking,
    /// Value date.
    Value,
    /// The date part of the booking time.
    BookingTime,
    /// The date part of the value time.
    ValueTime,
    /// In a text, as `YYYY-MM-DD`, `DD.MM.YYYY` or `DD.MM.YY`.
    Text(Extract),
}

/// A text of a row, by the provider's member that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `creditorName`.
    Creditor,
    /// `debtorName`.
    Debtor,
    /// `ultimateCreditor`.
    UltimateCreditor,
    /// `ultimateDebtor`.
    UltimateDebtor,
    /// `remittanceInformationUnstructured`.
    Unstructured,
    /// `remittanceInformationUnstructuredArray`, its texts joined by newlines.
    UnstructuredArray,
    /// `remittanceInformationStructured`.
    Structured,
    /// `remittanceInformationStructuredArray`, its texts joined by newlines.
    StructuredArray,
    /// `additionalInformation`.
    Additional,
    /// The array's texts as one, put together again where they were cut inside words.
    Whole,
    /// The text that is listed: the first there is of the five above.
    Text,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Creditor,
        Self::Debtor,
        Self::UltimateCreditor,
        Self::UltimateDebtor,
        Self::Unstructured,
        Self::UnstructuredArray,
        Self::Structured,
        Self::StructuredArray,
        Self::Additional,
        Self::Whole,
        Self::Text,
    ];

    /// The word of the rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creditor => "creditor",
            Self::Debtor => "debtor",
            Self::UltimateCreditor => "ultimate-creditor",
            Self::UltimateDebtor => "ultimate-debtor",
            Self::Unstructured => "unstructured",
            Self::UnstructuredArray => "unstructured-array",
            Self::Structured => "structured",
            Self::StructuredArray => "structured-array",
            Self::Additional => "additional",
            Self::Whole => "whole-text",
            Self::Text => "text",
        }
    }
}

/// For which rows an extract is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Money out, after the sign was mended.
    Debits,
    /// Money in.
    Credits,
    /// Booked rows.
    Booked,
    /// Pending rows.
    Pending,
}

impl Only {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Debits, Self::Credits, Self::Booked, Self::Pending];

    /// The word of the rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debits => "debits",
            Self::Credits => "credits",
            Self::Booked => "booked",
            Self::Pending => "pending",
        }
    }
}

/// A text, or what a pattern finds in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// Where.
    pub from: Field,
    /// The whole text without.
    pub pattern: Option<Pattern>,
    /// For all rows without.
    pub only: Option<Only>,
}
