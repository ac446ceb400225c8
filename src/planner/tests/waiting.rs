//! Nobody waits for ever: wishes, probes, late answers, clocks that were wrong, and a process that ends anywhere.

use super::*;
use crate::model::notice::Notice;
use crate::model::time::{DAY_MS, MINUTE_MS};

fn wish(driver: &mut Driver, account: AccountId) {
    driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: false });
}

fn outcomes(driver: &Driver) -> Vec<bool> {
    driver.results.iter().map(|result| result.outcome.is_some()).collect()
}

#[test]
fn a_wish_is_answered_when_its_link_is_removed_before_it_begins() {
    let (mut driver, link_id, account) = Driver::linked();
    driver.results.clear();
    wish(&mut driver, account);
    driver.planner.on(driver.at(), Event::UnlinkWanted { link_id });
    driver.run_for(1_000);
    assert_eq!(outcomes(&driver), [false]);
    assert_eq!(driver.count(EventCode::LinkAbandoned), 1);
    assert!(!driver.planner.is_pulling(account));
}

#[test]
fn a_wish_is_answered_when_the_account_is_switched_off_meanwhile() {
    let (mut driver, _, account) = Driver::linked();
    driver.results.clear();
    wish(&mut driver, account);
    let mut off = policy();
    off.rules = vec![crate::config::AccountRule {
        matches: account.to_string(),
        nickname: None,
        enabled: false,
        ledger: None,
    }];
    driver.planner.set_policy(off, driver.at());
    driver.run_for(1_000);
    assert_eq!(outcomes(&driver), [false]);
}

#[test]
fn a_page_that_is_not_the_apis_does_not_make_a_probe_spin() {
    let (mut driver, _, _) = Driver::linked();
    driver.script.everything =
        Some(failure(FailureClass::Edge(EdgeFault::Unreachable), None, false));
    driver.run_for(24 * HOUR_MS);
    driver.script.everything =
        Some(failure(FailureClass::Edge(EdgeFault::NotUnderstood), Some(200), false));
    let before = driver.calls.len();
    driver.run_for(24 * HOUR_MS);
    assert!(driver.calls.len() - before <= 50, "{}", driver.calls.len() - before);
    driver.script.everything = None;
    driver.run_for(HOUR_MS);
    assert_eq!(driver.count(EventCode::ProviderRecovered), 1);
}

#[test]
fn processing_and_a_pause_do_not_chase_each_other() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.script.metadata = ProviderStatus::Error;
    driver.run_for(24 * HOUR_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Paused);
    driver.script.data = Some(failure(FailureClass::Wait { processing: true }, Some(409), false));
    driver.script.metadata = ProviderStatus::Ready;
    let before = driver.calls.len();
    driver.run_for(24 * HOUR_MS);
    assert!(driver.calls.len() - before < 200, "{}", driver.calls.len() - before);
}

#[test]
fn a_clock_that_was_a_month_ahead_blocks_nobody_afterwards() {
    let (mut driver, _, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS);
    driver.now = driver.now.plus_days(30);
    driver.run_for(2 * HOUR_MS);
    let whom = Throttled::AccountScope;
    driver.script.data =
        Some(failure(FailureClass::Throttle { wait_s: None, whom }, Some(429), false));
    driver.run_for(12 * HOUR_MS);
    driver.script.data = None;
    // The clock is put right while the daemon is down.
    driver.now = driver.now.plus_days(-30);
    let before = driver.calls_of("Balances").len();
    driver.planner = Planner::restore(driver.documents.clone(), policy(), [9; 32]);
    driver.planner.on(driver.at(), Event::Started);
    driver.run_for(50 * HOUR_MS);
    let made = driver.calls_of("Balances").len() - before;
    assert!(made >= 2, "{made}");
    assert!(driver.account(account).last_synced_at.unwrap() > driver.now.plus_hours(-26));
}

