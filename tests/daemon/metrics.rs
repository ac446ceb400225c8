//! Metrics: the text is what the format says it is, its numbers are those of the verbs, and nothing in it is personal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use banksyncd::daemon::metrics::METRICS;
use banksyncd::sandbox::SANDBOX;

use crate::rig::{Rig, text, wait_until};

/// A port of this machine that was free a moment ago, on an address where no bank of another test takes one.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap().local_addr().unwrap()
}

/// One request, and what comes back: head and body. `None` if nobody answers.
pub(crate) fn send(address: SocketAddr, request: &str) -> Option<(String, String)> {
    exchange(TcpStream::connect(address).ok()?, request)
}

fn exchange(mut stream: impl Read + Write, request: &str) -> Option<(String, String)> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.to_owned()))
}

/// A GET as a browser of this machine sends it.
pub(crate) fn get(address: SocketAddr, target: &str) -> Option<(String, String)> {
    send(address, &format!("GET {target} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", address.port()))
}

/// The text from the control socket.
pub(crate) fn text_of(rig: &Rig) -> String {
    let stream = UnixStream::connect(rig.socket()).unwrap();
    let (head, body) = exchange(stream, "GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4; charset=utf-8"), "{head}");
    body
}

/// Series and values of a page, or what the format forbids
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
pub(crate) fn parse(page: &str) -> Result<BTreeMap<String, String>, String> {
    let name = |text: &str| {
        let mut letters = text.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || "_:".contains(first))
            && letters.all(|letter| letter.is_ascii_alphanumeric() || "_:".contains(letter))
    };
    let (mut found, mut seen, mut open) = (BTreeMap::new(), BTreeSet::new(), String::new());
    if !page.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    let (mut helped, mut typed) = (String::new(), String::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            rest.split_once(' ').unwrap_or((rest, "")).0.clone_into(&mut helped);
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (metric, kind) = rest.split_once(' ').ok_or("a type without a kind")?;
            if metric != helped || !seen.insert(metric.to_owned()) || !name(metric) {
                return Err(format!("{metric}: bad name, twice, or without help"));
            }
            if !["counter", "gauge"].contains(&kind)
                || (kind == "counter") != metric.ends_with("_total")
            {
                return Err(format!("{metric}: {kind}"));
            }
            metric.clone_into(&mut typed);
            metric.clone_into(&mut open);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').ok_or(format!("no value: {line}"))?;
        value.parse::<i64>().map_err(|_not_one| format!("no number: {line}"))?;
        let (metric, labels) = match series.split_once('{') {
            Some((metric, rest)) => (metric, rest.strip_suffix('}').ok_or("an open brace")?),
            None => (series, ""),
        };
        if metric != open || metric != typed {
            return Err(format!("{metric} stands outside its group"));
        }
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once("=\"").ok_or(format!("no label: {line}"))?;
            let value = value.trim_end_matches('"');
            if !name(label) || label.contains(':') || value.contains(['"', '\\']) {
                return Err(format!("a bad label: {line}"));
            }
        }
        if found.insert(series.to_owned(), value.to_owned()).is_some() {
            return Err(format!("twice: {series}"));
        }
    }
    Ok(found)
}

