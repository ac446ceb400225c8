//! The client of the control socket: HTTP/1.1 over a Unix stream socket, one connection per request.
//!
//! Short answers are read whole, listings line by line (JSON Lines); both are bounded. The client decides nothing: what is
//! refused, why, with which exit code and hint, is the daemon's word.

use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::task::Poll;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::error::CliError;
use super::object::Object;
use crate::daemon::view::NO_SUCH_PATH;
use crate::exit::Code;
use crate::model::port::{Clock, Method};
use crate::model::time::SECOND_MS;

/// Longest line of a listing. A row can be as large as the largest provider answer (32 MiB) and holds its text up to twice.
const LINE_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Largest answer that is read whole.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a request may stay without answer that the daemon can answer from what it knows.
const SILENCE_S_MAX: i64 = 60;

/// What a line begins with when a listing fails half-way.
const ERROR_LINE: &[u8] = b"{\"error\":";

/// What a file has, once an answer is added to it.
const CURSOR: &str = "banksyncd-cursor";

/// The key check of a backup, its lines joined by semicolons.
const KEYCHECK: &str = "banksyncd-keycheck";

/// How many rows a file's format could not express.
const LEFT_OUT: &str = "banksyncd-left-out";

/// How long the daemon may take to begin its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It answers from what it knows.
    Short,
    /// It may have to ask the provider or read the whole database: as long as it takes.
    Endless,
}

/// A way to the daemon.
pub struct Client<'a> {
    socket: PathBuf,
    clock: &'a dyn Clock,
}

impl std::fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("socket", &self.socket).finish_non_exhaustive()
    }
}

type Connection = http1::Connection<TokioIo<UnixStream>, Full<Bytes>>;

/// The lines of an answer, as they come.
pub struct Lines {
    body: Incoming,
    connection: Option<Pin<Box<Connection>>>,
    waiting: Vec<u8>,
    read: usize,
    complete: bool,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// A file, as it comes.
pub struct Download {
    lines: Lines,
    /// What the file has with this, in the daemon's words.
    pub cursor: Option<String>,
    /// The text of a backup's key check.
    pub keycheck: Option<String>,
    left_out: u64,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

/// One whole answer.
#[derive(Clone, Debug)]
pub struct Whole {
    /// As it came, on one line.
    pub raw: Vec<u8>,
    /// Its content.
    pub object: Object,
}

impl<'a> Client<'a> {
    /// A client of the daemon behind `socket`; nothing is connected yet.
    pub fn new(socket: PathBuf, clock: &'a dyn Clock) -> Self {
        Self { socket, clock }
    }

    /// Reads one object.
    pub async fn get(&self, path: &str) -> Result<Whole, CliError> {
        self.object(Method::Get, path, None, Patience::Short).await
    }

    /// Asks for one object.
    pub async fn object(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Patience,
    ) -> Result<Whole, CliError> {
        let lines = self.lines(method, path, body, patience).await?;
        let mut raw = lines.whole().await?;
        raw.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        let raw = raw.trim_ascii().to_vec();
        let object = Object::parse(&raw)?;
        Ok(Whole { raw, object })
    }

    /// Asks for a listing.
    pub async fn lines(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Patience,
    ) -> Result<Lines, CliError> {
        let request = request(method, path, body)?;
        self.exchange(request, patience).await.map(|(lines, _headers)| lines)
    }

