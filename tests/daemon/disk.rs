//! A disk that is full or cannot be written: the daemon stays, stops calling, says so, and goes on by itself.

use std::path::PathBuf;
use std::process::Command;

use banksyncd::sandbox::SANDBOX;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::linking::assert_equals_truth;
use crate::rig::{Rig, run, text, wait_until};

/// A file system of its own, taken away at the end, before the folder that it is in.
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// `None` where mounting is not allowed.
    pub(crate) fn new(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size},mode=0700");
        let said = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "banksyncd-test"])
            .arg(&path));
        if said.code != 0 {
            eprintln!("skipped: no file system may be mounted here: {}", said.err.trim());
            return None;
        }
        Some(Self(path))
    }

    pub(crate) fn remount(&self, option: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.0))
            .expect(0);
    }

    /// Fills what is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("ballast")).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let said = Command::new("umount").arg("-l").arg(&self.0).status();
        if !said.is_ok_and(|status| status.success()) {
            eprintln!("{} could not be unmounted", self.0.display());
        }
    }
}

#[test]
fn a_full_disk_is_waited_for() {
    let mut rig = Rig::new();
    let Some(disk) = Mount::new(rig.path("disk"), "3m") else { return };
    rig.store = rig.path("disk");
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let rows = rig.list(&["transactions"]).len();
    rig.bank.advance_s(5 * 86_400);
    disk.fill();
    let calls = rig.bank.data_calls();
    for _ in 0..20 {
        rig.verb(&["sync"]);
        if rig.log().contains("cannot be written") {
            break;
        }
    }
    wait_until("the trouble to be told", || rig.log().contains("cannot be written"));
    let stopped_at = rig.bank.data_calls();
    assert!(stopped_at <= calls + 2, "{stopped_at} calls");
    assert!(rig.process().ended().is_none());
    // What is stored can still be read, and nothing more is asked for.
    assert_eq!(rig.list(&["transactions"]).len(), rows);
    assert!(rig.verb(&["status", "--json"]).code <= 1);
    rig.verb(&["sync"]);
    assert_eq!(rig.bank.data_calls(), stopped_at);
    std::fs::remove_file(rig.path("disk").join("ballast")).unwrap();
    // It would look again within a minute; a reload makes it look now.
    assert_eq!(rig.ask("POST", "/v1/reload", "").unwrap().0, 200);
    rig.wait_for_events("store_full", 1);
    wait_until("a pull", || rig.sync(&[]).code == 0);
    rig.bank.with(|world, _| assert!(world.log().busiest_day() <= 4));
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
    assert_eq!(rig.stop(), 0);
    rig.start();
}

#[test]
fn a_disk_that_turns_read_only_is_waited_for() {
    let mut rig = Rig::new();
    let Some(disk) = Mount::new(rig.path("disk"), "8m") else { return };
    rig.store = rig.path("disk");
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.kill();
    disk.remount("ro");
    let said = rig.start_in_vain();
    assert!([73, 74, 77].contains(&said.code), "{said:?}");
    assert!(said.err.contains("hint:"), "{said:?}");
    disk.remount("rw");
    rig.start();
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 1);
}

/// Sets the largest file that the daemon may write: what everybody may do to an own process, unlike mounting.
fn limit_files(rig: &Rig, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(rig.pid()).unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn a_file_that_may_not_grow_is_waited_for() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    let link = rig.begin_link("GLOBEWALLET_GLWTBEBB");
    limit_files(&rig, Some(4_096));
    rig.authorise(&link);
    wait_until("the trouble to be told", || rig.log().contains("cannot be written"));
    let calls = rig.bank.count();
    assert!(rig.process().ended().is_none());
    assert!(!rig.list(&["transactions"]).is_empty());
    assert!(rig.bank.count() <= calls + 1, "calls go on");
    limit_files(&rig, None);
    rig.wait_for_first_pull(&text(&link, "id"));
    rig.wait_for_events("store_full", 1);
    assert_equals_truth(&rig);
    rig.bank.with(|world, _| assert!(world.log().busiest_day() <= 4));
    assert_eq!(rig.bank.minted(), 1);
    // A kill while the disk is full loses nothing that was said to be stored.
    let rows = rig.verb(&["transactions", "--raw", "--json"]).expect(0).out;
    limit_files(&rig, Some(4_096));
    rig.bank.advance_s(86_400);
    rig.verb(&["sync"]);
    rig.kill();
    rig.start();
    let now = rig.verb(&["transactions", "--raw", "--json"]).expect(0).out;
    assert!(rows.lines().all(|row| now.contains(&row[..40])), "rows were lost");
}
