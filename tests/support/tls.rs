//! A server that speaks TLS on loopback, with any certificate, or in the clear. It answers everything with `{}`.
//!
//! The certificates under `tests/fixtures/tls` were made for this (2026-11, openssl 3.0): one authority, and servers that it
//! signed for localhost, for another name and until 2020, and one that signed itself. They protect nothing.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

#[path = "certified.rs"]
mod certified;

pub(crate) use certified::{GOOD, server_config};

/// For another name.
pub(crate) const ELSEWHERE: &[u8] = include_bytes!("../fixtures/tls/elsewhere.pem");
/// Until 2020.
pub(crate) const EXPIRED: &[u8] = include_bytes!("../fixtures/tls/expired.pem");
/// By itself.
pub(crate) const SELF_SIGNED: &[u8] = include_bytes!("../fixtures/tls/selfsigned.pem");

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// A server until it is dropped.
pub(crate) struct TlsServer {
    /// On 127.0.0.1.
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl TlsServer {
    /// Answers one connection after the other; without a certificate in the clear.
    pub(crate) fn start(certificate: Option<&'static [u8]>) -> Self {
        let acceptor = certificate.map(|pem| TlsAcceptor::from(Arc::new(server_config(pem))));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let (tell_port, port) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell_port.send(listener.local_addr().unwrap().port()).unwrap();
                let serve = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        answer(stream, acceptor.as_ref(), &told).await;
                    }
                };
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port: port.recv().unwrap(), heard, running: Some((stop, thread)) }
    }

    /// Everything that was said to it: decrypted, or as it came where it speaks no TLS.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // It may have ended by itself.
            let _ended = stop.send(());
            let _panicked = thread.join();
        }
    }
}

async fn answer(mut stream: TcpStream, tls: Option<&TlsAcceptor>, heard: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4_096];
    if let Some(acceptor) = tls {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let read = stream.read(&mut bytes).await.unwrap_or_default();
        heard.lock().unwrap().extend_from_slice(&bytes[..read]);
        drop(stream.write_all(ANSWER).await);
        drop(stream.shutdown().await);
    } else {
        let read = stream.read(&mut bytes).await.unwrap_or_default();
        heard.lock().unwrap().extend_from_slice(&bytes[..read]);
        drop(stream.write_all(ANSWER).await);
    }
}
