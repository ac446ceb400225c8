//! Being told: real programs, real HTTP and mail servers on loopback, real kills.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use banksyncd::sandbox::SANDBOX;
use serde_json::Value;

use crate::mail_server::{MailServer, Speaks};
use crate::metrics::{parse, text_of};
use crate::raw_server::{Seen, Server, answer};
use crate::rig::{Rig, quoted, text, wait_for, wait_until};
use crate::signed::verifies;

const SIGNING: &str = "whsec_c2lnbmluZy1tYXJrZXItc2lnbmluZy1tYXJrZXI=";
const TOPIC: &str = "topic-marker-5c1f";
const TOKEN: &str = "tk_token-marker-77ab";
const PASSWORD: &str = "password-marker-93d0";

/// A shell script in the rig's folder.
fn script(rig: &Rig, name: &str, body: &str) -> PathBuf {
    let path = rig.path(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    path
}

/// A script that keeps what it gets as `NAME.KEY.json` and `NAME.KEY.env`, each whole or not at all.
fn keeper(rig: &Rig, name: &str) -> PathBuf {
    let body = "cat > \"$0.tmp\" && env > \"$0.$BANKSYNCD_KEY.env\" && mv \"$0.tmp\" \"$0.$BANKSYNCD_KEY.json\"";
    script(rig, name, body)
}

/// What such a script has kept, by keys, in the order of the events.
fn kept(program: &Path) -> Vec<(Value, String)> {
    let name = format!("{}.", program.file_name().unwrap().to_str().unwrap());
    let mut found = Vec::new();
    for entry in fs::read_dir(program.parent().unwrap()).unwrap().flatten() {
        let file = entry.file_name().into_string().unwrap();
        let path = entry.path();
        if file.starts_with(&name) && path.extension().is_some_and(|ending| ending == "json") {
            let json = fs::read(path).unwrap();
            let environment = fs::read_to_string(entry.path().with_extension("env")).unwrap();
            found.push((serde_json::from_slice(&json).unwrap(), environment));
        }
    }
    found.sort_by_key(|(event, _): &(Value, String)| event["id"].as_i64());
    found
}

fn exec(name: &str, program: &Path, more: &str) -> String {
    format!(
        "[[notify]]\nname = \"{name}\"\ntype = \"exec\"\ncommand = [{}, \"an argument\"]\n{more}\n",
        quoted(program)
    )
}

fn webhook(rig: &Rig, name: &str, url: &str, more: &str) -> String {
    rig.secret("signing", SIGNING);
    let secret = quoted(&rig.path("signing"));
    format!(
        "[[notify]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = {{ file = {secret} }}\n{more}\n"
    )
}

fn standing(rig: &Rig, name: &str) -> Value {
    rig.peek("/v1/notify")
        .into_iter()
        .find(|target| target["name"] == name)
        .expect("no such target")
}

/// Waits until a target has taken everything; the start is told of soon after the socket answers.
fn wait_until_told(rig: &Rig, name: &str) {
    wait_until("the start to be an event", || !rig.events("daemon_started").is_empty());
    wait_until("all messages to be taken", || standing(rig, name)["waiting"] == 0);
}

/// A server that takes everything.
fn taker() -> Server {
    Server::start(|_| answer(204, &[], b""))
}

/// Verifies a request and gives its id and body.
#[track_caller]
fn verified(seen: &Seen) -> (String, Value) {
    let header = |name: &str| seen.header(name).unwrap_or_else(|| panic!("no {name} in {seen:?}"));
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    assert!(verifies(SIGNING, id, at, &seen.body, header("webhook-signature")), "{seen:?}");
    assert_eq!(header("content-type"), "application/json");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(at.parse::<u64>().unwrap().abs_diff(now) < 300, "a receiver would refuse {at}");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["data"]["key"], id);
    (id.to_owned(), body)
}

