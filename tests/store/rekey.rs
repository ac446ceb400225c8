//! Another key, and a kill at every step and in the middle of each: afterwards the file opens with one key, the key that is in
//! place opens the database, and everything is in it.
//!
//! The child is this test program again, told by its environment to be one. It changes the key of a database whose key lies
//! in a file beside it, as the verb does, and kills itself where it is told to.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use banksyncd::model::secret::DatabaseKey;
use banksyncd::store::{Kind, is_key_of, rekey};
use rustix::process::{Signal, getpid, kill_process};

use crate::support::{World, block_on, key, open, raw};

const CHILD: &str = "BANKSYNCD_TEST_REKEY_OF";
const KILLED_AT: &str = "BANKSYNCD_TEST_REKEY_KILLED_AT";
/// Steps at which the child can be killed: those that it is told of, and two around the new key's taking its place.
const STEPS: usize = 9;

fn new_key() -> DatabaseKey {
    DatabaseKey::from_bytes([9; 32])
}

/// A database of some hundred pages, the key of which is in a file, and the digest of what it holds.
fn original() -> &'static (tempfile::TempDir, [u8; 32]) {
    static MADE: OnceLock<(tempfile::TempDir, [u8; 32])> = OnceLock::new();
    MADE.get_or_init(|| {
        block_on(async {
            let mut world = World::new().await;
            let rows: Vec<String> = (0..3_000_u32)
                .map(|row| {
                    // Nothing that can be compressed away.
                    let text = blake3::hash(&row.to_be_bytes()).to_hex();
                    raw(1 + row % 28, &format!("-{row}.10"), &text, "")
                })
                .collect();
            world.pull_rows(&rows).await;
            let digest = world.store.digest().await.unwrap();
            world.store.close().await.unwrap();
            fs::write(world.folder.path().join("key"), [7; 32]).unwrap();
            (world.folder, digest)
        })
    })
}

/// A copy of it for one trial.
fn trial() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(original().0.path(), folder.path(), |_name| true);
    folder
}

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if wanted(entry.file_name().to_str().unwrap()) {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn key_in_place(folder: &Path) -> DatabaseKey {
    DatabaseKey::from_bytes(fs::read(folder.join("key")).unwrap().try_into().unwrap())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment makes this process a child")]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = PathBuf::from(folder);
    let killed_at = std::env::var(KILLED_AT).unwrap().parse::<usize>().unwrap();
    let count = std::cell::Cell::new(0);
    let reached = || {
        if count.get() == killed_at {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        count.set(count.get() + 1);
    };
    let adopt = || {
        fs::write(folder.join("key.new"), [9; 32]).unwrap();
        reached();
        fs::rename(folder.join("key.new"), folder.join("key")).unwrap();
        reached();
        Ok(())
    };
    let old = key_in_place(&folder);
    rekey(folder.join("x.db"), old, new_key(), adopt, &mut |_step| reached()).unwrap();
    assert_eq!(count.get(), STEPS);
}

fn spawn(folder: &Path, killed_at: usize) -> std::process::Child {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "rekey::child"]).env(CHILD, folder);
    program.env(KILLED_AT, killed_at.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    program.spawn().unwrap()
}

/// Whether the database alone, without anything that lies beside it, opens with this key.
fn opens_alone(folder: &Path, key: DatabaseKey) -> bool {
    let alone = tempfile::tempdir().unwrap();
    copy(folder, alone.path(), |name| name == "x.db");
    block_on(async {
        match open(&alone.path().join("x.db"), key).await {
            Ok((store, _)) => store.close().await.is_ok(),
            Err(error) => {
                assert_eq!(error.kind(), Kind::WrongKey, "{error:?}");
                false
            }
        }
    })
}

/// What an interrupted change has left beside the database.
fn left_over(folder: &Path) -> BTreeSet<OsString> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().contains(".rekey")).collect()
}

/// What has to be true after any end; gives the key that the database has.
#[track_caller]
fn examine(folder: &Path) -> DatabaseKey {
    let present = key_in_place(folder);
    let other = if present == key() { new_key() } else { key() };
    let opening = [key(), new_key()].into_iter().filter(|key| opens_alone(folder, key.clone()));
    assert_eq!(opening.count(), 1, "the file opens with exactly one key");
    let path = folder.join("x.db");
    is_key_of(&path, &present).unwrap();
    block_on(async {
        // With a third key the copy is neither used nor dropped.
        let copy = || left_over(folder).contains(OsStr::new("x.db.rekey"));
        let before = copy();
        let third = DatabaseKey::from_bytes([3; 32]);
        assert_eq!(open(&path, third).await.unwrap_err().kind(), Kind::WrongKey);
        assert_eq!(copy(), before);
        let (store, _) = open(&path, present.clone()).await.unwrap();
        assert_eq!(store.digest().await.unwrap(), original().1);
        let checks = store.verify(std::sync::Arc::new(banksyncd::gocardless::Rows), |_| ()).await;
        assert!(checks.unwrap().iter().all(|check| check.ok));
        store.close().await.unwrap();
        let error = open(&path, other.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::WrongKey);
        assert!(is_key_of(&path, &other).is_err());
    });
    assert_eq!(left_over(folder), BTreeSet::new());
    present
}

#[test]
fn a_kill_between_any_two_steps_leaves_one_key_and_all_data() {
    for step in 0..STEPS {
        let folder = trial();
        assert!(!spawn(folder.path(), step).wait().unwrap().success());
        let present = examine(folder.path());
        // Six steps come before the new key is in place, the last of them its being written beside the old one.
        assert_eq!(present == new_key(), step >= 6, "step {step}");
        if present == key() {
            assert!(spawn(folder.path(), usize::MAX).wait().unwrap().success());
            assert_eq!(examine(folder.path()), new_key());
        }
    }
}

#[test]
fn a_kill_within_a_step_does_so_too() {
    let length = |path: &Path| fs::metadata(path).map_or(0, |facts| facts.len());
    let whole = length(&original().0.path().join("x.db"));
    assert!(whole > 400_000, "{whole}");
    for (file, bytes) in [
        ("x.db.rekey", 1),
        ("x.db.rekey", whole.div_ceil(4)),
        ("x.db.rekey", whole.div_ceil(2)),
        ("x.db.rekey-journal", 1),
        ("x.db.rekey-journal", 50_000),
        ("x.db.rekey-journal", whole.div_ceil(2)),
        ("x.db.rekey.keycheck", 1),
        ("key.new", 1),
    ] {
        let folder = trial();
        let mut child = spawn(folder.path(), usize::MAX);
        while length(&folder.path().join(file)) < bytes {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::yield_now();
        }
        // It may have ended just now.
        drop(child.kill());
        child.wait().unwrap();
        examine(folder.path());
    }
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let folder = trial();
    let path = folder.path().join("x.db");
    let before = fs::read(&path).unwrap();
    let change = |old: DatabaseKey, new: DatabaseKey, adopted: std::io::Result<()>| {
        rekey(path.clone(), old, new, || adopted, &mut |_step| ()).unwrap_err().kind()
    };
    assert_eq!(change(key(), key(), Ok(())), Kind::Refused);
    assert_eq!(change(new_key(), key(), Ok(())), Kind::WrongKey);
    let full = || Err(std::io::ErrorKind::StorageFull.into());
    assert_eq!(change(key(), new_key(), full()), Kind::Full);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(examine(folder.path()), key());
    block_on(async {
        let (store, _) = open(&path, key()).await.unwrap();
        assert_eq!(change(key(), new_key(), Ok(())), Kind::Busy);
        store.close().await.unwrap();
    });
}
