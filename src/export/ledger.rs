//! What plain-text ledgers have in common: the names they declare and the two legs of an entry.

use crate::model::ledger::LedgerAccount;

use super::entry::Entry;
use super::{Account, Style};

/// Every name that a file uses, once.
pub(super) fn names<'a>(accounts: &'a [Account], style: &'a Style) -> Vec<&'a LedgerAccount> {
    let own = accounts.iter().map(|account| &account.ledger);
    let mut names: Vec<&LedgerAccount> = own.chain([&style.expenses, &style.income]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The account on the other side.
pub(super) fn counter_account<'a>(style: &'a Style, entry: &Entry<'_>) -> &'a LedgerAccount {
    if entry.is_debit() { &style.expenses } else { &style.income }
}

/// The two names, padded to one width.
pub(super) fn padded(own: &LedgerAccount, counter: &LedgerAccount) -> (String, String) {
    let (own, counter) = (own.as_str(), counter.as_str());
    let width = own.chars().count().max(counter.chars().count());
    (format!("{own:width$}"), format!("{counter:width$}"))
}

/// The two amounts, right-aligned.
pub(super) fn aligned(left: &str, right: &str) -> (String, String) {
    let width = left.len().max(right.len());
    (format!("{left:>width$}"), format!("{right:>width$}"))
}