#[test]
fn the_old_requisition_does_not_take_its_accounts_back() {
    let (mut driver, old, account) = Driver::linked();
    driver.script.accounts = vec![("p2", "DE89370400440532013000")];
    // The successor's data cannot be read yet, so that the old link stays, is looked at daily, and still lists `p1`.
    driver.script.data = Some(failure(FailureClass::Wait { processing: false }, Some(503), false));
    let new = driver.link(Some(old));
    driver.run_for(60_000);
    assert_eq!(driver.account(account).link_id, new);
    driver.script.accounts =
        vec![("p1", "DE89370400440532013000"), ("p2", "DE89370400440532013000")];
    driver.run_for(3 * DAY_MS);
    assert_eq!(driver.planner.link(old).unwrap().status, LinkStatus::Linked);
    assert_eq!(driver.account(account).link_id, new);
}

#[test]
fn interrupted_calls_count_towards_the_pause() {
    let (mut driver, _, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS);
    for call in 0..3 {
        let row = LedgerRow {
            call_id: CallId(1_000 + call),
            account_id: account,
            part: account,
            scope: Scope::Balances,
            at: driver.now,
            unsettled: true,
        };
        driver.documents.ledger.push(row);
        driver.planner = Planner::restore(driver.documents.clone(), policy(), [9; 32]);
        driver.planner.on(driver.at(), Event::Started);
        while let Step::Do(Effect::Apply(batch)) = driver.planner.next(driver.at()) {
            driver.apply(*batch);
        }
    }
    assert_eq!(driver.account(account).consecutive_failures, 3);
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert!(driver.documents.ledger.iter().all(|row| !row.unsettled), "entered once");
}

#[test]
fn a_requisition_whose_link_was_given_up_meanwhile_is_removed() {
    let mut driver = Driver::new();
    let link_id = driver.planner.new_link_id(driver.now);
    let wish = Event::LinkWanted {
        link_id,
        institution: InstitutionId::from("TEST_BANK"),
        history_days: None,
        access_days: None,
        replaces: None,
    };
    driver.planner.on(driver.at(), wish);
    loop {
        match driver.planner.next(driver.at()) {
            Step::Do(Effect::Apply(batch)) => driver.apply(*batch),
            Step::Do(Effect::Call(call)) => {
                if matches!(call.call, ApiCall::CreateRequisition(_)) {
                    driver.planner.on(driver.at(), Event::UnlinkWanted { link_id });
                }
                let stop = matches!(call.call, ApiCall::DeleteRequisition(_));
                let result = Box::new(driver.answer(&call.call));
                driver.planner.on(driver.at(), Event::Answered { ticket: call.ticket, result });
                if stop {
                    break;
                }
            }
            Step::Do(_) => {}
            Step::SleepUntil(at) => panic!("sleeps until {at} and leaves the requisition"),
        }
    }
    driver.run_for(1_000);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Abandoned);
}

#[test]
fn hostile_refusals_of_terms_end() {
    for refusals in [
        vec![Refusal::Scopes {
            required: vec![Scope::Details],
            unsupported: vec![Scope::Balances],
        }],
        vec![Refusal::Scopes {
            required: vec![Scope::Balances],
            unsupported: vec![Scope::Balances],
        }],
        vec![Refusal::AccessDays { max: Some(0) }, Refusal::HistoryDays],
        vec![Refusal::AccessDays { max: Some(u32::MAX) }],
        Vec::new(),
    ] {
        let mut driver = Driver::new();
        driver.script.everything = Some(failure(FailureClass::Bug(refusals), Some(400), false));
        let link_id = driver.planner.new_link_id(driver.now);
        let link_wish = Event::LinkWanted {
            link_id,
            institution: InstitutionId::from("TEST_BANK"),
            history_days: None,
            access_days: None,
            replaces: None,
        };
        driver.planner.on(driver.at(), link_wish);
        driver.run_for(2 * DAY_MS);
        assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Rejected);
        assert!(driver.calls.len() < 50, "{}", driver.calls.len());
        assert_eq!(driver.count(EventCode::LinkFailed), 1);
    }
}

