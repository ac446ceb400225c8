//! Reconciliation against a reference ledger: whatever a bank shows, no payment is doubled or lost, and every payment that
//! leaves evidence keeps its row. Pure, with the rows in memory, so that ten thousand cases take little more than
//! a minute on two cores.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::panic,
    reason = "a test that panics has failed, as it should; a world of tests counts small things"
)]

mod bank;
mod judge;
mod stored;
mod table;

use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};

use bank::Bank;
use judge::{Counts, Judge};

/// Cases of one test; four tests share the work.
const CASES: u32 = 2_500;
/// Seeds of cases that failed once.
const REGRESSIONS: &str = "tests/reconcile/regressions.txt";
/// Answers of a case.
const ANSWERS: u32 = 14;
/// What a case has at least: twelve answers of twenty rows.
const ROWS_MIN: usize = 12 * 20;

fn live(seed: u64, counts: &mut Counts) -> Result<(), TestCaseError> {
    let mut bank = Bank::new(seed);
    let (mut judge, mut rows) = (Judge::default(), 0);
    for _ in 0..ANSWERS {
        bank.lives_on();
        let shown = bank.shows();
        rows += shown.rows().count();
        judge.sees(&bank, &shown, counts)?;
    }
    prop_assert!(rows >= ROWS_MIN, "{rows} rows");
    Ok(())
}

/// Runs one quarter of the cases and sees that no class of quirk was left out.
fn quarter(number: u64) {
    let counts = Mutex::new(Counts::default());
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..ProptestConfig::default()
    };
    // The same cases every time: whoever changes a rule sees what the change does, and nobody else is surprised.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, dice);
    let outcome = runner.run(&any::<u64>(), |seed| {
        // A failing case may be looked at more than once; its counts do not matter then.
        live(seed.rotate_left(1) ^ number, &mut counts.lock().unwrap())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let counts = counts.into_inner().unwrap();
    for class in judge::CLASSES {
        assert!(counts.of(class) > 0, "no case had: {class}\n{counts:?}");
    }
}

#[test]
fn no_payment_is_doubled_or_lost_first_quarter() {
    quarter(1);
}

#[test]
fn no_payment_is_doubled_or_lost_second_quarter() {
    quarter(2);
}

#[test]
fn no_payment_is_doubled_or_lost_third_quarter() {
    quarter(3);
}

#[test]
fn no_payment_is_doubled_or_lost_last_quarter() {
    quarter(4);
}
