//! TLS with the platform's root certificates and an operator's own authorities; certificates are
//! always verified.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ClientError, Stream};
use crate::storage;

/// Makes TLS connections. Root certificates are read on first use, so that a process that needs
/// none does not wait for them.
#[derive(Default)]
pub struct Tls {
    authorities: Vec<PathBuf>,
    connector: OnceLock<Result<TlsConnector, String>>,
}

impl Tls {
    /// Trusts the platform's roots and the certificates in these PEM files.
    #[must_use]
    pub fn new(authorities: Vec<PathBuf>) -> Self {
        Self {
            authorities,
            connector: OnceLock::new(),
        }
    }

    /// Performs the TLS handshake over a stream; the certificate must be for `host`.
    ///
    /// # Errors
    /// Fails if the roots cannot be read, or the peer does not prove to be `host`.
    pub async fn connect(
        &self,
        host: &str,
        stream: Box<dyn Stream>,
    ) -> Result<TlsStream<Box<dyn Stream>>, ClientError> {
        let connector = self
            .connector
            .get_or_init(|| self.build())
            .clone()
            .map_err(ClientError::Roots)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|error| ClientError::Roots(error.to_string()))?;
        connector
            .connect(name, stream)
            .await
            .map_err(ClientError::Tls)
    }

    fn build(&self) -> Result<TlsConnector, String> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!("a root certificate of this system cannot be read: {error}");
        }
        roots.add_parsable_certificates(native.certs);
        for path in &self.authorities {
            let unreadable =
                |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
            let pem = storage::read_trusted(path).map_err(|error| error.to_string())?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
        }
        if roots.is_empty() {
            return Err("no root certificate was found: install the system's CA certificates or name a file as `ca-file`".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
