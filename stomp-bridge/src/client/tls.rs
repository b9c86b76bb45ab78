//! TLS of our own: async-stomp's takes no roots and panics beside a second provider.

use super::identity::{ClientIdentity, certificates};
use super::tls_error::TlsError;
use rustls::pki_types::CertificateDer;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;

/// Certificate authorities to trust besides the public ones.
#[derive(Clone, Default)]
pub struct ExtraRoots(Vec<CertificateDer<'static>>);

impl ExtraRoots {
    /// Adds every certificate of a PEM text.
    ///
    /// # Errors
    /// [`TlsError::Pem`] when there is none or one cannot be read.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        self.0.extend(certificates(pem)?);
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
pub(crate) fn client_config(
    extra: &ExtraRoots,
    identity: Option<&ClientIdentity>,
) -> Result<Arc<ClientConfig>, TlsError> {
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
        .with_root_certificates(roots);
    Ok(Arc::new(match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let certified = SingleCertAndKey::from(identity.certified());
            config.with_client_cert_resolver(Arc::new(certified))
        }
    }))
}
