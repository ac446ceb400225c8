//! Merging by hand, taking apart again, and what both leave of rows, ids, states, texts, events and quota.

use banksyncd::model::agreement::Scope;
use banksyncd::model::id::AccountId;
use banksyncd::model::notice::EventCode;
use banksyncd::model::time::{DAY_MS, MINUTE_MS};
use banksyncd::model::transaction::RowState;
use banksyncd::planner::event::Event;
use banksyncd::store::TransactionRow;

use super::{Life, rows, shown};
use crate::support::{block_on, raw};

/// Twins that nothing tells apart, linked anew: two old accounts, two new ones, and a person is asked.
fn twins() -> (Life, [AccountId; 4]) {
    let named = |handle: &str, letter: &str| shown(handle, letter).name("Purse");
    let mut life = Life::new();
    let link = life.link(&[named("p1", "a"), named("p2", "b")], None);
    life.link(&[named("n1", "a"), named("n2", "b")], Some(link));
    let ids = ["p1", "p2", "n1", "n2"].map(|handle| life.through(handle).unwrap().id);
    (life, ids)
}

fn merge(life: &mut Life, kept: AccountId, absorbed: AccountId) {
    life.planner.on(life.at(), Event::MergeWanted { kept, absorbed });
    life.run_for(0);
    life.verified();
}

fn split(life: &mut Life, kept: AccountId) {
    life.planner.on(life.at(), Event::SplitWanted { kept });
    life.run_for(0);
    life.verified();
}

/// Everything that is listed of an account in any state.
fn picture(life: &Life, account: AccountId) -> Vec<TransactionRow> {
    life.rows_of(account, true)
}

#[test]
fn a_merge_joins_and_the_next_answer_doubles_nothing() {
    let (mut life, [p1, p2, n1, n2]) = twins();
    let ids =
        |life: &Life, id| life.rows_of(id, false).iter().map(|row| row.id).collect::<Vec<_>>();
    let before = ids(&life, p1);
    let used = life.used(p1, Scope::Transactions) + life.used(n1, Scope::Transactions);
    merge(&mut life, p1, n1);
    assert_eq!(life.planner.account(n1), None);
    assert_eq!(ids(&life, p1), before, "each payment once, under its first id");
    assert_eq!(life.used(p1, Scope::Transactions), used);
    assert_eq!(life.through("n1").unwrap().id, p1);
    let left = life.planner.account(n2).unwrap();
    assert_eq!(left.may_continue, [p2], "one question less");
    assert_eq!(life.events(EventCode::AccountsMerged).len(), 1);
    merge(&mut life, p2, n2);
    for day in 0..3 {
        life.change("n1", |shown| shown.rows.extend(rows("a", 10 + day..=10 + day)));
        life.run_for(DAY_MS);
        life.assert_listed("n1");
        life.assert_listed("n2");
    }
    assert!(ids(&life, p1).starts_with(&before));
    assert_eq!(picture(&life, p1).len(), 8, "nothing in any other state");
    assert!(life.events(EventCode::TransactionVanished).is_empty());
    life.replayed();
    life.restart();
    assert!(life.used(p1, Scope::Transactions) <= 4);
    life.run_for(DAY_MS);
    life.assert_listed("n1");
}

#[test]
fn a_split_gives_back_exactly_what_there_was() {
    let (mut life, [p1, _, n1, _]) = twins();
    let both = |life: &Life| [p1, n1].map(|id| picture(life, id));
    let quota = |life: &Life| [p1, n1].map(|id| Scope::ALL.map(|scope| life.used(id, scope)));
    let events = |life: &Life| life.events(EventCode::SyncCompleted);
    let (before, spent, told) = (both(&life), quota(&life), events(&life));
    merge(&mut life, p1, n1);
    assert_ne!(events(&life), told, "events of a part are the whole's");
    split(&mut life, p1);
    assert_eq!(both(&life), before);
    assert_eq!(quota(&life), spent);
    assert_eq!(events(&life), told);
    // And once more, with a restart in between.
    merge(&mut life, p1, n1);
    life.restart();
    split(&mut life, p1);
    assert_eq!(both(&life), before);
    life.restart();
    assert_eq!(both(&life), before);
    assert_eq!(quota(&life), spent);
    life.run_for(DAY_MS);
    life.assert_listed("n1");
}

