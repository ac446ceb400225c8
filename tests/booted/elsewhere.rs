//! The package for other distributions, by their own installer on a booted machine: its files and scripts, and the unit as it
//! is without Debian's private root.

use std::fs;
use std::path::Path;

use crate::machine::Machine;
use crate::probe;
use crate::service::{compare_store, link, open_bank, pid, set_up, show, truth, wait_active};

/// It knows none of the packages that are there; Debian 12's would rather not, and says so by an option of its own.
const RPM: &str = "rpm --nodeps $(rpm --help | grep -o -m 1 -e --force-debian)";

/// Installs, uses, upgrades and erases it.
pub(crate) fn live(rpm: &Path) {
    let share = tempfile::tempdir().unwrap();
    fs::copy(rpm, share.path().join("package.rpm")).unwrap();
    probe::make(share.path());
    let machine = Machine::boot(share.path());
    machine.ok(&format!("{RPM} -i /share/package.rpm"));
    // Lengths, hashes, modes and owners.
    assert_eq!(machine.ok("rpm -V --nodeps banksyncd"), "");
    let state = |property| show(&machine, property);
    assert_eq!(
        (state("UnitFileState"), state("ActiveState")),
        ("enabled".into(), "inactive".into())
    );
    assert_eq!(
        machine.ok("getent passwd banksyncd | cut -d : -f 6-"),
        "/var/lib/banksyncd:/usr/sbin/nologin\n"
    );
    assert!(
        machine.ok("journalctl --no-pager --list-catalog").contains("banksyncd: The daemon is up")
    );
    machine.ok("systemd-analyze security --threshold=11 banksyncd.service");
    open_bank(&machine);
    set_up(&machine);
    machine.ok("systemctl restart banksyncd");
    link(&machine);
    let truth = truth(&machine);
    compare_store(&machine, &truth);
    // Without a root of its own it sees what everybody may see.
    probe::run(&machine, &["others_state"]);
    let before = pid(&machine);
    machine.ok(&format!("{RPM} -U --force /share/package.rpm"));
    wait_active(&machine, before);
    assert_eq!(state("UnitFileState"), "enabled");
    compare_store(&machine, &truth);
    let files = machine.ok("rpm -ql banksyncd");
    machine.ok(&format!("{RPM} -e banksyncd"));
    assert_ne!(state("ActiveState"), "active");
    for path in files.lines() {
        assert!(machine.path(path).symlink_metadata().is_err(), "{path} is still there");
    }
    assert!(files.lines().count() > 20, "{files}");
    machine.ok("test -e /var/lib/banksyncd/banksyncd.db && test -e /etc/banksyncd/config.toml
         ! test -e /etc/systemd/system/multi-user.target.wants/banksyncd.service");
}
