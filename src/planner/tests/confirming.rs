//! Access that a person confirms every 90 days: asked for, announced, asked of the provider, answered, missed.

use super::*;
use crate::model::time::{DAY_MS, MINUTE_MS};

const ONE: [(&str, &str); 1] = [("p1", "DE89370400440532013000")];
const TWO: [(&str, &str); 2] = [("p1", "DE89370400440532013000"), ("p2", "DE02120300000000202051")];

/// The page for the confirmation that is due so many days after access was given.
fn page(driver: &Driver, due_day: i64, answers: &[(&str, Confirmation)]) -> Reconfirmation {
    let due = driver.script.accepted.plus_days(due_day);
    let own = |(handle, answer): &(&str, Confirmation)| {
        let at = (*answer != Confirmation::Open).then_some(driver.now);
        Reconfirmed { account: ProviderAccountId::from(*handle), answer: *answer, at }
    };
    Reconfirmation {
        url: ConsentUrl("https://example.invalid/confirm".into()),
        valid_from: Some(due.plus_days(-14)),
        valid_to: Some(due.plus_days(14)),
        accounts: answers.iter().map(own).collect(),
    }
}

/// Lets time pass until so many days after access was given.
fn until_day(driver: &mut Driver, day: i64) {
    let ms = driver.script.accepted.plus_days(day).since(driver.now);
    driver.run_for(ms);
}

fn wish(driver: &mut Driver, link_id: LinkId) {
    driver.planner.on(driver.at(), Event::ReconfirmWanted { link_id });
    driver.run_for(1_000);
}

fn due_day(driver: &Driver, link_id: LinkId) -> Option<i64> {
    let due = driver.planner.link(link_id)?.confirming.as_ref()?.due_at?;
    Some(due.since(driver.script.accepted).div_euclid(DAY_MS))
}

/// Days after access was given on which something was told.
fn told(driver: &Driver, code: EventCode) -> Vec<i64> {
    let since = |at: UtcInstant| at.since(driver.script.accepted).div_euclid(DAY_MS);
    driver.events.iter().filter(|(_, seen)| *seen == code).map(|(at, _)| since(*at)).collect()
}

fn last_pull_day(driver: &Driver) -> i64 {
    driver.calls_of("Balances").last().unwrap().since(driver.script.accepted).div_euclid(DAY_MS)
}

#[test]
fn it_is_asked_for_only_where_it_makes_access_longer() {
    let terms = |days, confirmed: Option<u32>, refused: &[Refusal]| {
        let mut driver = Driver::new();
        driver.script.confirmed_days = confirmed;
        driver.script.refuse_terms = refused.to_vec();
        let link_id = driver.planner.new_link_id(driver.now);
        let institution = InstitutionId::from("TEST_BANK");
        let access_days = Some(days);
        let wish = Event::LinkWanted {
            link_id,
            institution,
            history_days: None,
            access_days,
            replaces: None,
        };
        driver.planner.on(driver.at(), wish);
        driver.run_for(1_000);
        let terms = &driver.planner.link(link_id).unwrap().terms;
        (terms.access_days, terms.reconfirmation)
    };
    assert_eq!(terms(365, Some(730), &[]), (365, true));
    assert_eq!(terms(365, Some(180), &[]), (180, true));
    assert_eq!(terms(90, Some(730), &[]), (90, false), "not needed");
    assert_eq!(terms(180, None, &[]), (90, false), "not offered");
    assert_eq!(terms(180, Some(90), &[]), (90, false), "no longer than without");
    assert_eq!(terms(180, Some(730), &[Refusal::Reconfirmation]), (90, false), "not allowed");
}

