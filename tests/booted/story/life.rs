//! What is done with a service: installed, set up, linked, reloaded, upgraded, booted, removed.

use std::time::Duration;

use banksyncd::model::notice::EventCode;
use banksyncd::observe::catalog;

use super::{BACKUPS, SEALED, Story};
use crate::machine::{now, wait_for};
use crate::service::{self, json, open_bank, pid, show, wait_active};

pub(super) fn install(story: &mut Story) -> String {
    story.ok("dpkg -i /share/older.deb");
    assert_eq!(show(&story.machine, "UnitFileState"), "enabled");
    // Enabled and started, but quiet until there is a configuration.
    assert_eq!(show(&story.machine, "ActiveState"), "inactive");
    assert_eq!(show(&story.machine, "ConditionResult"), "no");
    assert_eq!(show(&story.machine, "NRestarts"), "0");
    let verified =
        story.machine.sh("systemd-analyze verify --man=no banksyncd.service banksyncd@x.service");
    assert!(verified.code == 0 && verified.err.is_empty(), "{verified:?}");
    story.ok("systemd-analyze security --threshold=10 banksyncd.service");
    // Each event is explained by the catalogue that was put together anew.
    let explained = story.ok("journalctl --no-pager --list-catalog");
    for code in EventCode::ALL {
        let id = catalog::message_id(*code);
        assert!(explained.contains(id), "{} {id}", code.as_str());
    }
    story.ok("banksyncd --version").trim().to_owned()
}

pub(super) fn set_up(story: &mut Story) -> String {
    open_bank(&story.machine);
    let said = service::set_up(&story.machine);
    assert!(said.contains(&format!("encrypted  {SEALED}.database-key")), "{said}");
    assert!(said.contains("systemctl restart banksyncd"), "{said}");
    assert_eq!(story.ok("stat -c '%a %U %G' /etc/banksyncd/config.toml"), "640 root banksyncd\n");
    assert_eq!(story.ok(&format!("stat -c '%a %U' {SEALED}.*")), "600 root\n".repeat(3));
    // Without cron's and the jitter's help: what happens here happens when we say so.
    story.configure("pull", "[\"0 0 0 1 1 *\"]");
    story.configure("jitter", "\"0s\"");
    story.configure("freshness", "\"400d\"");
    story.configure("connect-timeout", "\"1s\"");
    story.configure("folder", &format!("\"{BACKUPS}\""));
    story.ok("systemctl restart banksyncd");
    wait_active(&story.machine, 0);
    let again = story.ok("banksyncd init --json < /dev/null");
    assert_eq!(again.matches("\"done\":\"kept\"").count(), 5, "{again}");
    story.check(&["daemon_started"]);
    limited(story);
    let (from, to) = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic");
    let instant = |property| show(&story.machine, property).parse::<u64>().unwrap();
    let took = Duration::from_micros(instant(to) - instant(from));
    format!("start to READY {} ms", took.as_millis())
}

/// The limits of the unit, by what the service manager says, and the kernel. Of memory the machine itself may allow less.
fn limited(story: &Story) {
    for (property, value) in [
        ("MemoryMax", "268435456"),
        ("MemorySwapMax", "0"),
        ("TasksMax", "64"),
        ("LimitMEMLOCK", "16777216"),
        ("User", "banksyncd"),
    ] {
        assert_eq!(show(&story.machine, property), value, "{property}");
    }
    let limits = story.ok(&format!("cat /proc/{}/limits", pid(&story.machine)));
    for (name, most) in [("core file size", "0"), ("open files", "512")] {
        let line = limits.lines().find_map(|line| line.strip_prefix(&format!("Max {name}")));
        let words: Vec<&str> = line.unwrap().split_whitespace().take(2).collect();
        assert_eq!(words, [most, most], "{name}");
    }
}

pub(super) fn link(story: &mut Story) -> String {
    service::link(&story.machine);
    story.truth = service::truth(&story.machine);
    assert!(
        story.truth.values().all(|rows| rows.len() > 10),
        "a comparison of nothing proves nothing"
    );
    story.check(&[
        "link_created",
        "link_completed",
        "account_discovered",
        "account_discovered",
        "sync_completed",
        "sync_completed",
        "transactions_added",
        "transactions_added",
        "token_issued",
        "backup_completed",
    ]);
    // The database's copy and its key check, beside the database and as closed as it is.
    let backup = story.ok(&format!("stat -c '%a %U %G' {BACKUPS} {BACKUPS}/*"));
    assert_eq!(backup, format!("700 {own}\n600 {own}\n600 {own}\n", own = "banksyncd banksyncd"));
    of_account(story);
    let explained =
        story.ok("journalctl --no-pager -x -u banksyncd BANKSYNCD_EVENT=link_completed");
    assert!(explained.contains("Subject: Access was given at the bank"), "{explained}");
    format!("{} rows", story.truth.values().map(Vec::len).sum::<usize>())
}

/// Lines are found by what they are about.
fn of_account(story: &Story) {
    let link = json(&story.machine, "links").pop().unwrap();
    let accounts = json(&story.machine, "accounts");
    let named = |field: &str, value: &serde_json::Value| {
        let value = value.as_str().unwrap();
        story.ok(&format!("journalctl --no-pager -o json BANKSYNCD_{field}={value}"))
    };
    assert!(named("LINK", &link["id"]).contains("link_completed"));
    assert!(named("INSTITUTION", &link["institution_id"]).contains("link_created"));
    for account in &accounts {
        let lines = named("ACCOUNT", &account["id"]);
        assert!(lines.contains("sync_completed") && lines.contains("\"BANKSYNCD_RUN\""), "{lines}");
    }
}

