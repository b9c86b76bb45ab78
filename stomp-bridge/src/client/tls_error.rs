//! What can go wrong with TLS, and what an operator can do about it.

use rustls::{AlertDescription as Alert, CertificateError, Error as Rustls};
use std::io;
use thiserror::Error;

/// Why there is no TLS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text holds no certificate, or a broken one.
    #[error("no readable certificate in the PEM text: {0}")]
    Pem(String),
    /// A certificate cannot be a root.
    #[error("a certificate cannot be used as a root: {0}")]
    Root(String),
    /// The client's key cannot be read, or does not belong to its certificate.
    #[error("the client's certificate and key cannot be used: {0}")]
    Identity(String),
    /// The host of the URL is no name that a certificate can have.
    #[error("{0:?} is not a host name that TLS can check")]
    ServerName(String),
    /// Nobody that we trust signed the server's certificate.
    #[error("TLS: the server's certificate is signed by nobody that is trusted here")]
    UntrustedIssuer,
    /// The server's certificate is for another name.
    #[error("TLS: the server's certificate is not valid for {host}")]
    WrongName {
        /// The host of the URL.
        host: String,
    },
    /// The server's certificate has expired or is not valid yet.
    #[error("TLS: the server's certificate is outside its time of validity")]
    OutsideValidity,
    /// The server asks for a client's certificate and got none.
    #[error("TLS: the server asks for a client certificate")]
    ClientCertificateWanted,
    /// The server refuses our certificate, or us.
    #[error("TLS: the server refuses us: {alert}")]
    RefusedByServer {
        /// Its alert, in the words of RFC 8446.
        alert: String,
    },
    /// The handshake failed in another way; the text says why (a peer that does not speak TLS, no
    /// version or cipher in common).
    #[error("TLS handshake failed: {0}")]
    Handshake(String),
}

impl TlsError {
    /// What may mend it: one line for an operator.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Pem(_) | Self::Root(_) => "give a PEM file with the CA's certificate",
            Self::Identity(_) => "give the chain in PEM, own certificate first, and its key",
            Self::ServerName(_) | Self::WrongName { .. } => {
                "use the host name that stands in the server's certificate"
            }
            Self::UntrustedIssuer => "add the authority that signed it to the trusted roots",
            Self::OutsideValidity => "renew the server's certificate; check both clocks",
            Self::ClientCertificateWanted => "configure a client certificate and its key",
            Self::RefusedByServer { .. } => {
                "give a client certificate that the server's authority signed; see its log"
            }
            Self::Handshake(_) => "the port may not speak TLS: check scheme and port",
        }
    }

    /// The TLS fault behind an I/O error, if one is.
    pub(crate) fn behind(error: &io::Error, host: &str) -> Option<Self> {
        let inner = error.get_ref()?.downcast_ref::<Rustls>()?;
        Some(match inner {
            Rustls::InvalidCertificate(invalid) => Self::certificate(invalid, host),
            Rustls::AlertReceived(Alert::CertificateRequired | Alert::NoCertificate) => {
                Self::ClientCertificateWanted
            }
            Rustls::AlertReceived(
                alert @ (Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError),
            ) => Self::RefusedByServer {
                alert: format!("{alert:?}"),
            },
            other => Self::Handshake(other.to_string()),
        })
    }

    fn certificate(invalid: &CertificateError, host: &str) -> Self {
        use CertificateError as C;
        match invalid {
            C::UnknownIssuer => Self::UntrustedIssuer,
            C::NotValidForName | C::NotValidForNameContext { .. } => Self::WrongName {
                host: host.to_owned(),
            },
            C::Expired
            | C::ExpiredContext { .. }
            | C::NotValidYet
            | C::NotValidYetContext { .. } => Self::OutsideValidity,
            other => Self::Handshake(other.to_string()),
        }
    }
}
