//! A provider that is not the limit: canned answers over plain HTTP/1.1, one thread per connection.
//!
//! It knows just enough of the API to link accounts and to let them be read: token, institution, agreement, requisition
//! (linked at the first look), metadata, details, balances, transactions. A filter by date is ignored, as some
//! banks do, so that the same bytes can come again.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::data;

/// Accounts of a link.
pub(crate) const ACCOUNTS: u64 = 50;

/// Makes or looks up the transactions answer of an account.
type Source = dyn Fn(u64) -> Arc<Vec<u8>> + Send + Sync;

/// A running provider; it ends with the process.
#[derive(Clone)]
pub(crate) struct Provider {
    /// `http://127.0.0.1:PORT/api/v2/`
    pub(crate) base: String,
    shared: Arc<Shared>,
}

struct Shared {
    source: Box<Source>,
    links: AtomicU64,
    /// Transactions answers that were sent whole.
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    first_call: Mutex<Option<Instant>>,
}

impl Provider {
    /// Starts on a free port of this machine.
    pub(crate) fn start(source: impl Fn(u64) -> Arc<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}/api/v2/", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            source: Box::new(source),
            links: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            first_call: Mutex::new(None),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { base, shared }
    }

    /// Transactions answers sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Bytes of those answers.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.shared.sent_bytes.load(Ordering::SeqCst)
    }

    /// When an account was first asked for since this was last called.
    pub(crate) fn take_first_call(&self) -> Option<Instant> {
        self.shared.first_call.lock().expect("nobody panics").take()
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        stream.set_nodelay(true).unwrap_or_default();
        let mut reader = BufReader::new(stream);
        while let Some((method, path)) = request(&mut reader) {
            let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
            let path: Vec<&str> = path.split('/').skip(3).collect();
            let is_transactions = path.last() == Some(&"transactions");
            let body = self.answer(&method, &path);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let mut writer = stream;
            if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() {
                return;
            }
            if is_transactions {
                self.sent_bytes
                    .fetch_add(body.len().try_into().unwrap_or_default(), Ordering::SeqCst);
                self.sent.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn answer(&self, method: &str, path: &[&str]) -> Arc<Vec<u8>> {
        let text = match (method, path) {
            ("POST", ["token", ..]) => {
                r#"{"access":"a","access_expires":86400,"refresh":"r","refresh_expires":2592000}"#.to_owned()
            }
            (_, ["institutions", id]) => format!(
                r#"{{"id":"{id}","name":"Bench","countries":["DE"],"transaction_total_days":"730","max_access_valid_for_days":"180"}}"#
            ),
            (_, ["agreements", ..]) => {
                r#"{"id":"agreement","max_historical_days":90,"access_valid_for_days":180,"accepted":null}"#.to_owned()
            }
            ("POST", ["requisitions"]) => {
                let number = self.links.fetch_add(1, Ordering::SeqCst);
                format!(
                    r#"{{"id":"{number}","status":"CR","agreement":"agreement","accounts":[],"link":"https://bank.example/"}}"#
                )
            }
            (_, ["requisitions", number]) => requisition(number),
            (_, ["accounts", id, rest @ ..]) => {
                self.first_call.lock().expect("nobody panics").get_or_insert_with(Instant::now);
                let account = id.parse().unwrap_or_default();
                match rest {
                    [] => format!(
                        r#"{{"id":"{id}","status":"READY","institution_id":"BENCH","iban":"{}"}}"#,
                        data::iban(account)
                    ),
                    ["details"] => format!(
                        r#"{{"account":{{"iban":"{}","currency":"EUR","ownerName":"Erika Beispiel"}}}}"#,
                        data::iban(account)
                    ),
                    ["balances"] => r#"{"balances":[{"balanceAmount":{"amount":"1.00","currency":"EUR"},"balanceType":"interimBooked"}]}"#.to_owned(),
                    _ => return (self.source)(account),
                }
            }
            _ => "{}".to_owned(),
        };
        Arc::new(text.into_bytes())
    }
}

/// Accounts are numbers: of the first link from 0 on, of the next from [`ACCOUNTS`] on, and so forth.
fn requisition(number: &str) -> String {
    let first = number.parse::<u64>().unwrap_or_default() * ACCOUNTS;
    let accounts: Vec<String> =
        (first..first + ACCOUNTS).map(|account| format!("\"{account:06}\"")).collect();
    format!(
        r#"{{"id":"{number}","status":"LN","agreement":"agreement","accounts":[{}]}}"#,
        accounts.join(",")
    )
}

/// Method and path of the next request; its headers and body are of no interest.
fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    Some((method, path))
}
