//! The one way to make an HTTP client: it does what it is told, once, and nothing by itself.
//!
//! By default the library would follow redirects, repeat requests, honour proxy variables and wait for ever (reqwest 0.13,
//! read 2026-11): all of that is switched off or bounded here. Plain HTTP goes to this machine only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Certificate, Client, redirect, retry};

const USER_AGENT: &str = concat!("banksyncd/", env!("CARGO_PKG_VERSION"));
/// An idle connection is closed by us before the server would: a request sent into a closing one has no answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To connect.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// All together.
    pub total: Duration,
}

/// Makes a client: for https, or else for plain HTTP to a loopback address. `roots`: trust these and nobody else.
///
/// Reads the system's certificates, unless it is for plain HTTP. Like the programs that use OpenSSL it looks for them where
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` say, if they are set: whoever sets the environment of a daemon could as well set
/// its configuration.
///
/// # Errors
/// TLS or the resolver could not be set up.
pub fn client(
    https: bool,
    patience: Patience,
    roots: Option<Vec<Certificate>>,
) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(patience.connect)
        .read_timeout(patience.read)
        .timeout(patience.total)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy();
    let builder = if https {
        let builder = builder.https_only(true);
        match roots {
            Some(roots) => builder.tls_certs_only(roots),
            None => builder,
        }
    } else {
        // No TLS will happen, so that a machine without certificates can do it; and whatever a hosts file says, the
        // name means this machine.
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let addresses = loopback.map(|address| SocketAddr::new(address, 0));
        builder.tls_certs_only([]).resolve_to_addrs("localhost", &addresses)
    };
    builder.build().map_err(reqwest::Error::without_url)
}
