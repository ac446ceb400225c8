//! The life of the service on one machine, with everything that happens to machines: the steps in order, each with what has
//! to be true after it.

use std::path::Path;
use std::time::Duration;

use crate::machine::{Machine, now};
use crate::service::{Truth, Witness, compare_store, pid, show, wait_active};

mod drop_ins;
mod life;
mod secrets;
mod told;
mod trouble;
mod within;

/// Where drop-ins of the test go; they win over the package's.
const DROP_INS: &str = "/etc/systemd/system/banksyncd.service.d";
/// The unit's credentials, encrypted.
const SEALED: &str = "/etc/credstore.encrypted/banksyncd";
/// Their names.
const NAMES: [&str; 3] = ["database-key", "gocardless-secret-id", "gocardless-secret-key"];
/// Where backups go that the daemon makes by itself.
const BACKUPS: &str = "/var/lib/banksyncd/backups";

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

    /// Puts a drop-in of ours in force, or takes it away.
    fn drop_in(&self, name: &str, text: Option<&str>) {
        let path = format!("{DROP_INS}/{name}.conf");
        match text {
            Some(text) => self.write(&path, text),
            None => std::fs::remove_file(self.machine.path(&path)).unwrap(),
        }
        self.ok("systemctl daemon-reload");
    }

    /// One of the drop-ins that come with the package.
    fn example(&self, name: &str) -> String {
        self.ok(&format!("cat /usr/share/doc/banksyncd/examples/{name}.conf"))
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
    ("install an older version", life::install),
    ("set up and start", life::set_up),
    ("link, first pull, first backup", life::link),
    ("reload with a good file, timed pull", life::good_reload),
    ("reload and start with a bad file", life::bad_file),
    ("what doctor finds", within::doctor),
    ("SIGKILL", trouble::killed),
    ("work loop stalls", trouble::stalled),
    ("journald killed", trouble::journald_killed),
    ("journald stopped", trouble::journald_stopped),
    ("a second daemon", trouble::second_daemon),
    ("a second set of credentials", drop_ins::second_instance),
    ("a journal of its own", drop_ins::log_namespace),
    ("reloaded by the service manager", drop_ins::notify_reload),
    ("a program and a web hook that are told", told::told),
    ("upgrade", life::upgrade),
    ("IP allow-list", drop_ins::allow_list),
    ("what the process can and cannot do", within::probe),
    ("machine crash, boot", life::crash),
    ("wrong key, missing key, another machine's key", secrets::keys),
    ("another key, encrypted and plain credentials", secrets::other_keys),
    ("disk full", trouble::disk_full),
    ("remove, purge", life::remove),
];