#[test]
fn a_program_gets_the_event_and_nothing_that_is_private() {
    let mut rig = Rig::new();
    let (plain, personal) = (keeper(&rig, "plain"), keeper(&rig, "personal"));
    let codes = "codes = [\"link_completed\", \"transactions_added\", \"daemon_started\"]";
    rig.extra = exec("plain", &plain, codes)
        + &exec("personal", &personal, &format!("{codes}\npersonal = true"));
    rig.start();
    rig.linked(SANDBOX);
    for program in [&plain, &personal] {
        wait_until("the events to be told", || {
            let codes: BTreeSet<String> =
                kept(program).iter().map(|(event, _)| text(event, "code")).collect();
            codes.len() == 3
        });
    }
    let told = kept(&plain);
    let account = rig.accounts().remove(0);
    let iban = text(&account, "iban");
    for (event, environment) in &told {
        let stored = rig.events(&text(event, "code"));
        let same = stored.iter().find(|other| other["id"] == event["id"]).unwrap();
        for member in ["at", "level", "message", "message_id", "account_id", "link_id"] {
            assert_eq!(event[member], same[member], "{member}");
        }
        assert!(event["details"].is_null() && event["account"].is_null(), "{event}");
        assert!(!event.to_string().contains(&iban), "{event}");
        let names: BTreeSet<&str> = environment
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name)
            .collect();
        let foreign: Vec<&&str> =
            names.iter().filter(|name| !name.starts_with("BANKSYNCD_")).collect();
        // The shell adds some of its own.
        assert!(
            foreign.iter().all(|name| ["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(*name)),
            "{foreign:?}"
        );
        assert!(environment.contains(&format!("BANKSYNCD_EVENT={}\n", text(event, "code"))));
        assert!(environment.contains(&format!("BANKSYNCD_KEY={}\n", text(event, "key"))));
    }
    let added = kept(&personal)
        .into_iter()
        .find(|(event, _)| event["code"] == "transactions_added")
        .unwrap()
        .0;
    assert!(added["details"]["count"].as_u64().unwrap() > 0, "{added}");
    assert!(
        rig.accounts().iter().any(|account| account["iban"] == added["account"]["iban"]),
        "{added}"
    );
    // Each target has keys of its own.
    let keys = |program: &Path| -> BTreeSet<String> {
        kept(program).iter().map(|(event, _)| text(event, "key")).collect()
    };
    assert!(keys(&plain).is_disjoint(&keys(&personal)));
}

#[test]
fn a_target_that_fails_is_said_so_and_holds_up_no_other() {
    let mut rig = Rig::new();
    let good = keeper(&rig, "good");
    let bad = script(&rig, "bad", "echo output-marker; echo error-marker >&2; exit 3");
    let slow = script(&rig, "slow", "sleep 301.25");
    let codes = "codes = [\"daemon_started\"]";
    let hook = webhook(&rig, "hook", "http://127.0.0.1:1/", codes);
    rig.extra = [
        hook,
        exec("bad", &bad, codes),
        exec("slow", &slow, &format!("{codes}\ntimeout = \"1s\"")),
        exec("absent", &rig.path("absent"), codes),
        exec("good", &good, codes),
    ]
    .concat();
    rig.start();
    wait_until("the good one to be told", || kept(&good).len() == 1);
    let reason = |name: &str| {
        wait_for("the bad ones to fail", || {
            standing(&rig, name)["reason"].as_str().map(str::to_owned)
        })
    };
    assert!(reason("hook").starts_with("no connection"), "{}", reason("hook"));
    assert_eq!(reason("bad"), "the program ended with exit status: 3");
    assert_eq!(reason("slow"), "the program was ended, because it took more than 1 s");
    assert!(reason("absent").starts_with("the program cannot be run"), "{}", reason("absent"));
    let output = text(&standing(&rig, "bad"), "output");
    assert!(output.contains("output-marker") && output.contains("error-marker"), "{output}");
    assert!(!rig.log().contains("-marker"), "what programs print is not logged");
    assert!(rig.log().contains("a message was not taken"), "{}", rig.log());
    assert_eq!(standing(&rig, "good")["waiting"], 0);
    assert_eq!(standing(&rig, "bad")["waiting"], 1);
    let bad_ones = ["hook", "bad", "slow", "absent"];
    for name in bad_ones {
        wait_until("it to count as failing", || !standing(&rig, name)["failing_since"].is_null());
    }
    let metrics = parse(&text_of(&rig)).unwrap();
    let metric = |name: &str, target: &str| {
        metrics.get(&format!("banksyncd_notify_{name}{{target=\"{target}\"}}")).map(String::as_str)
    };
    for name in bad_ones {
        assert_eq!([metric("up", name), metric("waiting", name)], [Some("0"), Some("1")]);
        assert!(metric("oldest_timestamp_seconds", name).is_some());
    }
    assert_eq!([metric("up", "good"), metric("waiting", "good")], [Some("1"), Some("0")]);
    assert_eq!(metric("oldest_timestamp_seconds", "good"), None);
    // Whoever should be told is not: that is for the doctor.
    let findings = rig.verb(&["doctor", "--offline", "--json"]).expect(1).lines();
    let sick: Vec<&Value> = findings.iter().filter(|finding| finding["ok"] == false).collect();
    let named: Vec<String> = sick.iter().map(|finding| text(finding, "command")).collect();
    for (name, command) in bad_ones.iter().zip(&named) {
        assert!(command.ends_with(&format!(" notify test {name}")), "{named:?}");
    }
    assert!(sick.len() == 4 && sick.iter().all(|it| it["name"] == "messages"), "{sick:#?}");
    assert!(text(sick[1], "message").contains("ended with exit status: 3"), "{sick:#?}");
    // The verb, for people and programs.
    let said = rig.verb(&["notify"]).expect(0).out;
    assert!(said.contains("fails since") && said.contains("exit status: 3"), "{said}");
    assert_eq!(rig.verb(&["notify", "test", "good"]).expect(0).out, "good: took the message\n");
    let said = rig.verb(&["notify", "test"]).expect(1);
    assert!(
        said.out.contains("bad: the program ended with exit status: 3\n    output-marker\n"),
        "{said:?}"
    );
    let said = rig.verb(&["notify", "test", "bad", "--json"]).expect(1).line();
    assert_eq!((&said["ok"], &said["type"]), (&Value::Bool(false), &Value::from("exec")));
    let said = rig.verb(&["notify", "test", "nobody"]).expect(64);
    assert!(said.err.contains("`nobody`") && said.err.contains("notify` lists them"), "{said:?}");
    // What a program started ends with it.
    wait_until("the slow program's own programs to be gone", || {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let line = |path: PathBuf| fs::read(path.join("cmdline")).unwrap_or_default();
        !all.map(|entry| line(entry.path())).any(|line| line == b"sleep\x00301.25\x00")
    });
    assert_eq!(rig.stop(), 0);
}

#[test]
fn requests_are_signed_and_tried_again_under_the_same_id() {
    let mut rig = Rig::new();
    let refusals = Arc::new(Mutex::new(1));
    let server = Server::start(move |_| {
        let mut left = refusals.lock().unwrap();
        let status = if *left > 0 { 503 } else { 200 };
        *left = (*left - 1).max(0);
        answer(status, &[], b"receivers-words-marker")
    });
    rig.extra =
        webhook(&rig, "hook", &format!("{}hook?a=b", server.base), "codes = [\"daemon_started\"]");
    rig.start();
    wait_until_told(&rig, "hook");
    let seen = server.take_seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().all(|seen| seen.line == "POST /api/v2/hook?a=b"), "{seen:?}");
    let (first, second) = (verified(&seen[0]), verified(&seen[1]));
    assert_eq!(first, second, "the same message");
    assert_eq!(first.1["type"], "banksyncd.daemon_started");
    let event = rig.events("daemon_started").remove(0);
    assert_eq!((&first.1["timestamp"], &first.1["data"]["id"]), (&event["at"], &event["id"]));
    assert!(rig.log().contains("messages are taken again"), "{}", rig.log());
    assert!(!rig.log().contains("marker") && !rig.log().contains("hook?a"), "{}", rig.log());
    // Nothing is left of it in the database, and a restart sends nothing twice.
    rig.restart();
    wait_until_told(&rig, "hook");
    wait_until("the second start to be told", || !server.take_seen().is_empty());
}

