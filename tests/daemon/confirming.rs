//! Access that a person confirms every 90 days: announced, confirmed in time and late, missed, and not to be had.

use banksyncd::sandbox::WorldConfig;
use serde_json::Value;

use crate::rig::{Rig, text, wait_for, wait_until};

const BANK: &str = "ALBIONCARDS_ALBNGB21";
const DAY_S: i64 = 86_400;

/// A linked account whose access is confirmed every 90 days.
fn linked(access_days: &str) -> (Rig, Value) {
    let mut rig = Rig::new();
    rig.start();
    let asked = ["link", BANK, "--access-days", access_days, "--no-wait", "--json"];
    let link = rig.verb(&asked).expect(0).line();
    rig.authorise(&link);
    let link = rig.wait_for_first_pull(&text(&link, "id"));
    // The agreement is read at the same time as the accounts.
    let link = wait_for("the agreement to be read", || {
        let link = rig.link(&text(&link, "id"));
        link["reconfirmation"].is_object().then_some(link)
    });
    (rig, link)
}

/// What `reconfirm` says.
fn reconfirm(rig: &Rig, link: &Value) -> Value {
    rig.verb(&["reconfirm", &text(link, "id"), "--json"]).expect(0).line()
}

/// The person says yes on the page.
fn confirm(rig: &Rig, link: &Value) {
    let agreement = text(link, "agreement_id");
    rig.bank.with(|world, now| world.person_reconfirms(&agreement, &[], now)).unwrap();
}

fn need(rig: &Rig) -> Value {
    rig.verb(&["status", "--json"]).expect(1).line()["needs"][0].clone()
}

#[test]
fn access_is_confirmed_in_time() {
    let (mut rig, link) = linked("180");
    let id = text(&link, "id");
    assert_eq!(link["access_days"], 180);
    let early = reconfirm(&rig, &link);
    assert_eq!(early["url"], Value::Null, "{early}");
    assert_eq!(early["accounts"][0]["outcome"], "open");
    assert!(text(&early, "opens_at") < text(&early, "due_at"));
    assert_eq!(link["reconfirmation"], early, "the same in the link");
    assert!(rig.events("reconfirmation_due").is_empty());
    rig.bank.advance_s(77 * DAY_S);
    rig.sync(&[]);
    let events = rig.wait_for_events("reconfirmation_due", 1);
    assert_eq!((&events[0]["level"], &events[0]["link_id"]), (&"warning".into(), &link["id"]));
    assert_eq!(events[0]["details"]["due_at"], early["due_at"]);
    let need_now = need(&rig);
    assert_eq!(need_now["code"], "reconfirmation_due");
    assert_eq!(need_now["command"], format!("banksyncd reconfirm {id}"));
    let said = rig.verb(&["reconfirm", &id]).expect(0);
    let open = reconfirm(&rig, &link);
    let url = text(&open, "url");
    assert!(said.out.contains(&url) && said.out.contains("open"), "{said:?}");
    assert!(text(&open, "url_valid_from") <= text(&open, "due_at"));
    let asked = |method: &str| {
        let ours = |path: &str| path.ends_with("/reconfirm/");
        rig.bank.calls(|call| call.method == method && ours(&call.path)).len()
    };
    assert_eq!(asked("POST"), 1, "the page is made once");
    confirm(&rig, &link);
    let done = rig.wait_for_events("reconfirmation_done", 1);
    assert_eq!(done[0]["details"], serde_json::json!({"confirmed": 1, "rejected": 0}));
    let after = reconfirm(&rig, &link);
    assert_eq!(after["accounts"][0]["outcome"], "confirmed", "{after}");
    assert_eq!(after["accounts"][0]["account_id"], rig.accounts()[0]["id"]);
    assert_eq!(
        (&after["due_at"], &after["url"]),
        (&Value::Null, &Value::Null),
        "access ends first"
    );
    let said = rig.verb(&["reconfirm", &id]).expect(0).out;
    assert!(said.contains("confirmed"), "{said}");
    rig.sync(&[]).expect(0);
    // Told once, also by the next process.
    rig.restart();
    rig.bank.advance_s(15 * DAY_S);
    rig.sync(&[]).expect(0);
    rig.wait_for_events("reconfirmation_due", 1);
    rig.wait_for_events("reconfirmation_done", 1);
    assert!(rig.events("access_revoked").is_empty() && rig.events("access_expired").is_empty());
}

#[test]
fn a_missed_day_stops_the_data_until_it_is_made_up_for_or_too_late() {
    let (rig, link) = linked("365");
    let id = text(&link, "id");
    rig.bank.advance_s(91 * DAY_S);
    // One call may go out before the daemon has heard what day it is over there.
    rig.sync(&[]);
    rig.wait_for_events("reconfirmation_due", 1);
    let calls = rig.bank.data_calls();
    let skipped = rig.sync(&["--force"]).expect(1).lines();
    assert_eq!(skipped[0]["outcome"], "skipped");
    assert!(text(&skipped[0], "reason").contains(&format!("reconfirm {id}")), "{skipped:?}");
    assert_eq!(rig.bank.data_calls(), calls);
    assert_eq!(rig.link(&id)["status"], "linked");
    let need_now = need(&rig);
    assert_eq!(need_now["code"], "reconfirmation_due");
    assert!(text(&need_now, "message").contains("gives no data"), "{need_now}");
    assert!(reconfirm(&rig, &link)["url"].is_string());
    confirm(&rig, &link);
    rig.wait_for_events("reconfirmation_done", 1);
    rig.sync(&["--force"]).expect(0);
    assert!(rig.bank.data_calls() > calls);
    // The next one is slept through altogether: nothing is announced but the end.
    rig.bank.advance_s(104 * DAY_S);
    rig.sync(&[]);
    let ended = rig.wait_for_events("access_expired", 1);
    assert_eq!(ended[0]["link_id"], link["id"]);
    rig.wait_for_events("reconfirmation_due", 1);
    assert_eq!(need(&rig)["command"], format!("banksyncd renew {id}"));
    let said = rig.verb(&["reconfirm", &id]).expect(64);
    assert!(said.err.contains(&format!("renew {id}")), "{said:?}");
    assert!(rig.events("access_revoked").is_empty());
}

#[test]
fn where_it_is_not_to_be_had_access_is_shorter() {
    let config = WorldConfig { reconfirmation_allowed: false, ..WorldConfig::default() };
    let mut rig = Rig::with(config);
    rig.start();
    let link = rig.begin_link(BANK);
    assert_eq!(link["access_days"], 90, "{link}");
    let id = text(&link, "id");
    rig.verb(&["reconfirm", &id]).expect(64);
    rig.authorise(&link);
    rig.wait_for_first_pull(&id);
    wait_until("the link to settle", || rig.link(&id)["access_expires_at"].is_string());
    assert_eq!(rig.link(&id)["reconfirmation"], Value::Null);
    let said = rig.verb(&["reconfirm", &id]).expect(64);
    assert!(said.err.contains("does not have to be confirmed"), "{said:?}");
}
