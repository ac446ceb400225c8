//! Display rules in the running daemon: neutral for an unknown bank, taken over by a reload, refused when broken.

use std::fs;

use banksyncd::sandbox::{Limits, WorldConfig};
use serde_json::Value;

use crate::rig::{Rig, text};

/// A bank with one account.
const BANK: &str = "POLDER_POLDNL2U";

/// The amounts of the first row, as it came and as it is shown.
fn first(rig: &Rig) -> (String, Value) {
    let row = rig.list(&["transactions"]).swap_remove(0);
    (text(&row, "amount"), row["display_amount"].clone())
}

#[test]
fn rules_of_ones_own_are_taken_over_by_a_reload_and_a_broken_file_is_not() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let (given, shown) = first(&rig);
    assert_eq!(shown, given.as_str());
    let balances = rig.list(&["balances"]);
    let ledger: Vec<&Value> =
        balances.iter().filter(|one| !one["display_balance"].is_null()).collect();
    assert_eq!(ledger.len(), 1, "{balances:#?}");
    assert_eq!(ledger[0]["balance_type"], "interimBooked");
    assert_eq!(ledger[0]["display_balance"], ledger[0]["amount"]);

    let own = rig.path("display.toml");
    fs::write(&own, format!("[[institution]]\nids = [\"{BANK}\"]\nsign = \"inverted\"\n")).unwrap();
    assert_eq!(first(&rig).1, given.as_str(), "not before a reload");
    assert_eq!(rig.ask("POST", "/v1/reload", "").unwrap().0, 200);
    let turned = given.strip_prefix('-').map_or_else(|| format!("-{given}"), str::to_owned);
    assert_eq!(first(&rig), (given.clone(), Value::from(turned.clone())));

    fs::write(&own, "[[institution]]\nids = [\"X\"]\nsing = \"inverted\"\n").unwrap();
    assert_eq!(rig.ask("POST", "/v1/reload", "").unwrap().0, 400);
    let (_, rows) = rig.ask("GET", "/v1/transactions", "").unwrap();
    assert_eq!(rows[0]["display_amount"], turned.as_str(), "the old rules stay in force");
    let said = rig.verb(&["check-config"]).expect(78);
    assert!(said.err.contains("display.toml:3:1: institution[0].sing: unknown key"), "{said:?}");
    assert!(said.err.contains("did you mean `sign`?"), "{said:?}");
    rig.stop();
    rig.start_in_vain().expect(78);

    fs::remove_file(&own).unwrap();
    let mut rig = rig.extra("[display]\nenabled = false\n");
    rig.write_config();
    rig.start();
    let row = rig.list(&["transactions"]).swap_remove(0);
    let members = row.as_object().unwrap().iter();
    let shown: Vec<_> = members.filter(|(name, _)| name.starts_with("display_")).collect();
    assert_eq!(shown.len(), 5);
    assert!(shown.iter().all(|(_, value)| value.is_null()), "{shown:?}");
    assert!(rig.list(&["balances"]).iter().all(|one| one["display_balance"].is_null()));
}

#[test]
fn of_the_history_the_values_of_the_balance_that_counts_are_shown() {
    let limits = Limits { daily: 50, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\ncalls-per-day = 50\n");
    rig.start();
    rig.linked(BANK);
    for _ in 0..12 {
        rig.bank.advance_s(20 * 3_600);
        rig.sync(&[]).expect(0);
    }
    let history = |rig: &Rig| rig.list(&["balances", "--history"]);
    let rows = history(&rig);
    let of = |kind: &str| rows.iter().filter(|row| row["balance_type"] == kind).collect::<Vec<_>>();
    let (booked, available) = (of("interimBooked"), of("interimAvailable"));
    assert!(booked.len() > 2 && available.len() > 2, "{rows:#?}");
    assert_eq!(booked.len() + available.len(), rows.len());
    assert!(booked.iter().all(|row| row["display_balance"] == row["amount"]), "{booked:#?}");
    assert!(available.iter().all(|row| row["display_balance"].is_null()), "{available:#?}");
    let newest = booked.last().unwrap();
    let now = rig.list(&["balances"]);
    let now = now.iter().find(|row| !row["display_balance"].is_null()).unwrap();
    assert_eq!(now["display_balance"], newest["display_balance"]);

    let own =
        format!("[[institution]]\nids = [\"{BANK}\"]\nledger-balance = [\"interimAvailable\"]\n");
    fs::write(rig.path("display.toml"), own).unwrap();
    assert_eq!(rig.ask("POST", "/v1/reload", "").unwrap().0, 200);
    for row in history(&rig) {
        let counts = row["balance_type"] == "interimAvailable";
        assert_eq!(
            row["display_balance"],
            if counts { row["amount"].clone() } else { Value::Null }
        );
    }
}

#[test]
fn the_trend_is_one_amount_a_day_and_can_be_switched_off() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(BANK);
    let trend = rig.peek("/v1/trend?days=7").remove(0);
    let days = trend["days"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    let balances = rig.list(&["balances"]);
    let ledger = balances.iter().find(|one| !one["display_balance"].is_null()).unwrap();
    assert_eq!(trend["balance_type"], ledger["balance_type"]);
    assert_eq!((&days[6]["amount"], &days[0]["amount"]), (&ledger["amount"], &Value::Null));
    let drawn = rig.verb(&["status"]).expect(0).out;
    assert!(drawn.contains("30 DAYS") && drawn.contains('▄'), "{drawn}");
    assert!(!rig.verb(&["status", "--no-trend"]).expect(0).out.contains("30 DAYS"));
    let off = format!("{}[display]\ntrend = false\n", rig.config_text());
    rig.secret("config.toml", &off);
    assert_eq!(rig.ask("POST", "/v1/reload", "").unwrap().0, 200);
    assert!(rig.peek("/v1/trend").is_empty());
    assert!(!rig.verb(&["status"]).expect(0).out.contains("30 DAYS"));
}
