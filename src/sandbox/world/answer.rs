//! The transactions answer: which rows an account shows in a window, and the body that holds them.
//!
//! Rows are copied as they were last written; nothing here knows what is in them.

use crate::model::time::BankDate;

use super::super::text::stamp;
use super::super::wire::HttpResponse;
use super::faces::{Moment, Written};
use super::ledger::Phase;
use super::problems::not_found;
use super::quirks::Quirk;
use super::{Answer, UtcInstant, World};

/// The window of a request, by day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) from: Option<BankDate>,
    pub(super) to: Option<BankDate>,
}

impl Window {
    /// A row matches when either of its dates lies in the range; without any date it matches only
    /// without a filter (knowledge base article 11529689817628, read 2026-11).
    fn holds(self, dates: [Option<BankDate>; 2]) -> bool {
        let inside = |date: BankDate| {
            self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
        };
        (self.from.is_none() && self.to.is_none()) || dates.into_iter().flatten().any(inside)
    }
}

/// The rows of an answer that is under way.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) date_from: Option<BankDate>,
    /// Key, phase and fingerprint.
    pub(super) rows: Vec<(u64, Phase, u64)>,
}

impl World {
    pub(super) fn transactions(&mut self, now: UtcInstant, id: &str, window: Window) -> Answer {
        let at = self.seen_at(now, id);
        let account = self.account(id)?;
        let (bank, first_day) = (account.bank, account.first_day);
        let incidents = self.incidents(bank, at);
        let Some(own) = self.bank.get_mut(bank) else { return Err(not_found()) };
        own.retrievals += 1;
        let list = own.show(&Moment { at, incidents, retrieval: own.retrievals, first_day });
        let (mut booked, mut pending) = (String::new(), String::new());
        let keyless = own.institution.is(Quirk::NoPendingKey);
        let mut rows = Vec::with_capacity(list.len());
        for (place, phase) in list {
            let Some(row) = own.gallery.row(place, phase) else { continue };
            if !window.holds(row.dates) || (keyless && phase == Phase::Pending) {
                continue;
            }
            let side = if phase == Phase::Booked { &mut booked } else { &mut pending };
            append(side, row);
            if self.config.remember_shown {
                let key = own.ledger.made().get(place).map_or(0, |movement| movement.key);
                rows.push((key, phase, row.print));
            }
        }
        let shy = own.institution.is(Quirk::PendingKeyOnlyWhenAny) && pending.is_empty();
        let pending =
            if keyless || shy { String::new() } else { format!(r#","pending":[{pending}]"#) };
        let body = format!(
            r#"{{"transactions":{{"booked":[{booked}]{pending}}},"last_updated":"{}"}}"#,
            stamp(at)
        );
        self.staged = Some(Staged { date_from: window.from, rows });
        Ok(HttpResponse::of(200, "application/json", body.into_bytes()))
    }

    /// The instant whose state an account shows: now, or when its one-time history was read.
    pub(super) fn seen_at(&self, now: UtcInstant, id: &str) -> UtcInstant {
        self.accounts.get(id).and_then(|own| own.frozen_at).map_or(now, |frozen| frozen.min(now))
    }
}

fn append(list: &mut String, row: &Written) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(&row.raw);
}
