//! Batches: documents, ledger, runs, events, balances, institutions, all in one transaction.

use std::sync::Arc;

use banksyncd::config;
use banksyncd::gocardless::Rows;
use banksyncd::model::agreement::Scope;
use banksyncd::model::balance::Balance;
use banksyncd::model::id::{InstitutionId, ProviderAccountId};
use banksyncd::model::institution::Institution;
use banksyncd::model::money::{Amount, Currency, Money};
use banksyncd::model::notice::{EventCode, Notice};
use banksyncd::model::port::{RowReader, Vault as _};
use banksyncd::model::secret::Secret;
use banksyncd::outbox::Audience;
use banksyncd::planner::effect::{
    Batch, Data, InstitutionUpdate, RunOutcome, RunRecord, Settlement,
};
use banksyncd::planner::state::{ProviderState, Union};
use banksyncd::store::{BalanceFilter, EventFilter, Kind, LedgerState, Reservation, Store};

use crate::support::{
    FixedEntropy, T0, World, account, account_id, block_on, key, open, raw, run_id,
};

fn reservation(world: &World, account: u128) -> Reservation {
    Reservation {
        account_id: account_id(account),
        scope: Scope::Balances,
        provider_account_id: ProviderAccountId::from("handle-1"),
        at: world.at,
    }
}

async fn settle(world: &World, call: banksyncd::model::id::CallId, settlement: Settlement) {
    world.apply(Batch { settle: Some((call, settlement)), ..Batch::default() }).await.unwrap();
}

#[test]
fn a_call_is_reserved_with_the_batch_before_it_or_not_at_all() {
    block_on(async {
        let world = World::new().await;
        let reader: Arc<dyn RowReader> = Arc::new(Rows);
        let notices = vec![Notice::new(EventCode::AccountPaused, "paused")];
        let batch = Arc::new(Batch { at: Some(T0), notices, ..Batch::default() });
        let with = |account| Some(reservation(&world, account));
        let apply =
            |call| world.store.apply_and_reserve(Arc::clone(&batch), Arc::clone(&reader), call);
        let (applied, call) = apply(with(1)).await.unwrap();
        assert!(call.is_some() && applied.events.len() == 1);
        // Of an account that nobody knows: nothing of the batch is there either.
        assert_eq!(apply(with(9)).await.unwrap_err().kind(), Kind::Refused);
        assert_eq!(world.store.events(EventFilter::default()).collect().await.unwrap().len(), 1);
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        let calls: Vec<_> = snapshot.ledger.iter().map(|row| (Some(row.id), row.state)).collect();
        assert_eq!(calls, [(call, LedgerState::Reserved)]);
    });
}

#[test]
fn the_ledger_keeps_what_was_spent_and_forgets_what_was_given_back() {
    block_on(async {
        let mut world = World::new().await;
        world.at = T0.plus_hours(-26);
        world.store.reserve(reservation(&world, 1)).await.unwrap();
        world.at = T0.plus_hours(-1);
        let mut calls = Vec::new();
        for _ in 0..8 {
            calls.push(world.store.reserve(reservation(&world, 1)).await.unwrap());
        }
        assert!(calls.is_sorted());
        world.at = T0;
        settle(&world, calls[0], Settlement::Succeeded).await;
        settle(&world, calls[1], Settlement::Released).await;
        settle(&world, calls[2], Settlement::Unanswered).await;
        let error = world.store.reserve(reservation(&world, 9)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        let seen: Vec<_> =
            snapshot.ledger.iter().map(|row| (row.id, row.state, row.settled_at)).collect();
        assert_eq!(
            seen[..3],
            [
                (calls[0], LedgerState::Succeeded, Some(T0)),
                (calls[2], LedgerState::Unanswered, Some(T0)),
                (calls[3], LedgerState::Reserved, None),
            ]
        );
        assert_eq!(seen.len(), 7);
        assert!(snapshot.ledger.iter().all(|row| row.reserved_at == T0.plus_hours(-1)));
    });
}

#[test]
fn a_call_by_a_clock_that_is_weeks_ahead_hides_none_of_today() {
    block_on(async {
        let mut world = World::new().await;
        let spent = world.store.reserve(reservation(&world, 1)).await.unwrap();
        settle(&world, spent, Settlement::Succeeded).await;
        world.at = T0.plus_days(30);
        let ahead = world.store.reserve(reservation(&world, 1)).await.unwrap();
        world.store.close().await.unwrap();
        let opened = Store::open(world.path(), key(), world.at, &FixedEntropy(1)).await;
        let ids: Vec<_> = opened.unwrap().1.ledger.iter().map(|row| row.id).collect();
        assert_eq!(ids, [spent, ahead]);
    });
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    block_on(async {
        let world = World::new().await;
        let mut changed = account(1);
        changed.consecutive_failures = 2;
        let bad = Batch {
            accounts: vec![changed, account(2)],
            provider: Some(ProviderState { fault_tries: 7, ..ProviderState::default() }),
            notices: vec![Notice::new(EventCode::DaemonStarted, "up")],
            settle: Some((banksyncd::model::id::CallId(99), Settlement::Succeeded)),
            ..Batch::default()
        };
        assert_eq!(world.apply(bad).await.unwrap_err().kind(), Kind::Refused);
        assert!(world.store.events(EventFilter::default()).collect().await.unwrap().is_empty());
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.accounts, [account(1)]);
        assert_eq!(snapshot.provider, ProviderState::default());
    });
}

