//! The daily limit per account and scope: spent, shown, learned, and never exceeded by the bank's own count.

use banksyncd::model::time::{SECOND_MS, UtcInstant};
use banksyncd::sandbox::{
    Fault, FaultKind, FaultMatch, Limits, SANDBOX, Scope, Shape, WorldConfig,
};
use serde_json::Value;

use crate::rig::{Rig, text, wait_until};

fn instant(object: &Value, member: &str) -> UtcInstant {
    UtcInstant::parse(&text(object, member)).unwrap()
}

fn now(rig: &Rig) -> UtcInstant {
    rig.bank.with(|_, now| now)
}

#[track_caller]
fn assert_about(at: UtcInstant, expected: UtcInstant, slack_s: i64) {
    let off = at.since(expected).abs();
    assert!(off <= slack_s * SECOND_MS, "{at} is not within {slack_s} s of {expected}");
}

fn outcomes(results: &[Value]) -> Vec<String> {
    results.iter().map(|result| text(result, "outcome")).collect()
}

#[test]
fn four_calls_a_day_and_then_it_says_until_when() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    for round in 1..=3 {
        let results = rig.sync(&[]).expect(0).lines();
        assert_eq!(results.len(), 2, "{round}");
        assert!(outcomes(&results).iter().all(|own| own == "pulled" || own == "unchanged"));
    }
    let spent = rig.bank.data_calls();
    for _ in 0..2 {
        let said = rig.sync(&[]).expect(75);
        for result in said.lines() {
            assert_eq!(result["outcome"], "skipped", "{result}");
            assert_about(instant(&result, "next_allowed_at"), now(&rig).plus_hours(24), 300);
        }
        // Force is for paused accounts; it makes no calls out of nothing.
        rig.sync(&["--force"]).expect(75);
    }
    assert!(!rig.verb(&["sync", "--wait"]).expect(75).err.is_empty());
    assert_eq!(rig.bank.data_calls(), spent);
    let quotas = rig.list(&["quota"]);
    assert_eq!(quotas.len(), 6, "two accounts, three scopes");
    for quota in quotas.iter().filter(|quota| quota["scope"] != "details") {
        let found = ["limit", "used", "remaining"].map(|field| quota[field].as_u64().unwrap());
        assert_eq!(found, [4, 4, 0], "{quota}");
        assert_about(instant(quota, "next_allowed_at"), now(&rig).plus_hours(24), 300);
    }
    let details: Vec<&Value> = quotas.iter().filter(|quota| quota["scope"] == "details").collect();
    assert!(
        details.iter().all(|quota| quota["used"] == 1 && quota["remaining"] == 3),
        "{details:?}"
    );
    // A restart forgets nothing.
    rig.restart();
    rig.sync(&[]).expect(75);
    assert_eq!(rig.bank.data_calls(), spent);
    rig.bank.with(|world, _| assert_eq!(world.log().busiest_day(), 4));
}

#[test]
fn calls_of_others_are_learned_from_the_refusal() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    let account = rig.accounts().remove(0);
    let (id, theirs) = (text(&account, "id"), text(&account, "provider_account_id"));
    // The bank's window began an hour ago.
    rig.bank.with(|world, now| world.other_app_uses(&theirs, Scope::Transactions, 3, now)).unwrap();
    rig.bank.advance_s(3_600);
    let result = rig.sync(&[&id]).lines().remove(0);
    assert_eq!(result["outcome"], "failed", "{result}");
    assert_about(instant(&result, "next_allowed_at"), now(&rig).plus_hours(22), 120);
    let events = rig.wait_for_events("quota_spent", 1);
    assert_eq!(
        (&events[0]["level"], &events[0]["account_id"]),
        (&"info".into(), &id.clone().into())
    );
    for _ in 0..3 {
        rig.sync(&[&id]).expect(75);
    }
    let refused = rig.bank.calls(|call| call.status == 429);
    assert_eq!(refused.len(), 1, "{refused:?}");
    rig.wait_for_events("quota_spent", 1);
    let quota = rig
        .list(&["quota"])
        .into_iter()
        .find(|quota| quota["account_id"] == id.as_str() && quota["scope"] == "transactions")
        .unwrap();
    assert_about(instant(&quota, "next_allowed_at"), now(&rig).plus_hours(22), 120);
    // A spent quota is no failure and nobody's business.
    assert_eq!(rig.account(&id)["consecutive_failures"], 0);
    assert_eq!(rig.account(&id)["status"], "ready");
    rig.verb(&["status"]).expect(0);
    // The other account is not concerned.
    let other = text(&rig.accounts()[1], "id");
    rig.sync(&[&other]).expect(0);
}

