//! The adapter against the provider's API as it is on the wire: real client, real HTTP on loopback, canned answers.
//!
//! `tests/fixtures/gocardless/` holds one answer per oddity, written for this project with invented names and numbers; what
//! becomes of each stands in a snapshot. If `BANKSYNCD_SAMPLES` names a folder of answers that others published, each of
//! them goes the same way. The rest of the file is about the connection: tokens, redirects, sizes, time-outs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the tests use the machine's clock and environment, which the adapter never touches"
)]

#[path = "support/clock.rs"]
mod clock;
#[path = "support/gzip.rs"]
mod gzip;
#[path = "support/raw_server.rs"]
mod raw_server;
#[path = "support/vault.rs"]
mod vault;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use banksyncd::config;
use banksyncd::gocardless::{Client, HttpTransport, Rows, Settings};
use banksyncd::model::failure::{EdgeFault, Failure, FailureClass};
use banksyncd::model::notice::EventCode;
use banksyncd::model::port::{
    Answered, ApiCall, Method, Provider, Reply, Request, RowReader, Transport, TransportError,
};
use banksyncd::model::secret::Secret;
use banksyncd::model::time::BankDate;
use banksyncd::model::transaction::Answer;
use clock::SystemClock;
use raw_server::{Say, Seen, Server, answer, message};
use vault::MemoryVault;

const MIB: usize = 1_048_576;
const TOKENS: &str = r#"{"access":"access-1","access_expires":86400,"refresh":"refresh-1","refresh_expires":2592000}"#;

fn limits(body_limit_bytes: u64) -> config::Http {
    config::Http { connect_timeout_s: 5, total_timeout_s: 20, body_limit_bytes }
}

fn transport(base: &str) -> Arc<HttpTransport> {
    Arc::new(HttpTransport::new(base, &limits(32 * 1_048_576)).unwrap())
}

fn client_with(base: &str, vault: Arc<MemoryVault>, key: &str) -> Client {
    let settings = Settings {
        api_base: base.into(),
        secret_id: Secret::new("id".into()),
        secret_key: Secret::new(key.into()),
        accounts_per_minute: 100_000,
    };
    Client::new(transport(base), Arc::new(SystemClock::new()), vault, settings)
}

fn client(base: &str) -> Client {
    client_with(base, Arc::default(), "key")
}

