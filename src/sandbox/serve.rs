//! The world over HTTP/1.1 on loopback: hyper for the wire, faults carried out for real.
//!
//! A broken connection is really reset, a cut body really ends early, silence lasts until the
//! client gives up. Addresses other than loopback are refused: this bank checks nobody's identity.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::model::port::Clock;
use crate::model::time::{SECOND_MS, UtcInstant};

use super::wire::{Delivery, HttpRequest, HttpResponse};
use super::world::World;

/// Why the bank cannot be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is reachable from other machines.
    #[error("the sandbox bank listens on loopback addresses only")]
    NotLoopback,
    /// The listener failed.
    #[error("the sandbox bank cannot listen")]
    Listen(#[source] std::io::Error),
}

/// A world, and a clock that can be moved ahead of the given one.
pub struct SharedWorld {
    world: Mutex<World>,
    clock: Arc<dyn Clock>,
    offset_ms: AtomicI64,
}

impl SharedWorld {
    /// Puts a world under a clock.
    pub fn new(world: World, clock: Arc<dyn Clock>) -> Self {
        Self { world: Mutex::new(world), clock, offset_ms: AtomicI64::new(0) }
    }

    /// The world's time.
    pub fn now(&self) -> UtcInstant {
        self.clock.now().wall.plus_ms(self.offset_ms.load(Ordering::SeqCst))
    }

    /// Moves the world's time; negative seconds move it back.
    pub fn advance_s(&self, seconds: i64) {
        self.offset_ms.fetch_add(seconds.saturating_mul(SECOND_MS), Ordering::SeqCst);
    }

    /// Looks at the world, or acts in it, at its present.
    pub fn with<T>(&self, act: impl FnOnce(&mut World, UtcInstant) -> T) -> T {
        let now = self.now();
        // A panic elsewhere leaves the world as it is, which tests may still want to read.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut world, now)
    }

    /// Answers a request, `POST /sandbox/advance` with `{"seconds"}` included.
    pub fn handle(&self, request: &HttpRequest) -> HttpResponse {
        if request.method == "POST" && request.path.trim_end_matches('/') == "/sandbox/advance" {
            return self.handle_advance(request);
        }
        self.with(|world, now| world.handle(now, request))
    }

    fn handle_advance(&self, request: &HttpRequest) -> HttpResponse {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Advance {
            seconds: i64,
        }
        match serde_json::from_slice::<Advance>(&request.body) {
            Ok(Advance { seconds }) => {
                self.advance_s(seconds);
                HttpResponse::json(200, &json!({"now": self.now().to_string()}))
            }
            Err(error) => HttpResponse::json(400, &json!({"detail": error.to_string()})),
        }
    }
}

impl std::fmt::Debug for SharedWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedWorld").finish_non_exhaustive()
    }
}

/// Serves a world until the token is cancelled; open connections are dropped then.
///
/// # Errors
/// [`ServeError::NotLoopback`] before anything is accepted; [`ServeError::Listen`] if the listener
/// has no address.
pub async fn serve(
    listener: TcpListener,
    shared: Arc<SharedWorld>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listen)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback);
    }
    shared.with(|world, _| world.set_public_base(format!("http://{address}")));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            accepted = listener.accept() => {
                // A client that is gone before it was accepted, or too many open files: the next
                // one may work.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(attend(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until it ends or a fault breaks it.
async fn attend(stream: TcpStream, shared: Arc<SharedWorld>) {
    let broken = Arc::new(Notify::new());
    let service = service_fn(|request| answer(request, Arc::clone(&shared), Arc::clone(&broken)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let reset = tokio::select! {
        // An error here is the client's going away, or a body that was cut on purpose.
        _ = Pin::new(&mut connection) => false,
        () = broken.notified() => true,
    };
    if reset {
        let stream = connection.into_parts().io.into_inner();
        // With no time to linger, dropping the socket sends a reset instead of an orderly end. If
        // that cannot be set, the connection still ends without an answer.
        drop(stream.set_zero_linger());
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    shared: Arc<SharedWorld>,
    broken: Arc<Notify>,
) -> Result<hyper::Response<Reply>, Infallible> {
    let response = shared.handle(&plain(request).await);
    let mut cut = None;
    match response.delivery {
        Delivery::Whole => {}
        Delivery::Cut { bytes } => cut = Some(bytes),
        Delivery::Late { delay_ms } => {
            let delay_ms = i64::try_from(delay_ms).unwrap_or(i64::MAX);
            let until = shared.clock.now().mono_ms.saturating_add(delay_ms);
            shared.clock.sleep_until(until).await;
        }
        Delivery::Reset => {
            broken.notify_one();
            pending::<()>().await;
        }
        Delivery::Silent => pending::<()>().await,
    }
    Ok(wire(response, cut))
}

/// The request as plain data; a body that breaks off is taken as far as it came.
async fn plain(request: hyper::Request<Incoming>) -> HttpRequest {
    let (head, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or("").to_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    HttpRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or("").to_owned(),
        headers: headers.collect(),
        body: body.collect().await.map(|whole| whole.to_bytes().to_vec()).unwrap_or_default(),
    }
}

fn wire(response: HttpResponse, cut: Option<usize>) -> hyper::Response<Reply> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let promised = response.body.len();
    let mut body = Bytes::from(response.body);
    if let Some(bytes) = cut {
        body.truncate(bytes);
    }
    let reply = Reply { body: Some(body), promised, cut: cut.is_some(), flushed: false };
    // Only a fault with an impossible header or status can fail here; then there is nothing better
    // to say.
    builder.body(reply).unwrap_or_else(|_| hyper::Response::new(Reply::default()))
}

/// A body that may break off before the length it promised.
#[derive(Debug, Default)]
struct Reply {
    body: Option<Bytes>,
    promised: usize,
    cut: bool,
    flushed: bool,
}

/// What hyper is told when a body breaks off on purpose.
#[derive(Debug, Error)]
#[error("the body was cut on request")]
struct CutOff;

impl Body for Reply {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self.body.take() {
            Some(body) if !body.is_empty() => Poll::Ready(Some(Ok(Frame::data(body)))),
            // Hyper sends what it has only when a body makes it wait, so the break comes one turn
            // later.
            _ if self.cut && !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ if self.cut => {
                self.cut = false;
                Poll::Ready(Some(Err(CutOff)))
            }
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.body.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.promised).unwrap_or(u64::MAX))
    }
}
