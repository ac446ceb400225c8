//! What happens to keys and credentials.

use super::within::troubles_offline;
use super::{DROP_INS, NAMES, SEALED, Story};

pub(super) fn keys(story: &mut Story) -> String {
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

/// The key is changed where it is encrypted; the credentials become plain files, as without systemd-creds, and the key is
/// changed there; then they are encrypted by hand, as the example says.
pub(super) fn other_keys(story: &mut Story) -> String {
    let place = format!("{SEALED}.database-key");
    story.ok("systemctl stop banksyncd");
    // A service that is stopped is looked into by root, who leaves nothing behind that it cannot open.
    assert_eq!(
        troubles_offline(story),
        [("daemon".to_owned(), "systemctl start banksyncd".to_owned())]
    );
    let open =
        |path: &str| story.ok(&format!("systemd-creds decrypt --name=database-key {path} -"));
    let first = open(&place);
    let kept = rekeyed(story, &place);
    assert_eq!(open(&kept), first, "the old key is kept");
    let second = open(&place);
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);

    let plain = "/etc/banksyncd/credentials";
    let drop_in = format!("{DROP_INS}/50-credentials.conf");
    story.ok(&format!("mkdir -m 700 {plain}; systemctl stop banksyncd"));
    for name in NAMES {
        story.ok(&format!(
            "umask 077; systemd-creds decrypt --name={name} {SEALED}.{name} {plain}/{name}; rm {SEALED}.{name}"
        ));
    }
    story.ok(&format!("rm {drop_in}; systemctl daemon-reload"));
    let place = format!("{plain}/database-key");
    let kept = rekeyed(story, &place);
    assert_eq!(story.ok(&format!("cat {kept}")), second);
    let third = story.ok(&format!("cat {place}"));
    assert!(first != second && second != third && third != first, "the keys differ");
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);

    let example = story.example("tpm2-credentials");
    let typed = example.lines().find_map(|line| line.strip_prefix("#   systemd-creds ")).unwrap();
    for name in NAMES {
        let typed = typed
            .replace("host+tpm2", "host")
            .replace("/path/to/key", &format!("{plain}/{name}"))
            .replace("=database-key", &format!("={name}"))
            .replace(".database-key", &format!(".{name}"));
        story.ok(&format!("systemd-creds {typed}"));
    }
    story.ok(&format!("rm -r {plain}"));
    story.drop_in("50-credentials", Some(&example));
    story.restarted();
    story.check(&["daemon_stopped", "daemon_started"]);
    String::new()
}

/// Changes the key of the stopped service, which is in `place`; gives where the old one is kept.
#[track_caller]
fn rekeyed(story: &Story, place: &str) -> String {
    let said = story.ok("banksyncd --json rekey");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["key"], place);
    let files = story.ok(&format!("stat -c '%a %U' {place} /var/lib/banksyncd/banksyncd.db*"));
    let (key, database) = files.split_once('\n').unwrap();
    assert_eq!(key, "600 root");
    assert!(database.lines().all(|line| line == "600 banksyncd"), "{files}");
    said["kept"].as_str().unwrap().to_owned()
}
