//! A TLS server in front of a plain one, with an authority of its own.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::sync::Arc;
use stomp_bridge::client::{ClientIdentity, ConnectOptions, ExtraRoots};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An authority that signs.
pub struct Authority {
    pub pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

pub struct Signed {
    pub chain_pem: String,
    pub key: KeyPair,
    der: Vec<u8>,
}

impl Authority {
    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let own = params.self_signed(&key).unwrap();
        Self {
            pem: own.pem(),
            der: own.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    pub fn sign(&self, name: &str) -> Signed {
        self.sign_until(name, 2999)
    }

    pub fn expired(&self, name: &str) -> Signed {
        self.sign_until(name, 2001)
    }

    fn sign_until(&self, name: &str, year: i32) -> Signed {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Signed {
            chain_pem: signed.pem(),
            der: signed.der().to_vec(),
            key,
        }
    }

    pub fn trusted(&self) -> ConnectOptions {
        let mut extra_roots = ExtraRoots::default();
        extra_roots.add_pem(self.pem.as_bytes()).unwrap();
        ConnectOptions {
            extra_roots,
            ..ConnectOptions::default()
        }
    }
}

impl Signed {
    pub fn identity(&self) -> ClientIdentity {
        let key = self.key.serialize_pem();
        ClientIdentity::from_pem(self.chain_pem.as_bytes(), key.as_bytes()).unwrap()
    }
}

/// Who may connect.
pub enum Clients<'a> {
    Any,
    SignedBy(&'a Authority),
}

pub struct TlsFront {
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl TlsFront {
    pub async fn before(
        behind: SocketAddr,
        server: &Signed,
        clients: Clients<'_>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let config = match clients {
            Clients::Any => config.with_no_client_auth(),
            Clients::SignedBy(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der.clone().into()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = config.with_single_cert(vec![server.der.clone().into()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(acceptor.clone(), tcp, behind));
            }
        });
        Self { addr, task }
    }
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, behind: SocketAddr) {
    match acceptor.accept(tcp).into_fallible().await {
        Ok(mut tls) => {
            let mut plain = TcpStream::connect(behind).await.unwrap();
            copy_bidirectional(&mut tls, &mut plain).await.ok();
        }
        // The client leaves, or reads why it must: a close now could overtake the alert.
        Err((_, mut tcp)) => {
            let mut rest = Vec::new();
            tcp.read_to_end(&mut rest).await.ok();
        }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}
