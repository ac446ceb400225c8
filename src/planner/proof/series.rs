//! One balance of an account through time: all ways to read it, and what their verdicts mean together.

use serde::{Deserialize, Serialize};

use crate::model::money::{Amount, CurrencyCode};
use crate::model::time::{BankDate, UtcInstant};
use crate::planner::reconcile::coverage::Floor;

use super::sums::{Seen, Sums};
use super::track::{Excuse, PATIENCE_PULLS, Track, Turn, Verdict, Way};

/// Rows of so many days before a balance is first seen may not be in it yet.
const BUSY_DAYS: i64 = 5;
/// Banks name the reference date in their own zone or in UTC: a statement may be a day off either way.
const DAYS_OFF: [i8; 3] = [0, -1, 1];

/// The balances that rows can prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `closingBooked`: the booked rows up to its reference date.
    Closing,
    /// `interimBooked`: all booked rows.
    Interim,
}

impl Kind {
    /// From the provider's word, whose case differs between banks. `None`: rows say nothing about it.
    pub fn from_type(balance_type: &str) -> Option<Self> {
        let is = |word: &str| balance_type.eq_ignore_ascii_case(word);
        if is("closingBooked") {
            Some(Self::Closing)
        } else if is("interimBooked") {
            Some(Self::Interim)
        } else {
            None
        }
    }
}

/// A balance as the bank states it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// What it is.
    pub kind: Kind,
    /// Of the amount.
    pub currency: CurrencyCode,
    /// How much.
    pub amount: Amount,
    /// The civil date it refers to.
    pub reference_date: Option<BankDate>,
    /// A credit limit is counted in.
    pub limit_included: bool,
}

/// The pull that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pull<'a> {
    pub(super) at: UtcInstant,
    pub(super) floor: Floor,
    pub(super) seen: &'a Seen,
    /// Rows came that no balance of this answer can hold.
    pub(super) odd: bool,
}

/// What is remembered of one balance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Series {
    pulls: u32,
    statements: u32,
    date: Option<BankDate>,
    at: Option<UtcInstant>,
    /// Rows below zero exist: amounts have signs.
    signed: bool,
    odd_rows: Option<u32>,
    tracks: Vec<Track>,
}

/// What a look at one balance found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// Balance minus rows; the last pull that agreed and the first that did not.
    Mismatch {
        amount: Amount,
        from: Option<UtcInstant>,
        to: UtcInstant,
    },
    /// A reported difference is gone.
    Explained(Amount),
}

impl Series {
    pub(super) fn look(&mut self, stated: &Stated, sums: &Sums, pull: &Pull<'_>) -> Found {
        let before = self.at.replace(pull.at);
        self.pulls = self.pulls.saturating_add(1);
        let date = std::mem::replace(&mut self.date, stated.reference_date);
        self.statements = self.statements.saturating_add(u32::from(date != self.date));
        if pull.odd {
            self.odd_rows = Some(self.pulls);
        }
        let signed = self.signed || sums.has_negatives(stated.currency);
        let covered = before.is_some_and(|before| is_covered(before, pull));
        if !covered || self.tracks.is_empty() || signed != self.signed {
            self.signed = signed;
            self.begin(stated, sums, pull.at);
            return Found::Nothing;
        }
        let turn = Turn {
            pull: self.pulls,
            statement: self.statements,
            at: pull.at,
            before,
            signs: pull.seen.of(stated.currency),
            excuse: Excuse {
                odd_rows: self.odd_rows,
                unsigned: !self.signed,
                limit_included: stated.limit_included,
            },
        };
        let mut verdicts = Vec::new();
        for track in &mut self.tracks {
            // A statement from before the days whose sums are kept says nothing.
            let Some(rows) = rows_of(track.way, stated, sums) else { return Found::Nothing };
            verdicts.push(track.step(&turn, rows, stated.amount.trimmed()));
        }
        self.conclude(&verdicts)
    }

    /// Reads the balance in every way from now on. What was learned of a way stays.
    fn begin(&mut self, stated: &Stated, sums: &Sums, at: UtcInstant) {
        let today = at.utc_date();
        let busy =
            today.plus_days(-BUSY_DAYS).is_none_or(|day| sums.has_rows_from(stated.currency, day));
        let known: Vec<(Way, u32)> =
            self.tracks.iter().map(|track| (track.way, track.late)).collect();
        let track = |way: Way| {
            let rows = rows_of(way, stated, sums)?;
            let mut track = Track::begin(way, rows, stated.amount.trimmed(), busy)?;
            let late = known.iter().find(|(known, _)| *known == way).map(|(_, late)| *late);
            track.late = late.unwrap_or_default();
            Some(track)
        };
        self.tracks = ways(stated, self.signed).into_iter().filter_map(track).collect();
        self.odd_rows = None;
    }

