//! A server that says exactly what a test wants, byte by byte: frameworks would not send broken answers.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /api/v2/…`
    pub(crate) line: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    /// As sent.
    pub(crate) body: String,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// What to write to the connection, which is closed afterwards.
pub(crate) enum Say {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These, then one blank at a time until the other side has had enough.
    Drip(Vec<u8>),
}

/// The rule of a server.
pub(crate) type Rule = dyn Fn(&Seen) -> Say + Send + Sync;

/// A running server; it ends with the process.
#[derive(Clone)]
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT/api/v2/`
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers every request by the rule, each connection on its own thread.
    pub(crate) fn start(rule: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/api/v2/", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (rule, log): (Arc<Rule>, _) = (Arc::new(rule), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rule, log) = (Arc::clone(&rule), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &*rule, &log));
            }
        });
        Self { base, seen }
    }

    /// The requests so far; forgets them.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Method and path below the base of the requests so far; forgets them.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.take_seen().into_iter().map(|seen| seen.line.replace("/api/v2/", "")).collect()
    }
}

fn serve(stream: &TcpStream, rule: &Rule, log: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream);
    let Some(seen) = read_request(&mut reader) else { return };
    log.lock().unwrap().push(seen.clone());
    let mut writer = stream;
    match rule(&seen) {
        Say::Bytes(bytes) => {
            // The client may hang up in the middle: that is what some tests are about.
            let _unsent = writer.write_all(&bytes);
        }
        Say::Drip(bytes) => {
            let mut alive = writer.write_all(&bytes).is_ok();
            while alive {
                std::thread::park_timeout(std::time::Duration::from_millis(20));
                alive = writer.write_all(b" ").is_ok();
            }
        }
    }
}

/// The next request of a connection.
pub(crate) fn read_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { line, headers, body: String::new() };
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}

/// A whole answer with its length.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Say {
    Say::Bytes(message(status, headers, body, body.len()))
}

/// The bytes of an answer that announces `length`.
pub(crate) fn message(
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
    length: usize,
) -> Vec<u8> {
    let mut text =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}
