//! The life of the service on one machine, with everything that happens to machines: the steps in order, each with what has
//! to be true after it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::machine::{Machine, now, wait_for};
use crate::service::{
    self, BANK, Truth, Witness, authorise, compare_store, json, open_bank, pid, show, wait_active,
};

/// Where drop-ins of the test go; they win over the package's.
const DROP_INS: &str = "/etc/systemd/system/banksyncd.service.d";
/// The unit's credentials, encrypted.
const SEALED: &str = "/etc/credstore.encrypted/banksyncd";

/// A machine, what the bank showed, and what was told.
pub(crate) struct Story {
    machine: Machine,
    witness: Witness,
    truth: Truth,
    /// Steps and how long they took.
    diary: Vec<(&'static str, Duration, String)>,
}

impl Story {
    /// Lives it from beginning to end; gives the steps as a table.
    pub(crate) fn live(share: &Path) -> String {
        let begun = now();
        let machine = Machine::boot(share);
        let mut story =
            Self { machine, witness: Witness::default(), truth: Truth::new(), diary: Vec::new() };
        story.diary.push(("boot", begun.elapsed(), String::new()));
        for (name, step) in STEPS {
            let begun = now();
            let told = step(&mut story);
            eprintln!("{name}: {:.1?} {told}", begun.elapsed());
            story.diary.push((name, begun.elapsed(), told));
        }
        let mut table = String::from("| step | time | measured |\n|---|---|---|\n");
        for (name, took, told) in &story.diary {
            table.push_str(&format!("| {name} | {:.1} s | {told} |\n", took.as_secs_f32()));
        }
        table.push_str(&format!("| all of it | {:.1} s | |\n", begun.elapsed().as_secs_f32()));
        table
    }

    fn ok(&self, script: &str) -> String {
        self.machine.ok(script)
    }

    /// Store and journal are as they have to be, and the new events are these.
    #[track_caller]
    fn check(&mut self, expected: &[&str]) {
        compare_store(&self.machine, &self.truth);
        self.witness.compare_journal(&self.machine, expected);
    }

    /// Writes a file of the machine.
    fn write(&self, path: &str, text: &str) {
        let file = self.machine.path(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        // Over what is there: the file keeps its owner and its permissions.
        std::fs::write(file, text).unwrap();
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.machine.path("/etc/banksyncd/config.toml")).unwrap()
    }

    /// Sets the first key of this name in the configuration, which is that of a table of its own: those that there may be
    /// several of come last.
    fn configure(&self, key: &str, value: &str) {
        let text = self.config();
        let is_key = |line: &str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
        let place = text.lines().position(is_key).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        let set = format!("{key} = {value}");
        lines[place] = &set;
        self.write("/etc/banksyncd/config.toml", &format!("{}\n", lines.join("\n")));
    }

    /// Starts the service, which must refuse with 78 at once, and gives what it said.
    #[track_caller]
    fn refused(&self, code: &str) -> String {
        let end = self.ok("journalctl -q -n 1 -o cat --show-cursor");
        let cursor = end.lines().find_map(|line| line.strip_prefix("-- cursor: ")).unwrap();
        let said = self.machine.sh("systemctl restart banksyncd");
        assert_ne!(said.code, 0);
        assert_eq!(show(&self.machine, "ActiveState"), "failed");
        assert_eq!(show(&self.machine, "ExecMainStatus"), code);
        assert_eq!(show(&self.machine, "NRestarts"), "0");
        self.ok(&format!("journalctl --no-pager -o cat -u banksyncd '--after-cursor={cursor}'"))
    }

