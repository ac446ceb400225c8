//! The sandbox bank over real HTTP: what only a socket can show, such as broken connections,
//! besides the main walk.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as the tests themselves may"
)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use banksyncd::model::port::{BoxFuture, Clock};
use banksyncd::model::time::{Now, UtcInstant};
use banksyncd::sandbox::{
    HttpRequest, SANDBOX, SECRET_ID, SECRET_KEY, ServeError, SharedWorld, World, WorldConfig, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// 2026-03-02T09:00:00Z.
const START_MS: i64 = 1_772_442_000_000;

/// A clock that stands still; sleeping moves it.
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Now {
        let mono_ms = self.0.load(Ordering::SeqCst);
        Now { wall: UtcInstant::from_ms(START_MS), mono_ms }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        self.0.fetch_max(mono_ms, Ordering::SeqCst);
        Box::pin(async {})
    }
}

fn shared(config: WorldConfig) -> Arc<SharedWorld> {
    let world = World::new(config, UtcInstant::from_ms(START_MS));
    Arc::new(SharedWorld::new(world, Arc::new(Standing(AtomicI64::new(0)))))
}

/// An answer as it came off the socket.
#[derive(Debug, Default)]
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// The connection broke: by a reset, or before the promised length.
    broken: bool,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            (own == name).then_some(value)
        })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// A client with one connection per request.
#[derive(Clone)]
struct Client {
    address: std::net::SocketAddr,
    token: String,
}

impl Client {
    async fn send(&self, method: &str, target: &str, body: Option<&Value>) -> Got {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            return Got { broken: true, ..Got::default() };
        };
        let body = bytes[head.len() + 4..].to_vec();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut got = Got { status, head: head.to_owned(), body, broken: read.is_err() };
        let promised = got.header("content-length").and_then(|text| text.parse().ok());
        got.broken |= promised.is_some_and(|length: usize| length != got.body.len());
        got
    }

    async fn get(&self, target: &str) -> Got {
        self.send("GET", target, None).await
    }

    async fn post(&self, target: &str, body: Value) -> Got {
        self.send("POST", target, Some(&body)).await
    }

    async fn login(&mut self) -> Value {
        let body = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let got = self.post("/api/v2/token/new/", body).await;
        assert_eq!(got.status, 200);
        let pair = got.json();
        pair["access"].as_str().unwrap().clone_into(&mut self.token);
        pair
    }

    async fn advance(&self, seconds: i64) {
        let got = self.post("/sandbox/advance", json!({"seconds": seconds})).await;
        assert_eq!(got.status, 200);
    }

    /// A requisition at the test bank: its id and the link to open.
    async fn begin(&self) -> (String, String) {
        let body = json!({"institution_id": SANDBOX, "redirect": "https://host.example/back?x=1"});
        let got = self.post("/api/v2/requisitions/", body).await;
        assert_eq!(got.status, 201, "{:?}", got.json());
        let body = got.json();
        let link = body["link"].as_str().unwrap();
        let path = link.strip_prefix(&format!("http://{}", self.address)).unwrap();
        (body["id"].as_str().unwrap().to_owned(), path.to_owned())
    }

    /// The accounts of a link that the person authorised.
    async fn link(&self) -> Vec<String> {
        let (id, link) = self.begin().await;
        assert_eq!(self.get(&format!("{link}?do=authorise")).await.status, 302);
        let body = self.get(&format!("/api/v2/requisitions/{id}/")).await.json();
        assert_eq!(body["status"], "LN");
        let ids = body["accounts"].as_array().unwrap();
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }
}

/// Runs a test against a served world, then shuts the server down and sees it end.
fn served<F: Future<Output = ()>>(config: WorldConfig, test: impl FnOnce(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let server = serve(listener, shared(config), shutdown.clone());
        let visit = async {
            test(Client { address, token: String::new() }).await;
            shutdown.cancel();
        };
        let (ended, ()) = tokio::join!(server, visit);
        ended.unwrap();
    });
}

#[test]
fn tokens_live_and_end() {
    served(WorldConfig::default(), |mut client| async move {
        assert_eq!(client.get("/api/v2/institutions/").await.json()["summary"], "Invalid token");
        let pair = client.login().await;
        assert_eq!(
            (&pair["access_expires"], &pair["refresh_expires"]),
            (&json!(86_400), &json!(2_592_000))
        );
        assert_eq!(pair["access"].as_str().unwrap().split('.').count(), 3);
        assert_eq!(client.get("/api/v2/institutions/").await.status, 200);
        client.advance(86_400).await;
        assert_eq!(client.get("/api/v2/institutions/").await.status, 401);
        let body = json!({"refresh": pair["refresh"]});
        let fresh = client.post("/api/v2/token/refresh/", body.clone()).await.json();
        assert!(fresh.get("refresh").is_none());
        fresh["access"].as_str().unwrap().clone_into(&mut client.token);
        assert_eq!(client.get("/api/v2/institutions/").await.status, 200);
        client.advance(30 * 86_400).await;
        assert_eq!(client.post("/api/v2/token/refresh/", body).await.status, 401);
        let counts = client.get("/sandbox/log/counts").await.json();
        assert_eq!((&counts["tokens_minted"], &counts["tokens_refreshed"]), (&json!(1), &json!(1)));
    });
}

