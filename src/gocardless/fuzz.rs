//! What a fuzzer is let loose on: any bytes as the body of a transactions answer, as a row, and as one answer after another
//! that is reconciled. Never part of a release.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde_json::value::RawValue;

use super::Rows;
use super::split::{split, unchanged};
use crate::model::port::{Body, RowReader as _};
use crate::model::time::{BankDate, HOUR_MS, UtcInstant};
use crate::model::transaction::{Answer, BookingStatus, RowState, Transaction};
use crate::planner::reconcile::conclude::retire;
use crate::planner::reconcile::decide::{Question, Texts, decide};
use crate::planner::reconcile::{
    Absence, AnswerFacts, FetchedRow, Memory, RowHash, StoredRow, identical,
};

/// More answers than this find nothing more.
const ANSWERS_MAX: usize = 12;
/// 2026-01-20T00:00:00Z.
const T0: UtcInstant = UtcInstant::from_ms(1_768_867_200_000);

/// Cuts a body into rows and reads each of them, and reads the bytes as a row by themselves. Nothing may panic, every row is
/// a JSON value of the body, and an accepted body is recognised when it comes again.
///
/// # Panics
/// If that is not so: for the fuzzer to see.
pub fn fuzz_rows(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        read(text);
    }
    let Some(answer) = split(Body::new(bytes.to_vec(), None)) else { return };
    assert!(unchanged(bytes, answer.mark).is_some(), "an answer is not recognised");
    for span in answer.booked.iter().chain(answer.pending.iter().flatten()) {
        let row = answer.row(*span);
        assert!(serde_json::from_str::<&RawValue>(row).is_ok(), "a row is no JSON value");
        read(row);
    }
}

fn read(row: &str) {
    let (key, shown) = (Rows.key(row), Rows.read(row));
    assert_eq!(key.effective_date, shown.effective_date(), "two readings of one row");
    assert!(key.earliest_date <= key.effective_date, "earlier than the earliest date");
    assert!(serde_json::to_string(&shown).is_ok_and(|text| !text.contains('\n')), "not one line");
}

/// Reconciles one answer after another, as the store does, with the rows in memory. The bytes are bodies with a NUL between
/// them; the first byte of each says with which filter it was asked for and after how many hours. Nothing may panic, no
/// stored row goes on as two, and the view invariant of [`crate::planner::reconcile`] holds after each of them.
///
/// # Panics
/// If that is not so: for the fuzzer to see.
pub fn fuzz_answers(bytes: &[u8]) {
    let (mut table, mut at) = (Table::default(), T0);
    for piece in bytes.split(|byte| *byte == 0).take(ANSWERS_MAX) {
        let Some((way, body)) = piece.split_first() else { continue };
        let Some(answer) = split(Body::new(body.to_vec(), None)) else { continue };
        at = at.plus_ms(i64::from(way >> 3).saturating_add(1).saturating_mul(HOUR_MS));
        let day = 1_u32.saturating_add(u32::from(way >> 1 & 3).saturating_mul(5));
        let date_from = BankDate::from_ymd(2026, 1, day).filter(|_| way & 1 == 1);
        let facts = AnswerFacts { at, date_from, last_updated: answer.last_updated.clone() };
        table.apply(&answer, &facts);
        table.check(&answer, &facts);
    }
}

/// The rows of one account.
#[derive(Default)]
struct Table {
    texts: Vec<String>,
    rows: Vec<StoredRow>,
    memory: Memory,
    absences: BTreeMap<i64, Absence>,
}

/// Texts for the planner; a stored row's number is its place.
struct Library<'a> {
    stored: &'a [String],
    fetched: &'a [(&'a str, BookingStatus)],
}