#[test]
fn accounts_that_are_not_one_come_apart_again() {
    // Another account of the same bank, wrongly taken for the old one; its bank goes on to change both kinds of rows.
    let mut life = Life::new();
    life.link(&[shown("p1", "a").name("Purse")], None);
    life.link(&[shown("n1", "b").name("Pot")], None);
    let [old, new] = ["p1", "n1"].map(|handle| life.through(handle).unwrap().id);
    let before = picture(&life, old);
    merge(&mut life, old, new);
    assert_eq!(life.rows_of(old, false).len(), 10, "no payment is like another");
    for day in 6..9 {
        life.change("n1", |shown| {
            shown.rows.extend(rows("b", day..=day));
            shown.rows[1] = raw(2, "-2.50", &format!("b2 bshop, edited on day {day}"), "");
        });
        life.run_for(DAY_MS);
    }
    assert!(picture(&life, old).iter().any(|row| row.state == RowState::Vanished));
    split(&mut life, old);
    assert_eq!(picture(&life, old), before, "as it was");
    life.assert_listed("n1");
    let edited: Vec<_> = picture(&life, new).into_iter().filter(|row| row.revision > 1).collect();
    assert_eq!(edited.len(), 1);
    assert_eq!(block_on(life.store.versions(edited[0].id)).unwrap().len(), 4, "no text is lost");
    life.run_for(2 * DAY_MS);
    life.assert_listed("n1");
    life.verified();
}

#[test]
fn an_automatic_pairing_can_be_undone_and_done_again() {
    let mut life = Life::new();
    let giro = |handle: &str| shown(handle, "a").iban("DE89370400440532013000");
    let link = life.link(&[giro("p1")], None);
    let old = life.through("p1").unwrap().id;
    let before = picture(&life, old);
    life.link(&[giro("n1")], Some(link));
    assert_eq!(life.through("n1").unwrap().id, old);
    life.change("n1", |shown| {
        shown.rows.remove(2);
        shown.rows[1] = raw(2, "-2.50", "a2 ashop, edited", "");
        shown.rows.extend(rows("a", 6..=7));
    });
    life.run_for(DAY_MS);
    life.assert_listed("n1");
    split(&mut life, old);
    let new = life.through("n1").unwrap().id;
    assert_ne!(new, old);
    assert_eq!(picture(&life, old), before, "as before the new link");
    life.assert_listed("n1");
    assert_eq!(life.events(EventCode::AccountDiscovered).len(), 2);
    // Each has its own rows from here on.
    let ids = |life: &Life, id| picture(life, id).iter().map(|row| row.id).collect::<Vec<_>>();
    assert!(ids(&life, old).iter().all(|id| !ids(&life, new).contains(id)));
    life.run_for(DAY_MS);
    life.assert_listed("n1");
    merge(&mut life, old, new);
    life.change("n1", |shown| shown.rows.extend(rows("a", 8..=8)));
    life.run_for(DAY_MS);
    life.assert_listed("n1");
    let first = &before[4];
    assert!(life.rows_of(old, false).iter().any(|row| row.id == first.id), "and its ids again");
}

/// The same without the time: an account whose link works is pulled again as soon as it is one of its own.
fn timeless(life: &Life, account: AccountId) -> Vec<TransactionRow> {
    let mut rows = picture(life, account);
    for row in &mut rows {
        row.last_seen_at = row.first_seen_at;
    }
    rows
}

#[test]
fn unions_come_apart_in_the_order_in_which_they_came_together() {
    let mut life = Life::new();
    for (handle, letter) in [("p1", "a"), ("p2", "b"), ("p3", "c")] {
        life.link(&[shown(handle, letter).name(letter)], None);
    }
    let [a, b, c] = ["p1", "p2", "p3"].map(|handle| life.through(handle).unwrap().id);
    let second = timeless(&life, b);
    merge(&mut life, b, c);
    life.run_for(DAY_MS);
    let first = timeless(&life, a);
    merge(&mut life, a, b);
    assert_eq!(life.through("p3").unwrap().id, a, "the newest link goes on");
    life.run_for(2 * DAY_MS);
    life.restart();
    life.assert_listed("p3");
    split(&mut life, a);
    assert_eq!(life.through("p3").unwrap().id, b);
    assert_eq!(timeless(&life, a), first);
    life.assert_listed("p3");
    split(&mut life, b);
    assert_eq!(timeless(&life, b), second);
    life.assert_listed("p3");
    split(&mut life, b);
    split(&mut life, a);
    assert_eq!(timeless(&life, a), first, "nothing is left to take apart");
    life.run_for(3 * MINUTE_MS);
}

#[test]
fn what_is_not_one_is_not_merged() {
    let mut life = Life::new();
    life.link(&[shown("p1", "a").name("a"), shown("p2", "b").name("b").currency("USD")], None);
    let [a, b] = ["p1", "p2"].map(|handle| life.through(handle).unwrap().id);
    merge(&mut life, a, b);
    merge(&mut life, a, a);
    merge(&mut life, a, AccountId::from_bits(1));
    assert_eq!(life.planner.accounts().count(), 2);
    assert!(life.planner.unions().is_empty());
}
