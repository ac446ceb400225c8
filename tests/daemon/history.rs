//! The longer history of a bank that gives it once and apart: a second link brings it and goes.

use banksyncd::sandbox::WorldConfig;
use serde_json::Value;

use crate::rig::{Rig, text, texts, wait_for, wait_until};

const BANK: &str = "BALTIJA_BLTJLT22";

/// The booking dates of an account's rows.
fn days(rig: &Rig, account: &str) -> Vec<String> {
    texts(&rig.list(&["transactions", account]), "booking_date")
}

#[test]
fn a_second_link_brings_the_history_and_goes() {
    let mut rig = Rig::with(WorldConfig { processing_s: 1, ..WorldConfig::default() });
    rig.start();
    let asked = ["link", BANK, "--history-days", "400", "--no-wait", "--json"];
    let link = rig.verb(&asked).expect(0).line();
    assert_eq!((&link["purpose"], &link["history_days"]), (&"continuous".into(), &90.into()));
    rig.authorise(&link);
    let id = text(&link, "id");
    rig.wait_for_first_pull(&id);
    let before = rig.accounts();
    let recent: Vec<Vec<String>> =
        before.iter().map(|account| days(&rig, &text(account, "id"))).collect();
    let history = wait_for("the second link", || {
        let links = rig.peek("/v1/links");
        links.into_iter().find(|own| own["history_of"] == *id && own["url"].is_string())
    });
    assert_eq!((&history["purpose"], &history["history_days"]), (&"history".into(), &400.into()));
    assert_eq!(rig.link(&id)["history_link"], history["id"]);
    let needs = rig.verb(&["status", "--json"]).expect(1).line()["needs"].clone();
    assert!(text(&needs[0], "message").contains("longer history"), "{needs}");
    assert_eq!(needs[0]["command"], history["url"]);
    rig.authorise(&history);
    let history_id = text(&history, "id");
    wait_until("the history to be complete", || rig.link(&history_id)["status"] == "replaced");
    assert_eq!(rig.link(&history_id)["replaced_by"], link["id"]);
    let requisition = text(&history, "requisition_id");
    wait_until("the requisition to be removed", || {
        rig.bank.with(|world, now| world.requisitions(now).iter().all(|own| own.id != requisition))
    });
    // The accounts are the same, go on through the first link, and have the rows of both.
    let after = rig.accounts();
    assert_eq!(texts(&after, "id"), texts(&before, "id"));
    for (account, recent) in after.iter().zip(&recent) {
        assert_eq!(account["link_id"], *id);
        let theirs = |own: &Value| own["provider_account_id"] == account["provider_account_id"];
        assert!(before.iter().any(theirs), "{account}");
        let all = days(&rig, &text(account, "id"));
        let oldest = recent.iter().min().expect("it has rows");
        assert!(all.iter().any(|day| day < oldest), "nothing older came");
        let newer = all.iter().filter(|day| *day >= oldest).count();
        // The bank books on while the test runs.
        assert!((recent.len()..=recent.len() + 2).contains(&newer), "no row twice: {newer}");
    }
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
    assert_eq!(rig.verb(&["status"]).code, 0);
    assert!(rig.events("accounts_ambiguous").is_empty() && rig.events("access_revoked").is_empty());
    rig.verb(&["renew", &history_id]).expect(64);
    // Who renews has the history already.
    let new = rig.verb(&["renew", &id, "--no-wait", "--json"]).expect(0).line();
    rig.authorise(&new);
    rig.wait_for_events("access_renewed", 1);
    assert_eq!(rig.link(&text(&new, "id"))["history_link"], Value::Null);
}
