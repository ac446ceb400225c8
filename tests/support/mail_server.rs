//! A mail server (RFC 5321) that takes every mail of whoever logs in, with TLS from the beginning, after a command, or none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use crate::tls::{GOOD, server_config};

/// A mail as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    /// Whether it came over TLS.
    pub(crate) secret: bool,
    /// What the client logged in with, as it was sent: base64 of `\0user\0password`.
    pub(crate) login: Option<String>,
    /// What is between `<` and `>` of `MAIL FROM`.
    pub(crate) from: String,
    /// The same of each `RCPT TO`.
    pub(crate) to: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
}

/// How the server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Tls,
    StartTls,
    Plain,
}

/// A running server; it ends with the process.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl MailServer {
    pub(crate) fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mails = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, speaks, &mails));
            }
        });
        Self { port, mails }
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

fn secured(stream: TcpStream) -> Box<dyn Stream> {
    let config = server_config(GOOD);
    Box::new(StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream))
}

fn serve(stream: TcpStream, speaks: Speaks, mails: &Mutex<Vec<Mail>>) {
    let raw = stream.try_clone().unwrap();
    let begin: Box<dyn Stream> =
        if speaks == Speaks::Tls { secured(stream) } else { Box::new(stream) };
    // Whoever hangs up has no more mails.
    let _gone = talk(begin, speaks, Some(raw), true, mails);
}

/// One session; after `STARTTLS` it begins anew over TLS.
fn talk(
    stream: Box<dyn Stream>,
    speaks: Speaks,
    raw: Option<TcpStream>,
    greet: bool,
    mails: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.get_mut().write_all(b"220 test ESMTP\r\n")?;
    }
    let secret = speaks == Speaks::Tls || !greet;
    let mut mail = Mail { secret, ..Mail::default() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match word.as_str() {
            "EHLO" if speaks == Speaks::StartTls && !secret => b"250-test\r\n250 STARTTLS\r\n",
            "EHLO" => b"250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" => {
                stream.get_mut().write_all(b"220 go on\r\n")?;
                return talk(secured(raw.unwrap()), speaks, None, false, mails);
            }
            "AUTH" => {
                mail.login = line.strip_prefix("AUTH PLAIN ").map(str::to_owned);
                b"235 welcome\r\n"
            }
            "MAIL" => {
                mail.from = address();
                b"250 fine\r\n"
            }
            "RCPT" => {
                mail.to.push(address());
                b"250 fine\r\n"
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n")?;
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.text.push_str(&line);
                }
                mails.lock().unwrap().push(mail.clone());
                b"250 taken\r\n"
            }
            "QUIT" => {
                stream.get_mut().write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => b"500 what\r\n",
        };
        stream.get_mut().write_all(answer)?;
    }
}
