//! A database of every released schema is kept in tests/fixtures/schema and opens for ever, migrated, with all of its rows.
//!
//! A new schema, or one that changed before its release, gets its file by
//! `BANKSYNCD_WRITE_SCHEMA=1 cargo test --test store released`; the files of released ones are never written again.

use std::fs;
use std::path::{Path, PathBuf};

use banksyncd::store::TransactionFilter;

use crate::opening::raw_connection;
use crate::support::{World, block_on, key, open, raw};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema")
}

/// Number and definitions of a schema.
fn schema(path: &Path) -> (u32, Vec<String>) {
    let connection = raw_connection(path);
    let number = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let mut query = connection.prepare(query).unwrap();
    let lines = query.query_map([], |row| row.get(0)).unwrap();
    (number, lines.map(Result::unwrap).collect())
}

#[test]
fn every_released_schema_opens() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(1, "-4.20", "Coffee", ""), raw(2, "10", "Refund", "")]).await;
        let expected = world.listed().await;
        world.store.close().await.unwrap();
        let (newest, definitions) = schema(&world.path());
        let place = |number: u32| folder().join(format!("{number}.db"));
        if std::env::var_os("BANKSYNCD_WRITE_SCHEMA").is_some() {
            fs::create_dir_all(folder()).unwrap();
            fs::copy(world.path(), place(newest)).unwrap();
        }
        for number in 1..=newest {
            let copy = world.folder.path().join(format!("{number}.db"));
            fs::copy(place(number), &copy).unwrap();
            let (store, _) = open(&copy, key()).await.unwrap();
            let checks = store.verify(|_| ()).await.unwrap();
            assert!(checks.iter().all(|check| check.ok), "schema {number}: {checks:#?}");
            let rows: Vec<_> =
                store.transactions(TransactionFilter::default()).collect().await.unwrap();
            assert_eq!(rows.len(), expected.len(), "schema {number}");
            for (row, expected) in rows.iter().zip(&expected) {
                assert_eq!(row.raw, expected.raw, "schema {number}");
            }
            store.close().await.unwrap();
            let how = "see the top of tests/store/released.rs";
            assert!(schema(&copy) == (newest, definitions.clone()), "schema {number}: {how}");
        }
    });
}