/// Ends the process after each effect in turn, once before and once after it took place.
#[test]
fn linking_survives_an_end_after_every_effect() {
    for end_at in 0..40 {
        for done in [false, true] {
            let mut life =
                Cut { driver: Driver::new(), left: end_at, done, requisitions: Vec::new() };
            life.link();
            let driver = &life.driver;
            assert_eq!(life.requisitions.len(), 1, "cut at {end_at}, done: {done}");
            let linked = driver.planner.links().filter(|link| link.status == LinkStatus::Linked);
            assert_eq!(linked.count(), 1, "cut at {end_at}, done: {done}");
            assert_eq!(driver.planner.accounts().count(), 1, "cut at {end_at}, done: {done}");
            let told = |code| driver.count(code);
            assert!(told(EventCode::LinkCreated) == 1 && told(EventCode::LinkCompleted) == 1);
            assert_eq!(told(EventCode::AccountDiscovered), 1);
        }
    }
}

/// A process that ends once.
struct Cut {
    driver: Driver,
    left: usize,
    done: bool,
    requisitions: Vec<Requisition>,
}

impl Cut {
    fn link(&mut self) {
        let link_id = self.driver.planner.new_link_id(self.driver.now);
        let wish = |link_id| Event::LinkWanted {
            link_id,
            institution: InstitutionId::from("TEST_BANK"),
            history_days: None,
            access_days: None,
            replaces: None,
        };
        self.driver.planner.on(self.driver.at(), wish(link_id));
        let end = self.driver.now.plus_ms(30 * MINUTE_MS);
        self.driver.script.requisition = RequisitionStatus::Linked;
        loop {
            let step = self.driver.planner.next(self.driver.at());
            let cut = self.left == 0 && matches!(step, Step::Do(_));
            match step {
                Step::SleepUntil(at) if at > end => return,
                Step::SleepUntil(at) => self.driver.now = at,
                Step::Do(_) if cut && !self.done => self.restart(),
                Step::Do(effect) => {
                    self.carry_out(effect, cut);
                    if cut {
                        self.restart();
                    }
                }
            }
            if cut && self.driver.planner.links().next().is_none() {
                // Nothing of the wish was kept: the person asks again.
                let link_id = self.driver.planner.new_link_id(self.driver.now);
                self.driver.planner.on(self.driver.at(), wish(link_id));
            }
            self.left = self.left.wrapping_sub(1);
        }
    }

    fn restart(&mut self) {
        let documents = self.driver.documents.clone();
        self.driver.planner = Planner::restore(documents, policy(), [3; 32]);
        self.driver.planner.on(self.driver.at(), Event::Started);
    }

    fn carry_out(&mut self, effect: Effect, cut: bool) {
        let driver = &mut self.driver;
        match effect {
            Effect::Apply(batch) => driver.apply(*batch),
            Effect::Call(call) => {
                if let Some((account_id, scope)) = call.spends {
                    driver.next_call_id += 1;
                    let call_id = CallId(driver.next_call_id);
                    let at = driver.now;
                    let row = LedgerRow {
                        call_id,
                        account_id,
                        part: account_id,
                        scope,
                        at,
                        unsettled: true,
                    };
                    driver.documents.ledger.push(row);
                    driver
                        .planner
                        .on(driver.at(), Event::Reserved { ticket: call.ticket, call_id });
                }
                let result = self.answer(&call.call);
                if !cut {
                    let (at, result) = (self.driver.at(), Box::new(result));
                    self.driver.planner.on(at, Event::Answered { ticket: call.ticket, result });
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, call: &ApiCall) -> Result<Answered, Failure> {
        match call {
            ApiCall::CreateRequisition(new) => {
                if self.requisitions.iter().any(|made| made.reference == new.reference) {
                    let taken = FailureClass::Bug(vec![Refusal::ReferenceTaken]);
                    return Err(failure(taken, Some(400), false));
                }
                self.requisitions.push(self.driver.requisition(&new.reference));
                self.driver.answer(call)
            }
            ApiCall::Requisitions { .. } => {
                let results = self.requisitions.clone();
                let count = u32::try_from(results.len()).unwrap();
                let reply = Reply::Requisitions { count, results, page_len: count };
                Ok(Answered { reply, rate: Rate::default(), server_date: None })
            }
            _ => self.driver.answer(call),
        }
    }
}

#[test]
fn notices_from_outside_are_committed() {
    let mut driver = Driver::new();
    let notice = Notice::new(EventCode::DaemonStarted, "up");
    driver.planner.on(driver.at(), Event::Noted(vec![notice]));
    driver.run_for(1);
    assert_eq!(driver.count(EventCode::DaemonStarted), 1);
}
