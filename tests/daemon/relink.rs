//! Accounts across links: they keep what is theirs, a person settles what is in doubt, and every union can be taken back.

use std::collections::BTreeMap;

use banksyncd::sandbox::{HttpRequest, HttpResponse, Phase, SANDBOX};
use serde_json::Value;

use crate::front::Front;
use crate::linking::{assert_equals_truth, roomy};
use crate::rig::{Rig, text, texts, wait_for, wait_until};

/// Renews a link and waits until the successor has taken over.
fn renewed(rig: &Rig, old: &Value) -> Value {
    let new = rig.verb(&["renew", &text(old, "id"), "--no-wait", "--json"]).expect(0).line();
    rig.authorise(&new);
    wait_until("the old link to be replaced", || {
        rig.link(&text(old, "id"))["status"] == "replaced"
    });
    rig.link(&text(&new, "id"))
}

/// What `transactions --all` says of an account: id and state of every row.
fn rows(rig: &Rig, account: &str) -> BTreeMap<String, String> {
    let rows = rig.list(&["transactions", account, "--all"]);
    rows.iter().map(|row| (text(row, "id"), text(row, "state"))).collect()
}

fn used(rig: &Rig, account: &str) -> Vec<u64> {
    let quota = rig.peek(&format!("/v1/quota?account={account}"));
    quota.iter().map(|line| line["used"].as_u64().unwrap()).collect()
}

