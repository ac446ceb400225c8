//! A server in front of the sandbox bank: it sees every request and may replace any answer by bytes that no bank would send.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use banksyncd::sandbox::{HttpRequest, HttpResponse, SharedWorld};

/// What may become of an answer on its way; called after the world has given it.
pub(crate) type Change = dyn Fn(&HttpRequest, &mut HttpResponse) + Send + Sync;

/// A running server; it ends with the test's process.
pub(crate) struct Front {
    /// What a daemon has to be told.
    pub(crate) api_base: String,
    change: Arc<Mutex<Arc<Change>>>,
}

impl Front {
    /// In front of a world; changes nothing at first.
    pub(crate) fn start(world: Arc<SharedWorld>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api_base = format!("http://{}/api/v2/", listener.local_addr().unwrap());
        let nothing: Arc<Change> = Arc::new(|_: &HttpRequest, _: &mut HttpResponse| {});
        let change = Arc::new(Mutex::new(nothing));
        let shared = Arc::clone(&change);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (world, change) = (Arc::clone(&world), Arc::clone(&shared));
                std::thread::spawn(move || attend(&stream, &world, &change));
            }
        });
        Self { api_base, change }
    }

    /// From now on.
    pub(crate) fn change(
        &self,
        change: impl Fn(&HttpRequest, &mut HttpResponse) + Send + Sync + 'static,
    ) {
        *self.change.lock().unwrap() = Arc::new(change);
    }
}

fn attend(stream: &TcpStream, world: &SharedWorld, change: &Mutex<Arc<Change>>) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read(&mut reader) else { return };
    let mut response = world.handle(&request);
    let change = Arc::clone(&change.lock().unwrap());
    change(&request, &mut response);
    let mut bytes = format!(
        "HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {}\r\n",
        response.status,
        response.body.len()
    );
    for (name, value) in &response.headers {
        bytes.extend([name, ": ", value, "\r\n"]);
    }
    bytes.push_str("\r\n");
    let mut writer = stream;
    // The client may hang up in the middle of an answer that is too long for it.
    let _unsent = writer.write_all(&[bytes.as_bytes(), &response.body].concat());
}

fn read(reader: &mut impl BufRead) -> Option<HttpRequest> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let mut request = HttpRequest::new(words.next()?, words.next()?);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        request = request.with_header(name, value.trim());
    }
    let length = request.header("content-length").and_then(|text| text.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
