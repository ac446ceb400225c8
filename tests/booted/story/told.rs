//! Drop-ins that let the service do more: events are told to a program under its sandbox and to a web hook behind TLS, and
//! backups go to a folder elsewhere.

use std::io::{BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use super::Story;
use super::within::troubles;
use crate::certified::{GOOD, server_config};
use crate::machine::wait_for;
use crate::raw_server::{Seen, message, read_request};
use crate::service::json;
use crate::signed::verifies;

/// What the web hook signs with.
const SIGNING: &str = "whsec_c2lnbmluZy1tYXJrZXItc2lnbmluZy1tYXJrZXI=";
/// Who signed the certificate of the web hook's server.
const AUTHORITY: &str = include_str!("../../fixtures/tls/authority.pem");

const PROGRAM: &str = r#"
[[notify]]
name = "program"
type = "exec"
command = ["/usr/local/bin/on-bank-event"]
codes = ["config_reloaded"]
"#;
const WEB_HOOK: &str = r#"
[[notify]]
name = "hook"
type = "webhook"
url = "https://localhost:8443/told"
secret = { credential = "hook" }
codes = ["config_reloaded"]
"#;

/// Keeps what it is told, and whatever it can do that it should not.
const SCRIPT: &str = r#"#!/usr/bin/sh
read -r event || true
{
    echo "$event"
    (: < /etc/shadow) && echo "read /etc/shadow"
    (: < /home/somebody/file) && echo "read a home folder"
    (: > /etc/told) && echo "wrote to /etc"
    (: > /usr/local/bin/told) && echo "wrote beside itself"
    (: < /proc/meminfo) && echo "saw the machine"
    /usr/bin/id && echo "ran another program"
    echo end
} > "/var/lib/banksyncd/told-$BANKSYNCD_EVENT_ID" 2> /dev/null
"#;

pub(super) fn told(story: &mut Story) -> String {
    let heard = hear(story);
    story.write("/usr/local/bin/on-bank-event", SCRIPT);
    story.ok("chmod 755 /usr/local/bin/on-bank-event
         mkdir -p /home/somebody; echo x > /home/somebody/file; chmod 644 /home/somebody/file");
    let config = story.config();
    story.write("/etc/banksyncd/config.toml", &format!("{config}{PROGRAM}"));
    story.ok("banksyncd reload");
    let said = story.machine.sh("banksyncd --json notify test program");
    assert!(said.code == 1 && said.out.contains("the program cannot be run"), "{said:?}");

    let allowed =
        story.example("notify-exec").replace("\n#Bind", "\nBind").replace("\n#Exec", "\nExec");
    story.write("/etc/banksyncd/credentials/hook", SIGNING);
    story.write("/etc/banksyncd/config.toml", &format!("{config}{PROGRAM}{WEB_HOOK}"));
    let credential = "LoadCredential=hook:/etc/banksyncd/credentials/hook\n";
    story.drop_in("70-test", Some(&format!("{allowed}{credential}")));
    elsewhere(story);
    story.restarted();
    story.ok("systemctl reload banksyncd");
    wait_for("both to be told", || {
        let targets = json(&story.machine, "notify");
        let told = |target: &Value| target["waiting"] == 0 && target["taken_at"].is_string();
        (targets.len() == 2 && targets.iter().all(told)).then_some(())
    });
    let event = json(&story.machine, "events --code config_reloaded").pop().unwrap();
    let kept = story.ok(&format!("cat /var/lib/banksyncd/told-{}", event["id"]));
    let (given, besides) = kept.split_once('\n').unwrap();
    let given: Value = serde_json::from_str(given).unwrap();
    assert_eq!((&given["id"], &given["code"]), (&event["id"], &event["code"]));
    assert_eq!(besides, "end\n", "the sandbox holds for the program, too");
    let post = heard.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    let header = |name: &str| post.header(name).unwrap_or_default().to_owned();
    let signed = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    assert!(verifies(SIGNING, &signed.0, &signed.1, &post.body, &signed.2), "{post:?}");
    assert!(post.body.contains("\"banksyncd.config_reloaded\""), "{post:?}");

    wait_for("the backup elsewhere", || {
        let files = story.ok("stat -c '%a %U %n' /srv/backup/*.db 2>/dev/null || true");
        files.starts_with("600 banksyncd /srv/backup/banksyncd-20").then_some(())
    });
    assert_eq!(troubles(story), [], "these drop-ins are no holes");
    story.write("/etc/banksyncd/config.toml", &config);
    story.drop_in("70-test", None);
    story.drop_in("80-test", None);
    story.ok("rm -r /etc/banksyncd/credentials /home/somebody /srv/backup /usr/local/bin/on-bank-event /var/lib/banksyncd/told-*
         systemctl stop web-hook.socket web-hook.service");
    story.restarted();
    story.check(&[
        "config_reloaded",
        "daemon_stopped",
        "daemon_started",
        "backup_completed",
        "config_reloaded",
        "daemon_stopped",
        "daemon_started",
    ]);
    "over TLS 1.3, from inside the sandbox".to_owned()
}

/// The next backup goes to another folder, in some seconds or when the daemon is there again.
fn elsewhere(story: &Story) {
    story.ok("mkdir -m 700 /srv/backup; chown banksyncd: /srv/backup");
    story.drop_in("80-test", Some(&story.example("backup-folder")));
    let slot = story.ok("date -u -d '3 seconds' '+%-S %-M %-H * * *'");
    story.configure("folder", "\"/srv/backup\"");
    story.configure("schedule", &format!("[\"{}\"]", slot.trim()));
}

/// Listens for web hooks at port 8443 of the machine, with a certificate that it trusts from now on: what comes there is
/// passed on to a socket of ours.
fn hear(story: &Story) -> Receiver<Seen> {
    let socket = story.machine.shared("web-hook");
    let listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let (tell, heard) = channel();
    let config = Arc::new(server_config(GOOD));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            let Some(seen) = read_request(&mut reader) else { continue };
            drop(reader.get_mut().write_all(&message(204, &[], b"", 0)));
            drop(reader.get_mut().flush());
            // Nobody waits any more when the machine is gone.
            drop(tell.send(seen));
        }
    });
    let certificates = story.machine.path("/etc/ssl/certs/ca-certificates.crt");
    let trusted = std::fs::read_to_string(&certificates).unwrap();
    std::fs::write(&certificates, format!("{trusted}{AUTHORITY}")).unwrap();
    story.ok("systemd-run --quiet --unit=web-hook --socket-property=ListenStream=127.0.0.1:8443 \
              /usr/lib/systemd/systemd-socket-proxyd /share/web-hook");
    heard
}
