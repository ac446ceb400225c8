//! Opening: modes, locks, and errors that leave every byte as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Barrier;
use std::task::{Context, Waker};

use banksyncd::model::port::Vault as _;
use banksyncd::model::secret::{DatabaseKey, Secret};
use banksyncd::planner::effect::Batch;
use banksyncd::store::{Kind, Store, TransactionFilter};

use crate::support::{FixedEntropy, T0, World, answer, block_on, key, open, raw};

const FIRST: &str = "BANKSYNCD_TEST_FIRST_IN";
/// Without the order of `open::make_ready` a failure is rare: one process in the first twenty on a cold machine, none in
/// hundreds after them.
const PROCESSES: usize = 20;
const THREADS: usize = 4;

fn other_key() -> DatabaseKey {
    DatabaseKey::from_bytes([8; 32])
}

/// Everything in the folder that holds data; an empty log holds none.
fn state_of(folder: &Path) -> Vec<(String, blake3::Hash)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.metadata().unwrap().len() > 0
            && !name.ends_with("db.lock")
            && !name.ends_with("-shm")
        {
            files.push((name, blake3::hash(&fs::read(entry.path()).unwrap())));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

async fn refused(path: &Path, key: DatabaseKey) -> Kind {
    let before = state_of(path.parent().unwrap());
    let error = open(path, key).await.unwrap_err();
    assert_eq!(state_of(path.parent().unwrap()), before, "{error}");
    error.kind()
}

/// A closed database with rows in it.
async fn filled() -> World {
    let mut world = World::new().await;
    world.pull_rows(&[raw(1, "-4.20", "Coffee", ""), raw(2, "10", "Refund", "")]).await;
    world.store.close().await.unwrap();
    world
}

#[test]
fn wrong_key_plain_file_damage_and_newer_schema_are_four_errors() {
    block_on(async {
        let world = filled().await;
        assert_eq!(refused(&world.path(), other_key()).await, Kind::WrongKey);

        let mut page = fs::read(world.path()).unwrap();
        let good = page.clone();
        page[100] ^= 1;
        fs::write(world.path(), &page).unwrap();
        assert_eq!(refused(&world.path(), key()).await, Kind::Damaged);
        assert_eq!(refused(&world.path(), other_key()).await, Kind::WrongKey);
        fs::write(world.path(), &good[..good.len() - 4096]).unwrap();
        assert_eq!(refused(&world.path(), key()).await, Kind::Damaged);
        fs::write(world.path(), "").unwrap();
        assert_eq!(refused(&world.path(), key()).await, Kind::Damaged);
        fs::write(world.path(), "short").unwrap();
        assert_eq!(refused(&world.path(), key()).await, Kind::Damaged);

        let plain = world.folder.path().join("plain.db");
        let mut text = b"SQLite format 3\0".to_vec();
        text.resize(8192, 0);
        fs::write(&plain, text).unwrap();
        assert_eq!(refused(&plain, key()).await, Kind::NotEncrypted);

        fs::write(world.path(), &good).unwrap();
        let connection = raw_connection(&world.path());
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert_eq!(refused(&world.path(), key()).await, Kind::NewerSchema);
    });
}

#[test]
fn a_wrong_key_does_not_touch_a_log_that_a_crash_left() {
    block_on(async {
        let world = World::new().await;
        let crashed = tempfile::tempdir().unwrap();
        for name in ["x.db", "x.db-wal", "x.db.keycheck"] {
            fs::copy(world.folder.path().join(name), crashed.path().join(name)).unwrap();
        }
        assert!(fs::metadata(crashed.path().join("x.db-wal")).unwrap().len() > 0);
        let path = crashed.path().join("x.db");
        assert_eq!(refused(&path, other_key()).await, Kind::WrongKey);
        let (_store, snapshot) = open(&path, key()).await.unwrap();
        assert_eq!(snapshot.accounts.len(), 1);
    });
}

pub(crate) fn raw_connection(path: &Path) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    let text = format!("x'{}'", "07".repeat(32));
    connection.key(None::<&str>, text.as_bytes(), false).unwrap();
    connection
}

#[test]
fn a_missing_key_check_is_made_again_and_a_stale_one_corrected() {
    block_on(async {
        let world = filled().await;
        let check = world.folder.path().join("x.db.keycheck");
        let text = fs::read(&check).unwrap();
        fs::remove_file(&check).unwrap();
        assert_eq!(refused(&world.path(), other_key()).await, Kind::WrongKey);
        for stale in [None, Some("garbage")] {
            if let Some(stale) = stale {
                fs::write(&check, stale).unwrap();
            }
            let (store, _) = open(&world.path(), key()).await.unwrap();
            store.close().await.unwrap();
            assert_eq!(fs::read(&check).unwrap(), text);
        }
    });
}

