//! Ordinary and bad days, one rule at a time.

use super::*;
use crate::planner::state::{Identifying, Purpose};

#[test]
fn a_link_is_made_polled_and_pulled() {
    let (driver, link_id, account) = Driver::linked();
    let link = driver.planner.link(link_id).unwrap();
    assert_eq!(link.status, LinkStatus::Linked);
    assert_eq!(link.accounts, [account]);
    assert_eq!(link.access_expires_at, Some(driver.script.accepted.plus_days(90)));
    assert_eq!(link.url, None);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
    assert!(driver.account(account).last_synced_at.is_some());
    for code in [
        EventCode::LinkCreated,
        EventCode::LinkCompleted,
        EventCode::AccountDiscovered,
        EventCode::SyncCompleted,
    ] {
        assert_eq!(driver.count(code), 1, "{code:?}");
    }
    let documents = &driver.documents;
    assert_eq!(documents.accounts[0], *driver.account(account), "what is in memory was committed");
    assert_eq!(documents.links[0], *link);
}

#[test]
fn a_replaced_link_is_removed_at_the_provider_or_kept_until_a_person_ends_it() {
    let renewed = |remove_replaced| {
        let (mut driver, old, _) = Driver::linked();
        driver.planner.set_policy(Policy { remove_replaced, ..policy() }, driver.at());
        driver.link(Some(old));
        driver.script.accounts = vec![("n1", "DE89370400440532013000")];
        driver.run_for(HOUR_MS);
        assert_eq!(driver.planner.link(old).unwrap().status, LinkStatus::Replaced);
        assert_eq!(driver.count(EventCode::LinkReplaced), 1);
        assert_eq!(driver.count(EventCode::AccessRenewed), 1);
        (driver, old)
    };
    let (driver, _) = renewed(true);
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
    let (mut driver, old) = renewed(false);
    driver.run_for(30 * 24 * HOUR_MS);
    assert!(driver.calls_of("DeleteRequisition").is_empty());
    for _ in 0..2 {
        driver.planner.on(driver.at(), Event::UnlinkWanted { link_id: old });
        driver.run_for(1_000);
    }
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1, "by hand, once");
    assert_eq!(driver.planner.link(old).unwrap().status, LinkStatus::Replaced);
    assert_eq!(driver.count(EventCode::LinkAbandoned), 0);
}

#[test]
fn three_pulls_a_day_two_calls_each_and_one_of_them_unfiltered() {
    let (mut driver, _, _) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 10);
    let (balances, transactions) = (driver.calls_of("Balances"), driver.calls_of("Transactions"));
    assert!((30..=31).contains(&balances.len()), "{}", balances.len());
    assert_eq!(balances.len(), transactions.len());
    assert!(most_in_a_day(&balances) <= 4);
    assert_eq!(driver.calls_of("Details").len(), 1, "details: once, then monthly");
    assert_eq!(driver.calls_of("CreateRequisition").len(), 1);
}

#[test]
fn a_person_may_use_the_reserve_and_no_more() {
    let (mut driver, _, account) = Driver::linked();
    for _ in 0..6 {
        driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: false });
        driver.run_for(1_000);
    }
    assert_eq!(driver.calls_of("Balances").len(), 4);
    let last = driver.results.last().unwrap();
    assert_eq!(last.outcome, None);
    assert!(last.next_allowed_at.unwrap() > driver.now.plus_hours(23));
    driver.run_for(48 * HOUR_MS);
    assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4);
    assert!(driver.account(account).last_synced_at.unwrap() > driver.now.plus_hours(-12));
}

#[test]
fn failures_pause_ask_try_after_1_3_7_days_and_never_reach_nine() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.script.metadata = ProviderStatus::Error;
    let before = driver.calls_of("Balances").len();
    driver.run_for(24 * HOUR_MS * 60);
    let tries = driver.calls_of("Balances").split_off(before);
    assert_eq!(tries.len(), 6, "three to the pause, then one after 1, 3 and 7 days");
    let pause = driver.account(account).pause.unwrap();
    for (tried, days) in tries[3..].iter().zip([1, 3, 7]) {
        let off = tried.since(pause.since.plus_days(days));
        assert!((0..HOUR_MS).contains(&off), "{days} days: off by {off} ms");
    }
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert_eq!(driver.account(account).status, AccountStatus::Paused);
    assert_eq!(driver.count(EventCode::AccountStale), 1);
    for _ in 0..9 {
        driver.planner.on(driver.at(), Event::PullWanted { accounts: vec![account], force: true });
        driver.run_for(24 * HOUR_MS);
    }
    assert_eq!(
        driver.calls_of("Balances").len() - before,
        8,
        "the hard limit holds for force, too"
    );
}

#[test]
fn ready_lifts_the_pause_and_a_success_recovers() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
    driver.run_for(24 * HOUR_MS);
    driver.script.data = None;
    driver.run_for(48 * HOUR_MS);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
    assert_eq!(driver.account(account).consecutive_failures, 0);
    assert_eq!(driver.count(EventCode::AccountPaused), 1);
    assert_eq!(driver.count(EventCode::AccountRecovered), 1);
}

