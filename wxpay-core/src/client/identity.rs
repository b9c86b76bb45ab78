//! The merchant's client certificate with its key.

use core::{fmt, time::Duration};
use std::{string::String, time::SystemTime, vec::Vec};

use base64::{Engine, prelude::BASE64_STANDARD};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::{BeijingTime, MchId};

/// The merchant's client certificate with its private key, which endpoints such as refund and reverse demand.
///
/// The merchant's portal gives it twice: as `apiclient_cert.p12`, and as the pair `apiclient_cert.pem` and
/// `apiclient_key.pem`. Either does. Nothing shows the key: `Debug` prints the number of certificates, and no error holds a
/// byte of it. This type overwrites its copy when it is dropped; the TLS stack has one of its own.
#[derive(Clone)]
pub struct Identity {
    /// The merchant's own certificate first.
    chain: Vec<CertificateDer<'static>>,
    key_pem: Zeroizing<String>,
}

impl Identity {
    /// Reads `apiclient_cert.pem` and `apiclient_key.pem`. The key is PKCS#8, PKCS#1 or SEC1, without a passphrase.
    ///
    /// # Errors
    /// [`IdentityError`]. Whether the two belong together is checked when the client is built.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| IdentityError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::NoKey)?;
        let label = match &key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        Self::new(chain, pem(label, key.secret_der()))
    }

    /// Reads `apiclient_cert.p12`, whose password is the merchant's number unless somebody changed it.
    ///
    /// ```no_run
    /// use wxpay_core::client::Identity;
    ///
    /// let identity = Identity::from_p12(&std::fs::read("apiclient_cert.p12")?, &"1900000109".parse()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_p12(archive: &[u8], mch_id: &MchId) -> Result<Self, IdentityError> {
        Self::from_p12_with_password(archive, mch_id.as_str())
    }

    /// Reads a PKCS#12 archive with a password of its own.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_p12_with_password(archive: &[u8], password: &str) -> Result<Self, IdentityError> {
        use p12_keystore::error::Error;

        let store = KeyStore::from_pkcs12(archive, password, Pkcs12ImportPolicy::Strict).map_err(
            |error| match error {
                Error::MacError(_) => IdentityError::Password,
                Error::UnsupportedContentType
                | Error::UnsupportedCertificateType
                | Error::UnsupportedEncryptionScheme
                | Error::UnsupportedMacAlgorithm => IdentityError::Unsupported,
                _ => IdentityError::NotAnArchive,
            },
        )?;
        let (_, chain) = store.private_key_chain().ok_or(IdentityError::NoKey)?;
        let certificates = chain
            .certs()
            .iter()
            .map(|certificate| CertificateDer::from(certificate.as_der().to_vec()))
            .collect();
        Self::new(certificates, pem("PRIVATE KEY", chain.key().as_der()))
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key_pem: Zeroizing<String>,
    ) -> Result<Self, IdentityError> {
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        Ok(Self { chain, key_pem })
    }

    /// When the certificate expires.
    ///
    /// # Errors
    /// [`IdentityError::NoCertificate`] when it cannot be read.
    pub fn not_after(&self) -> Result<BeijingTime, IdentityError> {
        Ok(self.validity()?.1)
    }

    fn validity(&self) -> Result<(BeijingTime, BeijingTime), IdentityError> {
        let (_, certificate) = x509_parser::parse_x509_certificate(&self.chain[0])
            .map_err(|_| IdentityError::NoCertificate)?;
        let validity = certificate.validity();
        let moment = |time: x509_parser::time::ASN1Time| {
            BeijingTime::from_unix_seconds(time.timestamp())
                .map_err(|_| IdentityError::NoCertificate)
        };
        Ok((moment(validity.not_before)?, moment(validity.not_after)?))
    }

    /// The merchant that the certificate was given to: the gateway's name it by its number. Another authority's, of a
    /// simulator for example, may have any name.
    fn merchant(&self) -> Option<MchId> {
        let (_, certificate) = x509_parser::parse_x509_certificate(&self.chain[0]).ok()?;
        let name = certificate.subject().iter_common_name().next()?;
        let name = name.as_str().ok()?;
        name.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(())?;
        name.parse().ok()
    }

    /// Checks that the certificate is the merchant's and valid now, and that the key is its own.
    pub(super) fn check(
        &self,
        now: SystemTime,
        provider: &CryptoProvider,
        mch_id: &MchId,
    ) -> Result<(), IdentityError> {
        if let Some(other) = self.merchant()
            && other != *mch_id
        {
            return Err(IdentityError::OtherMerchant {
                certificate: other,
                account: mch_id.clone(),
            });
        }
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let (not_before, not_after) = self.validity()?;
        if not_after.unix_seconds() < now {
            return Err(IdentityError::Expired { not_after });
        }
        if not_before.unix_seconds() > now {
            return Err(IdentityError::NotYetValid { not_before });
        }
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())
            .map_err(|_| IdentityError::NoKey)?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| IdentityError::UnusableKey)?;
        match CertifiedKey::new(self.chain.clone(), key).keys_match() {
            // Not every provider can tell.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(())
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::OtherKey),
            Err(_) => Err(IdentityError::NoCertificate),
        }
    }

    /// The same for the HTTP stack, which takes one text with key and certificates.
    pub(super) fn for_http(&self) -> reqwest::Result<reqwest::Identity> {
        let mut all = self.key_pem.clone();
        for certificate in &self.chain {
            all.push_str(&pem("CERTIFICATE", certificate));
        }
        reqwest::Identity::from_pem(all.as_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates, …)", self.chain.len())
    }
}

/// PEM with lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Room for all, so that no copy of a key is left behind by growing.
    let encoded_len = der.len().div_ceil(3) * 4;
    let mut text = Zeroizing::new(String::with_capacity(encoded_len * 2 + 128));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    // 48 bytes make 64 characters.
    for line in der.chunks(48) {
        BASE64_STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Why a certificate with its key cannot be used. It never holds a byte of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no certificate, or one that cannot be read.
    #[error("there is no client certificate that can be read")]
    NoCertificate,
    /// There is no private key, or one that cannot be read, such as one with a passphrase.
    #[error("there is no private key that can be read; it must have no passphrase")]
    NoKey,
    /// The bytes are no PKCS#12 archive, or a damaged one.
    #[error("the bytes are no PKCS#12 archive that can be read")]
    NotAnArchive,
    /// The archive's password is another one. The merchant's number is what it is made with.
    #[error("the password does not open the PKCS#12 archive; it is the merchant's number")]
    Password,
    /// The archive uses an algorithm that is not known here.
    #[error("the PKCS#12 archive uses an algorithm that is not supported")]
    Unsupported,
    /// The private key is of a kind that TLS cannot sign with.
    #[error("the private key is of a kind that cannot be used for TLS")]
    UnusableKey,
    /// The certificate is another merchant's than the account.
    #[error(
        "the client certificate is merchant {certificate}'s, and the account is merchant {account}'s"
    )]
    OtherMerchant {
        /// The merchant whose certificate it is.
        certificate: MchId,
        /// The account's merchant.
        account: MchId,
    },
    /// The private key is another certificate's.
    #[error("the private key is not the client certificate's")]
    OtherKey,
    /// The certificate is no longer valid.
    #[error("the client certificate expired on {}", not_after.rfc3339())]
    Expired {
        /// Its last second.
        not_after: BeijingTime,
    },
    /// The certificate is not valid yet; perhaps the machine's clock is wrong.
    #[error("the client certificate is not valid before {}", not_before.rfc3339())]
    NotYetValid {
        /// Its first second.
        not_before: BeijingTime,
    },
}
