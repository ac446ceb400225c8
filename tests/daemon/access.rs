//! The ends of access: taken back, run out, refused to our secret or our address.

use banksyncd::sandbox::{SANDBOX, SECRET_KEY};

use crate::linking::roomy;
use crate::rig::{Rig, text, texts, wait_until};

#[test]
fn revoked_access_is_told_once_and_not_called_again() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(SANDBOX);
    let id = text(&link, "id");
    let requisition = text(&link, "requisition_id");
    rig.bank.with(|world, now| world.person_revokes(&requisition, now)).unwrap();
    let before = rig.bank.data_calls();
    rig.sync(&[]).expect(1);
    let events = rig.wait_for_events("access_revoked", 1);
    assert_eq!((&events[0]["level"], &events[0]["link_id"]), (&"error".into(), &link["id"]));
    assert_eq!(rig.link(&id)["status"], "revoked");
    assert!(rig.accounts().iter().all(|account| account["status"] == "expired"));
    let results = rig.sync(&["--force"]).expect(1).lines();
    assert!(results.iter().all(|result| result["outcome"] == "skipped"), "{results:?}");
    // Both accounts may have been asked at the same moment; with the old daemon the last such call has ended.
    rig.restart();
    let calls = rig.bank.data_calls();
    assert!(calls <= before + 2, "{calls}");
    rig.sync(&["--force"]).expect(1);
    assert_eq!(rig.bank.data_calls(), calls);
    rig.wait_for_events("access_revoked", 1);
    assert!(rig.events("access_expired").is_empty());
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    let need = &status["needs"][0];
    assert_eq!(need["code"], "access_revoked", "{status}");
    assert_eq!(need["command"], format!("banksyncd renew {id}"));
    assert!(!rig.list(&["transactions"]).is_empty(), "what was stored stays");
}

#[test]
fn expired_access_is_told_once_and_not_called_again() {
    let mut rig = Rig::new();
    rig.start();
    let asked = ["link", SANDBOX, "--access-days", "2", "--no-wait", "--json"];
    let link = rig.verb(&asked).expect(0).line();
    let id = text(&link, "id");
    rig.authorise(&link);
    rig.wait_for_first_pull(&id);
    // Two days of access: the warning of one day is not due, those of 3, 7 and 14 do not apply.
    assert!(rig.events("access_expiring").is_empty());
    rig.bank.advance_s(2 * 86_400 + 60);
    let before = rig.bank.data_calls();
    rig.sync(&[]).expect(1);
    let events = rig.wait_for_events("access_expired", 1);
    assert_eq!((&events[0]["level"], &events[0]["link_id"]), (&"error".into(), &link["id"]));
    assert_eq!(rig.link(&id)["status"], "expired");
    let accounts = rig.accounts();
    assert!(accounts.iter().all(|account| account["status"] == "expired"), "{accounts:?}");
    rig.sync(&[]).expect(1);
    rig.restart();
    let calls = rig.bank.data_calls();
    // One for each account, and one before with the token that had ended meanwhile.
    assert!(calls <= before + 4, "{calls}");
    rig.sync(&["--force"]).expect(1);
    assert_eq!(rig.bank.data_calls(), calls);
    rig.wait_for_events("access_expired", 1);
    assert!(rig.events("access_revoked").is_empty());
}

#[test]
fn access_that_ends_soon_is_warned_of_once() {
    let mut rig = Rig::new();
    rig.start();
    let asked = ["link", SANDBOX, "--access-days", "1", "--no-wait", "--json"];
    let link = rig.verb(&asked).expect(0).line();
    rig.authorise(&link);
    rig.wait_for_first_pull(&text(&link, "id"));
    assert!(rig.events("access_expiring").is_empty(), "warnings are below the length of access");
    let asked = ["link", "NORDLICHT_NOLIDEM1", "--access-days", "3", "--no-wait", "--json"];
    rig.kill();
    rig.extra = "[history]\nwarn-days = [2, 1]\n".to_owned();
    rig.start();
    let link = rig.verb(&asked).expect(0).line();
    rig.authorise(&link);
    rig.wait_for_first_pull(&text(&link, "id"));
    assert!(rig.events("access_expiring").is_empty());
}

#[test]
fn a_wrong_secret_stops_all_calls_until_it_is_right() {
    let mut rig = Rig::new();
    rig.secret("secret-key", "not-the-key");
    rig.start();
    for _ in 0..3 {
        let said = rig.verb(&["institutions", "nordlicht"]).expect(75);
        assert!(said.err.starts_with("error: "), "{said:?}");
    }
    let events = rig.wait_for_events("credentials_rejected", 1);
    assert_eq!(events[0]["level"], "error");
    assert_eq!(rig.bank.count(), 1, "one call, and no other until a person has acted");
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    assert_eq!(texts(status["needs"].as_array().unwrap(), "code"), ["credentials_rejected"]);
    rig.restart();
    rig.verb(&["institutions", "nordlicht"]);
    rig.wait_for_events("credentials_rejected", 1);
    assert!(rig.bank.count() <= 3, "{} calls", rig.bank.count());
    rig.secret("secret-key", SECRET_KEY);
    rig.restart();
    assert_eq!(rig.list(&["institutions", "nordlicht"]).len(), 1);
    rig.linked("POLDER_POLDNL2U");
    rig.verb(&["status"]).expect(0);
    assert_eq!(rig.bank.minted(), 1);
    rig.wait_for_events("credentials_rejected", 1);
}

#[test]
fn a_changed_secret_mints_a_new_token() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let pair = ("other-id".to_owned(), "other-key".to_owned());
    rig.bank.with(|world, _| world.set_secrets(vec![pair]));
    rig.secret("secret-id", "other-id");
    rig.secret("secret-key", "other-key\n");
    rig.restart();
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 2);
    rig.restart();
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 2);
}

#[test]
fn a_refused_address_stops_all_calls_until_it_is_allowed() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let calls = rig.bank.count();
    rig.bank.with(|world, _| world.set_address_allowed(false));
    for _ in 0..3 {
        rig.sync(&[]);
        rig.verb(&["institutions", "x"]).expect(75);
    }
    rig.wait_for_events("ip_not_allowed", 1);
    let tried = rig.bank.count() - calls;
    assert!(tried <= 2, "{tried} calls");
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    assert_eq!(texts(status["needs"].as_array().unwrap(), "code"), ["ip_not_allowed"]);
    rig.bank.with(|world, _| world.set_address_allowed(true));
    rig.restart();
    wait_until("calls to go on", || rig.sync(&[]).code == 0);
    rig.verb(&["status"]).expect(0);
    assert_eq!(rig.bank.minted(), 1, "the token was good all the time");
}

#[test]
fn a_token_that_was_revoked_is_replaced_without_ado() {
    let mut rig = roomy();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.bank.with(|world, _| world.revoke_tokens(false));
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 1);
    rig.bank.with(|world, _| world.revoke_tokens(true));
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 2);
    // Many calls at a time meet the same bad token, which is one reason to renew it and none to wait.
    rig.linked("SPACES_SPCSDEB2");
    for (refresh_too, minted) in [(false, 2), (true, 3)] {
        rig.bank.with(|world, _| world.revoke_tokens(refresh_too));
        let ids = texts(&rig.accounts(), "id");
        let many: Vec<&str> = ids.iter().skip(1).map(String::as_str).collect();
        assert_eq!(many.len(), 22);
        rig.sync(&many).expect(0);
        assert_eq!(rig.bank.minted(), minted);
    }
    assert_eq!(rig.account(&text(&rig.accounts()[0], "id"))["consecutive_failures"], 0);
}