impl Texts for Library<'_> {
    type Error = Infallible;

    fn stored(&mut self, number: i64) -> Result<Transaction, Infallible> {
        let text = usize::try_from(number).ok().and_then(|place| self.stored.get(place));
        Ok(Rows.read(text.map_or("", String::as_str)).into_owned())
    }

    fn fetched(&self, place: usize) -> Transaction {
        Rows.read(self.fetched.get(place).map_or("", |(text, _)| *text)).into_owned()
    }

    fn mentions(&self, place: usize, word: &str) -> bool {
        self.fetched.get(place).is_some_and(|(text, _)| text.contains(word))
    }
}

fn hash(text: &str) -> RowHash {
    blake3::hash(text.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default()
}

fn stored_row(text: &str, place: usize, status: BookingStatus) -> StoredRow {
    let key = Rows.key(text);
    StoredRow {
        number: i64::try_from(place).unwrap_or(i64::MAX),
        hash: hash(text),
        effective_date: key.effective_date,
        earliest_date: key.earliest_date,
        filterable: key.filterable,
        status,
        state: RowState::Current,
    }
}

fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    counts
}

impl Table {
    fn apply(&mut self, answer: &Answer, facts: &AnswerFacts) {
        let booked = answer.booked.iter().map(|span| (answer.row(*span), BookingStatus::Booked));
        let pending = answer.pending.iter().flatten();
        let pending = pending.map(|span| (answer.row(*span), BookingStatus::Pending));
        let fetched: Vec<(&str, BookingStatus)> = booked.chain(pending).collect();
        let hashes: Vec<FetchedRow> = fetched
            .iter()
            .map(|(text, status)| FetchedRow { hash: hash(text), status: *status })
            .collect();
        let dates: Vec<_> = fetched.iter().map(|(text, _)| Rows.key(text).effective_date).collect();
        let pairs = identical::pair(&self.rows, &hashes);
        let question =
            Question { facts, stored: &self.rows, fetched: &hashes, dates: &dates, pairs: &pairs };
        let mut library = Library { stored: &self.texts, fetched: &fetched };
        let Ok(decision) = decide(&question, &mut self.memory, &mut library);
        let continued = decision.continued(self.rows.len());
        let links = decision.links.iter().flatten().count();
        assert_eq!(continued.iter().filter(|on| **on).count(), links, "a row went on as two");
        let gone = retire(&self.rows, &continued, &decision.coverage, facts, &self.absences);
        for (row, state) in gone {
            let Some(row) = self.rows.get_mut(row) else { continue };
            row.state = state;
            let absence = Absence { since: facts.at, last_updated: facts.last_updated.clone() };
            self.absences.entry(row.number).or_insert(absence);
        }
        for (place, (text, status)) in fetched.iter().enumerate() {
            let link = decision.links.get(place).copied().flatten();
            let mut row =
                stored_row(text, link.map_or(self.rows.len(), |link| link.stored), *status);
            if decision.is_unlisted(place) {
                row.state = RowState::Closed;
            } else {
                self.absences.remove(&row.number);
            }
            match link {
                None => {
                    self.texts.push((*text).to_owned());
                    self.rows.push(row);
                }
                Some(link) => {
                    let slots = (self.texts.get_mut(link.stored), self.rows.get_mut(link.stored));
                    if let (Some(own_text), Some(own)) = slots {
                        (*text).clone_into(own_text);
                        *own = row;
                    }
                }
            }
        }
    }

