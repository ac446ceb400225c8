//! Requests and answers as plain data, shared by use inside a process and over HTTP.
//!
//! No type of the daemon's own client appears here, and nothing here sends or receives.

use serde::Serialize;
use serde_json::Value;

/// A request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// In capitals.
    pub method: String,
    /// Starts with a slash; without the query.
    pub path: String,
    /// Without the question mark; percent-encoded.
    pub query: String,
    /// Names in any case.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A request for a path with an optional query, without headers or body.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            ..Self::default()
        }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.with_header("content-type", "application/json")
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The query's parameters in order, decoded.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        self.query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }
}

/// What the transport does with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Sends it.
    #[default]
    Whole,
    /// Sends the head and this many bytes of the body, then breaks the connection.
    Cut {
        /// Fewer than the body has.
        bytes: usize,
    },
    /// Breaks the connection without a byte.
    Reset,
    /// Keeps the connection and never says anything.
    Silent,
    /// Sends it after a while.
    Late {
        /// How long.
        delay_ms: u64,
    },
}

/// An answer and how it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Names as on the wire.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What the transport does.
    pub delivery: Delivery,
}

impl HttpResponse {
    /// An answer of any content type.
    pub(super) fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body, delivery: Delivery::Whole }
    }

    /// A JSON answer.
    pub(super) fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        // Plain data always serialises; an empty body would show up in every test that reads it.
        Self::of(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
    }

    /// A page for a browser.
    pub(super) fn html(status: u16, body: &str) -> Self {
        Self::of(status, "text/html; charset=utf-8", body.as_bytes().to_vec())
    }

    /// A redirect without a body.
    pub(super) fn redirect(status: u16, location: &str) -> Self {
        let mut response = Self::of(status, "text/html; charset=utf-8", Vec::new());
        response.set("location", location.to_owned());
        response
    }

    /// Adds a header.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON; `None` if it is none.
    pub fn parsed(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Percent-decoding with `+` for a blank, as in forms; what is no code stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
                bytes.push(u8::try_from(digit(*high) * 16 + digit(*low)).unwrap_or(b'?'));
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoding of everything but RFC 3986 unreserved characters; blanks become `+`, as the
/// provider's callbacks have them.
pub(super) fn encode(text: &str) -> String {
    let code = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let request = HttpRequest::new("GET", "/x/?a=1&b=%41+c&d&e=%zz%4");
        let expected = [("a", "1"), ("b", "A c"), ("d", ""), ("e", "%zz%4")];
        let found = request.parameters();
        assert_eq!(found.len(), expected.len());
        for ((name, value), (own_name, own_value)) in expected.iter().zip(&found) {
            assert_eq!((name, value), (&own_name.as_str(), &own_value.as_str()));
        }
        assert_eq!(decode(&encode("ä b/c?")), "ä b/c?");
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let request = HttpRequest::new("GET", "/").with_header("Authorization", "x");
        assert_eq!(request.header("authorization"), Some("x"));
        assert_eq!(request.header("date"), None);
    }
}
