//! The verbs against a canned daemon on a real Unix socket, with a clock that only moves when someone waits.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tokio::net::UnixListener;

use super::args::{self, Verb};
use super::client::Client;
use super::output::{Output, Terminal};
use super::*;
use crate::daemon::view::CheckView;
use crate::model::time::UtcInstant;

mod behaviour;
mod connection;
mod screens;

/// What the canned daemon says to `METHOD /path?query`, in order; the last answer repeats.
type Script = Arc<Mutex<BTreeMap<String, VecDeque<(u16, Body)>>>>;

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tuesday noon, UTC; waits of up to a minute are over at once, longer ones never.
struct StillClock(AtomicI64);

const NOON_MS: i64 = 1_773_144_000_000;

impl Clock for StillClock {
    fn now(&self) -> Now {
        Now { wall: UtcInstant::from_ms(NOON_MS), mono_ms: self.0.load(Ordering::Relaxed) }
    }

    fn sleep_until(&self, mono_ms: i64) -> BoxFuture<'_, ()> {
        let wait = mono_ms - self.0.load(Ordering::Relaxed);
        if wait >= 60_000 {
            return Box::pin(std::future::pending());
        }
        self.0.store(mono_ms, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}

/// One run of the program against a canned daemon.
struct Bench {
    folder: tempfile::TempDir,
    answers: BTreeMap<String, VecDeque<(u16, Body)>>,
    terminal: Terminal,
    input: &'static str,
    /// Ctrl-C comes when it was looked for this many times; a wait looks twice.
    interrupted_after: Option<u32>,
    broken_pipe: bool,
    verify: Option<VerifyView>,
    problems: Vec<Problem>,
}

/// What came of it.
struct Ran {
    code: Code,
    out: String,
    err: String,
    requests: Vec<String>,
}

impl Ran {
    /// The whole screen, for snapshots.
    fn screen(&self) -> String {
        let err =
            if self.err.is_empty() { String::new() } else { format!("--- stderr\n{}", self.err) };
        format!("{}{err}--- exit {}", self.out, self.code.number())
    }
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            answers: BTreeMap::new(),
            terminal: Terminal { width: Some(80), ..Terminal::default() },
            input: "",
            interrupted_after: None,
            broken_pipe: false,
            verify: None,
            problems: Vec::new(),
        }
    }

    fn says(self, request: &str, body: impl Into<Body>) -> Self {
        self.says_with(request, 200, body)
    }

    fn says_with(mut self, request: &str, status: u16, body: impl Into<Body>) -> Self {
        self.answers.entry(request.to_owned()).or_default().push_back((status, body.into()));
        self
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// Runs with the daemon up.
    fn run(self, line: &str) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn run_words(self, words: &[&str]) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = UnixListener::bind(self.socket()).unwrap();
            let script: Script = Arc::new(Mutex::new(self.answers));
            let asked = Arc::new(Mutex::new(Vec::new()));
            let app = Router::new().fallback(answer).with_state((script, Arc::clone(&asked)));
            let socket = self.folder.path().join("control.sock");
            let rest =
                Self { answers: BTreeMap::new(), folder: tempfile::tempdir().unwrap(), ..self };
            let mut ran = tokio::select! {
                _ = axum::serve(listener, app) => unreachable!("the daemon serves for ever"),
                ran = rest.verb(words, socket) => ran,
            };
            ran.requests = asked.lock().unwrap().clone();
            ran
        })
    }

    /// Runs without a daemon.
    fn run_alone(self, line: &str) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let socket = self.socket();
        let words: Vec<&str> = line.split_whitespace().collect();
        runtime.block_on(self.verb(&words, socket))
    }

    async fn verb(self, words: &[&str], socket: PathBuf) -> Ran {
        let words = std::iter::once("banksyncd").chain(words.iter().copied());
        let args = args::parse(words.map(Into::into)).unwrap();
        let Verb::Client(verb) = &args.verb else { panic!("not a client verb") };
        let (out, err) = (Page::default(), Page::default());
        let clock = StillClock(AtomicI64::new(0));
        let directly = self.verify.clone().ok_or(CliError::Failed {
            exit: Code::Config,
            message: "no key".into(),
            hint: None,
        });
        let writer: Box<dyn Write + Send> =
            if self.broken_pipe { Box::new(ClosedPipe) } else { Box::new(out.clone()) };
        let mut ctx = Ctx {
            output: Output::new(writer, Box::new(err.clone()), self.terminal, args.global.quiet),
            client: Client::new(socket, &clock),
            problems: self.problems.clone(),
            clock: &clock,
            zone: Zone::UTC,
            json: args.global.json,
            program: program(&args.global),
            input: Box::new(Cursor::new(self.input)),
            interrupt: Box::pin(CtrlC(self.interrupted_after)),
            verify_directly: Box::pin(std::future::ready(directly)),
            backup_directly: Box::pin(std::future::pending()),
        };
        let code = run(verb, &mut ctx).await;
        drop(ctx);
        Ran { code, out: out.text(), err: err.text(), requests: Vec::new() }
    }
}