#[test]
fn each_window_is_announced_once_and_the_answer_told_once() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    assert_eq!(due_day(&driver, link_id), Some(90));
    until_day(&mut driver, 75);
    wish(&mut driver, link_id);
    assert!(driver.calls_of("CreateReconfirmation").is_empty(), "too early");
    until_day(&mut driver, 80);
    assert_eq!(told(&driver, EventCode::ReconfirmationDue), [76]);
    assert!(driver.calls_of("CreateReconfirmation").is_empty(), "nobody has asked");
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Open)]));
    wish(&mut driver, link_id);
    wish(&mut driver, link_id);
    assert_eq!(driver.calls_of("CreateReconfirmation").len(), 1);
    assert_eq!(driver.calls_of("Reconfirmation").len(), 1, "looked at when asked again");
    let confirming = driver.planner.link(link_id).unwrap().confirming.clone().unwrap();
    assert!(confirming.present().is_some() && !confirming.asking);
    driver.run_for(3 * DAY_MS);
    let looks = driver.calls_of("Reconfirmation").len();
    assert!((200..600).contains(&looks), "{looks} looks in three days");
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Confirmed)]));
    driver.run_for(2 * HOUR_MS);
    assert_eq!(told(&driver, EventCode::ReconfirmationDone), [83]);
    assert_eq!(due_day(&driver, link_id), Some(180));
    until_day(&mut driver, 165);
    assert_eq!(last_pull_day(&driver), 164, "data went on");
    // The process that knows of the announcement dies.
    until_day(&mut driver, 170);
    driver.planner = Planner::restore(driver.documents.clone(), policy(), [8; 32]);
    until_day(&mut driver, 179);
    assert_eq!(told(&driver, EventCode::ReconfirmationDue), [76, 166]);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
    assert_eq!(driver.count(EventCode::AccessRevoked) + driver.count(EventCode::AccessExpired), 0);
}

#[test]
fn after_a_missed_day_nothing_is_asked_for_until_it_is_made_up_for() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 95);
    assert_eq!(last_pull_day(&driver), 89);
    let account = driver.planner.accounts().next().unwrap().id;
    driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: true });
    driver.run_for(1_000);
    let reason = driver.results.last().unwrap().reason.clone().unwrap();
    assert!(reason.contains(&format!("`banksyncd reconfirm {link_id}`")), "{reason}");
    // The provider may call it expired as long as it can be made up for.
    driver.script.requisition = RequisitionStatus::Expired;
    driver.run_for(DAY_MS);
    driver.script.requisition = RequisitionStatus::Linked;
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Confirmed)]));
    wish(&mut driver, link_id);
    driver.run_for(HOUR_MS * 20);
    assert_eq!(last_pull_day(&driver), 96, "late, but not too late");
    assert_eq!(told(&driver, EventCode::ReconfirmationDone), [96]);
    assert_eq!(due_day(&driver, link_id), Some(180));
    // And never.
    until_day(&mut driver, 200);
    assert_eq!(last_pull_day(&driver), 179);
    assert_eq!(told(&driver, EventCode::AccessExpired), [194]);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
    assert_eq!(driver.planner.accounts().next().unwrap().status, AccountStatus::Expired);
}

#[test]
fn before_the_day_rows_are_asked_for_first() {
    let (mut driver, _) = Driver::confirming(365, ONE.to_vec());
    let due = driver.script.accepted.plus_days(90);
    driver.run_for(due.plus_ms(-4 * MINUTE_MS).since(driver.now));
    let account = driver.planner.accounts().next().unwrap().id;
    driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: true });
    driver.run_for(MINUTE_MS);
    let asked: Vec<&str> = driver.calls.iter().rev().map(|(_, name)| name.as_str()).collect();
    assert_eq!(asked[..2], ["Balances", "Transactions"], "newest first");
}

#[test]
fn an_answer_in_the_last_minute_counts() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 100);
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Open)]));
    wish(&mut driver, link_id);
    // Between the last look and the end of the window.
    let end = driver.script.accepted.plus_days(104);
    driver.run_for(end.plus_ms(-1_000).since(driver.now));
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Confirmed)]));
    driver.run_for(2 * HOUR_MS);
    assert_eq!(driver.count(EventCode::AccessExpired), 0);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
}

#[test]
fn an_answer_that_was_given_while_the_machine_slept_counts() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 80);
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Open)]));
    wish(&mut driver, link_id);
    driver.run_for(2 * HOUR_MS);
    // It sleeps through the end of the window and long after.
    driver.now = driver.now.plus_days(40);
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Confirmed)]));
    driver.run_for(2 * HOUR_MS);
    assert_eq!(driver.count(EventCode::AccessExpired), 0);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
    assert_eq!(due_day(&driver, link_id), Some(180));
}

#[test]
fn a_page_that_cannot_be_looked_at_any_more_is_over_with_its_window() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 103);
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Open)]));
    wish(&mut driver, link_id);
    driver.script.no_page = Some(Refusal::NotFound);
    until_day(&mut driver, 110);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
    assert_eq!(driver.count(EventCode::AccessExpired), 1);
}