#[test]
fn access_ends_with_four_warnings_one_event_and_no_further_call() {
    let (mut driver, link_id, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 91);
    assert_eq!(driver.count(EventCode::AccessExpiring), 4);
    assert_eq!(driver.count(EventCode::AccessExpired), 1);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Expired);
    assert_eq!(driver.account(account).status, AccountStatus::Expired);
    let end = driver.script.accepted.plus_days(90);
    assert!(driver.calls.iter().all(|(at, _)| *at <= end), "no call after the end");
}

#[test]
fn a_revocation_is_told_apart_and_announced_once() {
    let (mut driver, link_id, account) = Driver::linked();
    driver.script.data =
        Some(failure(FailureClass::Reconnect(AccessEnd::ExpiredOrRevoked), Some(401), true));
    driver.run_for(24 * HOUR_MS * 5);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Revoked);
    assert_eq!(driver.account(account).status, AccountStatus::Expired);
    assert_eq!(driver.count(EventCode::AccessRevoked), 1);
    assert_eq!(driver.count(EventCode::AccessExpired), 0);
}

#[test]
fn a_daily_429_waits_and_the_slot_is_not_skipped() {
    let (mut driver, _, account) = Driver::linked();
    let whom = Throttled::AccountScope;
    driver.script.data =
        Some(failure(FailureClass::Throttle { wait_s: Some(7_200), whom }, Some(429), false));
    driver.run_for(24 * HOUR_MS);
    let refused = driver.calls_of("Balances");
    driver.script.data = None;
    driver.run_for(3 * HOUR_MS);
    let good = driver.calls_of("Balances").split_off(refused.len());
    assert!(!good.is_empty(), "the slot waited");
    assert!(good[0].since(*refused.last().unwrap()) >= 7_200_000);
    assert_eq!(driver.account(account).consecutive_failures, 0);
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
}

#[test]
fn a_history_that_came_and_belongs_to_nobody_is_not_said_to_have_failed_to_come() {
    let told = |came: bool| {
        let (mut driver, link_id, _) = Driver::linked();
        let mut documents = driver.documents.clone();
        documents.links[0].purpose = Purpose::History;
        documents.links[0].history_of = Some(LinkId::from_bits(1));
        if !came {
            documents.accounts[0].full_pull_at = None;
        }
        driver.planner = Planner::restore(documents, policy(), [8; 32]);
        driver.script.data = Some(failure(FailureClass::InstitutionError, Some(500), true));
        driver.run_for(8 * 24 * HOUR_MS);
        assert_eq!(driver.count(EventCode::LinkFailed), 1);
        assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
        driver.planner.link(link_id).unwrap().failure.clone().unwrap()
    };
    assert!(told(false).contains("did not give its history"));
    assert!(told(true).contains("`banksyncd accounts merge`"));
}

#[test]
fn a_history_joins_its_account_with_its_transactions_and_not_before() {
    let (driver, ..) = Driver::linked();
    let joins = |transactions_came: bool| {
        let mut documents = driver.documents.clone();
        documents.links[0].purpose = Purpose::History;
        documents.links[0].history_of = Some(LinkId::from_bits(1));
        let account = &mut documents.accounts[0];
        account.identifying = Some(Identifying { metadata_read: true, details_settled: true });
        // A pull whose transactions the bank refuses is complete without them.
        assert!(account.last_synced_at.is_some());
        account.full_pull_at = account.last_synced_at.filter(|_at| transactions_came);
        let planner = Planner::restore(documents, policy(), [8; 32]);
        let account = planner.accounts().next().unwrap();
        planner.pairing_due(account).is_some()
    };
    assert!(joins(true));
    assert!(!joins(false));
}

#[test]
fn an_outage_knocks_with_free_calls_and_is_announced_once() {
    let (mut driver, _, _) = Driver::linked();
    let before = driver.calls_of("Balances").len();
    driver.script.data = Some(failure(FailureClass::Edge(EdgeFault::Unreachable), None, false));
    driver.run_for(24 * HOUR_MS);
    assert!(driver.calls_of("Balances").len() - before <= 4, "the quota is not burnt");
    assert!(driver.count(EventCode::ProviderUnavailable) >= 1);
    assert_eq!(driver.count(EventCode::AccountPaused), 0);
    driver.script.data = None;
    driver.run_for(48 * HOUR_MS);
    assert_eq!(
        driver.count(EventCode::ProviderUnavailable),
        driver.count(EventCode::ProviderRecovered)
    );
}

#[test]
fn an_account_that_nobody_serves_does_not_stop_the_others() {
    for unserved in ["p1", "p2"] {
        let accounts = vec![("p1", "DE89370400440532013000"), ("p2", "DE02120300000000202051")];
        let (mut driver, _) = Driver::confirming(90, accounts);
        driver.script.unserved = Some(unserved);
        driver.run_for(10 * 24 * HOUR_MS);
        let day_ago = driver.now.plus_days(-1);
        let stale = |account: &&Account| account.last_synced_at.is_none_or(|at| at < day_ago);
        let stale: Vec<&Account> = driver.planner.accounts().filter(stale).collect();
        let [one] = stale.as_slice() else { panic!("{unserved}: {stale:?}") };
        assert_eq!(one.provider_account_id.0, unserved);
    }
}

