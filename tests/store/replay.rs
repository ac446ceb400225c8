//! Replay: no difference where nothing changed; what was planted is shown, cured on demand, and a kill on the way is nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::store::{Difference, Replayed, TransactionRow, VersionRow, What};

use crate::opening::raw_connection;
use crate::support::{World, answer, block_on, day, key, open, raw};

/// A closed database in which rows came, were edited, booked, lost and came again.
async fn lived() -> World {
    let mut world = World::new().await;
    let id = |n: u32| format!(r#","transactionId":"id-{n:05}""#);
    let row = |n: u32, text: &str| raw(n, &format!("-{n}.50"), text, &id(n));
    let mut rows: Vec<String> = (1..20).map(|n| row(n, "Coffee")).collect();
    rows.push(rows[3].clone());
    let pending = [raw(20, "-3", "Taxi", "")];
    world.pull(None, answer(&rows, Some(&pending), Some("2026-03-20T10:00:00.000000Z"))).await;
    world.wait_hours(6);
    rows[4] = row(5, "Coffee and cake");
    rows[7] = row(8, "Tea");
    rows.push(raw(21, "-3", "Taxi", ""));
    world.pull(None, answer(&rows, Some(&[]), Some("2026-03-20T16:00:00.000000Z"))).await;
    world.wait_hours(6);
    let gone = rows.remove(10);
    world.pull(day(2), answer(&rows, None, Some("strange"))).await;
    world.wait_hours(6);
    world.unchanged(day(2), Some("2026-03-21T10:00:00Z")).await;
    world.wait_hours(18);
    rows.push(gone);
    world.pull_rows(&rows).await;
    world.wait_hours(18);
    rows.truncate(15);
    world.pull_rows(&rows).await;
    world.store.close().await.unwrap();
    world
}

async fn replay(path: &Path, apply: bool) -> Replayed {
    let (store, _) = open(path, key()).await.unwrap();
    let replayed = store.replay(Arc::new(Rows), apply).await.unwrap();
    store.close().await.unwrap();
    replayed
}

/// All rows with all their versions.
async fn everything(path: &Path) -> Vec<(TransactionRow, Vec<VersionRow>)> {
    let (store, _) = open(path, key()).await.unwrap();
    let filter = banksyncd::store::TransactionFilter { all: true, ..Default::default() };
    let mut all = Vec::new();
    for row in store.transactions(filter).collect().await.unwrap() {
        let versions = store.versions(row.id).await.unwrap();
        all.push((row, versions));
    }
    let checks = store.verify(Arc::new(Rows), |_| ()).await.unwrap();
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    store.close().await.unwrap();
    all
}

fn whats(differences: &[Difference]) -> Vec<What> {
    differences.iter().map(|difference| difference.what).collect()
}

#[test]
fn an_untouched_store_replays_without_a_difference_and_without_a_trace() {
    block_on(async {
        let world = lived().await;
        let before = everything(&world.path()).await;
        let replayed = replay(&world.path(), true).await;
        assert_eq!(replayed.differences, []);
        assert_eq!((replayed.answers, replayed.transactions), (6, 21));
        assert_eq!(everything(&world.path()).await, before);
        let names: Vec<_> = std::fs::read_dir(world.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!names.iter().any(|name| name.contains("replay")), "{names:?}");
    });
}

/// What somebody, or an older version, could have left, and what shows it.
const PLANTED: [(&str, What); 9] = [
    ("UPDATE answer SET strategy = 0 WHERE number = 2", What::Strategy),
    ("UPDATE bank_transaction SET state = 3 WHERE number = 2", What::State),
    ("UPDATE bank_transaction SET tier = 6 WHERE number = 6", What::Tiers),
    ("UPDATE bank_transaction SET effective = effective + 1 WHERE number = 3", What::Dates),
    ("UPDATE bank_transaction_version SET run = 3 WHERE bank_transaction = 9", What::Versions),
    ("UPDATE bank_transaction_absence SET since = since + 1", What::Absence),
    ("UPDATE account SET memory = '{}'", What::Memory),
    ("UPDATE coverage SET at = at + 1", What::Coverage),
    ("DELETE FROM bank_transaction WHERE number = 19", What::Transaction),
];

#[test]
fn what_was_planted_is_shown_first_and_cured_on_demand() {
    block_on(async {
        let world = lived().await;
        let before = everything(&world.path()).await;
        for (sql, what) in PLANTED {
            let connection = raw_connection(&world.path());
            // The text of a row is needed to replay it: only a row whose text is elsewhere, too, can come back.
            if what == What::Transaction {
                connection.execute_batch(
                    "INSERT INTO bank_transaction_version SELECT number, revision, first_run, tier, dictionary, raw
                     FROM bank_transaction WHERE number = 19",
                ).unwrap();
                connection.pragma_update(None, "foreign_keys", 0).unwrap();
            }
            assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
            drop(connection);
            let shown = replay(&world.path(), false).await;
            assert!(whats(&shown.differences).contains(&what), "{sql}: {:#?}", shown.differences);
            assert_eq!(replay(&world.path(), false).await, shown, "showing changes nothing");
            assert_eq!(replay(&world.path(), true).await, shown);
            assert_eq!(replay(&world.path(), false).await.differences, [], "{sql}");
            assert_eq!(everything(&world.path()).await, before, "{sql}");
        }
    });
}

/// Two payments that somebody made one, and one that somebody made two: the stored answers know better.
#[test]
fn a_row_that_was_torn_apart_is_whole_again_under_its_first_id() {
    block_on(async {
        let world = lived().await;
        let before = everything(&world.path()).await;
        let connection = raw_connection(&world.path());
        let free: i64 = connection
            .query_row("SELECT max(number) + 1 FROM bank_transaction", [], |row| row.get(0))
            .unwrap();
        // Row 6 has two texts; the second one becomes a row of its own, as rules without ids would have made it.
        connection
            .execute_batch(&format!(
                "BEGIN;
                 INSERT INTO bank_transaction (number, account, first_run, effective, lead_days, hash, status, state, dictionary, raw)
                 SELECT {free}, account, revision_run, effective, lead_days, hash, status, state, dictionary, raw
                 FROM bank_transaction WHERE number = 6;
                 UPDATE bank_transaction SET revision = 1, revision_run = NULL, tier = 0, state = 2,
                 (dictionary, raw) = (SELECT dictionary, raw FROM bank_transaction_version WHERE bank_transaction = 6)
                 WHERE number = 6;
                 DELETE FROM bank_transaction_version WHERE bank_transaction = 6;
                 COMMIT;"
            ))
            .unwrap();
        drop(connection);
        rename_in_answers(&world.path(), (6, 2), (free, 1));
        let shown = replay(&world.path(), true).await;
        let whats = whats(&shown.differences);
        assert!(whats.contains(&What::Transaction) && whats.contains(&What::Answers), "{whats:?}");
        assert_eq!(replay(&world.path(), false).await.differences, []);
        assert_eq!(everything(&world.path()).await, before);
    });
}

/// Lets stored answers consist of another row version. Lists of them are varints (see `store::answers`): one run each here.
fn rename_in_answers(path: &Path, from: (i64, i64), to: (i64, i64)) {
    let connection = raw_connection(path);
    let mut select = connection
        .prepare("SELECT number, items FROM answer WHERE typeof(items) = 'blob'")
        .unwrap();
    let answers: Vec<(i64, Vec<u8>)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (number, items) in answers {
        let changed = rewritten(&items, from, to);
        connection
            .execute("UPDATE answer SET items = ?2 WHERE number = ?1", (number, changed))
            .unwrap();
    }
}

fn rewritten(items: &[u8], from: (i64, i64), to: (i64, i64)) -> Vec<u8> {
    let mut numbers = items.iter().scan((0_u64, 0_u32), |(value, shift), byte| {
        *value |= u64::from(byte & 0x7f) << *shift;
        *shift += 7;
        let done = byte & 0x80 == 0;
        Some(done.then(|| {
            *shift = 0;
            std::mem::take(value)
        }))
    });
    let mut next = || numbers.by_ref().flatten().next().unwrap();
    let signed =
        |number: u64| i64::try_from(number >> 1).unwrap() ^ -i64::try_from(number & 1).unwrap();
    let mut bytes = Vec::new();
    let mut put = |mut number: u64| {
        while number >= 0x80 {
            bytes.push((number & 0x7f).to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
    };
    let unsigned = |number: i64| ((number << 1) ^ (number >> 63)).cast_unsigned();
    let lists = next();
    put(lists);
    let (mut read, mut written) = (0, 0);
    for _ in 0..lists {
        let mut rows = Vec::new();
        for _ in 0..next() {
            let first = read + signed(next());
            let (len, revision) = (signed(next()), signed(next()));
            rows.extend((0..len.abs()).map(|at| (first + at * len.signum(), revision)));
            read = rows.last().unwrap().0;
        }
        put(rows.len() as u64);
        for row in rows {
            let (number, revision) = if row == from { to } else { row };
            for number in [number - written, 1, revision] {
                put(unsigned(number));
            }
            written = number;
        }
    }
    bytes
}

const CHILD: &str = "BANKSYNCD_TEST_REPLAYS";

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment makes this process a child")]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    block_on(replay(Path::new(&path), true));
}

/// When to kill: as soon as a file of the database is so long.
const MOMENTS: [(&str, u64); 8] = [
    ("x.db.replay", 0),
    ("x.db.replay", 100_000),
    ("x.db.replay", 300_000),
    ("x.db-wal", 1),
    ("x.db-wal", 50_000),
    ("x.db-wal", 100_000),
    ("x.db-wal", 200_000),
    ("x.db-wal", u64::MAX),
];

#[test]
fn a_killed_replay_leaves_everything_as_it_was_or_all_of_it_done() {
    block_on(async {
        let mut world = World::new().await;
        let rows: Vec<String> =
            (0..3_000).map(|n| raw(1 + n % 28, &format!("-{n}"), "Coffee", "")).collect();
        for round in 0..4 {
            world.wait_hours(12);
            world.pull_rows(&rows[round * 300..1_500 + round * 500]).await;
        }
        world.store.close().await.unwrap();
        let good = everything(&world.path()).await;
        let plant = || {
            let sql = "UPDATE bank_transaction SET tier = 6, status = 1 WHERE number % 2 = 0";
            assert!(raw_connection(&world.path()).execute(sql, []).unwrap() > 0);
            // Their sums would tell.
            raw_connection(&world.path()).execute("DELETE FROM proof", []).unwrap();
        };
        plant();
        let planted = everything(&world.path()).await;
        // The last moment never comes: that child ends by itself.
        let (mut before, mut after) = (0, 0);
        for (name, bytes) in MOMENTS {
            let mut program = Command::new(std::env::current_exe().unwrap());
            program.args(["--exact", "replay::child"]).env(CHILD, world.path());
            let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let file = world.folder.path().join(name);
            let reached = || std::fs::metadata(&file).is_ok_and(|facts| facts.len() >= bytes);
            while !reached() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let now = everything(&world.path()).await;
            if now == good {
                after += 1;
                plant();
            } else {
                assert!(now == planted, "{name} at {bytes}: neither as before nor done");
                before += 1;
            }
        }
        assert!(before >= 3 && after >= 1, "{before} {after}");
        assert!(!replay(&world.path(), true).await.differences.is_empty());
        assert!(everything(&world.path()).await == good);
    });
}
