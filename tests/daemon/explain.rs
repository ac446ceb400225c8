//! `history` and `explain`: a row that the bank edits is one row, and both verbs can tell why.

use serde_json::{Value, json};

use crate::front::Front;
use crate::rig::{Rig, raw_of, text};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";
/// No transaction has it.
const NOBODY: &str = "txn_00000000000000000000000001";

/// The bank's row: a payment of yesterday with an id of its own.
fn payment(rig: &Rig, id: &str, for_what: &str) -> Value {
    let yesterday = rig.bank.with(|_, now| now.plus_hours(-24).to_string());
    json!({
        "transactionId": id,
        "bookingDate": &yesterday[..10],
        "valueDate": &yesterday[..10],
        "transactionAmount": {"amount": "-4.20", "currency": "EUR"},
        "remittanceInformationUnstructured": for_what,
    })
}

/// From now on the bank has booked exactly these rows.
fn books(front: &Front, rows: &[&Value]) {
    let answer = json!({"transactions": {"booked": rows, "pending": []}}).to_string();
    front.change(move |request, response| {
        if response.status == 200 && request.path.trim_end_matches('/').ends_with("transactions") {
            response.body = answer.clone().into_bytes();
        }
    });
}

#[test]
fn an_edited_row_has_a_history_and_an_explanation() {
    let mut rig = Rig::new();
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    let before = payment(&rig, "2026-0815-4711", "Coffe");
    let after = payment(&rig, "2026-0815-4711", "Coffee and cake");
    let twin = payment(&rig, "2026-0815-4712", "Tea");
    books(&front, &[&before, &twin]);
    rig.start();
    rig.linked(BANK);
    let id_of = |rig: &Rig, for_what: &str| {
        let listed = rig.list(&["transactions"]);
        assert_eq!(listed.len(), 2, "{listed:#?}");
        let mut found = listed.iter().filter(|row| row["remittance_information"] == for_what);
        text(found.next().unwrap_or_else(|| panic!("no {for_what}: {listed:#?}")), "id")
    };
    let (id, other) = (id_of(&rig, "Coffe"), id_of(&rig, "Tea"));
    books(&front, &[&after, &twin]);
    let result = rig.sync(&[]).expect(0).line();
    assert_eq!(
        (&result["rows_added"], &result["rows_changed"]),
        (&json!(0), &json!(1)),
        "{result}"
    );
    assert_eq!(id_of(&rig, "Coffee and cake"), id);
    assert_eq!(id_of(&rig, "Tea"), other);

    let versions = rig.list(&["history", &id]);
    let found: Vec<_> = versions
        .iter()
        .map(|version| {
            let evidence = version["evidence"].as_str();
            (
                version["revision"].as_u64().unwrap(),
                evidence,
                text(version, "remittance_information"),
            )
        })
        .collect();
    let expected =
        [(1, None, "Coffe".to_owned()), (2, Some("bank_id"), "Coffee and cake".to_owned())];
    assert_eq!(found, expected);
    assert_ne!(versions[0]["run_id"], versions[1]["run_id"]);
    assert!(versions.iter().all(|version| version.get("raw").is_none()), "{versions:#?}");
    let raw = rig.verb(&["history", &id, "--raw", "--json"]).expect(0).out;
    let raw: Vec<&str> = raw.lines().map(raw_of).collect();
    assert_eq!(raw, [before.to_string(), after.to_string()], "byte for byte");
    assert_eq!(rig.list(&["history", &other]).len(), 1);

    let shown = rig.verb(&["explain", &id, "--json"]).expect(0).line();
    let summary = ["id", "state", "revision", "answers"].map(|field| shown[field].clone());
    assert_eq!(summary, [json!(id), json!("current"), json!(2), json!(2)], "{shown:#}");
    let last = &shown["versions"][1];
    assert_eq!(last["evidence"], "bank_id");
    let points =
        ["bank_id", "amount", "dates", "text"].map(|point| last["compared"][point].clone());
    assert_eq!(points, ["same", "same", "same", "differs"], "{last:#}");
    let near = shown["near_misses"].as_array().unwrap();
    assert_eq!(near.len(), 1, "{shown:#}");
    assert_eq!((&near[0]["id"], &near[0]["reason"]), (&json!(other), &json!("in_one_answer")));
    // And for people.
    let told = rig.verb(&["explain", &id]).expect(0).out;
    assert!(told.contains("the bank's id and the amount are the same"), "{told}");
    assert!(told.contains("one answer had both"), "{told}");
    let told = rig.verb(&["history", &id]).expect(0).out;
    assert!(told.contains("Coffe ") || told.contains("Coffe\n"), "{told}");
    assert!(told.contains("Coffee and cake"), "{told}");
}

#[test]
fn an_unknown_transaction_is_wrong_use_and_says_where_ids_are() {
    let mut rig = Rig::new();
    rig.start();
    let link = text(&rig.linked(BANK), "id");
    for id in [NOBODY, "txn_", "nonsense", "../version", link.as_str()] {
        for verb in ["history", "explain"] {
            for words in [vec![verb, id], vec![verb, id, "--json"]] {
                let said = rig.verb(&words).expect(64);
                assert_eq!(said.out, "", "{words:?}");
                assert!(said.err.contains("there is no such transaction"), "{said:?}");
                assert!(said.err.contains("transactions --all --json"), "{said:?}");
            }
        }
    }
}
