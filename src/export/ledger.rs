//! What plain-text ledgers have in common: the names they declare and the two legs of an entry.

use std::fmt::Write as _;

use crate::model::ledger::LedgerAccount;

use super::entry::{Entry, negated};
use super::{Account, Style};

/// Every name that a file uses, once.
pub(super) fn names<'a>(accounts: &'a [Account], style: &'a Style) -> Vec<&'a LedgerAccount> {
    let own = accounts.iter().map(|account| &account.ledger);
    let mut names: Vec<&LedgerAccount> = own.chain([&style.expenses, &style.income]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The two legs of an entry and the blank line behind it: names padded to one width, amounts aligned right.
pub(super) fn legs(
    out: &mut String,
    indent: &str,
    (own, style): (&LedgerAccount, &Style),
    entry: &Entry<'_>,
) {
    let counter = if entry.is_debit() { &style.expenses } else { &style.income };
    let (own, counter) = (own.as_str(), counter.as_str());
    let (amount, other) = (entry.amount.to_string(), negated(entry.amount));
    let names = own.chars().count().max(counter.chars().count());
    let amounts = amount.len().max(other.len());
    for (name, amount) in [(own, amount), (counter, other)] {
        let _infallible =
            writeln!(out, "{indent}{name:names$}  {amount:>amounts$} {}", entry.currency);
    }
    out.push('\n');
}
