//! HTTPS against real TLS servers on loopback: what is not certain to be the provider gets no byte of a request.
//!
//! The certificates under `tests/fixtures/tls` were made for this (2026-11, openssl 3.0): one authority, and servers that it
//! signed for localhost, for another name and until 2020, and one that signed itself. They protect nothing.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::gocardless::Error;
use crate::model::failure::{EdgeFault, FailureClass, Rate};
use crate::model::secret::Secret;

const AUTHORITY: &[u8] = include_bytes!("../../tests/fixtures/tls/authority.pem");
const GOOD: &[u8] = include_bytes!("../../tests/fixtures/tls/good.pem");
const ELSEWHERE: &[u8] = include_bytes!("../../tests/fixtures/tls/elsewhere.pem");
const EXPIRED: &[u8] = include_bytes!("../../tests/fixtures/tls/expired.pem");
const SELF_SIGNED: &[u8] = include_bytes!("../../tests/fixtures/tls/selfsigned.pem");
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// What a listener heard: decrypted, or as it came where it speaks no TLS.
type Heard = Arc<Mutex<Vec<u8>>>;

/// Answers one connection after the other; without a certificate in the clear.
async fn server(certificate: Option<&'static [u8]>) -> (u16, Heard, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = certificate.map(|pem| {
        let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    #[expect(clippy::disallowed_methods, reason = "a server of a test")]
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4_096];
            if let Some(acceptor) = &acceptor {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let read = stream.read(&mut bytes).await.unwrap_or_default();
                told.lock().unwrap().extend_from_slice(&bytes[..read]);
                drop(stream.write_all(ANSWER).await);
                drop(stream.shutdown().await);
            } else {
                let read = stream.read(&mut bytes).await.unwrap_or_default();
                told.lock().unwrap().extend_from_slice(&bytes[..read]);
                drop(stream.write_all(ANSWER).await);
            }
        }
    });
    (port, heard, task)
}

fn limits() -> config::Http {
    config::Http { connect_timeout_s: 10, total_timeout_s: 30, body_limit_bytes: 1 << 20 }
}

/// One data call to `https://HOST:PORT/`, trusting the test's authority only.
async fn call(host: &str, port: u16) -> Result<Response, TransportError> {
    let roots = vec![Certificate::from_pem(AUTHORITY).unwrap()];
    let base = format!("https://{host}:{port}/api/v2/");
    let transport = HttpTransport::trusting(&base, &limits(), Some(roots)).unwrap();
    let request = Request {
        method: Method::Get,
        path: "accounts/marker/balances/".into(),
        bearer: Some(Secret::new("marker-token".into())),
        body: None,
    };
    transport.send(request).await
}

#[tokio::test]
async fn the_right_server_is_called() {
    let (port, heard, task) = server(Some(GOOD)).await;
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(call(host, port).await.unwrap().status, 200, "{host}");
    }
    let heard = String::from_utf8(heard.lock().unwrap().clone()).unwrap();
    assert_eq!(heard.matches("Bearer marker-token").count(), 2, "{heard}");
    task.abort();
}

#[tokio::test]
async fn any_other_server_gets_nothing() {
    let servers = [
        ("wrong name", Some(ELSEWHERE)),
        ("expired", Some(EXPIRED)),
        ("self-signed", Some(SELF_SIGNED)),
        ("no TLS at all", None),
    ];
    for (what, certificate) in servers {
        let (port, heard, task) = server(certificate).await;
        let error = call("localhost", port).await.unwrap_err();
        assert_eq!(error, TransportError::Unreachable, "{what}");
        let failure = Error::of_transport(error, true).into_failure(Rate::default(), None);
        assert_eq!(failure.class, FailureClass::Edge(EdgeFault::Unreachable), "{what}");
        assert!(!failure.counts, "{what}: it says nothing about the account");
        // One reservation at most is lost so: the outage that follows knocks with calls that cost nothing.
        assert!(!failure.releases_reservation(), "{what}: only an answer gives it back");
        let heard = String::from_utf8_lossy(&heard.lock().unwrap().clone()).into_owned();
        assert!(!heard.contains("marker") && !heard.contains("Bearer"), "{what}: {heard}");
        task.abort();
    }
}