/// Ctrl-C at a certain wait, or never.
struct CtrlC(Option<u32>);

impl Future for CtrlC {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        let Some(waits) = self.0 else { return Poll::Pending };
        self.0 = waits.checked_sub(1);
        if waits == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A reader that went away.
struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn answer(
    State((script, asked)): State<(Script, Arc<Mutex<Vec<String>>>)>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1_000_000).await.unwrap();
    let key = format!("{} {}", head.method, head.uri);
    let body = String::from_utf8(body.to_vec()).unwrap();
    asked.lock().unwrap().push(format!("{key} {body}").trim_end().to_owned());
    let mut script = script.lock().unwrap();
    let Some(answers) = script.get_mut(&key) else {
        return (axum::http::StatusCode::NOT_FOUND, format!("nothing for {key}")).into_response();
    };
    let (status, body) = answers.pop_front().unwrap_or((500, Body::from("no more answers")));
    Response::builder().status(status).body(body).unwrap()
}

/// A check of `verify`.
fn check(name: &str, ok: bool, detail: Option<&str>) -> CheckView {
    CheckView { name: name.into(), ok, detail: detail.map(str::to_owned) }
}

const GIRO: &str = r#"{"id":"acc_01kkd4z8000000000000000001","provider":"gocardless","provider_account_id":"p1","link_id":"lnk_01kkd4z8000000000000000009","institution_id":"SANDBOXFINANCE_SFIN0000","iban":"DE89370400440532013000","bban":null,"currency":"EUR","name":"Girokonto","product":null,"owner_name":"Erika Mustermann","nickname":"giro","enabled":true,"status":"ready","last_synced_at":"2026-03-10T09:30:00Z","access_expires_at":"2026-08-01T09:00:00Z","consecutive_failures":0,"next_pull_at":"2026-03-10T13:05:00Z"}"#;

const CARD: &str = r#"{"id":"acc_01kkd4z8000000000000000002","provider":"gocardless","provider_account_id":"p2","link_id":"lnk_01kkd4z8000000000000000008","institution_id":"PLASTIC_BANK_PLSTDEFF","iban":null,"bban":"**4572","currency":"EUR","name":"Card \u001b[31mGold\u001b[0m","product":null,"owner_name":null,"nickname":null,"enabled":true,"status":"paused","last_synced_at":"2026-03-07T09:30:00Z","access_expires_at":"2026-03-15T09:00:00Z","consecutive_failures":3,"next_pull_at":null}"#;

const LINK: &str = r#"{"id":"lnk_01kkd4z8000000000000000009","provider":"gocardless","institution_id":"SANDBOXFINANCE_SFIN0000","requisition_id":"r1","agreement_id":"a1","purpose":"continuous","status":"linked","url":null,"created_at":"2026-02-02T08:00:00Z","accepted_at":"2026-02-02T09:00:00Z","access_expires_at":"2026-08-01T09:00:00Z","replaced_by":null,"accounts":["acc_01kkd4z8000000000000000001"],"history_days":90,"access_days":180,"replaces":null,"failure":null}"#;

const CARD_LINK: &str = r#"{"id":"lnk_01kkd4z8000000000000000008","provider":"gocardless","institution_id":"PLASTIC_BANK_PLSTDEFF","requisition_id":"r2","agreement_id":"a2","purpose":"continuous","status":"linked","url":null,"created_at":"2025-09-16T08:00:00Z","accepted_at":"2025-09-16T09:00:00Z","access_expires_at":"2026-03-15T09:00:00Z","replaced_by":null,"accounts":["acc_01kkd4z8000000000000000002"],"history_days":90,"access_days":180,"replaces":null,"failure":null}"#;

/// A pending link in some state.
fn pending(status: &str, url: Option<&str>) -> String {
    let url = url.map_or("null".to_owned(), |url| format!("\"{url}\""));
    format!(
        r#"{{"id":"lnk_01kkd4z800000000000000000a","provider":"gocardless","institution_id":"SANDBOXFINANCE_SFIN0000","requisition_id":null,"agreement_id":null,"purpose":"continuous","status":"{status}","url":{url},"created_at":"2026-03-10T12:00:00Z","accepted_at":null,"access_expires_at":null,"replaced_by":null,"accounts":[],"history_days":90,"access_days":180,"replaces":null,"failure":null}}"#
    )
}
