//! TLS: whose signature counts, and what we show ourselves.

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult, TlsCertificates};
use rustls::{
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};

/// What was said about certificates, all in PEM.
#[derive(Clone, Default)]
pub(super) struct Tls {
    pub(super) roots: Option<Vec<u8>>,
    /// The certificate and its key.
    pub(super) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    pub(super) fn client(self, info: ConnectionInfo) -> RedisResult<Client> {
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Client::open(info);
        }
        // Without a certificate in it the library would trust nobody, and say so only when it connects.
        if self.roots.as_ref().is_some_and(|pem| CertificateDer::pem_slice_iter(pem).next().is_none()) {
            return Err((ErrorKind::InvalidClientConfig, "the root certificates have no certificate in PEM").into());
        }
        // Where a program compiles several of them in, rustls panics unless one is chosen. Whoever has chosen one is left with it.
        if CryptoProvider::get_default().is_none() {
            ring::default_provider().install_default().ok();
        }
        let client_tls = self.client.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        Client::build_with_tls(info, TlsCertificates { client_tls, root_cert: self.roots })
    }
}