#[test]
fn every_account_is_answered_for_by_itself() {
    let (mut driver, link_id) = Driver::confirming(180, TWO.to_vec());
    until_day(&mut driver, 80);
    let both = |one, other| [("p1", one), ("p2", other)];
    let open = both(Confirmation::Confirmed, Confirmation::Open);
    driver.script.page = Some(page(&driver, 90, &open));
    wish(&mut driver, link_id);
    until_day(&mut driver, 91);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 0, "one is open");
    let before = driver.calls_of("Balances").len();
    driver.run_for(DAY_MS);
    let pulls = driver.calls_of("Balances").len() - before;
    assert!((2..=4).contains(&pulls), "only the confirmed one is called: {pulls}");
    let closed = both(Confirmation::Confirmed, Confirmation::Rejected);
    driver.script.page = Some(page(&driver, 90, &closed));
    driver.run_for(2 * HOUR_MS);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
    assert_eq!(driver.count(EventCode::AccessRevoked), 1);
    let statuses: Vec<_> = driver.planner.accounts().map(|account| account.status).collect();
    assert_eq!(statuses, [AccountStatus::Ready, AccountStatus::Expired]);
    assert_eq!(due_day(&driver, link_id), None, "access ends before the next 90 days are over");
    until_day(&mut driver, 179);
    assert_eq!(last_pull_day(&driver), 178);
    until_day(&mut driver, 200);
    assert_eq!(told(&driver, EventCode::AccessExpired), [180]);
}

#[test]
fn a_no_for_every_account_ends_access() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 80);
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Rejected)]));
    wish(&mut driver, link_id);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Revoked);
    assert_eq!(driver.count(EventCode::AccessRevoked), 1);
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
    until_day(&mut driver, 120);
    assert_eq!(driver.count(EventCode::AccessExpired), 0);
}

#[test]
fn a_page_whose_answer_was_lost_is_looked_for_before_another_is_made() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 80);
    driver.script.everything = Some(failure(FailureClass::Edge(EdgeFault::NoAnswer), None, false));
    wish(&mut driver, link_id);
    assert_eq!(driver.calls_of("CreateReconfirmation").len(), 1);
    driver.script.everything = None;
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Open)]));
    driver.run_for(HOUR_MS);
    assert_eq!(driver.calls_of("CreateReconfirmation").len(), 1, "it was made");
    assert!(driver.planner.link(link_id).unwrap().confirming.as_ref().unwrap().present().is_some());
    // The page of the last window is not that of this one.
    driver.script.page = Some(page(&driver, 90, &[("p1", Confirmation::Confirmed)]));
    driver.run_for(HOUR_MS);
    until_day(&mut driver, 170);
    driver.script.everything = Some(failure(FailureClass::Edge(EdgeFault::NoAnswer), None, false));
    wish(&mut driver, link_id);
    driver.script.everything = None;
    driver.run_for(2 * HOUR_MS);
    assert!(driver.calls_of("CreateReconfirmation").len() >= 3, "it had not been made");
    assert_eq!(driver.count(EventCode::ReconfirmationDone), 1);
}

#[test]
fn what_the_provider_refuses_is_not_asked_for_again() {
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 80);
    driver.script.no_page = Some(Refusal::Field("request".into()));
    wish(&mut driver, link_id);
    let confirming =
        |driver: &Driver| driver.planner.link(link_id).unwrap().confirming.clone().unwrap();
    assert!(confirming(&driver).failure.unwrap().contains("renew"));
    driver.run_for(DAY_MS);
    assert_eq!(driver.calls_of("CreateReconfirmation").len(), 1);
    driver.script.no_page = Some(Refusal::NothingToReconfirm);
    wish(&mut driver, link_id);
    assert_eq!(due_day(&driver, link_id), None);
    until_day(&mut driver, 120);
    assert_eq!(last_pull_day(&driver), 119, "the provider waits for nothing");
    let (mut driver, link_id) = Driver::confirming(365, ONE.to_vec());
    until_day(&mut driver, 92);
    driver.script.no_page = Some(Refusal::ReconfirmationOver);
    wish(&mut driver, link_id);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
}
