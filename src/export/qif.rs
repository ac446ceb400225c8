//! QIF, Quicken's interchange format: accounts one after the other, a record per row. It has no currencies, no ids and no year
//! beyond four digits; our id stands in `N`, the reference. Days are written as the United States do, which is what readers
//! of the format assume. Source: the format's description at `en.wikipedia.org/wiki/Quicken_Interchange_Format`, 2026-11-23.

use std::fmt::Write as _;

use crate::display::Shown;
use crate::model::transaction::Listed;

use super::entry::{Entry, one_line};
use super::{Account, Form};

/// Writes QIF.
pub(super) struct Qif;

impl Form for Qif {
    fn begin(&mut self, _out: &mut String, _accounts: &[Account]) {}

    fn open(&mut self, out: &mut String, account: &Account) {
        let name = one_line(&account.title);
        let _infallible = write!(out, "!Account\nN{name}\nTBank\n^\n!Type:Bank\n");
    }

    fn row(
        &mut self,
        out: &mut String,
        account: &Account,
        row: &Listed<'_>,
        shown: &Shown<'_>,
    ) -> bool {
        let Some(entry) = Entry::of(account, row, shown) else { return false };
        let iso = entry.date.to_string();
        let [year, month, day] = parts(&iso);
        let cleared = if entry.pending { "" } else { "C*\n" };
        let _infallible = write!(
            out,
            "D{month}/{day}/{year}\nT{}\n{cleared}N{}\nP{}\nM{}\n^\n",
            entry.amount,
            entry.id,
            one_line(entry.party().unwrap_or_default()),
            one_line(entry.text().unwrap_or_default()),
        );
        true
    }
}

/// Year, month and day of an ISO date.
fn parts(iso: &str) -> [&str; 3] {
    let mut parts = iso.rsplitn(3, '-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    [year.unwrap_or_default(), month.unwrap_or_default(), day.unwrap_or_default()]
}