#[test]
fn a_person_walks_through_the_link() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let (id, link) = client.begin().await;
        let page = client.get(&link).await;
        assert_eq!(page.status, 200);
        assert!(String::from_utf8_lossy(&page.body).contains("?do=authorise"));
        let status = |client: Client, id: String| async move {
            client.get(&format!("/api/v2/requisitions/{id}/")).await.json()["status"].clone()
        };
        assert_eq!(status(client.clone(), id.clone()).await, "GC");
        let back = client.get(&format!("{link}?do=authorise")).await;
        let target = format!("https://host.example/back?x=1&ref={id}");
        assert_eq!((back.status, back.header("location")), (302, Some(target.as_str())));
        assert_eq!(status(client.clone(), id.clone()).await, "LN");
        let again = client.get(&link).await;
        assert!(again.header("location").unwrap().contains("error=RequisitionLinkReused"));

        let (id, link) = client.begin().await;
        let back = client.get(&format!("{link}?do=cancel")).await;
        assert!(
            back.header("location").unwrap().contains("error=UserCancelledSession&details=User+")
        );
        assert_eq!(status(client.clone(), id).await, "RJ");
    });
}

#[test]
fn the_daily_limit_is_on_the_wire() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let account = client.link().await.remove(0);
        let path = format!("/api/v2/accounts/{account}/balances/");
        for left in ["3", "2", "1", "0"] {
            let got = client.get(&path).await;
            assert_eq!(got.header("http_x_ratelimit_account_success_remaining"), Some(left));
            assert_eq!(got.header("date"), Some("Mon, 02 Mar 2026 09:00:00 GMT"));
        }
        client.advance(1_308).await;
        let got = client.get(&path).await;
        assert_eq!(got.status, 429);
        assert_eq!(
            got.json()["detail"],
            "The rate limit for this resource is 4/day. Please try again in 85092 seconds"
        );
    });
}

#[test]
fn ten_failures_suspend_and_expiry_shows_everywhere() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let accounts = client.link().await;
        let fault = json!({"matching": {"account": accounts[0]}, "times": 10,
            "what": {"kind": "bank", "problem": "unknown_request"}});
        assert_eq!(client.post("/sandbox/fault", fault).await.status, 200);
        let path = format!("/api/v2/accounts/{}/transactions/", accounts[0]);
        for _ in 0..10 {
            assert_eq!(client.get(&path).await.json()["type"], "UnknownRequestError");
        }
        let got = client.get(&path).await;
        assert_eq!((got.status, &got.json()["summary"]), (409, &json!("Account suspended")));
        let metadata = format!("/api/v2/accounts/{}/", accounts[0]);
        assert_eq!(client.get(&metadata).await.json()["status"], "SUSPENDED");

        client.advance(90 * 86_400).await;
        client.login().await;
        let got = client.get(&format!("/api/v2/accounts/{}/details/", accounts[1])).await;
        assert_eq!(got.status, 401);
        assert!(got.json()["summary"].as_str().unwrap().ends_with("has expired"));
        let metadata = format!("/api/v2/accounts/{}/", accounts[1]);
        assert_eq!(client.get(&metadata).await.json()["status"], "EXPIRED");
    });
}

#[test]
fn strangers_are_refused_politely() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let got = client.get("/api/v2/institutions?country=DE").await;
        assert_eq!(
            (got.status, got.header("location")),
            (301, Some("/api/v2/institutions/?country=DE"))
        );
        let got = client.get("/api/v2/requisitions/?state=LN").await;
        assert_eq!(got.json()["detail"], "Unknown fields {state} in {query}");
        let got =
            client.post("/api/v2/requisitions/", json!({"redirect": "x://y", "colour": 1})).await;
        assert_eq!((got.status, &got.json()["summary"]), (400, &json!("Unknown fields")));
        assert_eq!(client.get("/api/v3/").await.status, 404);
        assert_eq!(client.get("/sandbox/nothing").await.status, 404);
        assert_eq!(client.post("/sandbox/advance", json!({"days": 1})).await.status, 400);
    });
}