#[test]
fn events_keep_their_order_and_wait_until_they_are_logged() {
    block_on(async {
        let mut world = World::new().await;
        let mut watch = world.store.event_watch();
        let notice = |code, n| {
            Notice::new(code, "message").account(account_id(n)).scope(Scope::Details).detail("n", 1)
        };
        let notices = vec![notice(EventCode::AccountPaused, 1), notice(EventCode::QuotaSpent, 2)];
        let applied =
            world.apply(Batch { notices: notices.clone(), ..Batch::default() }).await.unwrap();
        assert_eq!(
            applied.events.iter().map(|event| event.notice.clone()).collect::<Vec<_>>(),
            notices
        );
        assert_eq!(*watch.borrow_and_update(), applied.events[1].id);
        world.wait_hours(1);
        world
            .apply(Batch { notices: vec![notice(EventCode::AccountPaused, 2)], ..Batch::default() })
            .await
            .unwrap();

        let list = async |filter| {
            let events = world.store.events(filter).collect().await.unwrap();
            events.iter().map(|event| event.id).collect::<Vec<_>>()
        };
        let all = list(EventFilter::default()).await;
        assert!(all.is_sorted() && all.len() == 3);
        assert_eq!(
            list(EventFilter { since: Some(world.at), ..EventFilter::default() }).await,
            all[2..]
        );
        assert_eq!(
            list(EventFilter { after_id: all[1], ..EventFilter::default() }).await,
            all[2..]
        );
        assert_eq!(list(EventFilter { limit: Some(2), ..EventFilter::default() }).await, all[..2]);
        let code = Some(EventCode::AccountPaused);
        assert_eq!(list(EventFilter { code, ..EventFilter::default() }).await, [all[0], all[2]]);
        let account = Some(account_id(2));
        assert_eq!(
            list(EventFilter { account_id: account, ..EventFilter::default() }).await,
            all[1..]
        );

        world.store.mark_logged(vec![all[0], all[2], 4_711]).await.unwrap();
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.unlogged, applied.events[1..]);
    });
}

#[test]
fn runs_without_an_end_come_back_and_count_their_rows() {
    block_on(async {
        let mut world = World::new().await;
        let record = |n, outcome| RunRecord {
            id: run_id(n),
            account_id: account_id(1),
            started_at: T0,
            outcome,
        };
        world
            .apply(Batch { runs: vec![record(1, None), record(2, None)], ..Batch::default() })
            .await
            .unwrap();
        let applied = world.pull_rows(&[raw(1, "-1", "a", ""), "7".to_owned()]).await;
        assert_eq!(applied.rows.map(|rows| (rows.added, rows.not_understood)), Some((2, 1)));
        world.wait_hours(1);
        let ended = record(1, Some(RunOutcome::Pulled));
        world.apply(Batch { runs: vec![ended.clone()], ..Batch::default() }).await.unwrap();
        let runs = world.store.runs(Some(account_id(1)), 10).await.unwrap();
        assert_eq!(runs[1].record, ended);
        assert_eq!((runs[1].ended_at, runs[1].rows.added), (Some(world.at), 2));
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.interrupted, [record(2, None)]);
    });
}

