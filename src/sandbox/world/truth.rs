//! The other side of "every payment is stored exactly once": what the banks have on their books, what
//! answers showed of it, and how rows that somebody claims to hold compare with that.
//!
//! It counts raw texts and shares nothing with the code that decides what is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::time::{BankDate, DAY_MS, UtcInstant};

use super::super::rng::row_print;
use super::faces::Moment;
use super::ledger::Phase;
use super::log::Shown;
use super::quirks::Quirk;
use super::{World, institutions};

/// One row of the truth: what the bank would show of a movement now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruthRow {
    /// The movement, unique on the bank's account and the same over all links.
    pub key: u64,
    /// Booked or pending.
    pub phase: Phase,
    /// The row's JSON exactly as answers hold it.
    pub raw: String,
}

/// The last transactions answer of an account that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    /// When it was asked for.
    pub at: UtcInstant,
    /// The filter that it was asked with.
    pub date_from: Option<BankDate>,
    /// Its rows: movement, list, fingerprint of the raw text ([`super::super::row_print`]).
    pub rows: Vec<(u64, Phase, u64)>,
}

/// How claimed rows compare with what answers showed. All empty and zero: every payment that was
/// shown is there exactly once, as it was shown last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Movements shown as booked, still on the bank's books, and claimed by no row.
    pub lost: Vec<u64>,
    /// Movements that more than one row claims.
    pub doubled: Vec<u64>,
    /// Movements whose row is an older text than the one shown last.
    pub stale: Vec<u64>,
    /// Rows that no answer showed.
    pub strangers: usize,
    /// Movements shown as booked at all: a comparison of nothing proves nothing.
    pub payments: usize,
}

impl Comparison {
    /// Whether nothing is lost, doubled, stale or strange.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty()
            && self.doubled.is_empty()
            && self.stale.is_empty()
            && self.strangers == 0
    }
}

impl World {
    /// All rows that the bank would show of an account now, without any filter or limit; `None` if
    /// there is no such account.
    pub fn truth(&mut self, account: &str, now: UtcInstant) -> Option<Vec<TruthRow>> {
        let own = self.accounts.get(account)?;
        let (bank, first_day) = (own.bank, own.first_day);
        let at = self.seen_at(now, account);
        let incidents = self.incidents(bank, at);
        let own = self.bank.get_mut(bank)?;
        let retrieval = own.retrievals;
        let list = own.show(&Moment { at, incidents, retrieval, first_day });
        let row = |(place, phase): (usize, Phase)| {
            let key = own.ledger.made().get(place)?.key;
            let raw = own.gallery.row(place, phase)?.raw.clone();
            Some(TruthRow { key, phase, raw })
        };
        Some(list.into_iter().filter_map(row).collect())
    }

    /// Compares the raw texts of the booked rows that somebody lists for one of the banks' accounts
    /// ([`super::AccountView::bank_account`]) with what delivered answers showed, over all links.
    /// To be called when the last delivered answer has been taken in.
    pub fn compare<'a>(
        &self,
        bank_account: usize,
        listed: impl Iterator<Item = &'a str>,
        now: UtcInstant,
    ) -> Comparison {
        let shown = self.shown_booked(bank_account);
        let mut by_text: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (key, own) in &shown {
            for version in own.versions.iter().collect::<BTreeSet<_>>() {
                by_text.entry(*version).or_default().push(*key);
            }
        }
        let mut out = Comparison { payments: shown.len(), ..Comparison::default() };
        let mut claimed: BTreeSet<u64> = BTreeSet::new();
        let mut rest = Vec::new();
        for text in listed.map(row_print) {
            let keys = by_text.get(&text).map_or(&[][..], Vec::as_slice);
            let newest = |key: &&u64| shown.get(key).is_some_and(|own| own.is_newest(text));
            match keys.iter().filter(newest).find(|key| !claimed.contains(key)) {
                Some(key) => {
                    claimed.insert(*key);
                }
                None => rest.push(keys),
            }
        }
        for keys in rest {
            match (keys.iter().find(|key| !claimed.contains(key)), keys.first()) {
                (Some(key), _) => {
                    claimed.insert(*key);
                    out.stale.push(*key);
                }
                (None, Some(key)) => out.doubled.push(*key),
                (None, None) => out.strangers += 1,
            }
        }
        let books = self.on_the_books(bank_account, now);
        out.lost = shown.keys().filter(|key| !claimed.contains(key)).copied().collect();
        out.lost.retain(|key| books.contains(key));
        out
    }

    /// Movements that delivered answers showed as booked, with the newest sighting of each.
    fn shown_booked(&self, bank_account: usize) -> BTreeMap<u64, Shown> {
        let mut all: BTreeMap<u64, Shown> = BTreeMap::new();
        let links = self.accounts.values().filter(|own| own.bank == bank_account);
        for (key, phase, shown) in links.flat_map(|own| self.log.shown(&own.id)) {
            if phase == Phase::Booked {
                all.entry(key).and_modify(|own| own.join(shown)).or_insert_with(|| shown.clone());
            }
        }
        all
    }

    /// Movements of one of the banks' accounts that are booked at an instant.
    pub fn on_the_books(&self, bank_account: usize, now: UtcInstant) -> BTreeSet<u64> {
        let made = self.bank.get(bank_account).map_or(&[][..], |own| own.ledger.made());
        let booked = made.iter().filter(|movement| movement.phase(now) == Some(Phase::Booked));
        booked.map(|movement| movement.key).collect()
    }

    /// The last transactions answer of an account that was delivered whole.
    pub fn last_answer(&self, account: &str) -> Option<&LastAnswer> {
        self.log.last_answer(account)
    }

    pub(super) fn incidents(&self, bank: usize, at: UtcInstant) -> u64 {
        let Some(account) = self.bank.get(bank) else { return 0 };
        let own =
            self.incidents.iter().filter(|(id, when)| *id == account.institution.id && *when <= at);
        u64::try_from(own.count()).unwrap_or(0)
    }

    /// An incident at an institution: all internal ids of its rows change from now on, if it is one
    /// of those.
    pub fn incident(&mut self, institution: &'static str, now: UtcInstant) {
        self.incidents.push((institution, now));
    }

    /// The incidents that come without being called.
    pub(super) fn expected_incidents(start: UtcInstant) -> Vec<(&'static str, UtcInstant)> {
        institutions::all()
            .filter(|institution| institution.is(Quirk::InternalIdsChange))
            .flat_map(|own| [100, 400].map(|days| (own.id, start.plus_ms(days * DAY_MS))))
            .collect()
    }
}