/// A receiver that knows a message that comes a second time by its id.
#[derive(Default)]
struct Receiver {
    /// Ids, and the events that they told of.
    known: BTreeMap<String, BTreeSet<i64>>,
    requests: usize,
}

#[test]
fn kills_between_change_and_sending_lose_nothing_and_a_receiver_sees_each_key_once() {
    const KILLS: u32 = 12;
    let mut rig = Rig::new();
    let receiver = Arc::new(Mutex::new(Receiver::default()));
    let (heard, gate) = (Arc::clone(&receiver), Arc::new(Mutex::new(())));
    let door = Arc::clone(&gate);
    let server = Server::start(move |seen| {
        // Closed now and then: the message is under way, and there is no answer yet.
        drop(door.lock().unwrap());
        let (id, body) = verified(seen);
        let mut receiver = heard.lock().unwrap();
        receiver.requests += 1;
        receiver.known.entry(id).or_default().insert(body["data"]["id"].as_i64().unwrap());
        answer(200, &[], b"")
    });
    let codes = "codes = [\"daemon_started\", \"config_reloaded\", \"link_completed\"]";
    rig.extra = webhook(&rig, "hook", &server.base, codes);
    rig.start();
    rig.linked(SANDBOX);
    for kill in 0..KILLS {
        let closed = (kill % 3 != 0).then(|| gate.lock().unwrap());
        let newest = rig.peek("/v1/events").last().unwrap()["id"].as_i64();
        rig.verb(&["reload"]).expect(0);
        if kill % 2 == 0 {
            // The change is there, and with it the message.
            wait_until("an event", || {
                rig.peek("/v1/events").last().unwrap()["id"].as_i64() > newest
            });
        }
        rig.kill();
        drop(closed);
        rig.start();
    }
    wait_until_told(&rig, "hook");
    let events: BTreeSet<i64> = codes
        .split('"')
        .filter(|word| word.contains('_'))
        .flat_map(|code| rig.events(code))
        .map(|event| event["id"].as_i64().unwrap())
        .collect();
    let receiver = receiver.lock().unwrap();
    assert!(events.len() > usize::try_from(KILLS).unwrap(), "{events:?}");
    let told: Vec<i64> = receiver.known.values().flatten().copied().collect();
    assert!(receiver.known.values().all(|events| events.len() == 1), "a key is one event's");
    assert_eq!(told.len(), told.iter().collect::<BTreeSet<_>>().len(), "an event has one key");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), events, "none lost, none made up");
    assert!(receiver.requests >= events.len());
}

