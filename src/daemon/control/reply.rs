//! Answers: objects, lists of lines, streams, and refusals with the exit code of the client.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use hyper::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::daemon::metrics::MetricsError;
use crate::daemon::{store_exit, view};
use crate::exit::Code;
use crate::observe::Chain;
use crate::store;
use crate::sync::Gone;

/// The type of one object.
const JSON: &str = "application/json";
/// The type of lists: JSON Lines.
const NDJSON: &str = "application/x-ndjson";
/// Pieces of a stream that may wait for a slow client.
const PIECES_MAX: usize = 2;

/// Why a request is not met.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    exit: Code,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    /// With the exit code of the client that asked.
    pub(super) fn new(status: StatusCode, exit: Code, message: impl Into<String>) -> Self {
        Self { status, exit, message: message.into(), hint: None }
    }

    /// The request makes no sense.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::Usage, message)
    }

    /// There is nothing of that name.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::Usage, message)
    }

    /// Adds what to type.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Gone> for Refusal {
    fn from(gone: Gone) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, gone.to_string())
    }
}

impl From<MetricsError> for Refusal {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Gone(gone) => gone.into(),
            MetricsError::Store(error) => error.into(),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        let exit = store_exit(error.kind());
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, exit, Chain(&error).to_string());
        match error.hint() {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = view::error(self.exit.number(), &self.message, self.hint.as_deref());
        object(self.status, &body)
    }
}

/// One object.
pub(super) fn object<T: Serialize>(status: StatusCode, value: &T) -> Response {
    // Our own objects always serialise; a stream of bytes has no better answer than none.
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}

/// A list that fits into memory: one object per line.
pub(super) fn lines<I: IntoIterator<Item: Serialize>>(values: I) -> Response {
    written(values, |body, value| view::line(body, &value))
}

/// A list that fits into memory, each line by `write`.
pub(super) fn written<I: IntoIterator>(
    values: I,
    mut write: impl FnMut(&mut Vec<u8>, I::Item) -> serde_json::Result<()>,
) -> Response {
    let mut body = Vec::new();
    for value in values {
        if write(&mut body, value).is_err() {
            return Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                Code::Software,
                "an object cannot be written",
            )
            .into_response();
        }
    }
    ([(header::CONTENT_TYPE, NDJSON)], body).into_response()
}

/// A list that is written piece by piece, and where to write.
pub(super) fn stream() -> (Pieces, Response) {
    stream_of(NDJSON)
}

/// A file of any type that is written piece by piece, and where to write.
pub(super) fn stream_of(content_type: &'static str) -> (Pieces, Response) {
    let (sender, body) = Channel::<Bytes, CutShort>::new(PIECES_MAX);
    (Pieces { sender }, ([(header::CONTENT_TYPE, content_type)], Body::new(body)).into_response())
}

/// Why a file ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut short")]
pub(super) struct CutShort;

/// The writing end of a stream. Dropping it ends the answer; [`Pieces::broken`] lets the client notice that it is not whole.
pub(super) struct Pieces {
    sender: Sender<Bytes, CutShort>,
}

impl Pieces {
    /// Sends some lines; `false` when the client is gone.
    pub(super) async fn send(&mut self, lines: Vec<u8>) -> bool {
        self.sender.send_data(Bytes::from(lines)).await.is_ok()
    }

    /// Ends the answer with an error object as its last line.
    pub(super) async fn broken(mut self, refusal: Refusal) {
        let mut last = Vec::new();
        let body = view::error(refusal.exit.number(), &refusal.message, refusal.hint.as_deref());
        if view::line(&mut last, &body).is_ok() {
            let _gone = self.send(last).await;
        }
    }

    /// Ends a file that no error object can be written into: the connection breaks.
    pub(super) fn cut_short(self) {
        self.sender.abort(CutShort);
    }

    /// Ends a file with a trailer (RFC 9110 section 6.5); readers that do not ask for trailers do not get it.
    pub(super) async fn end_with(mut self, name: HeaderName, value: HeaderValue) {
        let _gone = self.sender.send_trailers(HeaderMap::from_iter([(name, value)])).await;
    }
}

/// Reads a JSON body; a body that is empty counts as an empty object.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Refusal::usage(format!("the request is not understood: {error}")))
}

/// There is no such path.
pub(super) async fn not_found() -> Refusal {
    Refusal::not_found(view::NO_SUCH_PATH).hint("see the README for the paths")
}

/// The path exists, the method does not.
pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, Code::Usage, "this path does not take this method")
}
