//! Details that come after a person was asked which account a new one continues: they answer where they can.

use banksyncd::model::agreement::Scope;
use banksyncd::model::id::AccountId;
use banksyncd::model::notice::EventCode;

use super::{Life, Shown, shown};

/// An account with nothing but a name.
fn named(handle: &str, letter: &str, name: &str) -> Shown {
    shown(handle, letter).name(name)
}

/// Three accounts of which two come back, one with details that come late.
fn renewed(late: Shown) -> (Life, Vec<AccountId>) {
    let mut life = Life::new();
    let old = [named("p0", "a", "Giro"), named("p1", "b", "Savings"), named("p2", "c", "Card")];
    let link = life.link(&old, None);
    let ids = old.iter().map(|shown| life.through(&shown.handle).unwrap().id).collect();
    life.link(&[named("n0", "a", "Giro"), late.with_late_details()], Some(link));
    assert_eq!(life.events(EventCode::AccountsAmbiguous).len(), 1);
    (life, ids)
}

#[test]
fn they_say_who_it_is() {
    let (mut life, old) = renewed(named("n2", "c", "Card"));
    let account = life.through("n2").unwrap();
    assert_eq!(account.id, old[2]);
    assert!(account.may_continue.is_empty());
    let merged = life.events(EventCode::AccountsMerged);
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].notice.account_id, Some(old[2]));
    assert_eq!(life.rows_of(old[2], true).len(), 5, "none is doubled");
    assert_eq!(life.used(old[2], Scope::Transactions), 2);
    life.assert_listed("n2");
    life.verified();
    life.replayed();
    life.assert_remembered("late details");
}

#[test]
fn they_say_that_it_is_none_of_them() {
    let (life, old) = renewed(shown("n3", "d").currency("USD"));
    let account = life.through("n3").unwrap();
    assert!(!old.contains(&account.id));
    assert!(account.may_continue.is_empty(), "{:?}", account.may_continue);
    assert!(life.events(EventCode::AccountsMerged).is_empty());
}

#[test]
fn they_say_nothing() {
    let (life, old) = renewed(named("n1", "b", "Wallet"));
    let account = life.through("n1").unwrap();
    assert!(!old.contains(&account.id));
    let mut asked = account.may_continue.clone();
    asked.sort_by_key(|id| old.iter().position(|known| known == id));
    assert_eq!(asked, old[1..]);
}
