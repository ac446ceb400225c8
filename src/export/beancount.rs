//! A Beancount file: an entry per row with two legs; our id is its metadata `banksyncd`, so that importers recognise what they
//! have. Source: `beancount.github.io/docs/beancount_language_syntax.html`, read on 2026-11-23.

use std::fmt::Write as _;

use crate::display::Shown;
use crate::model::transaction::Listed;

use super::entry::{Entry, one_line};
use super::ledger::{legs, names};
use super::{Account, Form, Style};

/// Before any date that a bank has for a payment; Beancount wants accounts opened before they are used.
const OPENED: &str = "1900-01-01";

/// Writes Beancount.
pub(super) struct Beancount {
    style: Style,
}

impl Beancount {
    pub(super) fn new(style: Style) -> Self {
        Self { style }
    }
}

impl Form for Beancount {
    fn begin(&mut self, out: &mut String, accounts: &[Account]) {
        if self.style.continued {
            return;
        }
        for name in names(accounts, &self.style) {
            let _infallible = writeln!(out, "{OPENED} open {name}");
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
        let (party, text) = (quoted(entry.party()), quoted(entry.text()));
        let _infallible = writeln!(out, "{} {mark} {party} {text}", entry.date);
        let _infallible = writeln!(out, "  banksyncd: \"{}\"", entry.id);
        legs(out, "  ", (&account.ledger, &self.style), &entry);
        true
    }
}

/// A string of the language.
fn quoted(text: Option<&str>) -> String {
    let text = one_line(text.unwrap_or_default()).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}