#[test]
fn what_is_given_up_is_told_to_the_others_and_never_in_circles() {
    let mut rig = Rig::new();
    let gone = Server::start(|_| answer(410, &[], b""));
    let keeper = keeper(&rig, "keeper");
    let more = "codes = [\"daemon_started\", \"notify_failed\"]";
    rig.extra = webhook(&rig, "one", &format!("{}one", gone.base), more)
        + &webhook(&rig, "two", &format!("{}two", gone.base), more)
        + &exec("keeper", &keeper, "");
    rig.start();
    rig.wait_for_events("notify_failed", 2);
    wait_until("the third to be told of both", || kept(&keeper).len() == 2);
    for name in ["one", "two", "keeper"] {
        wait_until_told(&rig, name);
    }
    let failed = rig.events("notify_failed");
    let named: BTreeSet<String> =
        failed.iter().map(|event| text(&event["details"], "target")).collect();
    assert_eq!(named, BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    assert!(
        failed.iter().all(|event| text(event, "message").contains("refuses them for good")),
        "{failed:#?}"
    );
    let metrics = parse(&text_of(&rig)).unwrap();
    assert!(metrics["banksyncd_notify_given_up_total{target=\"one\"}"] != "0");
    assert_eq!(metrics["banksyncd_notify_given_up_total{target=\"keeper\"}"], "0");
    // Each was told of its own event and at most of the other's failure.
    assert!(gone.take_seen().len() <= 4);
    assert!(rig.log().contains("event=notify_failed"), "{}", rig.log());
}

/// `HH:MM` so many minutes from now, in UTC.
fn clock(minutes: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let minute = (i64::try_from(now).unwrap().div_euclid(60) + minutes).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minute.div_euclid(60), minute % 60)
}

