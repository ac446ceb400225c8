//! The guard against suspension: pausing, the hard limit, recovery, and what is left when it comes all the same.

use banksyncd::sandbox::{BankProblem, Fault, FaultKind, SANDBOX};

use crate::rig::{Rig, text, wait_for};

const BROKEN: FaultKind = FaultKind::Bank { problem: BankProblem::UnknownRequest };

/// An account of which the bank knows only errors from now on, and its ids: ours and theirs.
fn troubled() -> (Rig, String, String) {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.bank.spoil_data(&BROKEN, None);
    let account = rig.accounts().remove(0);
    let ids = (text(&account, "id"), text(&account, "provider_account_id"));
    (rig, ids.0, ids.1)
}

fn failures_at_the_bank(rig: &Rig) -> u32 {
    rig.bank.accounts()[0].worst_failures
}

#[test]
fn three_failures_pause_and_eight_are_the_end() {
    let (mut rig, id, theirs) = troubled();
    for round in 1..=3 {
        rig.sync(&[]).expect(1);
        let account = rig.account(&id);
        assert_eq!(account["consecutive_failures"], round, "{account}");
        assert_eq!(account["status"], if round < 3 { "ready" } else { "paused" });
        assert_eq!(failures_at_the_bank(&rig), round);
    }
    let paused = rig.wait_for_events("account_paused", 1);
    assert_eq!(
        (&paused[0]["level"], &paused[0]["account_id"]),
        (&"error".into(), &id.clone().into())
    );
    // Not without force, and a person is told what to type.
    let result = rig.sync(&[]).expect(1).lines().remove(0);
    assert_eq!(result["outcome"], "skipped", "{result}");
    assert!(text(&result, "reason").contains("--force"));
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    assert_eq!(status["needs"][0]["code"], "account_paused", "{status}");
    assert!(text(&status["needs"][0], "command").contains(&format!("sync {id} --force")));
    assert_eq!(failures_at_the_bank(&rig), 3);
    for round in 4..=8 {
        rig.sync(&["--force"]).expect(1);
        assert_eq!(failures_at_the_bank(&rig), round);
        if round == 5 {
            rig.kill();
            rig.start();
        }
    }
    for _ in 0..2 {
        let result = rig.sync(&["--force"]).expect(1).lines().remove(0);
        assert_eq!(result["outcome"], "skipped", "{result}");
        assert!(text(&result, "reason").contains("new link"), "{result}");
    }
    rig.restart();
    rig.sync(&["--force"]).expect(1);
    assert_eq!(failures_at_the_bank(&rig), 8, "two short of suspension");
    rig.wait_for_events("account_paused", 1);
    assert_eq!(rig.bank.with(|world, _| world.log().suspensions().len()), 0);
    let asked = rig.bank.calls(|call| call.scope.is_some() && call.status == 500);
    assert_eq!(asked.len(), 8);
    // Renewing is the way out: the new handle has no failures.
    rig.bank.with(|world, _| world.clear_faults());
    let link = text(&rig.account(&id), "link_id");
    let new = rig.verb(&["renew", &link, "--no-wait", "--json"]).expect(0).line();
    rig.authorise(&new);
    rig.wait_for_first_pull(&text(&new, "id"));
    let account = wait_for("the account to be well", || {
        Some(rig.account(&id)).filter(|account| account["status"] == "ready")
    });
    assert_ne!(account["provider_account_id"], theirs.as_str());
    assert_eq!(account["consecutive_failures"], 0);
}

#[test]
fn a_paused_account_recovers() {
    let (rig, id, _) = troubled();
    (0..3).for_each(|_| drop(rig.sync(&[]).expect(1)));
    rig.wait_for_events("account_paused", 1);
    rig.bank.with(|world, _| world.clear_faults());
    rig.sync(&["--force"]).expect(0);
    let events = rig.wait_for_events("account_recovered", 1);
    assert_eq!(events[0]["level"], "notice");
    let account = rig.account(&id);
    assert_eq!(
        (&account["status"], &account["consecutive_failures"]),
        (&"ready".into(), &0.into())
    );
    rig.verb(&["status"]).expect(0);
    rig.sync(&[]).expect(0);
    rig.wait_for_events("account_recovered", 1);
}

#[test]
fn a_suspended_account_is_left_alone() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    let account = rig.accounts().remove(0);
    let (id, theirs) = (text(&account, "id"), text(&account, "provider_account_id"));
    rig.bank.with(|world, now| world.suspend(&theirs, now)).unwrap();
    rig.sync(&[&id]).expect(1);
    let events = rig.wait_for_events("account_suspended", 1);
    assert_eq!(
        (&events[0]["level"], &events[0]["account_id"]),
        (&"error".into(), &id.clone().into())
    );
    assert_eq!(rig.account(&id)["status"], "suspended");
    let since = rig.bank.with(|_, now| now);
    for words in [&[&id[..]][..], &[&id, "--force"]] {
        let result = rig.sync(words).expect(1).lines().remove(0);
        assert_eq!(result["outcome"], "skipped", "{result}");
    }
    rig.restart();
    rig.sync(&[&id, "--force"]).expect(1);
    let calls = rig.bank.with(|world, _| world.log().data_calls_since(&theirs, since));
    assert_eq!(calls, 0);
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    assert_eq!(status["needs"][0]["code"], "account_suspended", "{status}");
    assert!(text(&status["needs"][0], "command").contains("renew"), "{status}");
    // Its sibling goes on.
    let other = text(&rig.accounts()[1], "id");
    rig.sync(&[&other]).expect(0);
    rig.wait_for_events("account_suspended", 1);
}

#[test]
fn an_outage_is_told_once_and_is_nobodys_failure() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let id = text(&rig.accounts()[0], "id");
    rig.bank.inject(Fault { times: None, ..Fault::times(FaultKind::Html { status: 502 }, 0) });
    rig.sync(&[]).expect(1);
    rig.wait_for_events("provider_unavailable", 1);
    rig.sync(&[]);
    rig.wait_for_events("provider_unavailable", 1);
    assert_eq!(failures_at_the_bank(&rig), 0);
    rig.bank.with(|world, _| world.clear_faults());
    rig.wait_for_events("provider_recovered", 1);
    rig.sync(&[]).expect(0);
    assert_eq!(rig.account(&id)["consecutive_failures"], 0);
    assert_eq!(rig.account(&id)["status"], "ready");
}

#[test]
fn a_bank_that_is_gone_comes_back() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.bank.close();
    rig.sync(&[]).expect(1);
    rig.wait_for_events("provider_unavailable", 1);
    // Whoever is there answers from what is stored.
    assert!(!rig.list(&["transactions"]).is_empty());
    rig.restart();
    rig.verb(&["status"]).expect(0);
    rig.bank.reopen();
    rig.wait_for_events("provider_recovered", 1);
    rig.wait_for_events("provider_unavailable", 1);
    rig.sync(&[]).expect(0);
}
