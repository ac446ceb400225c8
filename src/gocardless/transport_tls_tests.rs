//! HTTPS against real TLS servers on loopback: what is not certain to be the provider gets no byte of a request.

#[path = "../../tests/support/tls.rs"]
mod tls;

use super::*;
use crate::gocardless::Error;
use crate::gocardless::examine::{Unreached, Untrusted};
use crate::model::failure::{EdgeFault, FailureClass, Rate};
use crate::model::secret::Secret;
use tls::{ELSEWHERE, EXPIRED, GOOD, SELF_SIGNED, TlsServer};

const AUTHORITY: &[u8] = include_bytes!("../../tests/fixtures/tls/authority.pem");

fn limits() -> config::Http {
    config::Http { connect_timeout_s: 10, total_timeout_s: 30, body_limit_bytes: 1 << 20 }
}

/// One data call to `https://HOST:PORT/`, trusting the test's authority only.
async fn call(host: &str, port: u16) -> Result<Response, Trouble> {
    let roots = vec![Certificate::from_pem(AUTHORITY).unwrap()];
    let base = format!("https://{host}:{port}/api/v2/");
    let transport = HttpTransport::trusting(&base, &limits(), Some(roots)).unwrap();
    let request = Request {
        method: Method::Get,
        path: "accounts/marker/balances/".into(),
        bearer: Some(Secret::new("marker-token".into())),
        body: None,
    };
    transport.exchange(request).await
}

#[tokio::test]
async fn the_right_server_is_called() {
    let server = TlsServer::start(Some(GOOD));
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(call(host, server.port).await.unwrap().status, 200, "{host}");
    }
    let heard = server.heard();
    assert_eq!(heard.matches("Bearer marker-token").count(), 2, "{heard}");
}

#[tokio::test]
async fn any_other_server_gets_nothing() {
    let servers = [
        ("wrong name", Some(ELSEWHERE), Untrusted::Name),
        ("expired", Some(EXPIRED), Untrusted::Expired),
        ("self-signed", Some(SELF_SIGNED), Untrusted::Issuer),
        ("no TLS at all", None, Untrusted::NotTls),
    ];
    for (what, certificate, why) in servers {
        let server = TlsServer::start(certificate);
        let trouble = call("localhost", server.port).await.unwrap_err();
        assert_eq!(trouble.kind, TransportError::Unreachable, "{what}");
        assert_eq!(trouble.why, Some(Unreached::Untrusted(why)), "{what}");
        let failure = Error::of_transport(trouble.kind, true).into_failure(Rate::default(), None);
        assert_eq!(failure.class, FailureClass::Edge(EdgeFault::Unreachable), "{what}");
        assert!(!failure.counts, "{what}: it says nothing about the account");
        // One reservation at most is lost so: the outage that follows knocks with calls that cost nothing.
        assert!(!failure.releases_reservation(), "{what}: only an answer gives it back");
        let heard = server.heard();
        assert!(!heard.contains("marker") && !heard.contains("Bearer"), "{what}: {heard}");
    }
}
