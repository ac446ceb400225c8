//! What the administrator changes: further instances, and the drop-ins that come as examples.

use super::Story;
use crate::machine::wait_for;
use crate::service::{BANK, pid, show};

pub(super) fn second_instance(story: &mut Story) -> String {
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

pub(super) fn log_namespace(story: &mut Story) -> String {
    story.drop_in("80-test", Some(&story.example("log-namespace")));
    story.restarted();
    wait_for("the event in the other journal", || {
        let lines = story.machine.sh("journalctl --no-pager -q --namespace=banksyncd -u banksyncd BANKSYNCD_EVENT=daemon_started");
        lines.out.contains("the daemon is up").then_some(())
    });
    story.drop_in("80-test", None);
    story.restarted();
    // What went to the other journal is not in this one, so this comparison begins after it.
    story.witness.skip(&story.machine);
    story.check(&[]);
    String::new()
}

/// Not with Debian 12, whose systemd knows no `Type=notify-reload`.
pub(super) fn notify_reload(story: &mut Story) -> String {
    let version = story.ok("systemctl --version | head -n 1 | cut -d ' ' -f 2");
    if version.trim().parse::<u32>().unwrap() < 253 {
        return format!("not with systemd {}", version.trim());
    }
    story.drop_in("80-test", Some(&story.example("notify-reload")));
    let before = story.restarted();
    assert_eq!(show(&story.machine, "Type"), "notify-reload");
    story.ok("systemctl reload banksyncd");
    story.check(&["daemon_stopped", "daemon_started", "config_reloaded"]);
    let good = story.config();
    story.write("/etc/banksyncd/config.toml", &good.replace("timezone", "time-zone"));
    story.ok("systemctl reload banksyncd");
    story.write("/etc/banksyncd/config.toml", &good);
    story.check(&["config_rejected"]);
    assert_eq!(
        (pid(&story.machine), show(&story.machine, "ActiveState").as_str()),
        (before, "active")
    );
    story.drop_in("80-test", None);
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    format!("with systemd {}", version.trim())
}

pub(super) fn allow_list(story: &mut Story) -> String {
    let example = story.example("ip-allow-list");
    story.drop_in("80-test", Some(&example));
    story.restarted();
    story.ok("systemd-analyze security --threshold=9 banksyncd.service");
    // What was asked for once is remembered, so each question is a new one.
    story.ok("banksyncd institutions --country DE");
    story.drop_in("80-test", Some(&example.replace("=localhost", "=127.0.0.2")));
    story.restarted();
    let said = story.machine.sh("banksyncd institutions --country FR");
    assert_eq!(said.code, 75, "packets to the bank are dropped: {said:?}");
    story.drop_in("80-test", None);
    story.restarted();
    story.check(&["provider_unavailable"]);
    String::new()
}