    #[track_caller]
    fn restarted(&self) -> u32 {
        let before = pid(&self.machine);
        self.ok("systemctl reset-failed banksyncd; systemctl restart banksyncd");
        wait_active(&self.machine, before)
    }
}

type Step = fn(&mut Story) -> String;

/// Everything that happens, in this order.
const STEPS: &[(&str, Step)] = &[
    ("install an older version", install),
    ("set up and start", set_up),
    ("link, first pull", link),
    ("reload with a good file, timed pull", good_reload),
    ("reload and start with a bad file", bad_file),
    ("SIGKILL", killed),
    ("work loop stalls", stalled),
    ("journald killed", journald_killed),
    ("journald stopped", journald_stopped),
    ("a second daemon", second_daemon),
    ("a second set of credentials", second_instance),
    ("a journal of its own", log_namespace),
    ("upgrade", upgrade),
    ("IP allow-list", allow_list),
    ("what the process can and cannot do", probe),
    ("machine crash, boot", crash),
    ("wrong key, missing key, another machine's key", keys),
    ("plain and encrypted credentials", plain_and_sealed),
    ("disk full", disk_full),
    ("remove, purge", remove),
];

fn install(story: &mut Story) -> String {
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
    story.ok("banksyncd --version")
}

fn set_up(story: &mut Story) -> String {
    open_bank(&story.machine);
    let said = story.ok(&format!(
        "printf '%s\\n' sandbox-secret-id sandbox-secret-key |
            banksyncd init --api-base http://{BANK}/api/v2/ 2>&1"
    ));
    assert!(said.contains(&format!("encrypted  {SEALED}.database-key")), "{said}");
    assert!(said.contains("systemctl restart banksyncd"), "{said}");
    assert_eq!(story.ok("stat -c '%a %U %G' /etc/banksyncd/config.toml"), "640 root banksyncd\n");
    assert_eq!(story.ok(&format!("stat -c '%a %U' {SEALED}.*")), "600 root\n".repeat(3));
    // Without cron's and the jitter's help: what happens here happens when we say so.
    story.configure("pull", "[\"0 0 0 1 1 *\"]");
    story.configure("jitter", "\"0s\"");
    story.configure("connect-timeout", "\"1s\"");
    story.ok("systemctl restart banksyncd");
    wait_active(&story.machine, 0);
    let again = story.ok("banksyncd init --json < /dev/null");
    assert_eq!(again.matches("\"done\":\"kept\"").count(), 5, "{again}");
    story.check(&["daemon_started"]);
    let (from, to) = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic");
    let instant = |property| show(&story.machine, property).parse::<u64>().unwrap();
    let took = Duration::from_micros(instant(to) - instant(from));
    format!("start to READY {} ms", took.as_millis())
}

fn link(story: &mut Story) -> String {
    let linking = story.machine.shell("banksyncd --json link SANDBOXFINANCE_SFIN0000");
    let mut linking = { linking }.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    authorise(&story.machine);
    assert!(linking.wait().unwrap().success());
    wait_for("the first pull", || {
        let accounts = json(&story.machine, "accounts");
        (accounts.len() == 2 && accounts.iter().all(|own| own["last_synced_at"].is_string()))
            .then_some(())
    });
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
    ]);
    let explained =
        story.ok("journalctl --no-pager -x -u banksyncd BANKSYNCD_EVENT=link_completed");
    assert!(explained.contains("Subject: Access was given at the bank"), "{explained}");
    format!("{} rows", story.truth.values().map(Vec::len).sum::<usize>())
}

