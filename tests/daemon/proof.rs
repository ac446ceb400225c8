//! The balance proof: a bank that loses a row is told of once, asked for everything once, and believed when it mends itself.

use std::sync::{Arc, Mutex};

use banksyncd::sandbox::{Limits, WorldConfig};
use serde_json::json;

use crate::front::Front;
use crate::rig::{Rig, text};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";

/// Filters of the transactions calls, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// From now on the bank has booked these payments of yesterday, and its balance is this one.
fn shows(front: &Front, asked: &Asked, rig: &Rig, cents: &[i32], balance: &'static str) {
    let yesterday = rig.bank.with(|_, now| now.plus_hours(-24).to_string());
    let rows: Vec<_> = cents
        .iter()
        .map(|cents| {
            json!({
                "transactionId": format!("2026-{cents}"),
                "bookingDate": &yesterday[..10],
                "transactionAmount": {"amount": format!("{cents}.37"), "currency": "EUR"},
                "remittanceInformationUnstructured": format!("payment of {cents}"),
            })
        })
        .collect();
    let transactions = json!({"transactions": {"booked": rows, "pending": []}}).to_string();
    let balances = json!({"balances": [{"balanceType": "interimBooked",
        "balanceAmount": {"amount": balance, "currency": "EUR"}}]})
    .to_string();
    let asked = Arc::clone(asked);
    front.change(move |request, response| {
        let path = request.path.trim_end_matches('/');
        if response.status != 200 {
            return;
        }
        if path.ends_with("transactions") {
            asked.lock().unwrap().push(request.query.clone());
            response.body = transactions.clone().into_bytes();
        } else if path.ends_with("balances") {
            response.body = balances.clone().into_bytes();
        }
    });
}

#[test]
fn a_lost_row_is_told_of_once_and_taken_back_when_it_returns() {
    let limits = Limits { daily: 50, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\ncalls-per-day = 50\n");
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    let asked = Asked::default();
    shows(&front, &asked, &rig, &[-5, -90817, -11], "100.00");
    rig.start();
    rig.linked(BANK);
    shows(&front, &asked, &rig, &[-5, -11], "100.00");
    for _ in 0..2 {
        rig.sync(&[]).expect(0);
        assert!(rig.events("balance_mismatch").is_empty());
    }
    rig.sync(&[]).expect(0);
    let told = rig.wait_for_events("balance_mismatch", 1);
    assert_eq!(told[0]["level"], "warning");
    let details = &told[0]["details"];
    assert_eq!(
        (&details["amount"], &details["currency"], &details["balance_type"]),
        (&json!("-90817.37"), &json!("EUR"), &json!("interimBooked")),
        "{details}"
    );
    assert!(text(details, "from") < text(details, "to"), "{details}");
    assert!(!text(&told[0], "message").contains("90817"), "{}", told[0]);
    // One answer without a date, and then as before.
    asked.lock().unwrap().clear();
    for _ in 0..3 {
        rig.sync(&[]).expect(0);
    }
    let filtered: Vec<bool> =
        asked.lock().unwrap().iter().map(|query| query.contains("date_from")).collect();
    assert_eq!(filtered, [false, true, true]);
    assert_eq!(rig.events("balance_mismatch").len(), 1);
    assert!(rig.events("balance_explained").is_empty());
    shows(&front, &asked, &rig, &[-5, -90817, -11], "100.00");
    rig.sync(&[]).expect(0);
    assert_eq!(rig.wait_for_events("balance_explained", 1)[0]["details"]["amount"], "-90817.37");
    rig.sync(&[]).expect(0);
    assert_eq!(rig.events("balance_mismatch").len(), 1);
    let verified = rig.verb(&["verify", "--json"]).expect(0).line();
    let checks = verified["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "sums" && check["ok"] == true));
    assert!(!rig.log().contains("90817"), "amounts stay in the details");
}