#[test]
fn files_are_private_and_hold_nothing_in_the_clear() {
    block_on(async {
        const MARKER: &str = "MARKER-7f3a";
        let mut world = World::new().await;
        world.pull_rows(&[raw(1, "-4.20", MARKER, "")]).await;
        world.store.save("token", Some(Secret::new(MARKER.into()))).await.unwrap();
        let mut seen = 0;
        for entry in fs::read_dir(world.folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            let bytes = fs::read(entry.path()).unwrap();
            for word in [MARKER.as_bytes(), b"CREATE TABLE", b"SQLite format", b"handle-1"] {
                assert!(
                    !bytes.windows(word.len()).any(|window| window == word),
                    "{:?}",
                    entry.file_name()
                );
            }
            seen += 1;
        }
        assert_eq!(seen, 5, "db, wal, shm, key check, lock");
        world.store.close().await.unwrap();
        fs::set_permissions(world.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let (_store, _) = open(&world.path(), key()).await.unwrap();
        // SQLite has made its log with the mode that it met.
        for entry in fs::read_dir(world.folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        }
    });
}

#[test]
fn a_second_opener_is_refused_and_told_who_holds_it() {
    block_on(async {
        let world = World::new().await;
        let error = open(&world.path(), key()).await.unwrap_err();
        assert_eq!((error.kind(), error.holder()), (Kind::Busy, Some(std::process::id())));
        assert!(error.to_string().contains(&std::process::id().to_string()));
        world.store.close().await.unwrap();
        assert!(open(&world.path(), key()).await.is_ok());
    });
}

#[test]
fn what_is_no_file_or_no_folder_is_said_so() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing/x.db");
        assert_eq!(open(&missing, key()).await.unwrap_err().kind(), Kind::CannotCreate);
        let directory = folder.path().join("directory.db");
        fs::create_dir(&directory).unwrap();
        assert_eq!(open(&directory, key()).await.unwrap_err().kind(), Kind::Io);
        let odd = folder.path().join("file:odd?mode=memory&x.db");
        let (store, _) = open(&odd, key()).await.unwrap();
        store.close().await.unwrap();
        assert!(fs::metadata(&odd).unwrap().len() > 0);
    });
}

#[test]
fn what_was_stored_is_there_after_a_close_and_after_a_crash() {
    block_on(async {
        let mut world = World::new().await;
        world.pull_rows(&[raw(1, "-4.20", "Coffee", "")]).await;
        let before = world.listed().await;
        let crashed = tempfile::tempdir().unwrap();
        for name in ["x.db", "x.db-wal", "x.db.keycheck"] {
            fs::copy(world.folder.path().join(name), crashed.path().join(name)).unwrap();
        }
        let (after_crash, _) = open(&crashed.path().join("x.db"), key()).await.unwrap();
        let rows = after_crash.transactions(TransactionFilter::default());
        assert_eq!(rows.collect().await.unwrap(), before);
        world.store.close().await.unwrap();
        assert!(!world.folder.path().join("x.db-wal").exists(), "the log is emptied and removed");
        let (store, snapshot) = open(&world.path(), key()).await.unwrap();
        assert_eq!(snapshot.accounts.len(), 1);
        assert_eq!(
            store.transactions(TransactionFilter::default()).collect().await.unwrap(),
            before
        );
    });
}

#[test]
fn a_closed_store_says_so() {
    block_on(async {
        let world = World::new().await;
        world.store.close().await.unwrap();
        assert_eq!(world.apply(Batch::default()).await.unwrap_err().kind(), Kind::Closed);
        assert_eq!(world.store.runs(None, 1).await.unwrap_err().kind(), Kind::Closed);
        assert_eq!(world.store.close().await.unwrap_err().kind(), Kind::Closed);
    });
}

#[test]
fn a_caller_that_goes_away_leaves_all_or_nothing() {
    block_on(async {
        for polls in 0..4 {
            let mut world = World::new().await;
            let rows: Vec<String> = (1..=28).map(|day| raw(day, "-1", "x", "")).collect();
            {
                let pull = world.pull(None, answer(&rows, None, None));
                tokio::pin!(pull);
                for _ in 0..polls {
                    let once = std::future::poll_fn(|context| {
                        std::task::Poll::Ready(pull.as_mut().poll(context).is_ready())
                    });
                    if once.await {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            let count = world.listed().await.len();
            assert!(count == 0 || count == 28, "{count}");
            world.verified().await;
        }
    });
}

#[test]
fn without_threads_the_caller_works_and_nothing_else_is_different() {
    block_on(async {
        let world = filled().await;
        let inline = || Store::open_inline(world.path(), key(), T0, &FixedEntropy(1));
        let (store, _) = inline().unwrap();
        assert_eq!(inline().unwrap_err().kind(), Kind::Busy);
        let rows = store.transactions(TransactionFilter::default()).collect().await.unwrap();
        assert_eq!(rows.len(), 2);
        {
            // Asked once, and then no longer: it is done all the same.
            let mut asked = pin!(store.save("a", Some(Secret::new("b".to_owned()))));
            assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        store.close().await.unwrap();
        assert_eq!(store.close().await.unwrap_err().kind(), Kind::Closed);
        let (store, _) = inline().unwrap();
        assert_eq!(store.load("a").await.unwrap().unwrap().expose(), "b");
        drop(store);
        // The last handle has let go of the file, and left no log.
        let (store, _) = open(&world.path(), key()).await.unwrap();
        assert!(store.load("a").await.unwrap().is_some());
    });
}

#[test]
fn threads_may_open_the_first_databases_of_a_process_at_once() {
    for _ in 0..PROCESSES {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "opening::first", "--nocapture"])
            .env(FIRST, folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let databases = fs::read_dir(folder.path()).unwrap();
        let databases = databases.filter(|entry| {
            entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "db")
        });
        assert_eq!(databases.count(), THREADS);
    }
}

/// The process of the test above.
#[test]
#[expect(clippy::disallowed_methods, reason = "the environment makes this process a child")]
fn first() {
    let Ok(folder) = std::env::var(FIRST) else { return };
    let start = Barrier::new(THREADS);
    let open_one = &|number: usize| {
        let path = Path::new(&folder).join(format!("{number}.db"));
        start.wait();
        block_on(open(&path, key())).unwrap();
    };
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || open_one(number));
        }
    });
}