#[test]
fn filters_quiet_hours_and_targets_that_come_and_go() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    assert_eq!(
        rig.verb(&["notify"]).expect(0).out,
        "nobody is told: the configuration has no `[[notify]]`\n"
    );
    let (loud, quiet, other) = (keeper(&rig, "loud"), keeper(&rig, "quiet"), keeper(&rig, "other"));
    let night = format!("quiet = [\"{}-{}\"]\nurgent = \"error\"", clock(-60), clock(120));
    let codes = "codes = [\"config_reloaded\", \"config_rejected\"]";
    rig.extra = exec("loud", &loud, codes)
        + &exec("quiet", &quiet, &format!("{codes}\n{night}"))
        + &exec(
            "other",
            &other,
            "level = \"info\"\naccounts = [\"acc_01kbxyz0000000000000000000\"]",
        );
    // Without the verb, which looks at a bad file first.
    let reload = |rig: &Rig, status: u16| {
        rig.write_config();
        let (said, objects) = rig.ask("POST", "/v1/reload", "").expect("no answer");
        assert_eq!(said, status, "{objects:?}");
        objects[0].to_string()
    };
    reload(&rig, 200);
    wait_until("the reload to be told", || kept(&loud).len() == 1);
    assert_eq!(standing(&rig, "quiet")["waiting"], 1, "it is night");
    // A bad file is an error: urgent.
    let good =
        std::mem::replace(&mut rig.extra, "[[notify]]\nname = \"x\"\ntype = \"exec\"\n".to_owned());
    let said = reload(&rig, 400);
    assert!(said.contains("notify[0].command"), "{said}");
    wait_until("the error to be told at night", || kept(&quiet).len() == 1);
    assert_eq!(kept(&quiet)[0].0["code"], "config_rejected");
    // A secret that is not there is found before anything changes.
    rig.extra =
        "[[notify]]\nname = \"x\"\ntype = \"ntfy\"\ntopic = { file = \"/absent\" }\n".to_owned();
    let said = reload(&rig, 400);
    assert!(said.contains("notify[0].topic") && said.contains("/absent"), "{said}");
    assert_eq!(rig.peek("/v1/notify").len(), 3);
    // What waits outlives a restart; a target that goes takes it along, and comes back with nothing.
    rig.extra = good.clone();
    rig.restart();
    wait_until("the urgent ones to be told", || standing(&rig, "quiet")["waiting"] == 1);
    rig.extra = exec("loud", &loud, codes);
    reload(&rig, 200);
    assert_eq!(rig.peek("/v1/notify").len(), 1);
    rig.extra = good.replace(&night, "");
    reload(&rig, 200);
    let last = rig.wait_for_events("config_reloaded", 3).remove(2);
    wait_until("the new target to be told", || {
        kept(&quiet).iter().any(|(event, _)| event["id"] == last["id"])
    });
    let codes: Vec<String> = kept(&quiet).iter().map(|(event, _)| text(event, "code")).collect();
    assert_eq!(
        codes,
        ["config_rejected", "config_rejected", "config_reloaded"],
        "not the whole past"
    );
    assert!(kept(&other).is_empty(), "that account does not exist");
}

