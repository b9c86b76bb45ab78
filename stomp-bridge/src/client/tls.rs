//! TLS of our own: async-stomp's takes no roots and panics beside a second provider.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Certificate authorities to trust besides the public ones.
#[derive(Clone, Default)]
pub struct ExtraRoots(Vec<CertificateDer<'static>>);

/// Why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text holds no certificate, or a broken one.
    #[error("no readable certificate in the PEM text: {0}")]
    Pem(String),
    /// A certificate cannot be a root.
    #[error("a certificate cannot be used as a root: {0}")]
    Root(String),
    /// The host of the URL is no name that a certificate can have.
    #[error("{0:?} is not a host name that TLS can check")]
    ServerName(String),
    /// The handshake failed; the text says why (an untrusted issuer, a wrong name, an expired
    /// certificate, a peer that does not speak TLS).
    #[error("TLS handshake failed: {0}")]
    Handshake(String),
}

impl TlsError {
    /// What may mend it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Pem(_) | Self::Root(_) => "give a PEM file with a CA certificate",
            Self::ServerName(_) => "use a host name that the server's certificate has",
            Self::Handshake(_) => {
                "check the port, and add the authority that signed the server's certificate"
            }
        }
    }
}

impl ExtraRoots {
    /// Adds every certificate of a PEM text.
    ///
    /// # Errors
    /// [`TlsError::Pem`] when there is none or one cannot be read.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|e| TlsError::Pem(e.to_string()))?;
        if found.is_empty() {
            return Err(TlsError::Pem("there is none".to_owned()));
        }
        self.0.extend(found);
        Ok(())
    }

    /// Adds one certificate in DER.
    pub fn add_der(&mut self, der: impl Into<Vec<u8>>) {
        self.0.push(CertificateDer::from(der.into()));
    }
}

impl fmt::Debug for ExtraRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtraRoots({} certificates)", self.0.len())
    }
}

/// The provider is named here and not installed: a process-wide default is the binary's choice.
pub(crate) fn client_config(extra: &ExtraRoots) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in &extra.0 {
        roots
            .add(root.clone())
            .map_err(|e| TlsError::Root(e.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError::Handshake(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
