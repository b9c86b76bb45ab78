//! TLS by rustls for tokio-postgres.

use std::{
    fs, io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::spawn_blocking,
};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{Connect, TlsConnector};

use super::options::{PostgresOptions, PostgresUrl};
use crate::StoreError;

/// What is trusted: the given authorities alone, else the public ones. The provider is named here and not installed: a
/// process-wide default is the binary's choice.
pub(super) async fn client_config(
    url: &PostgresUrl,
    options: &PostgresOptions,
) -> Result<Arc<ClientConfig>, StoreError> {
    let failed = |what: &str, error: &dyn ToString| StoreError::Io {
        what: what.to_owned(),
        error: io::Error::other(error.to_string()),
    };
    let pem = match (&options.roots_pem, &url.root_file) {
        (Some(pem), _) => Some(pem.clone()),
        (None, Some(path)) => Some(read(path.clone()).await?),
        (None, None) => None,
    };
    let mut roots = RootCertStore::empty();
    match pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                certificate
                    .map_err(|error| error.to_string())
                    .and_then(|root| roots.add(root).map_err(|error| error.to_string()))
                    .map_err(|error| failed("the certificate authorities", &error))?;
            }
            if roots.is_empty() {
                return Err(failed("the certificate authorities", &"there is none"));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("TLS", &error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Off the runtime: the file may be on a slow disk.
async fn read(path: PathBuf) -> Result<Vec<u8>, StoreError> {
    let what = path.display().to_string();
    let read = spawn_blocking(move || fs::read(path)).await;
    read.unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| StoreError::Io { what, error })
}

/// Gives each connection its handshake.
#[derive(Clone)]
pub(super) struct MakeTls(pub(super) Arc<ClientConfig>);

impl MakeTlsConnect<Socket> for MakeTls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, InvalidDnsNameError> {
        Ok(Handshake {
            connector: TlsConnector::from(Arc::clone(&self.0)),
            name: ServerName::try_from(host.to_owned())?,
        })
    }
}

/// One handshake to come.
pub(super) struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Handshaking;

    fn connect(self, socket: Socket) -> Handshaking {
        Handshaking(Box::new(self.connector.connect(self.name, socket)))
    }
}

/// A handshake under way.
pub(super) struct Handshaking(Box<Connect<Socket>>);

impl Future for Handshaking {
    type Output = io::Result<Stream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Pin::new(&mut *self.0)
            .poll(cx)
            .map_ok(|stream| Stream(Box::new(stream)))
    }
}

/// An encrypted connection.
pub(super) struct Stream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl TlsStream for Stream {
    /// None: the certificate is always verified, which is what the binding would be for.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
