//! Our clock is wrong, is set, or sleeps: consents and quota go by the provider's.

use super::*;
use crate::model::time::{DAY_MS, MINUTE_MS};

fn restart(driver: &mut Driver) {
    driver.planner = Planner::restore(driver.documents.clone(), policy(), [9; 32]);
    driver.planner.on(driver.at(), Event::Started);
}

fn dated() -> (Driver, LinkId, AccountId) {
    let (mut driver, link_id, account) = Driver::linked();
    driver.script.dated = true;
    driver.run_for(DAY_MS);
    (driver, link_id, account)
}

#[test]
fn a_clock_that_is_set_weeks_ahead_ends_nothing() {
    for restarts in [false, true] {
        let (mut driver, link_id, account) = dated();
        driver.wrong_ms = 120 * DAY_MS;
        if restarts {
            restart(&mut driver);
        }
        driver.run_for(10 * DAY_MS);
        assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Linked);
        assert_eq!(driver.account(account).status, AccountStatus::Ready);
        assert_eq!(driver.count(EventCode::AccessExpiring), 0);
        assert_eq!(driver.count(EventCode::ClockStepped), 1);
        assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4);
        // It is put right again, and everything comes at its time.
        driver.wrong_ms = 0;
        if restarts {
            restart(&mut driver);
        }
        driver.run_for(80 * DAY_MS);
        assert_eq!(driver.count(EventCode::AccessExpiring), 4);
        assert_eq!(driver.count(EventCode::AccessExpired), 1);
        let end = driver.script.accepted.plus_days(90);
        let ended = driver.events.iter().find(|(_, code)| *code == EventCode::AccessExpired);
        assert!((0..MINUTE_MS).contains(&ended.unwrap().0.since(end)));
        let data = [driver.calls_of("Balances"), driver.calls_of("Transactions")].concat();
        assert!(data.iter().all(|at| *at < end), "no data call after the end");
        assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4);
    }
}

#[test]
fn a_clock_that_is_behind_does_not_prolong_access() {
    let (mut driver, link_id, _) = dated();
    driver.wrong_ms = -60 * DAY_MS;
    restart(&mut driver);
    driver.run_for(95 * DAY_MS);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
    assert_eq!(driver.count(EventCode::AccessExpiring), 4);
    let end = driver.script.accepted.plus_days(90);
    assert!(driver.calls.iter().all(|(at, _)| *at <= end), "no call after the end");
}

#[test]
fn a_liar_ends_nothing() {
    let (mut driver, link_id, _) = dated();
    // Each answer from another century.
    let lies = [200, 300, 400, 500, 600, 700, 800, 900].map(|days| driver.now.plus_days(days));
    for lie in lies {
        let look = driver.at();
        driver.planner.on(look, Event::Woken);
        let heard = driver.planner.time.heard(Some(lie), look);
        assert_ne!(heard, crate::planner::provider_time::Heard::Corrected(0));
    }
    driver.run_for(3 * DAY_MS);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Linked);
    assert_eq!(driver.count(EventCode::ClockStepped), 0);
    assert_eq!(driver.planner.provider_time(driver.now), driver.now);
}

#[test]
fn quota_is_safe_when_the_clock_is_set_in_either_direction() {
    for step_ms in [2 * HOUR_MS, 23 * HOUR_MS, 30 * DAY_MS, -2 * HOUR_MS, -DAY_MS] {
        let (mut driver, _, account) = dated();
        for _ in 0..6 {
            let wish = Event::PullWanted { accounts: vec![account], force: true };
            driver.planner.on(driver.at(), wish);
            driver.run_for(MINUTE_MS);
        }
        driver.wrong_ms += step_ms;
        for _ in 0..30 {
            let wish = Event::PullWanted { accounts: vec![account], force: true };
            driver.planner.on(driver.at(), wish);
            driver.run_for(HOUR_MS);
        }
        let calls = driver.calls_of("Balances");
        assert!(most_in_a_day(&calls) <= 4, "{step_ms}");
        let since = driver.now.since(*calls.last().unwrap());
        assert!(since < 12 * HOUR_MS, "and nothing waits longer than needed: {step_ms} {since}");
    }
}

#[test]
fn after_a_long_sleep_one_catch_up_follows_and_trials_keep_their_distance() {
    let (mut driver, _, account) = dated();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.script.metadata = ProviderStatus::Error;
    driver.run_for(DAY_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Paused);
    let before = driver.calls_of("Balances").len();
    driver.now = driver.now.plus_days(30);
    driver.run_for(HOUR_MS);
    assert_eq!(driver.calls_of("Balances").len() - before, 1, "one trial, not all three");
}
