//! What the service's process can and cannot do: a program of ours is run in the daemon's place, under the installed unit.

use std::path::Path;

use crate::machine::{Machine, host};

/// Makes the program, for a machine's shared folder.
pub(crate) fn make(share: &Path) {
    let (program, text) =
        (share.join("probe"), concat!(env!("CARGO_MANIFEST_DIR"), "/tests/booted/probe.c"));
    host("cc", &["-O1", "-Wall", "-Wextra", "-Werror", "-o", program.to_str().unwrap(), text]);
}

/// Runs it and judges what it says; `open` may be done although it should not.
#[track_caller]
pub(crate) fn run(machine: &Machine, open: &[&str]) -> String {
    // Things to be found, so that not finding them proves something.
    machine.ok(
        "mkdir -p /home/somebody /etc/banksyncd/credentials; chmod 700 /etc/banksyncd/credentials
         echo x > /home/somebody/file; echo x > /root/file; chmod 644 /home/somebody/file /root/file
         systemctl stop banksyncd
         mv /usr/bin/banksyncd /root/program; cp /share/probe /usr/bin/banksyncd
         systemctl start banksyncd",
    );
    let report = machine.ok("cat /var/lib/banksyncd/probe");
    machine.ok("systemctl stop banksyncd
         mv -f /root/program /usr/bin/banksyncd
         rm -rf /root/file /home/somebody /etc/banksyncd/credentials
         rm /var/lib/banksyncd/probe*  /var/lib/banksyncd/program
         systemctl start banksyncd");
    assert!(report.ends_with("end\n"), "{report}");
    let lines = report.lines().filter(|line| *line != "end");
    let wrong = lines.filter(|line| line.starts_with("can ") != line.ends_with(" yes"));
    let wrong: Vec<&str> = wrong.collect();
    let expected: Vec<String> = open.iter().map(|name| format!("cannot {name} yes")).collect();
    assert_eq!(wrong, expected, "{report}");
    let count = |kind: &str| report.lines().filter(|line| line.starts_with(kind)).count();
    assert!(count("can ") >= 18 && count("cannot ") >= 36, "{report}");
    format!("{} can, {} cannot", count("can "), count("cannot "))
}
