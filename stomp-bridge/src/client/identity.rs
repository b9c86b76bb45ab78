//! Who we are to a server that asks for a certificate.

use super::tls_error::TlsError;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A client's certificate with its chain and key. The key lives in the TLS library's memory only;
/// what it was read from is wiped. `Debug` does not show it.
#[derive(Clone)]
pub struct ClientIdentity(Arc<CertifiedKey>);

impl ClientIdentity {
    /// From PEM texts: the chain, own certificate first, and the key (PKCS#8, PKCS#1 or SEC1, not
    /// encrypted). Both may be one text. The caller wipes its own copy of the key.
    ///
    /// # Errors
    /// [`TlsError::Pem`] without a readable certificate; [`TlsError::Identity`] without a readable
    /// key, or with one that is another certificate's.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let unusable = |e: &dyn fmt::Display| TlsError::Identity(e.to_string());
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| unusable(&e))?;
        let key = Zeroizing::new(key);
        let signing = any_supported_type(&key).map_err(|e| unusable(&e))?;
        let certified = CertifiedKey::new(chain, signing);
        certified.keys_match().map_err(|e| unusable(&e))?;
        Ok(Self(Arc::new(certified)))
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({} certificates)", self.0.cert.len())
    }
}

/// Every certificate of a PEM text, of which there must be one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Pem(e.to_string()))?;
    if found.is_empty() {
        return Err(TlsError::Pem("there is none".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn chain_and_key_belong_together_and_the_key_is_not_shown() {
        let (chain, key) = made();
        let identity = ClientIdentity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "ClientIdentity(1 certificates)");
        let both = chain.clone() + &key;
        assert!(ClientIdentity::from_pem(both.as_bytes(), both.as_bytes()).is_ok());

        let (_, other_key) = made();
        for wrong in [other_key.as_bytes(), chain.as_bytes(), b""] {
            let error = ClientIdentity::from_pem(chain.as_bytes(), wrong).unwrap_err();
            assert!(matches!(error, TlsError::Identity(_)), "{error}");
        }
        let error = ClientIdentity::from_pem(b"", key.as_bytes()).unwrap_err();
        assert!(matches!(error, TlsError::Pem(_)), "{error}");
    }
}
