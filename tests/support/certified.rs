//! The certificate of a good server on loopback, and how such a server speaks TLS.

use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// For localhost, signed by `tests/fixtures/tls/authority.pem`.
pub(crate) const GOOD: &[u8] = include_bytes!("../fixtures/tls/good.pem");

/// How a server with this certificate speaks.
pub(crate) fn server_config(pem: &[u8]) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_slice(pem).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}
