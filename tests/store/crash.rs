//! Kills, full disks and file limits: what was acknowledged is there, what was not is there whole or not at all.
//!
//! The child is this test program again, told by its environment to be one: it pulls one more row per batch and
//! acknowledges each committed batch with a line.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use banksyncd::gocardless::Rows;
use banksyncd::model::agreement::Scope;
use banksyncd::model::id::ProviderAccountId;
use banksyncd::model::notice::{EventCode, Notice};
use banksyncd::planner::effect::{Batch, Data, RunOutcome, RunRecord, Settlement};
use banksyncd::store::{
    Error, EventFilter, Kind, LedgerState, Reservation, Store, TransactionFilter,
};

use crate::support::{T0, account, account_id, answer, block_on, key, open, raw, run_id};

const CHILD: &str = "BANKSYNCD_TEST_CHILD_OF";
const BATCHES_MAX: u32 = 10_000;

/// The `n`-th pull: one more row than the one before, in one batch with everything else.
async fn pull(store: &Store, n: u32) -> Result<(), Error> {
    let reservation = Reservation {
        account_id: account_id(1),
        scope: Scope::Transactions,
        provider_account_id: ProviderAccountId::from("handle-1"),
        at: T0,
    };
    let call = store.reserve(reservation).await?;
    let rows: Vec<String> =
        (0..n).map(|row| raw(1 + row % 28, &format!("-{row}"), "x", "")).collect();
    let id = run_id(u128::from(n));
    let outcome = Some(RunOutcome::Pulled);
    let batch = Batch {
        at: Some(T0.plus_hours(i64::from(n))),
        settle: Some((call, Settlement::Succeeded)),
        runs: vec![RunRecord { id, account_id: account_id(1), started_at: T0, outcome }],
        data: Some(Data::Transactions {
            account_id: account_id(1),
            run_id: id,
            date_from: None,
            answer: Box::new(answer(&rows, None, None)),
        }),
        notices: vec![Notice::new(EventCode::SyncCompleted, "done").account(account_id(1))],
        ..Batch::default()
    };
    store.apply(Arc::new(batch), Arc::new(Rows)).await.map(|_applied| ())
}

async fn begin(store: &Store) -> Result<(), Error> {
    let batch = Batch { accounts: vec![account(1)], at: Some(T0), ..Batch::default() };
    store.apply(Arc::new(batch), Arc::new(Rows)).await.map(|_applied| ())
}

/// Counts what a database holds and checks that its parts agree; gives the number of rows.
async fn examine(path: &Path) -> u32 {
    let (store, snapshot) = open(path, key()).await.unwrap();
    let rows = store.transactions(TransactionFilter::default()).collect().await.unwrap().len();
    let events = store.events(EventFilter::default()).collect().await.unwrap();
    let done = events.iter().filter(|event| event.notice.code == EventCode::SyncCompleted).count();
    let settled = snapshot.ledger.iter().filter(|row| row.state == LedgerState::Succeeded).count();
    assert_eq!((done, settled), (rows, rows));
    assert!(snapshot.interrupted.is_empty());
    let checks = store.verify(Arc::new(Rows), |_| ()).await.unwrap();
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    store.close().await.unwrap();
    u32::try_from(rows).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment makes this process a child")]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    block_on(async {
        let (store, _) = open(Path::new(&path), key()).await.unwrap();
        begin(&store).await.unwrap();
        let known = store.transactions(TransactionFilter::default()).collect().await.unwrap().len();
        for n in u32::try_from(known).unwrap() + 1..BATCHES_MAX {
            match pull(&store, n).await {
                Ok(()) => println!("\nstored {n}"),
                Err(error) => {
                    println!("\nfailed {:?}", error.kind());
                    break;
                }
            }
        }
    });
}

fn spawn_child(program: &mut Command, path: &Path) -> Child {
    program.env(CHILD, path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn this_program() -> Command {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "crash::child", "--nocapture"]);
    program
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mut acknowledged = 0;
    for round in 0..12 {
        let mut child = spawn_child(&mut this_program(), &path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..=(round * 7) % 5 {
            let line =
                lines.find(|line| line.as_ref().unwrap().starts_with("stored")).unwrap().unwrap();
            acknowledged = line.trim_start_matches("stored ").parse().unwrap();
        }
        child.kill().unwrap();
        // What was acknowledged between the last line read and the kill.
        for line in lines.map_while(Result::ok).filter(|line| line.starts_with("stored")) {
            acknowledged = line.trim_start_matches("stored ").parse().unwrap();
        }
        child.wait().unwrap();
        let rows = block_on(examine(&path));
        assert!(rows == acknowledged || rows == acknowledged + 1, "{rows} of {acknowledged}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let program = std::env::current_exe().unwrap();
    let mut shell = Command::new("sh");
    // 1,600 blocks of 512 bytes; the signal is ignored, so that writing fails instead.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 1600; exec \"$0\" --exact crash::child --nocapture"])
        .arg(program);
    let output = spawn_child(&mut shell, &path).wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("failed Io") || text.contains("failed Full"), "{text}");
    let stored = text.lines().filter(|line| line.starts_with("stored")).count();
    assert!(stored > 0);
    assert_eq!(block_on(examine(&path)), u32::try_from(stored).unwrap());
}

/// A small file system, gone with the value.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        assert!(done.is_ok());
    }
}

#[test]
fn a_full_disk_is_said_so_and_the_same_batch_goes_through_later() {
    let Some(disk) = SmallDisk::mount("size=900k") else {
        println!("skipped: this user may not mount");
        return;
    };
    block_on(async {
        let path = disk.folder.path().join("x.db");
        let (store, _) = open(&path, key()).await.unwrap();
        begin(&store).await.unwrap();
        let filler = disk.folder.path().join("filler");
        std::fs::write(&filler, vec![0; 300_000]).unwrap();
        let mut n = 1;
        let error = loop {
            match pull(&store, n).await {
                Ok(()) => n += 1,
                Err(error) => break error,
            }
            assert!(n < BATCHES_MAX);
        };
        assert_eq!(error.kind(), Kind::Full, "{error:?}");
        assert_eq!(
            store.transactions(TransactionFilter::default()).collect().await.unwrap().len(),
            n as usize - 1
        );
        std::fs::remove_file(&filler).unwrap();
        pull(&store, n).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(examine(&path).await, n);
    });
}