fn linked_with_daily(daily: u32) -> Rig {
    let limits = Limits { daily, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() });
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig
}

#[track_caller]
fn pulls_until_skipped(rig: &Rig) -> usize {
    (0..20).find(|_| rig.sync(&[]).lines()[0]["outcome"] == "skipped").expect("no end")
}

#[test]
fn limits_are_learned_from_the_headers_both_ways() {
    let rig = linked_with_daily(7);
    assert_eq!(pulls_until_skipped(&rig), 6, "seven a day, one was the first pull");
    let rig = linked_with_daily(2);
    assert_eq!(pulls_until_skipped(&rig), 1);
    assert_eq!(rig.bank.calls(|call| call.status == 429).len(), 0, "the headers were enough");
    let quota = rig.list(&["quota"]);
    assert!(
        quota.iter().filter(|own| own["scope"] != "details").all(|own| own["limit"] == 2),
        "{quota:?}"
    );
    // Lowered in the course of the day.
    let mut rig = linked_with_daily(4);
    rig.bank.with(|world, _| world.limits_mut().daily = 3);
    rig.sync(&[]).expect(0);
    rig.sync(&[]).expect(0);
    rig.sync(&[]).expect(75);
    // And raised by contract: known as soon as an answer says so.
    rig.bank.with(|world, _| world.limits_mut().daily = 9);
    rig.restart();
    rig.sync(&[]).expect(75);
    rig.bank.with(|world, _| assert_eq!(world.log().busiest_day(), 3));
}

#[test]
fn an_interrupted_pull_without_quota_keeps_nobody_waiting() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.sync(&[]).expect(0);
    rig.sync(&[]).expect(0);
    rig.bank.spoil_data(&FaultKind::Silent { processed: true }, Some(Scope::Transactions));
    let asked = rig.bank.data_calls();
    rig.verb(&["sync"]).expect(0);
    wait_until("the last call to leave", || rig.bank.data_calls() == asked + 2);
    rig.kill();
    rig.bank.with(|world, _| world.clear_faults());
    rig.start();
    for _ in 0..2 {
        let result = rig.sync(&[]).expect(75).lines().remove(0);
        assert_about(instant(&result, "next_allowed_at"), now(&rig).plus_hours(24), 300);
    }
    assert_eq!(rig.bank.data_calls(), asked + 2);
}

#[test]
fn a_call_without_answer_keeps_its_place() {
    let mut rig = Rig::new().extra("[http]\nconnect-timeout = \"1s\"\ntotal-timeout = \"2s\"\n");
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let used = |rig: &Rig| {
        let quotas = rig.list(&["quota"]);
        let own = quotas.iter().find(|quota| quota["scope"] == "balances").unwrap();
        own["used"].as_u64().unwrap()
    };
    assert_eq!(used(&rig), 1);
    let balances = FaultMatch { scope: Some(Scope::Balances), ..FaultMatch::default() };
    let lost = Fault::times(FaultKind::Reset { processed: true }, 1).matching(balances.clone());
    rig.bank.inject(lost);
    rig.sync(&[]).expect(1);
    assert_eq!(used(&rig), 2, "it may have been counted");
    let silent = Fault::times(FaultKind::Silent { processed: true }, 1).matching(balances.clone());
    rig.bank.inject(silent);
    rig.sync(&[]).expect(1);
    assert_eq!(used(&rig), 3);
    // What was answered with a refusal is given back.
    let refused = Fault::times(
        FaultKind::Status { status: 503, shape: Shape::default(), summary: None, detail: None },
        1,
    )
    .matching(balances);
    rig.bank.inject(refused);
    rig.sync(&["--force"]);
    rig.kill();
    rig.start();
    assert_eq!(used(&rig), 3);
    wait_until("the end of the outage", || rig.sync(&["--force"]).code == 0);
    assert_eq!(used(&rig), 4);
    rig.sync(&["--force"]).expect(75);
    rig.bank.with(|world, _| assert!(world.log().busiest_day() <= 4));
}
