//! A journal for hledger: an entry per row, dated, with two legs; our id is the tag `id`, which makes rules and scripts that
//! look for known entries easy. Source: hledger.org/hledger.html, read on 2026-11-23.

use std::fmt::Write as _;

use crate::display::Shown;
use crate::model::transaction::Listed;

use super::entry::{Entry, one_line};
use super::ledger::{legs, names};
use super::{Account, Form, Style};

/// Writes a journal.
pub(super) struct Hledger {
    style: Style,
}

impl Hledger {
    pub(super) fn new(style: Style) -> Self {
        Self { style }
    }
}

impl Form for Hledger {
    fn begin(&mut self, out: &mut String, accounts: &[Account]) {
        if self.style.continued {
            return;
        }
        // Without it `1.234` is taken for a thousand in some journals.
        out.push_str("decimal-mark .\n\n");
        let mut currencies: Vec<&str> =
            accounts.iter().filter_map(|account| account.currency.as_deref()).collect();
        currencies.sort_unstable();
        currencies.dedup();
        for name in names(accounts, &self.style) {
            let _infallible = writeln!(out, "account {name}");
        }
        for currency in currencies {
            let _infallible = writeln!(out, "commodity 1000.00 {currency}");
        }
        out.push('\n');
    }

    fn row(
        &mut self,
        out: &mut String,
        account: &Account,
        row: &Listed<'_>,
        shown: &Shown<'_>,
    ) -> bool {
        let Some(entry) = Entry::of(account, row, shown) else { return false };
        let mark = if entry.pending { '!' } else { '*' };
        let party = description(entry.party());
        let text = description(entry.text());
        let words = match (party.is_empty(), text.is_empty()) {
            (false, false) => format!("{party} | {text}"),
            (false, true) => format!("{party} |"),
            (true, _) => text,
        };
        let space = if words.is_empty() { "" } else { " " };
        let _infallible = writeln!(out, "{} {mark}{space}{words}  ; id:{}", entry.date, entry.id);
        legs(out, "    ", (&account.ledger, &self.style), &entry);
        true
    }
}

/// A text that neither ends the description nor begins a comment: `;` and `|` have a meaning there, and `(…)` at the front
/// is a code.
fn description(text: Option<&str>) -> String {
    let text = one_line(text.unwrap_or_default()).replace([';', '|'], ",");
    text.trim_start_matches(['(', ')', '*', '!']).trim().to_owned()
}
