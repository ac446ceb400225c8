//! HTTP on a loopback address, for those who cannot use the control socket: a browser on its way back from the bank, a
//! collector of metrics.
//!
//! Everybody on this machine can connect, and every web page that a browser shows can try to. So only GET is answered,
//! nothing that a request says is kept or logged, each connection carries one request within bounds of size and time, and
//! the request must call this machine by a name that it has: a page elsewhere whose own name was pointed here is refused.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 16;
/// Largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a connection may last.
const CONNECTION_TIME: Duration = Duration::from_secs(15);
/// After a connection that could not be accepted (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// What every answer says: it runs no script, loads nothing from elsewhere, is shown in no frame, is kept by nobody and tells
/// no other page of its address.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Page {
    /// Some text.
    pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// There is no such page.
    pub(super) fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "there is no such page\n")
    }
}

/// Answers requests until it is dropped. `host`: a name besides those of every machine for itself.
pub(super) async fn serve<Answering>(
    listener: TcpListener,
    host: Option<String>,
    answer: impl Fn(Uri) -> Answering + Clone + Send + Sync + 'static,
) where
    Answering: Future<Output = Page> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(attend(stream, host.clone(), answer.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// One connection, within its time.
async fn attend<Answering>(
    stream: TcpStream,
    host: Option<String>,
    answer: impl Fn(Uri) -> Answering + Clone + Send + Sync + 'static,
) where
    Answering: Future<Output = Page> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let refused = refusal(&request, host.as_deref());
        let answering = refused.is_none().then(|| answer(request.uri().clone()));
        async move {
            let page = match answering {
                Some(answering) => answering.await,
                None => refused.unwrap_or_else(Page::not_found),
            };
            Ok::<_, Infallible>(response(page))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .keep_alive(false)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Whether the other side went away or was too slow is of no interest.
    let _ended = tokio::time::timeout(CONNECTION_TIME, connection).await;
}

/// Why a request is not looked at.
fn refusal<B>(request: &Request<B>, host: Option<&str>) -> Option<Page> {
    if request.method() != Method::GET {
        return Some(Page::text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n"));
    }
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let ours = named.is_some_and(|named| is_ours(name_of(named), host));
    (!ours).then(|| {
        let text = "the request calls this machine by a name that it does not have\n";
        Page::text(StatusCode::MISDIRECTED_REQUEST, text)
    })
}

/// The name in `name:port`.
fn name_of(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _port)) => address,
        None => authority.split_once(':').map_or(authority, |(name, _port)| name),
    }
}

/// Whether a browser of this machine means this machine by that name.
fn is_ours(name: &str, host: Option<&str>) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || host.is_some_and(|host| name.eq_ignore_ascii_case(host))
}

fn response(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.body)));
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    *response.status_mut() = page.status;
    response
}

/// Listens on an address that the configuration has let pass.
pub(super) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no loopback address"));
    }
    TcpListener::bind(address).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (named, extra, ours) in [
            ("localhost:8437", None, true),
            ("LOCALHOST", None, true),
            ("127.0.0.1:8437", None, true),
            ("[::1]:8437", None, true),
            ("books.example:80", Some("books.example"), true),
            ("books.example", None, false),
            ("localhost.books.example:8437", None, false),
            ("127.0.0.1.books.example", None, false),
            ("192.0.2.1:8437", None, false),
            ("", None, false),
        ] {
            assert_eq!(is_ours(name_of(named), extra), ours, "{named}");
        }
    }

    #[test]
    fn only_get_with_a_host_is_answered() {
        let ask = |method: &str, host: Option<&str>| {
            let mut request = Request::builder().method(method).uri("/");
            if let Some(host) = host {
                request = request.header("host", host);
            }
            refusal(&request.body(()).unwrap(), None).map(|page| page.status.as_u16())
        };
        assert_eq!(ask("GET", Some("localhost:1")), None);
        assert_eq!(ask("GET", None), Some(421));
        for method in ["POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
            assert_eq!(ask(method, Some("localhost:1")), Some(405), "{method}");
        }
    }
}
