//! `replay` on what real daemons stored of every kind of bank: nothing differs; a running daemon keeps it away.

use std::collections::BTreeSet;

use banksyncd::sandbox::{Limits, QuotaRule, World, WorldConfig};
use serde_json::Value;

use crate::rig::{Rig, texts};

/// Pulls of each account after the first.
const PULLS: i64 = 12;
const DAILY: u32 = 60;

#[test]
fn every_kind_of_bank_replays_to_identical_ids() {
    let limits = Limits {
        daily: DAILY,
        rule: QuotaRule::Sliding,
        accounts_per_minute: 100_000,
        ..Limits::default()
    };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() }).extra(&format!(
        "[limits]\ncalls-per-day = {DAILY}\nmanual-reserve = 1\naccounts-per-minute = 10000\n"
    ));
    rig.start();
    let banks: Vec<&str> = World::institutions().map(|(id, _name)| id).collect();
    for bank in &banks {
        rig.linked(bank);
    }
    rig.verb(&["replay"]).expect(75);
    for pull in 0..PULLS {
        // Sometimes the same day, sometimes days later: answers repeat, rows age, pending ones are booked.
        rig.bank.advance_s(3_600 * (5 + pull * 4));
        let said = rig.sync(&[]);
        assert!(said.code <= 1, "{said:?}");
    }
    let rows = rig.list(&["transactions", "--all"]);
    assert_eq!(rig.stop(), 0);
    let said = rig.verb(&["replay", "--json"]).expect(0);
    assert_eq!(said.out, "");
    let said = rig.verb(&["replay", "--apply"]).expect(0);
    assert_eq!(said.out, "");
    assert!(said.err.ends_with("no difference\n"), "{}", said.err);
    rig.start();
    // The daemon may have pulled again by now.
    let ids = |rows: &[Value]| texts(rows, "id").into_iter().collect::<BTreeSet<_>>();
    assert!(ids(&rig.list(&["transactions", "--all"])).is_superset(&ids(&rows)));
    let closed = rows.iter().filter(|row| row["state"] == "closed").count();
    assert!(rows.len() > 100 * banks.len() && closed > 0, "{} rows, {closed} closed", rows.len());
}
