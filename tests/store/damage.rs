//! Damage: no flipped bit, swapped page or cut passes silently.

use std::fs;
use std::path::Path;

use banksyncd::store::{Kind, TransactionFilter};
use proptest::prelude::Rng as _;
use proptest::test_runner::{Config, TestRng, TestRunner};

use crate::support::{World, block_on, key, open, raw};

const PAGE: usize = 4096;

async fn detected(path: &Path) -> bool {
    let (store, _) = match open(path, key()).await {
        Ok(opened) => opened,
        Err(error) => {
            assert_eq!(error.kind(), Kind::Damaged, "{error:?}");
            return true;
        }
    };
    let all = TransactionFilter { all: true, ..TransactionFilter::default() };
    let listed = store.transactions(all).collect().await;
    let found = match store.verify(std::sync::Arc::new(banksyncd::gocardless::Rows), |_| ()).await {
        Ok(checks) => checks.iter().any(|check| !check.ok),
        Err(_) => true,
    };
    if let Err(error) = listed {
        assert_eq!(error.kind(), Kind::Damaged, "{error:?}");
        assert!(found);
    }
    drop(store.close().await);
    found
}

#[test]
fn flips_swaps_and_cuts_are_detected() {
    block_on(async {
        let mut world = World::new().await;
        let rows: Vec<String> = (0..400_u32)
            .map(|n| raw(1 + n % 28, &format!("-{n}.10"), &format!("text {n}"), ""))
            .collect();
        world.pull_rows(&rows).await;
        world.store.close().await.unwrap();
        let good = fs::read(world.path()).unwrap();
        assert!(good.len() > 20 * PAGE);
        let mut random = TestRunner::new_with_rng(
            Config::default(),
            TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        )
        .new_rng();
        let mut below = |limit: usize| usize::try_from(random.next_u64() % limit as u64).unwrap();
        let mut tries: Vec<(String, Vec<u8>)> = Vec::new();
        for _ in 0..60 {
            let (place, bit) = (below(good.len()), below(8));
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            tries.push((format!("bit {bit} of byte {place}"), bad));
        }
        let pages = good.chunks_exact(PAGE).count();
        for _ in 0..10 {
            let (a, b) = (below(pages), below(pages));
            let mut bad = good.clone();
            if a != b {
                bad[a * PAGE..(a + 1) * PAGE].copy_from_slice(&good[b * PAGE..(b + 1) * PAGE]);
                tries.push((format!("page {b} over page {a}"), bad));
            }
            let len = 1 + below(good.len() - 1);
            tries.push((format!("cut at {len}"), good[..len].to_vec()));
        }
        for (what, bad) in tries {
            fs::write(world.path(), &bad).unwrap();
            assert!(detected(&world.path()).await, "{what}");
        }
        fs::write(world.path(), &good).unwrap();
        assert!(!detected(&world.path()).await);
    });
}