#[test]
fn events_of_an_account_and_of_its_link() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(SANDBOX);
    rig.linked("POLDER_POLDNL2U");
    let account = rig.accounts_of(&link).remove(0);
    let keeper = keeper(&rig, "keeper");
    let iban = text(&account, "iban");
    rig.extra = format!("[[account]]\nmatch = \"{iban}\"\nnickname = \"giro\"\n")
        + &exec("keeper", &keeper, "level = \"info\"\naccounts = [\"giro\"]\npersonal = true");
    rig.restart();
    rig.sync(&[]);
    rig.bank.with(|world, now| world.person_revokes(&text(&link, "requisition_id"), now)).unwrap();
    rig.sync(&[]);
    wait_until("the end of the link to be told", || {
        kept(&keeper).iter().any(|(event, _)| event["code"] == "access_revoked")
    });
    for (event, _) in kept(&keeper) {
        let ours = event["account_id"] == account["id"]
            || (event["account_id"].is_null() && event["link_id"] == link["id"]);
        assert!(ours, "{event}");
        if event["account_id"].is_string() {
            assert_eq!(event["account"]["nickname"], "giro", "{event}");
        }
    }
}

fn smtp(rig: &Rig, name: &str, server: &MailServer, more: &str) -> String {
    rig.secret("password", PASSWORD);
    let password = quoted(&rig.path("password"));
    format!(
        "[[notify]]\nname = \"{name}\"\ntype = \"smtp\"\nserver = \"localhost\"\nport = {}\nusername = \"me\"\n\
         password = {{ file = {password} }}\nfrom = \"bank@example.com\"\nto = [\"a@example.com\", \"b@example.com\"]\n\
         codes = [\"daemon_started\", \"access_revoked\"]\n{more}\n",
        server.port
    )
}