#[test]
fn currencies_on_one_iban_and_masked_cards_keep_their_accounts() {
    let mut rig = roomy();
    rig.start();
    for institution in ["GLOBEWALLET_GLWTBEBB", "ALBIONCARDS_ALBNGB21"] {
        let old = rig.linked(institution);
        let before = rig.accounts_of(&old);
        let owned: Vec<_> = texts(&before, "id").iter().map(|id| rows(&rig, id)).collect();
        let new = renewed(&rig, &old);
        let after = rig.accounts_of(&new);
        for (one, rows_before) in before.iter().zip(&owned) {
            let id = text(one, "id");
            let same = after.iter().find(|other| other["id"] == one["id"]).expect("it went on");
            assert_eq!(same["currency"], one["currency"]);
            assert_ne!(same["provider_account_id"], one["provider_account_id"]);
            assert_eq!(&rows(&rig, &id), rows_before, "no row is new, none is gone");
            assert_eq!(used(&rig, &id)[1..], [2, 2], "the calls through both links count");
            assert_eq!(same["merged_from"].as_array().unwrap().len(), 1, "the handle's");
            let history = rig.list(&["balances", &id, "--history"]);
            let values: Vec<_> =
                history.iter().map(|row| (&row["balance_type"], &row["amount"])).collect();
            let newest = rig.list(&["balances", &id]);
            assert!(!newest.is_empty() && values.len() <= 2 * newest.len(), "{history:#?}");
        }
        assert_eq!(after.len(), before.len());
    }
    assert_equals_truth(&rig);
    assert!(rig.events("accounts_ambiguous").is_empty());
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

/// A bank that says nothing about its accounts but that they are in euros.
fn nameless() -> Rig {
    let mut rig = roomy();
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    front.change(|request: &HttpRequest, response: &mut HttpResponse| {
        let parts: Vec<&str> = request.path.trim_end_matches('/').split('/').collect();
        let about = parts.iter().rev().take(2).any(|part| *part == "accounts")
            || parts.last() == Some(&"details");
        if request.method != "GET" || response.status != 200 || !about {
            return;
        }
        let mut body: Value = serde_json::from_slice(&response.body).unwrap();
        let account = if body["account"].is_object() { &mut body["account"] } else { &mut body };
        for name in [
            "iban",
            "bban",
            "name",
            "product",
            "ownerName",
            "owner_name",
            "maskedPan",
            "resourceId",
            "cashAccountType",
            "displayName",
            "details",
        ] {
            account.as_object_mut().unwrap().remove(name);
        }
        response.body = serde_json::to_vec(&body).unwrap();
    });
    rig.start();
    rig
}

/// Which of our accounts are of one account of the bank: the old one and the new one.
fn twins(rig: &Rig) -> Vec<(String, String)> {
    let ours = rig.accounts();
    let of_bank = rig.bank.accounts();
    let bank = |account: &Value| {
        let own = of_bank.iter().find(|own| account["provider_account_id"] == *own.id);
        own.expect("an account of the bank").bank_account
    };
    let mut pairs: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for account in &ours {
        pairs.entry(bank(account)).or_default().push(text(account, "id"));
    }
    pairs.into_values().map(|ids| (ids[0].clone(), ids[1].clone())).collect()
}

#[test]
fn a_person_settles_what_nothing_tells_apart() {
    let mut rig = nameless();
    let old = rig.linked("NORDLICHT_NOLIDEM1");
    let new = rig.verb(&["renew", &text(&old, "id"), "--no-wait", "--json"]).expect(0).line();
    rig.authorise(&new);
    rig.wait_for_first_pull(&text(&new, "id"));
    assert_eq!(rig.accounts().len(), 4, "nobody guesses");
    assert_eq!(rig.link(&text(&old, "id"))["status"], "linked", "the old link is still needed");
    let events = rig.wait_for_events("accounts_ambiguous", 2);
    let status = rig.verb(&["status", "--json"]).expect(1).line();
    let needs = status["needs"].as_array().unwrap();
    assert_eq!(needs.len(), 2, "{needs:#?}");
    let pairs = twins(&rig);
    for (kept, absorbed) in &pairs {
        let command = format!("banksyncd accounts merge {kept} {absorbed}");
        let told = events.iter().find(|event| event["account_id"] == **absorbed).expect("an event");
        assert!(text(told, "message").contains(&command), "{told}");
        assert!(needs.iter().any(|need| need["subject"] == **absorbed), "{needs:#?}");
    }
    let before: Vec<_> = pairs.iter().map(|(kept, _)| rows(&rig, kept)).collect();
    for ((kept, absorbed), before) in pairs.iter().zip(&before) {
        let spent = [used(&rig, kept), used(&rig, absorbed)];
        let merged = rig.verb(&["accounts", "merge", kept, absorbed, "--json"]).expect(0).line();
        assert_eq!((&merged["id"], &merged["link_id"]), (&kept.as_str().into(), &new["id"]));
        assert_eq!(merged["merged_from"][0], **absorbed);
        assert_eq!(&rows(&rig, kept), before, "each payment once, under its first id");
        let [one, other] = &spent;
        let sum: Vec<u64> = one.iter().zip(other).map(|(one, other)| one + other).collect();
        assert_eq!(used(&rig, kept), sum);
        rig.verb(&["transactions", absorbed]).expect(64);
    }
    assert_eq!(rig.events("accounts_merged").len(), 2);
    // The next pulls are the successor's, complete, and double nothing; then the old link goes.
    rig.sync(&[]).expect(0);
    wait_until("the old link to be replaced", || {
        rig.link(&text(&old, "id"))["status"] == "replaced"
    });
    assert_equals_truth(&rig);
    for ((kept, _), before) in pairs.iter().zip(&before) {
        assert_eq!(&rows(&rig, kept), before);
    }
    assert_eq!(rig.verb(&["status"]).code, 0);
    rig.bank.advance_s(3 * 86_400);
    rig.sync(&[]).expect(0);
    rig.restart();
    for account in rig.accounts() {
        let truth = rig.bank.rows(&text(&account, "provider_account_id"), Phase::Booked);
        let shown = rig.raw_rows(&text(&account, "id"), "booked");
        assert!(truth.iter().all(|row| shown.contains(row)) && truth.len() <= shown.len());
    }
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

#[test]
fn a_wrong_merge_is_taken_apart_exactly() {
    let mut rig = roomy();
    rig.start();
    rig.linked(SANDBOX);
    let ids = texts(&rig.accounts(), "id");
    let all = |rig: &Rig| {
        let of = |id: &String| {
            let balances = rig.list(&["balances", id]);
            (rig.list(&["transactions", id, "--all", "--raw"]), balances, used(rig, id))
        };
        ids.iter().map(of).collect::<Vec<_>>()
    };
    let before = all(&rig);
    let [one, other] = [&ids[0], &ids[1]];
    rig.verb(&["accounts", "merge", one, other]).expect(0);
    assert_eq!(rig.accounts().len(), 1);
    let split = rig.verb(&["accounts", "split", one, "--json"]).expect(0).lines();
    assert_eq!(texts(&split, "id"), ids);
    assert_eq!(all(&rig), before);
    // Again, and this time the bank's next answers come in between: the other account's rows are not in them.
    rig.verb(&["accounts", "merge", one, other]).expect(0);
    rig.sync(&[]).expect(0);
    assert!(rows(&rig, one).values().any(|state| state == "missing"));
    rig.restart();
    rig.verb(&["accounts", "split", one]).expect(0);
    let ids_of = |rows: &[Value]| texts(rows, "id");
    for (now, before) in all(&rig).iter().zip(&before) {
        assert_eq!(ids_of(&now.0), ids_of(&before.0));
        assert!(now.0.iter().all(|row| row["state"] == "current"));
    }
    rig.sync(&[]);
    wait_until("both to be pulled", || {
        rig.accounts().iter().all(|account| account["last_synced_at"].is_string())
    });
    assert_equals_truth(&rig);
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

#[test]
fn an_automatic_pairing_is_undone_and_done_again() {
    let mut rig = roomy();
    rig.start();
    let old = rig.linked("NORDLICHT_NOLIDEM1");
    let before = rig.accounts();
    let id = text(&before[0], "id");
    let owned = rows(&rig, &id);
    let new = renewed(&rig, &old);
    let handle = text(&rig.account(&id), "provider_account_id");
    let both = rig.verb(&["accounts", "split", &id, "--json"]).expect(0).lines();
    let other = wait_for("the other account", || {
        both.iter().find(|account| account["id"] != *id).map(|account| text(account, "id"))
    });
    assert_eq!(text(&rig.account(&other), "provider_account_id"), handle);
    assert_eq!(rig.account(&other)["link_id"], new["id"]);
    assert_eq!(
        (&rig.account(&id)["link_id"], &rig.account(&id)["status"]),
        (&old["id"], &"expired".into())
    );
    assert_eq!(rows(&rig, &id), owned, "the old one has its rows");
    assert!(!rig.list(&["balances", &other]).is_empty());
    let truth = rig.bank.rows(&handle, Phase::Booked);
    assert_eq!(rig.raw_rows(&other, "booked"), truth, "the new one has what its link showed");
    assert!(rows(&rig, &other).keys().all(|row| !owned.contains_key(row)));
    rig.verb(&["accounts", "merge", &id, &other]).expect(0);
    assert_eq!(rows(&rig, &id), owned);
    rig.sync(&[&id]).expect(0);
    assert_eq!(rig.raw_rows(&id, "booked"), rig.bank.rows(&handle, Phase::Booked));
    assert_eq!(rig.accounts().len(), before.len());
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

#[test]
fn what_cannot_be_merged_or_split_is_said_in_a_sentence() {
    let mut rig = roomy();
    rig.start();
    rig.linked("TIMISANA_TMSAROBU");
    let ids = texts(&rig.accounts(), "id");
    let before = rig.accounts();
    for (words, said) in [
        (vec!["merge", &ids[0], &ids[0]], "cannot be merged with itself"),
        (vec!["merge", &ids[0], &ids[1]], "different currencies"),
        (vec!["merge", &ids[0], "acc_nobody"], "no such account"),
        (vec!["merge", "acc_", &ids[1]], "several accounts"),
        (vec!["split", &ids[0]], "never merged"),
        (vec!["split", "nobody"], "no such account"),
        (vec!["split", "acc_"], "several accounts"),
    ] {
        let all: Vec<&str> = ["accounts"].iter().chain(&words).copied().collect();
        let answer = rig.verb(&all).expect(64);
        assert!(answer.err.contains(said) && answer.out.is_empty(), "{answer:?}");
        let lines = answer.err.lines().filter(|line| !line.is_empty()).count();
        assert_eq!(lines, 2, "a sentence and a hint: {answer:?}");
        assert!(answer.err.contains("hint:"), "{answer:?}");
    }
    for words in
        [&["accounts", "merge", "a"][..], &["accounts", "split"], &["accounts", "join", "a", "b"]]
    {
        let answer = rig.verb(words).expect(64);
        assert!(!answer.err.is_empty() && answer.out.is_empty(), "{answer:?}");
    }
    for body in ["{}", "[]", "{\"kept\":1}", "{\"kept\":\"a\",\"absorbed\":\"b\",\"more\":1}"] {
        let (status, answer) = rig.ask("POST", "/v1/accounts/merge", body).unwrap();
        assert_eq!((status, &answer[0]["error"]["exit"]), (400, &64.into()), "{body}: {answer:?}");
    }
    assert_eq!(texts(&rig.accounts(), "id"), texts(&before, "id"), "nothing has changed");
}