fn balance(kind: &str, amount: &str) -> Balance {
    Balance {
        balance_type: kind.to_owned(),
        money: Some(Money {
            amount: Amount::parse(amount).unwrap(),
            currency: Currency("EUR".into()),
        }),
        reference_date: None,
        raw: format!(r#"{{"balanceAmount":{{"amount":"{amount}"}},"balanceType":"{kind}"}}"#),
    }
}

#[test]
fn balances_have_a_row_per_change_and_the_newest_answer_is_whole() {
    block_on(async {
        let mut world = World::new().await;
        let store = async |world: &World, balances: Vec<Balance>| {
            let data = Data::Balances { account_id: account_id(1), run_id: run_id(1), balances };
            world.apply(Batch { data: Some(data), ..Batch::default() }).await.unwrap();
        };
        let list = async |world: &World, history| {
            let filter = BalanceFilter { account_id: Some(account_id(1)), history };
            world.store.balances(filter).collect().await.unwrap()
        };
        let first = vec![
            balance("expected", "1.00"),
            balance("interim", "2.00"),
            balance("expected", "1.00"),
        ];
        store(&world, first.clone()).await;
        world.wait_hours(1);
        store(&world, first.clone()).await;
        let newest = list(&world, false).await;
        assert_eq!(newest.iter().map(|row| row.balance.clone()).collect::<Vec<_>>(), first);
        assert!(newest.iter().all(|row| row.fetched_at == world.at));
        assert_eq!(list(&world, true).await.len(), 3);
        world.wait_hours(1);
        let second = vec![balance("expected", "3.00"), balance("interim", "2.00")];
        store(&world, second.clone()).await;
        let newest = list(&world, false).await;
        assert_eq!(newest.iter().map(|row| row.balance.clone()).collect::<Vec<_>>(), second);
        let history = list(&world, true).await;
        assert_eq!(history.len(), 4);
        assert_eq!((history[0].fetched_at, history[3].fetched_at), (T0, world.at));
        store(&world, Vec::new()).await;
        assert!(list(&world, false).await.is_empty());
        world.verified().await;
    });
}

#[test]
fn pairing_moves_everything_and_refuses_an_account_with_rows() {
    block_on(async {
        let world = World::new().await;
        let mut known = account(1);
        known.provider_account_id = ProviderAccountId::from("handle-2");
        let paused = Notice::new(EventCode::AccountPaused, "x").account(account_id(2));
        world
            .apply(Batch { accounts: vec![account(2)], notices: vec![paused], ..Batch::default() })
            .await
            .unwrap();
        let call = world.store.reserve(reservation(&world, 2)).await.unwrap();
        let union = |kept, absorbed| Union {
            at: world.at,
            by_hand: false,
            kept: account(kept),
            absorbed: account(absorbed),
        };
        let batch =
            Batch { accounts: vec![known.clone()], unions: vec![union(1, 2)], ..Batch::default() };
        world.apply(batch).await.unwrap();
        for handle in ["handle-1", "handle-2"] {
            let found = world.store.account_of(ProviderAccountId::from(handle)).await.unwrap();
            assert_eq!(found, Some(account_id(1)));
        }
        let events = world.store.events(EventFilter::default()).collect().await.unwrap();
        assert_eq!(events[0].notice.account_id, Some(account_id(1)));

        let unions = vec![union(1, 1)];
        assert_eq!(
            world.apply(Batch { unions, ..Batch::default() }).await.unwrap_err().kind(),
            Kind::Refused
        );
        world.verified().await;
        world.store.close().await.unwrap();
        let (_store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.accounts, [known]);
        assert_eq!(snapshot.unions.len(), 1);
        let row = snapshot.ledger[0];
        assert_eq!((row.id, row.account_id, row.part), (call, account_id(1), account_id(2)));
    });
}

fn institution(id: &str, countries: &[&str], features: Option<&[&str]>) -> Institution {
    Institution {
        id: InstitutionId::from(id),
        name: format!("Bank {id}"),
        bic: String::new(),
        countries: countries.iter().map(|&country| country.to_owned()).collect(),
        transaction_total_days: Some(90),
        max_access_valid_for_days: None,
        max_access_valid_for_days_reconfirmation: None,
        supported_features: features
            .map(|words| words.iter().map(|&word| word.to_owned()).collect()),
    }
}

#[test]
fn institutions_are_cached_with_their_age_and_keep_their_features() {
    block_on(async {
        let mut world = World::new().await;
        let list = async |world: &World, country: Option<&str>| {
            let list = world.store.institutions(country.map(str::to_owned)).await.unwrap();
            (
                list.fetched_at,
                list.institutions.into_iter().map(|bank| bank.id.0).collect::<Vec<_>>(),
            )
        };
        assert_eq!(list(&world, Some("DE")).await, (None, Vec::new()));
        let put = async |world: &World, update| {
            world.apply(Batch { institutions: Some(update), ..Batch::default() }).await.unwrap();
        };
        let one = institution("B", &["DE"], Some(&["account_selection"]));
        put(&world, InstitutionUpdate::One(Box::new(one.clone()))).await;
        assert_eq!(list(&world, Some("DE")).await, (None, Vec::new()));
        let german = vec![institution("B", &["DE"], None), institution("A", &["DE", "AT"], None)];
        put(&world, InstitutionUpdate::List { country: Some("DE".into()), institutions: german })
            .await;
        assert_eq!(
            list(&world, Some("DE")).await,
            (Some(T0), vec!["A".to_owned(), "B".to_owned()])
        );
        assert_eq!(list(&world, None).await.0, None);
        let (kept, _) = world.store.institution(InstitutionId::from("B")).await.unwrap().unwrap();
        assert_eq!(kept, one);
        world.wait_hours(1);
        let all = vec![institution("C", &["FR"], None), institution("A", &["DE", "AT"], None)];
        put(&world, InstitutionUpdate::List { country: None, institutions: all }).await;
        assert_eq!(list(&world, Some("DE")).await, (Some(world.at), vec!["A".to_owned()]));
        assert_eq!(list(&world, None).await.1, ["A", "C"]);
    });
}

#[test]
fn the_vault_keeps_replaces_and_forgets() {
    block_on(async {
        let world = World::new().await;
        assert_eq!(world.store.load("token").await.unwrap(), None);
        for value in ["one", "two"] {
            world.store.save("token", Some(Secret::new(value.into()))).await.unwrap();
            assert_eq!(world.store.load("token").await.unwrap(), Some(Secret::new(value.into())));
        }
        world.store.save("token", None).await.unwrap();
        assert_eq!(world.store.load("token").await.unwrap(), None);
    });
}

/// Everybody who is told, by name, and by what stands below `[[notify]]`.
fn audience(targets: &[(&str, &str)]) -> Arc<Audience> {
    let table = |(name, more): &(&str, &str)| {
        format!("[[notify]]\nname = \"{name}\"\ntype = \"exec\"\ncommand = [\"/x\"]\n{more}\n")
    };
    let text: String = targets.iter().map(table).collect();
    let config = config::parse(&text, "x", &config::Defaults::default()).unwrap().config;
    Arc::new(Audience { targets: config.notify, zone: config.schedule.timezone })
}

async fn waiting(store: &Store) -> Vec<(String, EventCode)> {
    let waiting = store.waiting(0).await.unwrap();
    waiting.into_iter().map(|(target, message)| (target, message.code)).collect()
}

#[test]
fn messages_are_written_with_their_event_or_not_at_all() {
    block_on(async {
        let world = World::new().await;
        let store = &world.store;
        let named = format!("accounts = [\"{}\"]", account_id(1));
        let targets = [("loud", ""), ("all", "level = \"info\""), ("one", named.as_str())];
        store.set_audience(audience(&targets)).await.unwrap();
        let stale = |n: u128| Notice::new(EventCode::AccountStale, "x").account(account_id(n));
        let batch = |notices: Vec<Notice>| Batch {
            accounts: vec![account(1), account(2)],
            notices,
            ..Batch::default()
        };
        let done = Notice::new(EventCode::SyncCompleted, "x").account(account_id(1));
        world.apply(batch(vec![stale(2), done, stale(1)])).await.unwrap();
        let (loud, all, one) = ("loud".to_owned(), "all".to_owned(), "one".to_owned());
        let code = EventCode::AccountStale;
        let told = [
            (loud.clone(), code),
            (all.clone(), code),
            (all.clone(), EventCode::SyncCompleted),
            (loud.clone(), code),
            (all.clone(), code),
            (one.clone(), code),
        ];
        assert_eq!(waiting(store).await, told);
        // A batch that fails leaves no message behind.
        let both = Union { at: T0, by_hand: true, kept: account(1), absorbed: account(1) };
        let bad = Batch { unions: vec![both], ..batch(vec![stale(1)]) };
        assert_eq!(world.apply(bad).await.unwrap_err().kind(), Kind::Refused);
        assert_eq!(waiting(store).await.len(), told.len());
        // A key belongs to one event and one target, and outlives a restart.
        let numbers: Vec<i64> =
            store.waiting(0).await.unwrap().iter().map(|(_, message)| message.number).collect();
        let mut keys = Vec::new();
        for number in &numbers {
            keys.push(store.message(*number).await.unwrap().unwrap().key);
        }
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len());
        store.close().await.unwrap();
        let (store, _) = open(&world.path(), key()).await.unwrap();
        let again = store.message(numbers[0]).await.unwrap().unwrap();
        assert_eq!((again.key, again.event.notice.code), (keys[0], code));
        assert_eq!(again.account.unwrap().id, account_id(2));
        // Nobody is told anew, what is taken is gone, and what is given up is told to the others.
        store.set_audience(audience(&targets)).await.unwrap();
        let lost = Notice::new(EventCode::NotifyFailed, "x").detail("target", "loud");
        let event = store.remove_messages(numbers.clone(), T0, Some(lost)).await.unwrap().unwrap();
        assert_eq!(event.notice.code, EventCode::NotifyFailed);
        assert_eq!(waiting(&store).await, [(all, EventCode::NotifyFailed)]);
        assert!(store.message(numbers[0]).await.unwrap().is_none());
        store.set_audience(audience(&targets[..1])).await.unwrap();
        assert_eq!(waiting(&store).await, []);
        store.close().await.unwrap();
    });
}