pub(super) fn good_reload(story: &mut Story) -> String {
    let before = pid(&story.machine);
    let slot = story.ok("date -u -d '3 seconds' '+%-S %-M %-H * * *|%Y-%m-%dT%H:%M:%S'");
    let (pattern, slot) = slot.trim().split_once('|').unwrap();
    story.configure("pull", &format!("[\"{pattern}\"]"));
    story.configure("level", "\"debug\"");
    story.ok("systemctl reload banksyncd");
    assert_eq!(
        (pid(&story.machine), show(&story.machine, "ActiveState").as_str()),
        (before, "active")
    );
    wait_for("a line that only the new level shows", || {
        story.ok("banksyncd status > /dev/null || true");
        let lines = story.ok("journalctl --no-pager -u banksyncd PRIORITY=7");
        lines.contains("control request").then_some(())
    });
    wait_for("the pull of the slot", || {
        let accounts = json(&story.machine, "accounts");
        let pulled = |own: &serde_json::Value| own["last_synced_at"].as_str().unwrap() >= slot;
        accounts.iter().all(pulled).then_some(())
    });
    story.truth = service::truth(&story.machine);
    story.check(&["config_reloaded", "sync_completed", "sync_completed"]);
    story.configure("pull", "[\"0 0 0 1 1 *\"]");
    story.configure("level", "\"info\"");
    story.ok("banksyncd reload");
    story.check(&["config_reloaded"]);
    String::new()
}

pub(super) fn bad_file(story: &mut Story) -> String {
    let (before, good) = (pid(&story.machine), story.config());
    let bad = good.replace("timezone", "time-zone");
    story.write("/etc/banksyncd/config.toml", &bad);
    assert_ne!(
        story.machine.sh("systemctl reload banksyncd").code,
        0,
        "a bad file fails the reload"
    );
    assert_eq!(
        (pid(&story.machine), show(&story.machine, "ActiveState").as_str()),
        (before, "active")
    );
    let said = story.machine.sh("banksyncd reload");
    let parts =
        ["schedule.time-zone: unknown key", "did you mean `timezone`?", "`banksyncd reload`"];
    assert!(said.code == 78 && parts.iter().all(|part| said.err.contains(part)), "{said:?}");
    // The verbs that compare need a file that says where the daemon listens.
    story.write("/etc/banksyncd/config.toml", &good);
    story.check(&["config_rejected", "config_rejected"]);
    let explained =
        story.ok("journalctl --no-pager -x -u banksyncd BANKSYNCD_EVENT=config_rejected");
    assert!(explained.contains("banksyncd check-config"), "{explained}");
    story.write("/etc/banksyncd/config.toml", &bad);
    let said = story.refused("78");
    assert!(
        said.contains("config.toml:")
            && said.contains("schedule.time-zone")
            && said.contains("hint: "),
        "{said}"
    );
    story.write("/etc/banksyncd/config.toml", &good);
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}

pub(super) fn upgrade(story: &mut Story) -> String {
    let (before, config) = (pid(&story.machine), story.config());
    story.ok("dpkg -i /share/current.deb");
    wait_active(&story.machine, before);
    assert_eq!(story.config(), config);
    story.check(&["daemon_stopped", "daemon_started"]);
    story.ok("dpkg-query -W -f '${Version}' banksyncd")
}

pub(super) fn crash(story: &mut Story) -> String {
    let begun = now();
    story.machine.crash_and_boot();
    let booted = begun.elapsed();
    wait_active(&story.machine, 0);
    story.check(&["daemon_started"]);
    format!("crash to booted {:.1} s", booted.as_secs_f32())
}

pub(super) fn remove(story: &mut Story) -> String {
    story.ok("dpkg -r banksyncd");
    assert_ne!(show(&story.machine, "ActiveState"), "active");
    story.ok("test -e /var/lib/banksyncd/banksyncd.db && test -e /etc/banksyncd/config.toml && ! test -e /usr/bin/banksyncd");
    // Nobody asked: everything that is worth something stays.
    story.ok("dpkg -P banksyncd");
    story.ok(&format!("test -e /var/lib/banksyncd/banksyncd.db && test -e {SEALED}.database-key && test -e /etc/banksyncd/config.toml"));
    // Installed again it goes on where it was; asked for their end, the data go, too.
    story.ok("dpkg -i /share/current.deb");
    wait_active(&story.machine, 0);
    story.drop_in("90-test", None);
    story.ok("echo 'banksyncd banksyncd/purge-data boolean true' | debconf-set-selections
         dpkg -P banksyncd");
    let left = story.ok("find / -xdev -name '*banksyncd*'; find /run -name '*banksyncd*'");
    // The journal's folder of the step above is no business of the package, nor are transient units.
    let foreign = |path: &&str| {
        !path.starts_with("/run/systemd/transient") && !path.starts_with("/var/log/journal")
    };
    let left: Vec<&str> = left.lines().filter(foreign).collect();
    assert!(left.is_empty(), "{left:#?}");
    String::new()
}