#[test]
fn what_the_format_forbids_is_seen() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    assert_eq!(parse(&format!("{head}a_total{{b=\"c\",d=\"e\"}} 1\n")).unwrap().len(), 1);
    for bad in [
        "a_total 1\n".to_owned(),
        format!("{head}a_total 1"),
        format!("{head}a_total x\n"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}b_total 1\n"),
        format!("{head}a_total{{0=\"c\"}} 1\n"),
        format!("{head}{head}"),
        "# HELP a A.\n# TYPE a counter\n".to_owned(),
        "# TYPE a gauge\n".to_owned(),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn metrics_are_the_numbers_of_the_verbs_and_nothing_personal() {
    let address = free_address();
    let mut rig = Rig::new().extra(&format!("[metrics]\nlisten = \"{address}\"\n"));
    rig.start();
    let empty = parse(&text_of(&rig)).unwrap();
    assert_eq!(empty["banksyncd_needs"], "0");
    assert_eq!(empty["banksyncd_last_backup_timestamp_seconds"], "0");
    let link = rig.linked(SANDBOX);
    let page = text_of(&rig);
    let found = parse(&page).unwrap();

    // The same page on the loopback address, by any collector's request, and nothing else there.
    let (head, body) = get(address, "/metrics").expect("nobody answers");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("version=0.0.4"), "{head}");
    assert_eq!(parse(&body).unwrap().keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (target, status) in [("/", 404), ("/v1/status", 404), ("/v1/accounts", 404)] {
        let (head, body) = get(address, target).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && body.len() < 40, "{head}");
    }

    // Each account with its numbers.
    let accounts = rig.accounts();
    assert_eq!(accounts.len(), 2);
    for account in &accounts {
        let id = text(account, "id");
        let of = |name: &str| found[&format!("banksyncd_{name}{{account=\"{id}\"}}")].clone();
        assert_eq!(of("account_enabled"), "1");
        assert_eq!(of("account_fresh"), "1");
        assert_eq!(of("account_consecutive_failures"), "0");
        assert!(of("account_last_sync_timestamp_seconds").parse::<i64>().unwrap() > 1_000_000_000);
        let status = format!("banksyncd_account_status{{account=\"{id}\",status=\"ready\"}}");
        assert_eq!(found[&status], "1");
    }
    for quota in rig.list(&["quota"]) {
        let labels = format!("{{account={},scope={}}}", quota["account_id"], quota["scope"]);
        for (metric, member) in [("limit", "limit"), ("remaining", "remaining")] {
            let value = &found[&format!("banksyncd_quota_{metric}{labels}")];
            assert_eq!(*value, quota[member].to_string(), "{labels}");
        }
    }
    let consent = format!("banksyncd_consent_remaining_seconds{{link={}}}", link["id"]);
    let days = found[&consent].parse::<i64>().unwrap().unsigned_abs().div_ceil(86_400);
    assert_eq!(Some(days), link["access_days"].as_u64());
    let size = std::fs::metadata(rig.database()).unwrap().len();
    assert_eq!(found["banksyncd_database_bytes"], size.to_string());

    // Counters go up with what is told; a backup is seen.
    let completed = |page: &str| -> u64 {
        parse(page).unwrap()["banksyncd_runs_total{outcome=\"completed\"}"].parse().unwrap()
    };
    let before = completed(&page);
    rig.sync(&[]).expect(0);
    wait_until("the pulls to be counted", || completed(&text_of(&rig)) == before + 2);
    let backup = rig.path("copy");
    rig.verb(&["backup", backup.to_str().unwrap()]).expect(0);
    wait_until("the backup to be seen", || {
        let found = parse(&text_of(&rig)).unwrap();
        found["banksyncd_last_backup_timestamp_seconds"] != "0"
            && found["banksyncd_events_total{code=\"backup_completed\"}"] == "1"
    });

    // What is personal in the accounts, the banks and the rows is nowhere in it.
    for account in &accounts {
        let private =
            ["iban", "bban", "owner_name", "name", "provider_account_id", "institution_id"];
        for member in private.iter().filter_map(|member| account[*member].as_str()) {
            assert!(!page.contains(member), "{member}");
        }
    }
    for balance in rig.list(&["balances"]) {
        assert!(!page.contains(&text(&balance, "amount")), "{balance}");
    }
    // Every metric of the table is there, and by no other name.
    let of_page: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(of_page, METRICS.iter().map(|metric| metric.name).collect());
    let labels = BTreeSet::from([
        "account", "code", "link", "outcome", "scope", "status", "target", "version",
    ]);
    let used = METRICS.iter().flat_map(|metric| metric.labels.iter().copied());
    assert_eq!(used.collect::<BTreeSet<_>>(), labels, "ids, words and numbers of ours only");
    promtool(&page);
}

/// Prometheus' own opinion, where it is installed.
fn promtool(page: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = started else {
        eprintln!(
            "SKIPPED: promtool is not installed, what it says of the metrics was not looked at"
        );
        return;
    };
    tool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
}

#[test]
fn a_port_that_is_taken_is_told_at_start() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let rig = Rig::new().extra(&format!("[metrics]\nlisten = \"{address}\"\n"));
    let said = rig.start_in_vain().expect(73);
    assert!(said.err.contains(&address.to_string()) && said.err.contains("hint:"), "{said:?}");
}
