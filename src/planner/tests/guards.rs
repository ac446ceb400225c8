//! Failures that never end, refusals that repeat, records that pile up: everything is bounded, and heals by itself.

use super::*;
use crate::model::time::{DAY_MS, MINUTE_MS, SECOND_MS};

#[test]
fn what_is_refused_for_ever_is_asked_for_ever_less_often() {
    for (class, status) in [
        (FailureClass::Configuration(ConfigurationFault::PlanLimit), 402),
        (FailureClass::Bug(vec![Refusal::NotFound]), 404),
        (FailureClass::Wait { processing: false }, 503),
    ] {
        let (mut driver, _, account) = Driver::linked();
        let before = driver.calls_of("Balances").len();
        driver.script.data = Some(failure(class, Some(status), false));
        driver.run_for(30 * DAY_MS);
        let tries = driver.calls_of("Balances").split_off(before);
        assert!((20..=130).contains(&tries.len()), "{status}: {}", tries.len());
        let gaps: Vec<i64> = tries.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(gaps.iter().all(|gap| *gap < DAY_MS + 8 * HOUR_MS), "{status}");
        assert!(gaps[20..].iter().all(|gap| *gap >= 6 * HOUR_MS), "{status}: {gaps:?}");
        assert!(driver.count(EventCode::PlanLimitReached) <= 1);
        driver.script.data = None;
        driver.run_for(DAY_MS + 8 * HOUR_MS);
        assert_eq!(driver.account(account).tries, 0, "{status}: it heals by itself");
    }
}

#[test]
fn a_bank_that_gives_balances_only_is_paused_once() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.broken = vec![Scope::Transactions];
    driver.run_for(60 * DAY_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Paused);
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert_eq!(driver.count(EventCode::AccountRecovered), 0);
    let tries = driver.calls_of("Transactions").len();
    assert!(tries < 30, "{tries}");
    driver.script.broken = Vec::new();
    driver.run_for(9 * DAY_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
    assert_eq!(driver.count(EventCode::AccountRecovered), 1);
}

#[test]
fn a_pause_that_goes_on_through_a_successor_is_told_once() {
    for paused_before in [false, true] {
        let (mut driver, old, account) = Driver::linked();
        driver.run_for(2 * DAY_MS);
        let error = failure(FailureClass::InstitutionError, Some(500), true);
        driver.script.data = paused_before.then_some(error);
        driver.run_for(2 * DAY_MS);
        assert_eq!(driver.account(account).pause.is_some(), paused_before);
        // Neither handle of the successor gives its details.
        driver.script.broken = vec![Scope::Details];
        driver.script.accounts =
            vec![("p2", "DE89370400440532013000"), ("p3", "NL91ABNA0417164300")];
        driver.link(Some(old));
        let joined = ProviderAccountId::from("p2");
        for _ in 0..24 * 60 {
            if driver.account(account).provider_account_id == joined {
                break;
            }
            driver.run_for(MINUTE_MS);
        }
        assert_eq!(driver.account(account).provider_account_id, joined);
        assert_eq!(driver.count(EventCode::AccountPaused), 2, "the known one and the new one");
        (driver.script.broken, driver.script.data) = (Vec::new(), None);
        driver.run_for(9 * DAY_MS);
        assert!(driver.planner.accounts().all(|own| own.status == AccountStatus::Ready));
        assert_eq!(driver.count(EventCode::AccountPaused), 2);
        assert_eq!(driver.count(EventCode::AccountRecovered), 2);
    }
}

#[test]
fn a_company_wide_limit_leaves_nobody_waiting() {
    let (mut driver, _, account) = Driver::linked();
    driver.run_for(26 * HOUR_MS);
    driver.results.clear();
    let whom = Throttled::Company;
    driver.script.data =
        Some(failure(FailureClass::Throttle { wait_s: Some(1_800), whom }, Some(429), false));
    let wish = Event::PullWanted { accounts: vec![account], force: false };
    driver.planner.on(driver.at(), wish);
    driver.run_for(SECOND_MS);
    let told = driver.results.first().expect("told at once");
    assert_eq!((told.outcome, told.reason.is_some()), (None, true));
    let until = told.next_allowed_at.unwrap();
    assert!((29 * MINUTE_MS..31 * MINUTE_MS).contains(&until.since(driver.now)));
    driver.script.data = None;
    driver.run_for(31 * MINUTE_MS);
    assert!(driver.now.since(driver.account(account).last_synced_at.unwrap()) < 5 * MINUTE_MS);
}

#[test]
fn links_that_failed_leave_nothing_behind() {
    let mut driver = Driver::new();
    for round in 0..130 {
        driver.script.requisition = RequisitionStatus::Created;
        driver.link(None);
        driver.script.requisition = RequisitionStatus::Rejected;
        driver.run_for(MINUTE_MS);
        assert_eq!(driver.calls_of("DeleteRequisition").len(), round + 1);
    }
    assert_eq!(driver.count(EventCode::LinkFailed), 130);
    assert_eq!(driver.planner.links().count(), 101);
    assert_eq!(driver.documents.links.len(), 101);
    assert!(driver.planner.links().all(|link| link.status == LinkStatus::Rejected));
}

#[test]
fn a_busy_database_is_asked_again_soon() {
    let (mut driver, _, account) = Driver::linked();
    driver.run_for(26 * HOUR_MS);
    let wish = Event::PullWanted { accounts: vec![account], force: false };
    driver.planner.on(driver.at(), wish);
    let mut waits = Vec::new();
    while waits.len() < 7 {
        match driver.planner.next(driver.at()) {
            Step::Do(Effect::Call(call)) => {
                let refused = Event::NotReserved { ticket: call.ticket };
                driver.planner.on(driver.at(), refused);
            }
            Step::Do(Effect::Apply(batch)) => driver.apply(*batch),
            Step::Do(_) => {}
            Step::SleepUntil(at) => {
                waits.push(at.since(driver.now));
                driver.now = at;
            }
        }
    }
    assert_eq!(waits, [1, 2, 5, 15, 60, 60, 60].map(|seconds| seconds * SECOND_MS));
    driver.results.clear();
    driver.run_for(MINUTE_MS);
    assert!(driver.results.iter().any(|result| result.outcome.is_some()), "it goes on");
}

#[test]
fn a_daily_limit_that_somebody_else_has_used_up_is_respected_until_its_reset() {
    for wait_s in [None, Some(30_000), Some(0)] {
        let (mut driver, _, account) = Driver::linked();
        driver.run_for(26 * HOUR_MS);
        let whom = Throttled::AccountScope;
        driver.script.data =
            Some(failure(FailureClass::Throttle { wait_s, whom }, Some(429), false));
        let before = driver.calls_of("Balances").len();
        for _ in 0..48 {
            let wish = Event::PullWanted { accounts: vec![account], force: true };
            driver.planner.on(driver.at(), wish);
            driver.run_for(30 * MINUTE_MS);
        }
        let tries = driver.calls_of("Balances").split_off(before);
        match wait_s {
            None => assert_eq!(tries.len(), 1),
            Some(30_000) => assert!(tries.len() <= 3 && tries[1].since(tries[0]) >= 30_000_000),
            Some(_) => assert!(tries.len() <= 16, "{}", tries.len()),
        }
        assert!(driver.count(EventCode::QuotaSpent) <= 3);
    }
}
