//! The end of a simulation: the last comparison of everything shown with everything stored, and the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::model::notice::EventCode;
use crate::model::time::UtcInstant;
use crate::planner::effect::RunOutcome;
use crate::sandbox::{Cause, Log, World};
use crate::store::{EventFilter, Store};

use super::audit::{self, Ledger, Stored};
use super::driver::Driver;
use super::journal::Journal;
use super::promise::{Bench, Broken, ROWS, Tally, VIEW};
use super::report::{PromiseReport, Report};
use super::{Outcome, SimulationError};

/// Sums up.
pub(super) async fn conclude(mut driver: Driver) -> Result<Outcome, SimulationError> {
    let options = driver.options;
    let mut report = Report {
        seed: options.seed,
        days: options.days,
        accounts: driver.stage.accounts,
        ..Report::default()
    };
    if let Some(life) = &driver.life {
        read(&life.store, &mut report).await.map_err(SimulationError::Store)?;
        let stored = audit::stored(&life.store).await.map_err(SimulationError::Store)?;
        let verdict = driver
            .with_world(|world, now| compare(&driver.ledger, &stored, (world, now), &mut report));
        // What was broken off in the middle cannot be summed up.
        if !driver.stage.journal.is_broken() {
            driver.stage.journal.judge(driver.now(), ROWS, verdict);
        }
    }
    driver.end().await;
    let broken =
        driver.with_world(|world, _| sum_up(world.log(), &driver.stage.journal, &mut report));
    Ok(Outcome { report, broken })
}

/// Every row once: compares what was shown with what is stored.
pub(super) fn compare(
    ledger: &Ledger,
    stored: &[Stored],
    (world, now): (&World, UtcInstant),
    report: &mut Report,
) -> Result<(), String> {
    let accounts = ledger.bank_accounts().into_iter();
    let books: BTreeMap<_, _> = accounts.map(|own| (own, world.on_the_books(own, now))).collect();
    let is_due = |(bank_account, key)| {
        books.get(&bank_account).is_some_and(|keys: &BTreeSet<u64>| keys.contains(&key))
    };
    let compared = ledger.compare(stored, is_due);
    report.rows_shown = compared.shown;
    report.rows_stored = compared.stored;
    report.rows_missing = compared.missing;
    report.rows_doubled = compared.doubled;
    compared.verdict()
}

/// What the bank's log and those who judge say at the end, and the first promise that was broken.
pub(super) fn sum_up(log: &Log, journal: &Journal, report: &mut Report) -> Option<Broken> {
    report.calls = log.count();
    report.tokens_minted = count(log.tokens_minted().len());
    let ours = log.suspensions().iter().filter(|own| own.cause == Cause::Failures);
    report.suspensions_caused = count(ours.count());
    let (bench, broken) = journal.close();
    report.uncovered_days = count(bench.uncovered_days());
    tell(&bench, report);
    broken
}

/// What the database says.
pub(super) async fn read(store: &Store, report: &mut Report) -> Result<(), crate::store::Error> {
    for byte in store.digest().await? {
        // Writing to a string cannot fail.
        write!(report.fingerprint, "{byte:02x}").ok();
    }
    let whole = |outcome: &Option<RunOutcome>| {
        matches!(outcome, Some(RunOutcome::Pulled | RunOutcome::Unchanged))
    };
    let runs = store.runs(None, u32::MAX).await?;
    report.pulls = count(runs.iter().filter(|run| whole(&run.record.outcome)).count());
    for (code, number) in [
        (EventCode::AccessExpiring, &mut report.warnings),
        (EventCode::AccessExpired, &mut report.expiries),
    ] {
        let filter = EventFilter { code: Some(code), ..EventFilter::default() };
        *number = count(store.events(filter).collect().await?.len());
    }
    Ok(())
}

fn tell(bench: &Bench, report: &mut Report) {
    let tallies = bench.tallies();
    let broken = |name: &str| tallies.get(name).map_or(0, |tally: &Tally| tally.broken);
    report.view_mismatches = broken(VIEW);
    report.quota_exceeded = broken("quota");
    report.calls_after_end = broken("consent");
    report.promises = tallies
        .iter()
        .map(|(name, tally)| PromiseReport { name: (*name).into(), tally: *tally })
        .collect();
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