fn good_reload(story: &mut Story) -> String {
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

fn bad_file(story: &mut Story) -> String {
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
    assert!(said.code == 78 && said.err.contains("check-config"), "{said:?}");
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

fn killed(story: &mut Story) -> String {
    story.write(
        &format!("{DROP_INS}/90-test.conf"),
        "[Service]\nWatchdogSec=3s\nRestartSec=500ms\n",
    );
    story.ok("systemctl daemon-reload");
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
fn stalled(story: &mut Story) -> String {
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

fn journald_killed(story: &mut Story) -> String {
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

fn journald_stopped(story: &mut Story) -> String {
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

fn second_daemon(story: &mut Story) -> String {
    let calls = || story.machine.curl(&[&format!("http://{BANK}/sandbox/log/counts")]);
    let before = calls();
    let credentials = ["database-key", "gocardless-secret-id", "gocardless-secret-key"]
        .map(|name| format!("-p LoadCredentialEncrypted={name}:{SEALED}.{name}"))
        .join(" ");
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

fn second_instance(story: &mut Story) -> String {
    story.ok(&format!(
        "printf '%s\\n' sandbox-secret-id sandbox-secret-key |
            banksyncd init --instance second --api-base http://{BANK}/api/v2/
         systemctl enable --quiet banksyncd@second
         systemctl restart banksyncd@second
         systemctl is-active banksyncd@second
         banksyncd --config /etc/banksyncd-second/config.toml status
         systemctl reload banksyncd@second
         systemctl disable --quiet --now banksyncd@second"
    ));
    assert_eq!(story.ok("stat -c '%a %U' /var/lib/banksyncd-second"), "700 banksyncd\n");
    story.check(&[]);
    String::new()
}

fn log_namespace(story: &mut Story) -> String {
    story.ok(&format!("cp /usr/share/doc/banksyncd/examples/log-namespace.conf {DROP_INS}/80-test.conf; systemctl daemon-reload"));
    story.restarted();
    wait_for("the event in the other journal", || {
        let lines = story.machine.sh("journalctl --no-pager -q --namespace=banksyncd -u banksyncd BANKSYNCD_EVENT=daemon_started");
        lines.out.contains("the daemon is up").then_some(())
    });
    story.ok(&format!("rm {DROP_INS}/80-test.conf; systemctl daemon-reload"));
    story.restarted();
    // What went to the other journal is not in this one, so this comparison begins after it.
    story.witness.skip(&story.machine);
    story.check(&[]);
    String::new()
}

fn upgrade(story: &mut Story) -> String {
    let (before, config) = (pid(&story.machine), story.config());
    story.ok("dpkg -i /share/current.deb");
    wait_active(&story.machine, before);
    assert_eq!(story.config(), config);
    story.check(&["daemon_stopped", "daemon_started"]);
    story.ok("dpkg-query -W -f '${Version}' banksyncd")
}

fn probe(story: &mut Story) -> String {
    // Things to be found, so that not finding them proves something.
    story.ok(
        "mkdir -p /home/somebody /etc/banksyncd/credentials; chmod 700 /etc/banksyncd/credentials
         echo x > /home/somebody/file; echo x > /root/file; chmod 644 /home/somebody/file /root/file
         systemctl stop banksyncd
         cp -p /usr/bin/banksyncd /root/program; cat /share/probe > /usr/bin/banksyncd
         systemctl start banksyncd",
    );
    let report = story.ok("cat /var/lib/banksyncd/probe");
    story.ok("systemctl stop banksyncd
         cat /root/program > /usr/bin/banksyncd
         rm -rf /root/program /root/file /home/somebody /etc/banksyncd/credentials
         rm /var/lib/banksyncd/probe*  /var/lib/banksyncd/program
         systemctl start banksyncd");
    assert!(report.ends_with("end\n"), "{report}");
    let lines = report.lines().filter(|line| *line != "end");
    let wrong: Vec<&str> =
        lines.clone().filter(|line| line.starts_with("can ") != line.ends_with(" yes")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{report}");
    let count = |kind: &str| report.lines().filter(|line| line.starts_with(kind)).count();
    assert!(count("can ") >= 18 && count("cannot ") >= 36, "{report}");
    story.check(&["daemon_stopped", "daemon_started"]);
    format!("{} can, {} cannot", count("can "), count("cannot "))
}

fn crash(story: &mut Story) -> String {
    let begun = now();
    story.machine.crash_and_boot();
    let booted = begun.elapsed();
    wait_active(&story.machine, 0);
    story.check(&["daemon_started"]);
    format!("crash to booted {:.1} s", booted.as_secs_f32())
}

fn keys(story: &mut Story) -> String {
    let key = format!("{SEALED}.database-key");
    story.ok(&format!("cp -p {key} /root/key"));
    // Another key: of the right form, and wrong.
    story.ok(&format!("printf '%064d' 0 | systemd-creds encrypt --name=database-key - {key}"));
    let said = story.refused("78");
    assert!(said.contains("key"), "{said}");
    story.ok(&format!("rm {key}"));
    let said = story.refused("78");
    assert!(
        said.contains("credential `database-key`") && said.contains("banksyncd init"),
        "{said}"
    );
    // The cure does not make a new key for a database that is there.
    let cured = story.machine.sh("banksyncd init");
    assert!(cured.code == 78 && cured.err.contains("put your copy of the key back"), "{cured:?}");
    // As if the disk were in another machine.
    story.ok(&format!(
        "mv /root/key {key}; mv /var/lib/systemd/credential.secret /root/; systemd-creds setup 2>&1"
    ));
    story.refused("243");
    story.ok("mv -f /root/credential.secret /var/lib/systemd/credential.secret");
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}

fn plain_and_sealed(story: &mut Story) -> String {
    let drop_in = format!("{DROP_INS}/50-credentials.conf");
    story.ok(&format!(
        "umask 077; mkdir /etc/banksyncd/credentials
         for name in database-key gocardless-secret-id gocardless-secret-key; do
             systemd-creds decrypt --name=$name {SEALED}.$name /etc/banksyncd/credentials/$name
             mv {SEALED}.$name /root/
         done
         mv {drop_in} /root/; systemctl daemon-reload"
    ));
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    story.ok(&format!(
        "rm -r /etc/banksyncd/credentials; mv /root/50-credentials.conf {drop_in}
         for name in database-key gocardless-secret-id gocardless-secret-key; do mv /root/$name {SEALED}.$name || mv /root/banksyncd.$name {SEALED}.$name; done
         systemctl daemon-reload"
    ));
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}

fn disk_full(story: &mut Story) -> String {
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

fn allow_list(story: &mut Story) -> String {
    let drop_in = format!("{DROP_INS}/80-test.conf");
    let example = "/usr/share/doc/banksyncd/examples/ip-allow-list.conf";
    story.ok(&format!("cp {example} {drop_in}; systemctl daemon-reload"));
    story.restarted();
    story.ok("systemd-analyze security --threshold=9 banksyncd.service");
    // What was asked for once is remembered, so each question is a new one.
    story.ok("banksyncd institutions --country DE");
    story.ok(&format!(
        "sed -i 's/^IPAddressAllow=.*/IPAddressAllow=127.0.0.2/' {drop_in}; systemctl daemon-reload"
    ));
    story.restarted();
    let said = story.machine.sh("banksyncd institutions --country FR");
    assert_eq!(said.code, 75, "packets to the bank are dropped: {said:?}");
    story.ok(&format!("rm {drop_in}; systemctl daemon-reload"));
    story.restarted();
    story.check(&["provider_unavailable"]);
    String::new()
}

fn remove(story: &mut Story) -> String {
    story.ok("dpkg -r banksyncd");
    assert_ne!(show(&story.machine, "ActiveState"), "active");
    story.ok("test -e /var/lib/banksyncd/banksyncd.db && test -e /etc/banksyncd/config.toml && ! test -e /usr/bin/banksyncd");
    // Nobody asked: everything that is worth something stays.
    story.ok("dpkg -P banksyncd");
    story.ok(&format!("test -e /var/lib/banksyncd/banksyncd.db && test -e {SEALED}.database-key && test -e /etc/banksyncd/config.toml"));
    // Installed again it goes on where it was; asked for their end, the data go, too.
    story.ok("dpkg -i /share/current.deb");
    wait_active(&story.machine, 0);
    story.ok(&format!("rm {DROP_INS}/90-test.conf"));
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