/// A server that gives a token to whoever asks and leaves the rest to `rule`.
fn bank(rule: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Server {
    Server::start(move |seen| {
        if seen.line.starts_with("POST /api/v2/token/new/") {
            answer(200, &[], TOKENS.as_bytes())
        } else {
            rule(seen)
        }
    })
}

fn transactions(known: Option<&Answer>) -> ApiCall {
    let known = known.map(|answer| answer.mark);
    ApiCall::Transactions {
        account: "a-1".into(),
        date_from: BankDate::from_ymd(2026, 1, 2),
        known,
    }
}

/// The operation that an answer of this name is for, and its HTTP status.
fn operation(name: &str) -> Option<(u16, ApiCall)> {
    if let Some(rest) = name.strip_prefix("error_") {
        let status = rest.get(..3)?.parse().ok()?;
        let agreement = name.contains("field");
        return Some((
            status,
            if agreement { ApiCall::Agreement("e-1".into()) } else { transactions(None) },
        ));
    }
    let call = match name.split_once('_')?.0 {
        "tx" => transactions(None),
        "bal" => ApiCall::Balances("a-1".into()),
        "details" => ApiCall::Details("a-1".into()),
        "account" => ApiCall::Metadata("a-1".into()),
        "agreement" => ApiCall::Agreement("e-1".into()),
        "institution" => ApiCall::Institution("I_1".into()),
        "institutions" => ApiCall::Institutions { country: Some("DE".into()) },
        "reconfirmation" => ApiCall::Reconfirmation("e-1".into()),
        "requisition" => ApiCall::Requisition("r-1".into()),
        "requisitions" => ApiCall::Requisitions { offset: 0 },
        _ => return None,
    };
    Some((200, call))
}

/// Sends one file through the real client.
async fn fetch(body: Vec<u8>, status: u16, call: ApiCall) -> Result<Answered, Failure> {
    let server = bank(move |_| answer(status, &[], &body));
    client(&server.base).call(call).await
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

/// What became of an answer, for people.
fn outcome(result: &Result<Answered, Failure>) -> String {
    let mut text = String::new();
    match result {
        Err(failure) => {
            writeln!(text, "{:?} counts={} code={}", failure.class, failure.counts, failure.code)
        }
        Ok(Answered { reply: Reply::Transactions(answer), .. }) => {
            writeln!(
                text,
                "last_updated={:?} pending={}",
                answer.last_updated,
                answer.pending.is_some()
            )
            .unwrap();
            for span in answer.booked.iter().chain(answer.pending.iter().flatten()) {
                let mut row = serde_json::to_value(Rows.read(answer.row(*span))).unwrap();
                row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                writeln!(text, "{row}").unwrap();
            }
            Ok(())
        }
        Ok(answered) => writeln!(text, "{:#?}", answered.reply),
    }
    .unwrap();
    text
}

#[tokio::test]
async fn every_fixture_becomes_what_the_snapshot_says() {
    let mut all = String::new();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gocardless")) {
        let name = stem(&path);
        let (status, call) = operation(name).unwrap_or_else(|| panic!("{name} has no operation"));
        let body = fs::read(&path).unwrap();
        writeln!(all, "== {name}\n{}", outcome(&fetch(body, status, call).await)).unwrap();
    }
    insta::assert_snapshot!("fixtures", all);
}

#[tokio::test]
async fn every_published_sample_is_understood() {
    let Some(folder) = std::env::var_os("BANKSYNCD_SAMPLES") else {
        // Past the test harness, which swallows what passing tests print.
        writeln!(std::io::stderr(), "skipped: BANKSYNCD_SAMPLES is not set").unwrap();
        return;
    };
    let mut tried = 0;
    for path in files(Path::new(&folder)) {
        let name = stem(&path);
        let Some((status, call)) = operation(name) else {
            eprintln!("{name}: no operation of the daemon gives this answer");
            continue;
        };
        let body = fs::read(&path).unwrap();
        let result = fetch(body.clone(), status, call).await;
        match &result {
            Ok(Answered { reply: Reply::Transactions(answer), .. }) => {
                same_rows(name, answer, &body);
                known_again(name, answer, body).await;
            }
            Ok(_) => assert_eq!(status, 200, "{name}"),
            Err(failure) => {
                assert_eq!(failure.status, Some(status), "{name}");
                assert!(!matches!(failure.class, FailureClass::Edge(_)), "{name}: {failure:?}");
            }
        }
        tried += 1;
    }
    assert!(tried > 0, "no sample was found");
}

/// Every row of the body is there, whole and in order.
fn same_rows(name: &str, answer: &Answer, body: &[u8]) {
    let whole: serde_json::Value = serde_json::from_slice(body).unwrap();
    for (list, spans) in [("booked", Some(&answer.booked)), ("pending", answer.pending.as_ref())] {
        let rows = whole["transactions"].get(list).and_then(|rows| rows.as_array());
        let texts =
            spans.map(|spans| spans.iter().map(|span| answer.row(*span)).collect::<Vec<_>>());
        let texts = texts.unwrap_or_default();
        assert_eq!(rows.map_or(0, Vec::len), texts.len(), "{name} {list}");
        for (row, text) in rows.into_iter().flatten().zip(texts) {
            assert_eq!(*row, serde_json::from_str::<serde_json::Value>(text).unwrap(), "{name}");
            let read = Rows.read(text);
            assert!(read.amount.is_some() && read.currency.is_some(), "{name}: {text}");
            assert_eq!(
                Rows.key(text).effective_date.is_none(),
                !text.contains("\"20"),
                "{name}: {text}"
            );
        }
    }
}

/// The same answer again is recognised.
async fn known_again(name: &str, first: &Answer, body: Vec<u8>) {
    let again = fetch(body, 200, transactions(Some(first))).await.unwrap();
    assert!(matches!(again.reply, Reply::Unchanged { .. }), "{name}");
}

#[tokio::test]
async fn what_is_sent_is_what_the_api_expects() {
    let server = bank(|_| {
        let headers = [
            ("http_x_ratelimit_account_success_limit", "4"),
            ("http_x_ratelimit_account_success_remaining", "3"),
            ("HTTP_X_RATELIMIT_RESET", "59"),
            ("Date", "Fri, 31 Oct 2025 07:58:23 GMT"),
        ];
        answer(200, &headers, br#"{"balances":[]}"#)
    });
    let answered = client(&server.base).call(ApiCall::Balances("a-1".into())).await.unwrap();
    assert_eq!(answered.rate.account_limit, Some(4));
    assert_eq!(answered.rate.account_remaining, Some(3));
    assert_eq!(answered.rate.company_reset_s, Some(59));
    assert_eq!(answered.server_date.unwrap().to_string(), "2025-10-31T07:58:23Z");
    let seen = server.take_seen();
    let [token, balances] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(token.line, "POST /api/v2/token/new/");
    assert_eq!(token.body, r#"{"secret_id":"id","secret_key":"key"}"#);
    assert_eq!(token.header("authorization"), None);
    assert_eq!(token.header("content-type"), Some("application/json"));
    assert_eq!(balances.line, "GET /api/v2/accounts/a-1/balances/");
    assert_eq!(balances.header("authorization"), Some("Bearer access-1"));
    for request in &seen {
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
        assert_eq!(
            request.header("user-agent"),
            Some(concat!("banksyncd/", env!("CARGO_PKG_VERSION")))
        );
    }
}

/// What a client had to tell since it was last asked.
fn told(client: &Client) -> Vec<EventCode> {
    client.take_notices().iter().map(|notice| notice.code).collect()
}

#[tokio::test]
async fn tokens_are_shared_and_outlive_a_restart_but_not_a_new_secret() {
    let server = bank(|_| answer(200, &[], br#"{"balances":[]}"#));
    let vault = Arc::new(MemoryVault::default());
    let ask = async |client: &Client| client.call(ApiCall::Balances("a-1".into())).await.unwrap();
    let first = client_with(&server.base, vault.clone(), "key");
    tokio::join!(ask(&first), ask(&first), ask(&first), ask(&first), ask(&first), ask(&first));
    assert_eq!(told(&first), [EventCode::TokenIssued]);
    let second = client_with(&server.base, vault.clone(), "key");
    ask(&second).await;
    assert!(told(&second).is_empty());
    let mints = |lines: Vec<String>| lines.iter().filter(|line| *line == "POST token/new/").count();
    assert_eq!(mints(server.take_lines()), 1);
    let other = client_with(&server.base, vault, "another key");
    ask(&other).await;
    assert_eq!(mints(server.take_lines()), 1);
}

#[tokio::test]
async fn only_invalid_token_renews() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        if seen.line.contains("token/") {
            let refreshed = r#"{"access":"access-2","access_expires":86400}"#;
            return answer(
                200,
                &[],
                if seen.line.contains("new") { TOKENS } else { refreshed }.as_bytes(),
            );
        }
        match calls.fetch_add(1, Ordering::SeqCst) {
            0 => answer(
                401,
                &[],
                br#"{"summary":"Couldn't update","detail":"x","type":"AccessExpiredError"}"#,
            ),
            1 => answer(
                401,
                &[],
                br#"{"summary":"End User Agreement (EUA) e has expired","detail":"x"}"#,
            ),
            2 => answer(401, &[], br#"{"summary":"Invalid token","detail":"x"}"#),
            _ => answer(200, &[], br#"{"balances":[]}"#),
        }
    });
    let client = client(&server.base);
    let mut classes = Vec::new();
    for _ in 0..4 {
        classes.push(
            client.call(ApiCall::Balances("a-1".into())).await.err().map(|failure| failure.class),
        );
    }
    assert!(matches!(classes[0], Some(FailureClass::Reconnect(_))), "{classes:?}");
    assert!(matches!(classes[1], Some(FailureClass::Reconnect(_))), "{classes:?}");
    assert_eq!(classes[2..], [Some(FailureClass::Token), None]);
    let call = "GET accounts/a-1/balances/";
    let lines = server.take_lines();
    assert_eq!(lines, ["POST token/new/", call, call, call, "POST token/refresh/", call]);
    assert_eq!(told(&client), [EventCode::TokenIssued, EventCode::TokenRefreshed]);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let trap = Server::start(|_| answer(200, &[], br#"{"balances":[]}"#));
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = trap.base.clone();
        let server = bank(move |_| answer(status, &[("location", &elsewhere)], b""));
        let failure = client(&server.base).call(ApiCall::Balances("a-1".into())).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Edge(EdgeFault::NotTheApi));
        let token = Server::start({
            let elsewhere = trap.base.clone();
            move |_| answer(status, &[("location", &elsewhere)], b"")
        });
        client(&token.base).call(ApiCall::Balances("a-1".into())).await.unwrap_err();
    }
    assert!(trap.take_seen().is_empty());
}

#[tokio::test]
async fn a_next_address_is_not_followed() {
    let trap = Server::start(|_| answer(200, &[], b"{}"));
    let page = format!(r#"{{"count":2,"next":"{}","results":[{{"id":"r"}}]}}"#, trap.base);
    let server = bank(move |_| answer(200, &[], page.as_bytes()));
    let client = client(&server.base);
    let answered = client.call(ApiCall::Requisitions { offset: 0 }).await.unwrap();
    assert!(matches!(answered.reply, Reply::Requisitions { count: 2, page_len: 1, .. }));
    assert!(trap.take_seen().is_empty());
    assert_eq!(server.take_lines(), ["POST token/new/", "GET requisitions/?limit=100&offset=0"]);
}

fn get(path: &str) -> Request {
    Request { method: Method::Get, path: path.into(), bearer: None, body: None }
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused() {
    let limit = 100_000;
    let bomb = gzip::zeros(40 * MIB);
    let server = Server::start(move |seen| match seen.line.rsplit('/').next().unwrap() {
        "fits" => answer(200, &[], &vec![b'x'; limit]),
        "announced" => Say::Bytes(message(200, &[], b"x", limit + 1)),
        "unannounced" => {
            let mut bytes = b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n".to_vec();
            bytes.resize(bytes.len() + limit + 1, b'x');
            Say::Bytes(bytes)
        }
        "bomb" => answer(200, &[("content-encoding", "gzip")], &bomb),
        "zipped" => answer(200, &[("content-encoding", "gzip")], &gzip::stored(b"{\"a\":1}")),
        _ => answer(404, &[], b""),
    });
    let small = HttpTransport::new(&server.base, &limits(limit.try_into().unwrap())).unwrap();
    let size =
        async |path: &str| small.send(get(path)).await.map(|answer| answer.body.bytes().len());
    assert_eq!(size("fits").await, Ok(limit));
    assert_eq!(size("announced").await, Err(TransportError::TooLarge));
    assert_eq!(size("unannounced").await, Err(TransportError::TooLarge));
    assert_eq!(size("bomb").await, Err(TransportError::TooLarge));
    assert_eq!(size("zipped").await, Ok(7));
    let unlimited = HttpTransport::new(&server.base, &limits(u64::MAX)).unwrap();
    assert_eq!(unlimited.send(get("bomb")).await.err(), Some(TransportError::TooLarge));
}

#[tokio::test]
async fn time_outs_and_broken_connections() {
    let server = Server::start(|seen| match seen.line.rsplit('/').next().unwrap() {
        "drip" => Say::Drip(message(200, &[], b"", MIB)),
        "drip-headers" => Say::Drip(b"HTTP/1.1 200 X\r\nx: ".to_vec()),
        "truncated" => Say::Bytes(message(200, &[], b"{\"a\":", 100)),
        "chunked" => Say::Bytes(
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".to_vec(),
        ),
        "garbage" => Say::Bytes(b"SSH-2.0-x\r\n".to_vec()),
        _ => Say::Bytes(Vec::new()),
    });
    let hasty =
        config::Http { connect_timeout_s: 1, total_timeout_s: 1, body_limit_bytes: 10_000_000 };
    let transport = HttpTransport::new(&server.base, &hasty).unwrap();
    let error =
        async |path: &str| transport.send(get(path)).await.map(|answer| answer.status).unwrap_err();
    let began = std::time::Instant::now();
    let slow = tokio::join!(error("drip"), error("drip-headers"));
    assert_eq!(slow, (TransportError::TimedOut, TransportError::TimedOut));
    assert!(began.elapsed().as_secs() < 10);
    for path in ["truncated", "chunked", "garbage", "nothing"] {
        assert_eq!(error(path).await, TransportError::Broken, "{path}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = HttpTransport::new(&format!("http://{closed}/"), &hasty).unwrap();
    assert_eq!(nobody.send(get("x")).await.err(), Some(TransportError::Unreachable));
}

#[tokio::test]
async fn a_truncated_answer_counts_and_stores_nothing() {
    let server = bank(|_| Say::Bytes(message(200, &[], br#"{"transactions":{"booked":[]}"#, 500)));
    let failure = client(&server.base).call(transactions(None)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Edge(EdgeFault::NoAnswer));
    assert!(failure.counts && failure.status.is_none());
    let metadata = client(&server.base).call(ApiCall::Metadata("a-1".into())).await.unwrap_err();
    assert!(!metadata.counts);
}

#[tokio::test]
async fn successes_that_are_none() {
    for body in [
        &b""[..],
        b"<html></html>",
        b"[]",
        b"null",
        b"\xef\xbb\xbf{\"transactions\":{\"booked\":[]}}",
        b"{\"transactions\":{\"booked\":[\"M\xfcller\"]}}",
        b"{\"transactions\":{\"booked\":{}}}",
    ] {
        let failure = fetch(body.to_vec(), 200, transactions(None)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Edge(EdgeFault::NotUnderstood), "{body:?}");
        assert!(!failure.counts && failure.status == Some(200));
    }
}

#[tokio::test]
async fn addresses_that_would_be_rewritten_are_not_called() {
    let server = Server::start(|_| answer(200, &[], b"{}"));
    let transport = transport(&server.base);
    for path in ["../token/new/", "a/%2e%2e/b", "a b", "a/../../../x", "a\\b", "a\r\nb"] {
        assert_eq!(transport.send(get(path)).await.err(), Some(TransportError::Invalid), "{path}");
    }
    let id = "../../token/new";
    client(&server.base).call(ApiCall::Metadata(id.into())).await.unwrap_err();
    assert!(server.take_lines().iter().all(|line| line == "POST token/new/"));
}

#[tokio::test]
async fn answers_in_memory_are_limited_over_all_calls() {
    let server = Server::start(|seen| {
        let size = if seen.line.ends_with("large") { 5 * MIB } else { 10 };
        answer(200, &[], &vec![b' '; size])
    });
    let transport = transport(&server.base);
    let length = async |path: &str| transport.send(get(path)).await.unwrap().body.bytes().len();

    // Four answers are held; a fifth call does not even leave.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(transport.send(get("small")).await.unwrap());
    }
    server.take_seen();
    let mut fifth = std::pin::pin!(transport.send(get("fifth")));
    tokio::select! {
        biased;
        _ = &mut fifth => panic!("a fifth call went through"),
        () = std::future::ready(()) => {}
    }
    assert!(server.take_seen().is_empty());
    held.clear();
    drop(fifth.await.unwrap());

    // One large answer is held: small ones pass, another large one waits.
    let first = transport.send(get("large")).await.unwrap();
    let mut second = std::pin::pin!(transport.send(get("large")));
    tokio::select! {
        biased;
        _ = &mut second => panic!("two large answers at once"),
        small = length("small") => assert_eq!(small, 10),
    }
    drop(first);
    assert_eq!(second.await.unwrap().body.bytes().len(), 5 * MIB);

    // Many large ones at once get through, one after the other.
    let all = tokio::join!(
        length("large"),
        length("large"),
        length("large"),
        length("large"),
        length("large"),
        length("small")
    );
    assert_eq!(all, (5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB, 10));
}