    fn conclude(&mut self, verdicts: &[Verdict]) -> Found {
        let pull = self.pulls;
        let explained = |verdict: &Verdict| matches!(verdict, Verdict::Explained(_));
        if let Some(Verdict::Explained(amount)) = verdicts.iter().find(|one| explained(one)) {
            for (track, verdict) in self.tracks.iter_mut().zip(verdicts) {
                if !explained(verdict) {
                    track.set_base(pull, track.firm);
                }
            }
            return Found::Explained(*amount);
        }
        let any_firm = self.tracks.iter().any(|track| track.firm);
        let differs = |verdict: &Verdict| matches!(verdict, Verdict::Differs(_));
        let both = || self.tracks.iter().zip(verdicts);
        let accusers = || both().filter(|(track, one)| differs(one) && track.firm == any_firm);
        let began = accusers().filter_map(|(track, _)| track.open_since()).min();
        let Some(began) = began else {
            self.drop_refuted(verdicts);
            return Found::Nothing;
        };
        // Who came later knows nothing of what was before.
        let mut witnesses = both().filter(|(track, _)| track.knew(began));
        let defended = witnesses.any(|(track, verdict)| match verdict {
            Verdict::Differs(_) => false,
            Verdict::Agrees => track.firm || track.is_promising(),
            _ => track.firm,
        });
        if defended {
            self.drop_refuted(verdicts);
            return Found::Nothing;
        }
        self.report(verdicts, any_firm)
    }

    /// Every way that can be judged has failed: the least late one is believed.
    fn report(&mut self, verdicts: &[Verdict], any_firm: bool) -> Found {
        let mut found = Found::Nothing;
        let mut least_late = u32::MAX;
        for (track, verdict) in self.tracks.iter_mut().zip(verdicts) {
            if let Verdict::Differs(amount) = *verdict
                && track.firm == any_firm
            {
                if let Some((from, to)) = track.interval()
                    && track.late < least_late
                {
                    least_late = track.late;
                    found = Found::Mismatch { amount, from, to };
                }
                track.report(self.pulls, amount);
            } else {
                track.set_base(self.pulls, false);
            }
        }
        found
    }

    /// A way that agrees proves those wrong that differ, and a way that is never late those that only follow.
    fn drop_refuted(&mut self, verdicts: &[Verdict]) {
        let sound =
            |(track, verdict): &(&Track, &Verdict)| track.firm && **verdict == Verdict::Agrees;
        let sound: Vec<Track> = self
            .tracks
            .iter()
            .zip(verdicts)
            .filter(sound)
            .map(|(track, _)| track.clone())
            .collect();
        let pulls = self.pulls;
        let mut verdicts = verdicts.iter();
        self.tracks.retain(|track| {
            let verdict = verdicts.next().copied().unwrap_or(Verdict::Agrees);
            let since = track.open_since().unwrap_or(pulls);
            let refuted = matches!(verdict, Verdict::Differs(_) | Verdict::Excused)
                && sound.iter().any(|other| other.knew(since));
            let slow =
                track.late > PATIENCE_PULLS || (track.late > 0 && track.open_since().is_some());
            let outdone = slow && sound.iter().any(|other| other.late == 0 && other.knew(since));
            !refuted && !outdone
        });
    }
}

/// Whether the days since the last look are all in this answer. A bank shows today and yesterday at least.
fn is_covered(before: UtcInstant, pull: &Pull<'_>) -> bool {
    let last = before.utc_date();
    let gap_days = pull.at.utc_date().epoch_days().saturating_sub(last.epoch_days());
    gap_days <= 1
        || match pull.floor {
            Floor::Everything => true,
            Floor::From(floor) => floor <= last,
            Floor::Nothing => false,
        }
}

fn ways(stated: &Stated, signed: bool) -> Vec<Way> {
    let way = |inverted, pending, days_later| Way { inverted, pending, days_later };
    let signs: &[bool] = if signed { &[false, true] } else { &[false] };
    let of_sign = |inverted: bool| match (stated.kind, stated.reference_date) {
        (Kind::Closing, Some(_)) => {
            DAYS_OFF.iter().map(|days| way(inverted, false, Some(*days))).collect::<Vec<_>>()
        }
        (Kind::Closing, None) => vec![way(inverted, false, None)],
        (Kind::Interim, _) => vec![way(inverted, false, None), way(inverted, true, None)],
    };
    signs.iter().flat_map(|inverted| of_sign(*inverted)).collect()
}

/// What the rows sum up to when a balance is read in this way.
fn rows_of(way: Way, stated: &Stated, sums: &Sums) -> Option<Amount> {
    let booked = match way.days_later {
        None => sums.booked(stated.currency)?,
        Some(days) => {
            let last = stated.reference_date?.plus_days(i64::from(days))?;
            sums.booked_through(stated.currency, last)?
        }
    };
    let pending = if way.pending { sums.pending(stated.currency)? } else { Amount::ZERO };
    let rows = booked.checked_add(pending)?.trimmed();
    if way.inverted { Amount::ZERO.checked_sub(rows) } else { Some(rows) }
}