#[test]
fn a_wrong_secret_stops_everything_once_and_is_retried_slowly() {
    let (mut driver, _, _) = Driver::linked();
    let fault = FailureClass::Configuration(ConfigurationFault::Credentials);
    driver.script.everything = Some(failure(fault, Some(401), false));
    let before = driver.calls.len();
    driver.run_for(24 * HOUR_MS);
    assert_eq!(driver.count(EventCode::CredentialsRejected), 1);
    assert!((3..=6).contains(&(driver.calls.len() - before)), "{}", driver.calls.len() - before);
    driver.script.everything = None;
    driver.planner.on(driver.at(), Event::Started);
    driver.run_for(1_000);
    assert!(driver.planner.provider().fault.is_none(), "a restart tries at once");
}

#[test]
fn refused_terms_are_lowered_until_the_institution_agrees() {
    let mut driver = Driver::new();
    driver.script.refuse_terms = vec![Refusal::HistoryDays];
    let link_id = driver.link(None);
    let link = driver.planner.link(link_id).unwrap();
    assert_eq!(link.terms.history_days, 89);
    assert_eq!(link.status, LinkStatus::Created);
    assert_eq!(driver.calls_of("CreateAgreement").len(), 2);
    let again = driver.link(None);
    assert_eq!(driver.planner.link(again).unwrap().terms.history_days, 89);
    assert_eq!(driver.calls_of("CreateAgreement").len(), 3, "what worked is remembered");
}

#[test]
fn a_link_that_nobody_finishes_is_given_up() {
    let mut driver = Driver::new();
    let link_id = driver.link(None);
    driver.run_for(48 * HOUR_MS);
    assert_eq!(driver.planner.link(link_id).unwrap().status, LinkStatus::Abandoned);
    assert_eq!(driver.count(EventCode::LinkAbandoned), 1);
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
}

#[test]
fn a_renewal_keeps_the_account_and_removes_the_old_link() {
    let (mut driver, old, account) = Driver::linked();
    driver.run_for(24 * HOUR_MS * 10);
    driver.script.requisition = RequisitionStatus::Created;
    driver.script.accounts = vec![("p2", "de89 3704 0044 0532 0130 00")];
    let new = driver.link(Some(old));
    driver.run_for(60_000);
    assert_eq!(
        driver.planner.link(old).unwrap().status,
        LinkStatus::Linked,
        "untouched until then"
    );
    driver.script.requisition = RequisitionStatus::Linked;
    driver.script.accepted = driver.now;
    driver.run_for(24 * HOUR_MS);
    assert_eq!(driver.planner.accounts().count(), 1);
    let kept = driver.account(account);
    assert_eq!(kept.provider_account_id, ProviderAccountId::from("p2"));
    assert_eq!(kept.link_id, new);
    let replaced = driver.planner.link(old).unwrap();
    assert_eq!((replaced.status, replaced.replaced_by), (LinkStatus::Replaced, Some(new)));
    assert_eq!(driver.count(EventCode::LinkReplaced), 1);
    assert_eq!(driver.count(EventCode::AccessRenewed), 1);
    assert_eq!(driver.calls_of("DeleteRequisition").len(), 1);
    assert_eq!(driver.documents.accounts.len(), 1);
    assert!(most_in_a_day(&driver.calls_of("Balances")) <= 4, "the quota came along");
}

#[test]
fn a_restart_forgets_nothing() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.dated = true;
    driver.run_for(51 * HOUR_MS);
    let calls = driver.calls.len();
    for _ in 0..20 {
        driver.planner = Planner::restore(driver.documents.clone(), policy(), [9; 32]);
        driver.planner.on(driver.at(), Event::Started);
        driver.run_for(1_000);
    }
    assert_eq!(driver.calls.split_off(calls), [], "restarts cause no calls");
    driver.now = driver.now.plus_days(3);
    driver.run_for(1_000);
    assert_eq!(
        driver.calls.len() - calls,
        3,
        "one catch-up: balances, transactions, a look at the requisition"
    );
    assert_eq!(driver.account(account).status, AccountStatus::Ready);
}

#[test]
fn a_scope_that_the_bank_refuses_is_switched_off_alone() {
    let (mut driver, _, account) = Driver::linked();
    driver.script.data = Some(failure(FailureClass::ScopeGone, Some(403), false));
    driver.run_for(24 * HOUR_MS * 3);
    assert_eq!(driver.count(EventCode::ScopeRefused), 2);
    assert_eq!(
        driver.account(account).scopes_off.iter().copied().collect::<Vec<_>>(),
        [Scope::Balances, Scope::Transactions]
    );
}