    /// Both halves of the view invariant.
    fn check(&self, answer: &Answer, facts: &AnswerFacts) {
        let came = || answer.booked.iter().map(|span| answer.row(*span));
        let counts = counted(came());
        let listed = || self.rows.iter().zip(&self.texts).filter(|(row, _)| row.is_listed_booked());
        let lists = counted(listed().map(|(_, text)| text.as_str()));
        for (text, count) in &counts {
            assert!(lists.get(text) >= Some(count), "(a) a booked row is not listed: {text}");
        }
        let Some(oldest) = came().filter_map(|text| Rows.key(text).effective_date).min() else {
            return;
        };
        let floor = facts.date_from.map_or(oldest, |from| from.max(oldest));
        for (row, text) in listed() {
            let passes = facts.date_from.is_none() || row.filterable;
            if passes && row.earliest_date.is_some_and(|date| date >= floor) {
                let listed = lists.get(text.as_str());
                assert!(counts.get(text.as_str()) >= listed, "(b) is still listed: {text}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use proptest::prelude::*;

    /// Pieces of answers, so that many bodies are nearly right.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            " ",
            "\\u0000",
            "\\ud800",
            "null",
            "1e999",
            "-0.10",
            "{\"transactions\":{\"booked\":[",
            "]}}",
            "],\"pending\":[",
            "\"last_updated\":\"x\"",
            "{\"bookingDate\":\"2026-01-05\"}",
            "\"valueDate\":\"5207-13-01\"",
            "\"bookingDateTime\":",
            "{\"transactionAmount\":{\"amount\":\"-1.00\",\"currency\":\"EUR\"}}",
            "\u{e9}",
            "\n",
            "\"remittanceInformationUnstructuredArray\":[\"a\",\"\"]",
        ])
    }

    /// Rows that have something in common, so that many of them are taken for each other.
    fn row() -> impl Strategy<Value = String> {
        let date = prop::option::of(
            ("(booking|value)Date(Time)?", "2026-01-(0[1-9]|1[0-9])(T10:00)?")
                .prop_map(|(name, date)| format!(r#""{name}":"{date}","#)),
        );
        let id = prop::option::of("\"(transaction|internalTransaction)Id\":\"(id-)?[1-3]\",");
        let text = "\"remittanceInformationUnstructured\":\"[ab]{1,2} [ab]\",";
        let money = r#""transactionAmount":\{"amount":"-?[12](\.0)?","currency":"EUR"\}"#;
        let good = (date, id, text, money).prop_map(|(date, id, text, money)| {
            format!("{{{}{}{text}{money}}}", date.unwrap_or_default(), id.unwrap_or_default())
        });
        let odd =
            prop::sample::select(vec!["null", "1", "[]", "{}", "\"a\"", "{\"bookingDate\":1}"]);
        prop_oneof![9 => good, 1 => odd.prop_map(str::to_owned)]
    }

    /// The seeds that a fuzzer begins with.
    #[test]
    fn no_seed_breaks_anything() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
        let mut seeds = 0;
        for seed in fs::read_dir(folder).unwrap() {
            let bytes = fs::read(seed.unwrap().path()).unwrap();
            fuzz_rows(&bytes);
            fuzz_answers(&bytes);
            seeds += 1;
        }
        assert!(seeds > 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn no_pieces_of_answers_break_anything(pieces in prop::collection::vec(piece(), 0..24)) {
            fuzz_rows(pieces.concat().as_bytes());
        }

        #[test]
        fn no_rows_break_anything(rows in prop::collection::vec(piece(), 0..12)) {
            fuzz_rows(format!("{{\"transactions\":{{\"booked\":[{}]}}}}", rows.concat()).as_bytes());
        }

        #[test]
        fn no_answers_break_anything(
            answers in prop::collection::vec(
                (any::<u8>(), prop::collection::vec(row(), 0..6), prop::option::of(prop::collection::vec(row(), 0..3))),
                1..6,
            ),
        ) {
            let bodies = answers.into_iter().map(|(way, booked, pending)| {
                let pending = pending.map(|rows| format!(r#","pending":[{}]"#, rows.join(",")));
                let (booked, pending) = (booked.join(","), pending.unwrap_or_default());
                let body = format!(r#"{{"transactions":{{"booked":[{booked}]{pending}}}}}"#);
                [&[way], body.as_bytes()].concat()
            });
            fuzz_answers(&bodies.collect::<Vec<_>>().join(&0));
        }

        #[test]
        fn no_bytes_break_anything(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            fuzz_rows(&bytes);
            fuzz_answers(&bytes);
        }
    }
}
