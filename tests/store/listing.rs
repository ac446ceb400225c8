//! Listings: order, filters, chunks, ids.

use banksyncd::model::id::TransactionId;
use banksyncd::model::time::BankDate;
use banksyncd::planner::effect::Batch;
use banksyncd::store::{Kind, TransactionFilter};

use crate::support::{World, account, account_id, answer, block_on, day, raw, run_id};

#[test]
fn the_order_is_date_then_first_seen_then_id_over_all_accounts() {
    block_on(async {
        let mut world = World::new().await;
        world.apply(Batch { accounts: vec![account(2)], ..Batch::default() }).await.unwrap();
        for round in 0..3_u32 {
            let rows: Vec<String> = (0..300_u32)
                .map(|n| raw(1 + n % 9, &format!("{n}"), &format!("round {round}"), ""))
                .collect();
            let all: Vec<String> =
                world.all().await.into_iter().map(|row| row.raw).chain(rows).collect();
            world.pull_rows(&all).await;
            world.wait_hours(1);
        }
        let other = banksyncd::planner::effect::Data::Transactions {
            account_id: account_id(2),
            run_id: run_id(50),
            date_from: None,
            answer: Box::new(answer(&[raw(3, "1", "other", ""), "{}".to_owned()], None, None)),
        };
        world.apply(Batch { data: Some(other), ..Batch::default() }).await.unwrap();
        let rows = world.all().await;
        assert_eq!(rows.len(), 902);
        let order = |row: &banksyncd::store::TransactionRow| {
            (row.effective_date.map_or(i64::MAX, BankDate::epoch_days), row.first_seen_at, row.id)
        };
        assert!(rows.iter().map(order).is_sorted());
        assert_eq!(rows.last().unwrap().effective_date, None);
        let window = TransactionFilter { from: day(3), to: day(4), ..TransactionFilter::default() };
        let rows = world.list(window).await;
        assert_eq!(rows.len(), 3 * (34 + 33) + 1);
        assert!(
            rows.iter().all(|row| row.effective_date >= day(3) && row.effective_date <= day(4))
        );
        let one =
            TransactionFilter { account_id: Some(account_id(2)), ..TransactionFilter::default() };
        assert_eq!(world.list(one).await.len(), 2);
    });
}

#[test]
fn a_transaction_is_found_by_its_id_and_by_no_other() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(1, "-1", "a", ""), raw(2, "-1", "b", "")]).await;
        for row in world.listed().await {
            assert_eq!(world.store.transaction(row.id).await.unwrap(), Some(row.clone()));
            for bit in [0, 39, 40, 79, 80, 127] {
                let other = TransactionId::from_bits(row.id.bits() ^ (1 << bit));
                let found = world.store.transaction(other).await.unwrap();
                assert_ne!(found.map(|found| found.id), Some(row.id));
            }
        }
        let none = TransactionId::new(0, 0);
        assert_eq!(world.store.transaction(none).await.unwrap(), None);
        assert!(world.store.versions(none).await.unwrap().is_empty());
    });
}

#[test]
fn a_listing_goes_on_beside_writes_and_stops_after_an_interruption() {
    block_on(async {
        let mut world = World::new().await;
        let rows: Vec<String> =
            (0..600_u32).map(|n| raw(1 + n % 28, &format!("{n}"), "x", "")).collect();
        world.pull_rows(&rows).await;
        let mut listing = world.store.transactions(TransactionFilter::default());
        let first = listing.next().await.unwrap().unwrap();
        assert!(!first.is_empty() && first.len() < 600);
        let more: Vec<String> = rows.iter().cloned().chain([raw(28, "1", "new", "")]).collect();
        world.pull_rows(&more).await;
        let rest = listing.collect().await.unwrap();
        assert_eq!(first.len() + rest.len(), 601);

        let mut listing = world.store.transactions(TransactionFilter::default());
        let answered = {
            let next = listing.next();
            tokio::pin!(next);
            std::future::poll_fn(|context| {
                std::task::Poll::Ready(next.as_mut().poll(context).is_ready())
            })
            .await
        };
        // The reader may have been quicker than the first look; then nothing was interrupted.
        if !answered {
            assert_eq!(listing.next().await.unwrap_err().kind(), Kind::Refused);
        }
    });
}

#[test]
fn days_with_thousands_of_rows_keep_the_order() {
    block_on(async {
        let mut world = World::new().await;
        let undated = |n: u32| format!(r#"{{"n":{n}}}"#);
        let dated = |n: u32| raw(1 + n % 2, "1", &format!("{n}"), "");
        let old: Vec<String> = (0..1_500).map(dated).chain((0..1_500).map(undated)).collect();
        world.pull_rows(&old).await;
        world.wait_hours(1);
        let new = (1_500..6_000).map(dated).chain((1_500..3_000).map(undated));
        let both: Vec<String> = old.into_iter().chain(new).collect();
        world.pull_rows(&both).await;
        let rows = world.all().await;
        assert_eq!(rows.len(), 9_000);
        let order = |row: &banksyncd::store::TransactionRow| {
            (row.effective_date.map_or(i64::MAX, BankDate::epoch_days), row.first_seen_at, row.id)
        };
        assert!(rows.iter().map(order).is_sorted());
        let window = TransactionFilter { from: day(2), ..TransactionFilter::default() };
        assert_eq!(world.list(window).await.len(), 3_000);
        world.verified().await;
    });
}
