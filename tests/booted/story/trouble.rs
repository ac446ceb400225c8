//! What happens to a service: it is killed, hangs, loses its journal or its disk.

use std::process::{Command, Stdio};

use super::{NAMES, SEALED, Story};
use crate::machine::{now, wait_for};
use crate::service::{BANK, json, pid, show, wait_active};

pub(super) fn killed(story: &mut Story) -> String {
    story.drop_in("90-test", Some("[Service]\nWatchdogSec=3s\nRestartSec=500ms\n"));
    story.restarted();
    let (before, begun) = (pid(&story.machine), now());
    story.ok("systemctl kill -s KILL --kill-who=main banksyncd");
    wait_active(&story.machine, before);
    let took = begun.elapsed();
    assert_eq!(show(&story.machine, "NRestarts"), "1");
    story.check(&["daemon_stopped", "daemon_started", "daemon_started"]);
    format!("SIGKILL to active {:.1} s, with `RestartSec=500ms`", took.as_secs_f32())
}

/// The disk does not answer any more: the thread that writes hangs in fsync(2), so the work loop waits for it for ever, while
/// the rest of the process lives and could feed a watchdog by a timer.
pub(super) fn stalled(story: &mut Story) -> String {
    let machine = &story.machine;
    let before = pid(machine);
    let mut hang = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-p", &machine.host_pid(before)])
        .args(["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=60000000"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let host_pid = machine.host_pid(before);
    wait_for("strace to hold the process", || {
        let status = std::fs::read_to_string(format!("/proc/{host_pid}/status")).ok()?;
        status
            .lines()
            .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
            .then_some(())
    });
    let begun = now();
    story.ok("banksyncd reload");
    wait_for("the watchdog", || {
        let lines = story.ok("journalctl --no-pager -u banksyncd");
        lines.contains("Watchdog timeout (limit 3s)").then_some(())
    });
    // strace would hold the dead thread for its minute.
    drop(hang.kill());
    hang.wait().unwrap();
    wait_active(machine, before);
    let took = begun.elapsed();
    story.check(&["daemon_started"]);
    wait_for("the status line", || {
        let status = show(&story.machine, "StatusText");
        status.starts_with("2 of 2 accounts ready, next pull 20").then_some(())
    });
    format!(
        "stall to active {:.1} s, with `WatchdogSec=3s` and `RestartSec=500ms`",
        took.as_secs_f32()
    )
}

pub(super) fn journald_killed(story: &mut Story) -> String {
    let before = pid(&story.machine);
    story.ok("systemctl kill -s KILL --kill-who=main systemd-journald");
    wait_for("the journal to be back", || {
        (story.machine.sh("systemctl is-active systemd-journald").code == 0).then_some(())
    });
    story.ok("banksyncd reload");
    story.check(&["config_reloaded"]);
    assert_eq!(pid(&story.machine), before);
    String::new()
}

pub(super) fn journald_stopped(story: &mut Story) -> String {
    let before = pid(&story.machine);
    let reloads = |story: &Story| json(&story.machine, "events --code config_reloaded").len();
    let known = reloads(story);
    let parts = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service";
    story.ok(&format!("systemctl stop {parts}"));
    story.ok("banksyncd reload; banksyncd reload");
    wait_for("the events in the database", || (reloads(story) == known + 2).then_some(()));
    assert_eq!(pid(&story.machine), before);
    story.ok(&format!("systemctl start {parts}"));
    story.check(&["config_reloaded", "config_reloaded"]);
    assert_eq!(
        (pid(&story.machine), show(&story.machine, "ActiveState").as_str()),
        (before, "active")
    );
    String::new()
}

pub(super) fn second_daemon(story: &mut Story) -> String {
    let calls = || story.machine.curl(&[&format!("http://{BANK}/sandbox/log/counts")]);
    let before = calls();
    let credentials =
        NAMES.map(|name| format!("-p LoadCredentialEncrypted={name}:{SEALED}.{name}")).join(" ");
    // Another socket, so that it gets as far as the database.
    let said = story.machine.sh(&format!(
        "systemd-run --wait --quiet --unit=second -p User=banksyncd -p Group=banksyncd {credentials} \
         -p RuntimeDirectory=second banksyncd --socket /run/second/control.sock run"
    ));
    assert_eq!(said.code, 75, "{said:?}");
    assert_eq!(calls(), before, "it called nobody");
    story.check(&[]);
    String::new()
}

pub(super) fn disk_full(story: &mut Story) -> String {
    story.ok("systemctl stop banksyncd
         mv /var/lib/banksyncd /var/lib/kept; mkdir -m 700 /var/lib/banksyncd
         mount -t tmpfs -o size=8m,mode=700 tmpfs /var/lib/banksyncd
         cp -a /var/lib/kept/. /var/lib/banksyncd/
         systemctl start banksyncd");
    let before = pid(&story.machine);
    story.witness.compare_journal(&story.machine, &["daemon_stopped", "daemon_started"]);
    story.ok("dd if=/dev/zero of=/var/lib/banksyncd/fill bs=4k 2>/dev/null || true");
    story.ok("timeout 1 banksyncd reload || true");
    wait_for("the complaint", || {
        let lines = story.ok("journalctl --no-pager -u banksyncd PRIORITY=3");
        lines.contains("the database cannot be written").then_some(())
    });
    assert_eq!(
        (pid(&story.machine), show(&story.machine, "ActiveState").as_str()),
        (before, "active")
    );
    story.ok("rm /var/lib/banksyncd/fill");
    story.check(&["store_full", "config_reloaded"]);
    assert_eq!(pid(&story.machine), before);
    story.ok("systemctl stop banksyncd
         rm -r /var/lib/kept; cp -a /var/lib/banksyncd /var/lib/kept
         umount /var/lib/banksyncd; rmdir /var/lib/banksyncd; mv /var/lib/kept /var/lib/banksyncd
         systemctl start banksyncd");
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}