#[test]
fn faults_happen_for_real() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let account = client.link().await.remove(0);
        let path = format!("/api/v2/accounts/{account}/details/");
        let order = |what: Value| {
            let client = client.clone();
            async move {
                let got = client.post("/sandbox/fault", json!({"what": what, "times": 1})).await;
                assert_eq!(got.status, 200, "{:?}", got.json());
            }
        };
        order(json!({"kind": "reset", "processed": false})).await;
        let got = client.get(&path).await;
        assert!(got.broken && got.head.is_empty());

        order(json!({"kind": "truncated", "keep_permille": 500})).await;
        let got = client.get(&path).await;
        assert!(got.broken && got.status == 200 && !got.body.is_empty());

        order(json!({"kind": "html", "status": 503})).await;
        let got = client.get(&path).await;
        assert_eq!(
            (got.status, got.header("content-type")),
            (503, Some("text/html; charset=utf-8"))
        );

        order(json!({"kind": "empty", "status": 403})).await;
        let got = client.get(&path).await;
        assert_eq!((got.status, got.body.len()), (403, 0));

        order(json!({"kind": "header_spelling", "spelling": "short"})).await;
        let got = client.get(&path).await;
        assert_eq!(got.header("x-ratelimit-account-success-limit"), Some("4"));
        assert_eq!(got.header("http_x_ratelimit_limit"), None);

        order(json!({"kind": "slow", "delay_ms": 90_000})).await;
        assert_eq!(client.get(&path).await.status, 200);

        order(json!({"kind": "status", "status": 401, "shape": "field_strings"})).await;
        assert_eq!(client.get(&path).await.json()["redirect"], json!(["Fault on request"]));

        order(json!({"kind": "silent", "processed": true})).await;
        tokio::select! {
            biased;
            got = client.get(&path) => panic!("an answer came: {got:?}"),
            () = until_counted(&client, &path) => {}
        }
        // Truncated, spelled otherwise, slow and silent were carried out: that is the whole day's
        // allowance.
        assert_eq!(client.get(&path).await.status, 429);
    });
}

/// Waits until the log shows the call that is never answered.
async fn until_counted(client: &Client, path: &str) {
    for _ in 0..1_000 {
        let log = client.get("/sandbox/log").await.json();
        let silent = |call: &Value| {
            call["path"] == path && call["status"] == 200 && call["delivered"] == false
        };
        if log["calls"].as_array().unwrap().iter().filter(|call| silent(call)).count() == 2 {
            return;
        }
    }
    panic!("the silent call never came");
}

#[test]
fn truth_and_control_are_open_to_other_processes() {
    served(WorldConfig::default(), |mut client| async move {
        client.login().await;
        let accounts = client.link().await;
        let shown =
            client.get(&format!("/api/v2/accounts/{}/transactions/", accounts[0])).await.json();
        let truth = client.get(&format!("/sandbox/truth/{}", accounts[0])).await.json();
        let rows = truth["rows"].as_array().unwrap();
        let booked = rows.iter().filter(|row| row["phase"] == "booked").count();
        assert_eq!(shown["transactions"]["booked"].as_array().unwrap().len(), booked);
        let all = client.get("/sandbox/accounts").await.json();
        let requisition = all["accounts"][0]["requisition"].clone();
        assert_eq!(
            client.post("/sandbox/suspend", json!({"account": accounts[1]})).await.status,
            200
        );
        assert_eq!(
            client.post("/sandbox/revoke", json!({"requisition": requisition})).await.status,
            200
        );
        assert_eq!(client.post("/sandbox/suspend", json!({"account": "x"})).await.status, 409);
        let got = client.get(&format!("/api/v2/accounts/{}/balances/", accounts[0])).await;
        assert_eq!(got.json()["type"], "AccessExpiredError");
    });
}

#[test]
fn opening_the_link_of_a_plain_sandbox_is_enough() {
    let config = WorldConfig { auto_authorise_after_s: Some(3_600), ..WorldConfig::default() };
    served(config, |mut client| async move {
        client.login().await;
        let (id, link) = client.begin().await;
        assert_eq!(client.get(&link).await.status, 302);
        let body = client.get(&format!("/api/v2/requisitions/{id}/")).await.json();
        assert_eq!(body["status"], "LN");
    });
}

#[test]
fn other_addresses_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused =
            serve(listener, shared(WorldConfig::default()), CancellationToken::new()).await;
        assert!(matches!(refused, Err(ServeError::NotLoopback)));
    });
}

#[test]
fn two_worlds_of_one_seed_answer_with_the_same_bytes() {
    let walk = |seed: u64| {
        let shared = shared(WorldConfig { seed, ..WorldConfig::default() });
        let body = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let request = HttpRequest::new("POST", "/api/v2/token/new/").with_json(&body);
        let token =
            shared.handle(&request).parsed().unwrap()["access"].as_str().unwrap().to_owned();
        let send = |request: HttpRequest| {
            let answer =
                shared.handle(&request.with_header("authorization", &format!("Bearer {token}")));
            (answer.status, answer.headers, answer.body)
        };
        let body = json!({"institution_id": SANDBOX, "redirect": "https://host.example/"});
        let made = send(HttpRequest::new("POST", "/api/v2/requisitions/").with_json(&body));
        let id =
            serde_json::from_slice::<Value>(&made.2).unwrap()["id"].as_str().unwrap().to_owned();
        shared.with(|world, now| world.person_authorises(&id, now)).unwrap();
        let accounts = shared.with(World::accounts);
        let mut all = vec![made];
        for account in accounts {
            let target = format!("/api/v2/accounts/{}/transactions/", account.id);
            all.push(send(HttpRequest::new("GET", &target)));
        }
        all
    };
    assert_eq!(walk(7), walk(7));
    assert_ne!(walk(7), walk(8));
}
