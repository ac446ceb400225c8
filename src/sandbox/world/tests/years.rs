//! Months at every bank, as a faithful reader of its answers would see them.

use std::collections::BTreeMap;

use super::*;

/// A reader that knows nothing: it keeps what the widest answer of each day shows.
fn faithful(institution: &str, days: i64) -> (Vec<String>, World, usize, UtcInstant) {
    let mut visitor = Visitor::new(WorldConfig { past_days: 60, ..WorldConfig::default() });
    let days_of_history = if institution.starts_with("LUSITANO") { 89 } else { 90 };
    let (_, accounts) = visitor.link(&json!({"institution_id": institution,
        "max_historical_days": days_of_history}));
    let mut kept: BTreeMap<u64, String> = BTreeMap::new();
    let mut held = Vec::new();
    for _ in 0..days {
        visitor.now = visitor.now.plus_days(1);
        visitor.login();
        let (status, _) = visitor.get(&format!("accounts/{}/transactions/", accounts[0]));
        assert_eq!(status, 200, "{institution}");
        let truth = visitor.world.truth(&accounts[0], visitor.now).unwrap();
        let shown = visitor.world.last_answer(&accounts[0]).unwrap().rows.clone();
        for row in truth.into_iter().filter(|row| row.phase == Phase::Booked) {
            if shown.iter().any(|(key, phase, _)| (*key, *phase) == (row.key, Phase::Booked)) {
                kept.insert(row.key, row.raw);
            }
        }
        held = kept.values().cloned().collect();
    }
    let views = visitor.world.accounts(visitor.now);
    let bank = views.iter().find(|own| own.id == accounts[0]).unwrap().bank_account;
    (held, visitor.world, bank, visitor.now)
}

#[test]
fn a_faithful_reader_has_every_payment_once_at_every_bank() {
    for (institution, _) in World::profiles() {
        let (held, world, bank, now) = faithful(institution, 45);
        let found = world.compare(bank, held.iter().map(String::as_str), now);
        assert!(found.is_clean() && found.payments > 20, "{institution}: {found:?}");
    }
}

#[test]
fn the_comparison_sees_what_is_wrong() {
    let (held, world, bank, now) = faithful("NACHTRAG_NCHTDEMM", 45);
    let compare = |rows: &[&str]| world.compare(bank, rows.iter().copied(), now);
    let all: Vec<&str> = held.iter().map(String::as_str).collect();
    assert_eq!(compare(&all[1..]).lost.len(), 1);
    let twice: Vec<&str> = all.iter().chain(&all[..1]).copied().collect();
    assert_eq!(compare(&twice).doubled.len(), 1);
    let strange: Vec<&str> = all.iter().copied().chain(["{}"]).collect();
    assert_eq!(compare(&strange).strangers, 1);
    // The half text of a card payment that was completed since.
    let half = |row: &str| {
        let (before, rest) = row.split_once("\"PAYMENT ")?;
        let (_, after) = rest.split_once('"')?;
        Some(format!("{before}\"PAYMENT\"{after}"))
    };
    let found = (0..all.len()).filter_map(|place| {
        let (mut old, text) = (all.clone(), half(all[place])?);
        old[place] = &text;
        Some(compare(&old).stale.len())
    });
    assert!(found.sum::<usize>() > 10);
    assert!(compare(&all).is_clean());
}

#[test]
fn tempers_of_banks_show_over_time() {
    let count = |institution: &str, wanted: &dyn Fn(&Shown) -> bool| {
        let (_, world, bank, _) = faithful(institution, 45);
        let of_bank = |own: &&accounts::Account| own.bank == bank;
        let id = world.accounts.values().find(of_bank).unwrap().id.clone();
        world.log().shown(&id).filter(|(_, _, shown)| wanted(shown)).count()
    };
    let edited = |shown: &Shown| shown.versions.len() == 2;
    assert!(count("TOLOSA_TLOSFRPP", &edited) > 20, "temporary ids");
    assert!(count("NACHTRAG_NCHTDEMM", &edited) > 20, "completed texts");
    assert_eq!(count("NORDLICHT_NOLIDEM1", &edited), 0);
    assert!(count("FLUX_FLUXDEMM", &|shown| shown.versions.len() > 20) > 20);
    let (_, world, bank, now) = faithful("RUECKRUF_RCKRDEMM", 45);
    let books = world.bank[bank].ledger.made().iter();
    let gone = |row: &&ledger::Movement| row.retracted_at.is_some_and(|at| at < now);
    assert!(books.filter(gone).count() > 0);
}