    /// Asks for a file.
    pub async fn download(&self, path: &str, body: &Value) -> Result<Download, CliError> {
        let mut request = request(Method::Post, path, Some(body))?;
        request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
        let (lines, headers) = self.exchange(request, Patience::Endless).await?;
        let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let keycheck = header(KEYCHECK).map(|text| text.replace(';', "\n") + "\n");
        Ok(Download { lines, cursor: header(CURSOR), keycheck, left_out: 0 })
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        patience: Patience,
    ) -> Result<(Lines, HeaderMap), CliError> {
        let begun_ms = self.clock.now().mono_ms;
        let (method, path) = (request.method().clone(), request.uri().clone());
        tracing::debug!(%method, %path, socket = %self.socket.display(), "asking the daemon");
        let stream = UnixStream::connect(&self.socket).await.map_err(|e| self.unreachable(e))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let mut connection = Some(Box::pin(connection));
        let answer = drive(&mut connection, sender.send_request(request));
        let response = match patience {
            Patience::Endless => answer.await,
            Patience::Short => {
                let limit = SILENCE_S_MAX.saturating_mul(SECOND_MS);
                let end = self.clock.now().mono_ms.saturating_add(limit);
                tokio::select! {
                    biased;
                    response = answer => response,
                    () = self.clock.sleep_until(end) => {
                        return Err(CliError::Silent { waited_s: SILENCE_S_MAX });
                    }
                }
            }
        };
        let response = response.map_err(broken)?;
        let status = response.status();
        let version = server_version(&response);
        let after_ms = self.clock.now().mono_ms.saturating_sub(begun_ms);
        tracing::debug!(status = status.as_u16(), after_ms, version, "the daemon answers");
        tracing::trace!(headers = ?response.headers(), "with these headers");
        let (head, body) = response.into_parts();
        let lines = Lines { body, connection, waiting: Vec::new(), read: 0, complete: false };
        if status.is_success() {
            return Ok((lines, head.headers));
        }
        let body = lines.whole().await?;
        let not_understood = || CliError::NotUnderstood {
            what: format!("HTTP status {}", status.as_u16()),
            hint: version_hint(version.as_deref()),
        };
        // A daemon that does not know a path of ours is an older one.
        let known = |refused: &CliError| !matches!(refused, CliError::Refused { message, .. } if message == NO_SUCH_PATH);
        Err(refusal(&body).filter(known).unwrap_or_else(not_understood))
    }

    fn unreachable(&self, source: io::Error) -> CliError {
        let socket = self.socket.clone();
        if source.kind() == io::ErrorKind::PermissionDenied {
            CliError::NotPermitted { socket, source }
        } else {
            CliError::Unreachable { socket, source }
        }
    }
}

impl Lines {
    /// The next line that is not empty, without its newline; `None` at the end of the answer.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, CliError> {
        // How much of the waiting bytes was searched for a newline already.
        let mut searched = 0;
        loop {
            let unread = self.waiting.get(self.read..).unwrap_or_default();
            let fresh = unread.get(searched..).unwrap_or_default();
            if let Some(found) = fresh.iter().position(|byte| *byte == b'\n') {
                let begin = self.read;
                let end = begin.saturating_add(searched).saturating_add(found);
                self.read = end.saturating_add(1);
                searched = 0;
                if self.waiting.get(begin..end).is_some_and(|line| !line.trim_ascii().is_empty()) {
                    return self.line(begin, end).map(Some);
                }
                continue;
            }
            if self.complete {
                let (begin, end) = (self.read, self.waiting.len());
                self.read = end;
                let rest = self.waiting.get(begin..end).unwrap_or_default();
                let nothing = rest.trim_ascii().is_empty();
                return if nothing { Ok(None) } else { self.line(begin, end).map(Some) };
            }
            searched = unread.len();
            self.waiting.drain(..self.read);
            self.read = 0;
            self.more(LINE_BYTES_MAX).await?;
        }
    }

    /// Everything that is left.
    async fn whole(mut self) -> Result<Vec<u8>, CliError> {
        while !self.complete {
            self.more(ANSWER_BYTES_MAX).await?;
        }
        Ok(self.waiting)
    }

    fn line(&self, begin: usize, end: usize) -> Result<&[u8], CliError> {
        let line = self.waiting.get(begin..end).unwrap_or_default().trim_ascii();
        match line.starts_with(ERROR_LINE).then(|| refusal(line)).flatten() {
            Some(refused) => Err(refused),
            None => Ok(line),
        }
    }