#[test]
fn phones_and_mails_are_told_over_tls_and_secrets_stay_where_they_are() {
    let mut rig = Rig::new();
    let push = taker();
    let servers = [Speaks::Tls, Speaks::StartTls, Speaks::Plain].map(MailServer::start);
    rig.secret("topic", TOPIC);
    rig.secret("token", TOKEN);
    let place = |name: &str| quoted(&rig.path(name));
    rig.extra = format!(
        "[log]\nlevel = \"trace\"\n[[notify]]\nname = \"phone\"\ntype = \"ntfy\"\nurl = \"{}\"\ntopic = {{ file = {} }}\n\
         token = {{ file = {} }}\ncodes = [\"daemon_started\", \"access_revoked\"]\n",
        push.base.replace("/api/v2/", "/"),
        place("topic"),
        place("token"),
    ) + &smtp(&rig, "mail", &servers[0], "")
        + &smtp(&rig, "start", &servers[1], "security = \"starttls\"")
        + &smtp(&rig, "plain", &servers[2], "security = \"none\"");
    rig.trust("tests/fixtures/tls/authority.pem");
    rig.start();
    let link = rig.linked(SANDBOX);
    rig.bank.with(|world, now| world.person_revokes(&text(&link, "requisition_id"), now)).unwrap();
    rig.sync(&[]);
    let names = ["phone", "mail", "start", "plain"];
    wait_until("the end of access to be told", || !rig.events("access_revoked").is_empty());
    for name in names {
        wait_until_told(&rig, name);
        let failed = standing(&rig, name);
        assert!(failed["reason"].is_null(), "{failed}");
    }
    let seen = push.take_seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().all(|seen| seen.line == "POST /"), "{seen:?}");
    assert!(
        seen.iter().all(|seen| seen.header("authorization") == Some(&format!("Bearer {TOKEN}")))
    );
    let pushed: Vec<Value> =
        seen.iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    let last = pushed.last().unwrap();
    assert_eq!((&last["topic"], &last["priority"]), (&Value::from(TOPIC), &Value::from(5)));
    assert!(text(last, "message").contains(&format!("link: {}", text(&link, "id"))), "{last}");
    assert!(text(last, "message").contains("banksyncd renew lnk_"), "{last}");
    assert!(text(last, "sequence_id").starts_with("msg_") && text(last, "sequence_id").len() <= 64);
    for (server, secret) in servers.iter().zip([true, true, false]) {
        let mails = server.mails();
        assert_eq!(mails.len(), 2, "{mails:#?}");
        for mail in &mails {
            assert_eq!((mail.secret, mail.from.as_str()), (secret, "bank@example.com"));
            assert_eq!(mail.to, ["a@example.com", "b@example.com"]);
            // \0me\0password-marker-93d0
            assert_eq!(mail.login.as_deref(), Some("AG1lAHBhc3N3b3JkLW1hcmtlci05M2Qw"));
            assert!(
                mail.text.contains("Message-ID: <msg_")
                    && mail.text.contains("Auto-Submitted: auto-generated")
            );
        }
        let last = &mails[1].text;
        assert!(
            last.contains("Subject: banksyncd: ") && last.contains("banksyncd renew lnk_"),
            "{last}"
        );
    }
    // Markers: secrets nowhere but in their files, and nothing about people in what was sent.
    let account = rig.accounts().remove(0);
    let sent: String = seen
        .iter()
        .map(|seen| seen.body.clone())
        .chain(servers.iter().flat_map(MailServer::mails).map(|mail| mail.text))
        .collect();
    assert!(!sent.contains(&text(&account, "iban")), "{sent}");
    assert!(rig.log().contains("DEBUG"), "nothing was logged at all");
    for marker in [TOPIC, TOKEN, PASSWORD, "AG1lAHBhc3N3"] {
        assert!(!rig.log().contains(marker), "{marker} is in the log");
        let answers = format!("{:?}{:?}", rig.peek("/v1/notify"), rig.peek("/v1/events"));
        assert!(!answers.contains(marker), "{marker} is in an answer");
        for name in ["banksyncd.db", "banksyncd.db-wal"] {
            let bytes = fs::read(rig.path(name)).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(marker), "{marker} is in {name}");
        }
        for file in ["environ", "cmdline"] {
            let bytes = fs::read(format!("/proc/{}/{file}", rig.pid())).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(marker), "{marker} is in {file}");
        }
    }
    let said = rig.verb(&["check-config"]).expect(0).out;
    assert!(said.contains("[[notify]]") && !said.contains("marker"), "{said}");
}

#[test]
fn a_server_that_nobody_vouches_for_gets_no_mail() {
    let mut rig = Rig::new();
    let server = MailServer::start(Speaks::Tls);
    rig.extra = smtp(&rig, "mail", &server, "");
    rig.start();
    let reason = wait_for("the mail to fail", || {
        standing(&rig, "mail")["reason"].as_str().map(str::to_owned)
    });
    assert!(reason.contains("certificate"), "{reason}");
    assert!(server.mails().is_empty());
    // A secret that signs nothing is told at the start.
    assert_eq!(rig.stop(), 0);
    rig.secret("signing", "whsec_c2hvcnQ=");
    let place = quoted(&rig.path("signing"));
    rig.extra = format!(
        "[[notify]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"https://example.com/\"\nsecret = {{ file = {place} }}\n"
    );
    let said = rig.start_in_vain();
    assert_eq!(said.code, 78, "{said:?}");
    assert!(
        said.err.contains("`hook`") && said.err.contains("whsec_") && !said.err.contains("c2hvcnQ"),
        "{said:?}"
    );
}
