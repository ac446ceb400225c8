//! What a fuzzer is let loose on: any bytes as the body of a transactions answer, and as a row. Never part of a release.

use serde_json::value::RawValue;

use super::Rows;
use super::split::{split, unchanged};
use crate::model::port::{Body, RowReader as _};

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
    let dated = shown.booking_date.or(shown.value_date);
    assert!(dated.is_none() || key.effective_date == dated, "two readings of one row");
    assert!(key.earliest_date <= key.effective_date, "earlier than the earliest date");
    assert!(serde_json::to_string(&shown).is_ok_and(|text| !text.contains('\n')), "not one line");
}

#[cfg(test)]
mod tests {
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
        fn no_bytes_break_anything(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            fuzz_rows(&bytes);
        }
    }
}