    async fn more(&mut self, bytes_max: usize) -> Result<(), CliError> {
        let Some(frame) = drive(&mut self.connection, self.body.frame()).await else {
            self.complete = true;
            return Ok(());
        };
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            if self.waiting.len().saturating_add(data.len()) > bytes_max {
                let what = format!("more than {bytes_max} bytes in one piece");
                return Err(CliError::NotUnderstood { what, hint: None });
            }
            self.waiting.extend_from_slice(&data);
        }
        Ok(())
    }
}

impl Download {
    /// The next piece of the file; `None` at its end.
    ///
    /// # Errors
    /// Also if the daemon could not finish it.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CliError> {
        let lines = &mut self.lines;
        while let Some(frame) = drive(&mut lines.connection, lines.body.frame()).await {
            match frame.map_err(broken)?.into_data() {
                Ok(piece) => return Ok(Some(piece)),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let left_out = trailers.get(LEFT_OUT).and_then(|value| value.to_str().ok());
                    self.left_out = left_out.and_then(|it| it.parse().ok()).unwrap_or_default();
                }
            }
        }
        Ok(None)
    }

    /// How many rows the format could not express; known at the end.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// Waits for `work` and keeps the connection going meanwhile, without a task of its own. How the connection ends is told by
/// the work that depends on it.
async fn drive<F: Future>(connection: &mut Option<Pin<Box<Connection>>>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Some(open) = connection
            && let Poll::Ready(_ended) = open.as_mut().poll(context)
        {
            *connection = None;
        }
        work.as_mut().poll(context)
    })
    .await
}

fn broken(error: hyper::Error) -> CliError {
    CliError::Broken(Some(error))
}

fn request(
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Request<Full<Bytes>>, CliError> {
    let mut builder =
        Request::builder().method(method.as_str()).uri(path).header(header::HOST, "localhost");
    if body.is_some() {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    let bytes = body.map(Value::to_string).unwrap_or_default();
    if body.is_some() {
        tracing::trace!(body = bytes, "what the next request says");
    }
    builder.body(Full::new(Bytes::from(bytes))).map_err(|error| CliError::Usage {
        message: format!("this cannot be asked: {error}"),
        hint: None,
    })
}

/// The daemon's error object, if this is one.
fn refusal(body: &[u8]) -> Option<CliError> {
    let error = Object::parse(body).ok()?.object("error")?;
    Some(CliError::Refused {
        exit: code(error.number("exit")),
        message: error.text("message")?.to_owned(),
        hint: error.text("hint").map(str::to_owned),
    })
}

/// The exit code of this number; what is not in the table is an internal error.
fn code(number: Option<i64>) -> Code {
    let known = number.and_then(|number| Code::from_number(u8::try_from(number).ok()?));
    known.unwrap_or(Code::Software)
}

/// The version behind `Server: banksyncd/0.1.0`.
fn server_version<B>(response: &Response<B>) -> Option<String> {
    let server = response.headers().get(header::SERVER)?.to_str().ok()?;
    server.strip_prefix("banksyncd/").map(str::to_owned)
}

/// Advice when the daemon does not know our request: most likely the two are not of one version.
fn version_hint(daemon: Option<&str>) -> Option<String> {
    let ours = env!("CARGO_PKG_VERSION");
    match daemon {
        Some(theirs) if theirs == ours => None,
        Some(theirs) => Some(format!(
            "the daemon is version {theirs}, this command {ours}: restart it with `systemctl restart banksyncd`"
        )),
        None => Some(
            "the daemon may be of another version: restart it with `systemctl restart banksyncd`"
                .to_owned(),
        ),
    }
}

/// A path below `/v1/` from its segments, each percent-encoded (RFC 3986 section 2).
pub fn path(segments: &[&str]) -> String {
    let mut path = String::from("/v1");
    for segment in segments {
        path.push('/');
        encode(&mut path, segment);
    }
    path
}

/// A path with a query; parameters without value are left out.
pub fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut target = path.to_owned();
    let given = parameters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    for (place, (name, value)) in given.enumerate() {
        target.push(if place == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        encode(&mut target, value);
    }
    target
}

fn encode(target: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                target.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _infallible = write!(target, "%{byte:02X}");
            }
        }
    }
}
