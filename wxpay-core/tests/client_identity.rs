//! The client certificate: from PEM and PKCS#12, against a server that demands one.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::{net::SocketAddr, sync::Arc};

use client_support::{HMAC, Server, builder, not_paid, respond, response, success};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use wxpay_core::{
    Account,
    api::{OrderRef, Reverse},
    client::{BuildError, CallError, Client, Identity, IdentityError, Outcome},
};

const P12: &[u8] = include_bytes!("data/identity/apiclient_cert.p12");
const MODERN_P12: &[u8] = include_bytes!("data/identity/modern.p12");
const CERT_PEM: &[u8] = include_bytes!("data/identity/apiclient_cert.pem");
const KEY_PEM: &[u8] = include_bytes!("data/identity/apiclient_key.pem");
const AUTHORITY_PEM: &[u8] = include_bytes!("data/identity/authority.pem");
const MCH_ID: &str = "1473426802";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    named_authority("Test authority")
}

fn named_authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client certificate of an authority, with its key.
fn merchant(authority: &Authority) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new([]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn reverse() -> Reverse {
    Reverse {
        by: OrderRef::OutTradeNo("T20260101000001".parse().unwrap()),
    }
}

/// Demands client certificates of an authority over TLS; answers one call on each connection.
struct TlsServer {
    addr: SocketAddr,
    root_pem: String,
    task: JoinHandle<()>,
}

impl TlsServer {
    async fn start(
        clients: RootCertStore,
        version: &'static rustls::SupportedProtocolVersion,
        answer: String,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let root = authority();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &root)
            .unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(clients))
            .build()
            .unwrap();
        let config = ServerConfig::builder_with_protocol_versions(&[version])
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client without a certificate fails here.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                while !request.ends_with(b"</xml>") {
                    if stream.read_buf(&mut request).await.unwrap() == 0 {
                        break;
                    }
                }
                stream
                    .write_all(&response("200 OK", answer.as_bytes()))
                    .await
                    .unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self {
            addr,
            root_pem: root.pem(),
            task,
        }
    }

    fn client(&self, identity: Option<Identity>) -> Client {
        let mut builder = builder()
            .base_url(format!("https://{}", self.addr))
            .only_roots_pem(self.root_pem.as_bytes());
        if let Some(identity) = identity {
            builder = builder.identity(identity);
        }
        builder.build().unwrap()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Roots that hold one authority.
fn roots(certificate: rustls::pki_types::CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    roots
}

fn reversed() -> String {
    success(&[("recall", "N")])
}

#[tokio::test]
async fn a_certificate_from_pem_is_shown() {
    for version in [&TLS12, &TLS13] {
        let authority = authority();
        let (certificate, key) = merchant(&authority);
        let server = TlsServer::start(roots(authority.der().clone()), version, reversed()).await;
        let identity =
            Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
                .unwrap();
        let answer = server.client(Some(identity)).call(&reverse(), HMAC).await;
        assert!(!answer.unwrap().recall);
    }
}

#[tokio::test]
async fn a_certificate_from_p12_is_shown() {
    let clients = roots(rustls::pki_types::CertificateDer::from_pem_slice(AUTHORITY_PEM).unwrap());
    let server = TlsServer::start(clients, &TLS13, reversed()).await;
    for archive in [P12, MODERN_P12] {
        let identity = Identity::from_p12(archive, &MCH_ID.parse().unwrap()).unwrap();
        let answer = server.client(Some(identity)).call(&reverse(), HMAC).await;
        assert!(!answer.unwrap().recall);
    }
    // The same merchant's, from the other pair of files.
    let identity = Identity::from_pem(CERT_PEM, KEY_PEM).unwrap();
    let answer = server.client(Some(identity)).call(&reverse(), HMAC).await;
    assert!(!answer.unwrap().recall);
}

#[tokio::test]
async fn a_fresh_p12_works_like_the_merchants() {
    let authority = authority();
    let (certificate, key) = merchant(&authority);
    let chain = PrivateKeyChain::new(
        b"1".as_slice(),
        PrivateKey::from_der(&key.serialize_der()).unwrap(),
        [
            Certificate::from_der(certificate.der()).unwrap(),
            Certificate::from_der(authority.der()).unwrap(),
        ],
    );
    let mut store = KeyStore::new();
    store.add_entry("Tenpay Certificate", KeyStoreEntry::PrivateKeyChain(chain));
    let archive = store.writer(MCH_ID).write().unwrap();
    let identity = Identity::from_p12(&archive, &MCH_ID.parse().unwrap()).unwrap();
    let server = TlsServer::start(roots(authority.der().clone()), &TLS12, reversed()).await;
    let answer = server.client(Some(identity)).call(&reverse(), HMAC).await;
    assert!(!answer.unwrap().recall);
}

#[tokio::test]
async fn a_certificate_that_the_gateway_does_not_take_is_named() {
    for version in [&TLS12, &TLS13] {
        let own = authority();
        let (certificate, key) = merchant(&own);
        let identity =
            Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
                .unwrap();
        let other = roots(named_authority("Another authority").der().clone());
        let server = TlsServer::start(other, version, reversed()).await;
        let error = server
            .client(Some(identity))
            .call(&reverse(), HMAC)
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::CertificateDemanded), "{error:?}");
    }
}

#[tokio::test]
async fn without_an_identity_nothing_is_sent() {
    let server = TlsServer::start(roots(authority().der().clone()), &TLS13, reversed()).await;
    let client = server.client(None);
    let error = client.call(&reverse(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::NoCertificate), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[tokio::test]
async fn other_endpoints_do_not_show_it() {
    // The server takes nobody without a certificate, so a query, which shows none, is turned away.
    let clients = roots(rustls::pki_types::CertificateDer::from_pem_slice(AUTHORITY_PEM).unwrap());
    let server = TlsServer::start(clients, &TLS13, not_paid()).await;
    let identity = Identity::from_pem(CERT_PEM, KEY_PEM).unwrap();
    let error = server
        .client(Some(identity))
        .call(&client_support::query(), HMAC)
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::CertificateDemanded), "{error:?}");
}

#[tokio::test]
async fn the_page_that_demands_a_certificate_is_named() {
    let page =
        "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n</html>";
    let server = Server::start(1, respond("400 Bad Request", page));
    let error = server
        .client()
        .call(&client_support::query(), HMAC)
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::CertificateDemanded), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    server.stop().await;
}

#[tokio::test]
async fn a_simulator_without_tls_needs_none_if_that_is_said() {
    let server = Server::start(1, respond("200 OK", &reversed()));
    let client = builder()
        .base_url(server.url())
        .plain_http_without_identity()
        .build()
        .unwrap();
    assert!(!client.call(&reverse(), HMAC).await.unwrap().recall);
    server.stop().await;
    // Over TLS it stays a demand.
    let client = builder()
        .base_url("https://127.0.0.1:9")
        .only_roots_pem(AUTHORITY_PEM)
        .plain_http_without_identity()
        .build()
        .unwrap();
    let error = client.call(&reverse(), HMAC).await.unwrap_err();
    assert!(matches!(error, CallError::NoCertificate), "{error:?}");
}

/// Why no client is built with an identity.
fn refused(identity: Identity) -> IdentityError {
    match builder().identity(identity).build() {
        Err(BuildError::Identity(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (certificate, _) = merchant(&authority());
    let identity = Identity::from_pem(certificate.pem().as_bytes(), KEY_PEM).unwrap();
    assert_eq!(refused(identity), IdentityError::OtherKey);
}

#[test]
fn a_certificate_of_another_merchant_is_refused() {
    let named = |name: &str| {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority()).unwrap();
        Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    };
    assert_eq!(
        refused(named("1900000109")).to_string(),
        "the client certificate is merchant 1900000109's, and the account is merchant 1473426802's"
    );
    // The account's own; and a name that is no merchant's number says nothing.
    for name in [MCH_ID, "a simulator", "1900000109 "] {
        builder().identity(named(name)).build().unwrap();
    }
    // From the other file, to an account that is not its own.
    let other = Account::new(
        "wx8397f8696b538317".parse().unwrap(),
        "1900000109".parse().unwrap(),
        common::seed_key(),
    );
    let identity = Identity::from_p12(P12, &MCH_ID.parse().unwrap()).unwrap();
    let result = Client::builder(other).identity(identity).build();
    assert!(
        matches!(
            result,
            Err(BuildError::Identity(IdentityError::OtherMerchant { .. }))
        ),
        "{result:?}"
    );
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    let identity = |params: &CertificateParams| {
        let certificate = params.signed_by(&key, &authority).unwrap();
        Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    };
    params.not_before = date_time_ymd(2015, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    let error = refused(identity(&params));
    assert_eq!(
        error.to_string(),
        "the client certificate expired on 2020-01-01T08:00:00+08:00"
    );
    params.not_before = date_time_ymd(2200, 1, 1);
    params.not_after = date_time_ymd(2201, 1, 1);
    let error = refused(identity(&params));
    assert!(
        matches!(error, IdentityError::NotYetValid { .. }),
        "{error}"
    );
}

#[test]
fn what_is_no_identity_is_named() {
    let mch_id = MCH_ID.parse().unwrap();
    let other = "1473426803".parse().unwrap();
    for (result, error) in [
        (
            Identity::from_pem(b"", KEY_PEM),
            IdentityError::NoCertificate,
        ),
        (
            Identity::from_pem(KEY_PEM, KEY_PEM),
            IdentityError::NoCertificate,
        ),
        (Identity::from_pem(CERT_PEM, b""), IdentityError::NoKey),
        (Identity::from_pem(CERT_PEM, CERT_PEM), IdentityError::NoKey),
        (Identity::from_p12(P12, &other), IdentityError::Password),
        (
            Identity::from_p12(MODERN_P12, &other),
            IdentityError::Password,
        ),
        (
            Identity::from_p12(b"", &mch_id),
            IdentityError::NotAnArchive,
        ),
        (
            Identity::from_p12(&P12[..P12.len() / 2], &mch_id),
            IdentityError::NotAnArchive,
        ),
        (
            Identity::from_p12(CERT_PEM, &mch_id),
            IdentityError::NotAnArchive,
        ),
    ] {
        assert_eq!(result.unwrap_err(), error);
    }
}

#[test]
fn an_identity_shows_no_key() {
    let identity = Identity::from_pem(CERT_PEM, KEY_PEM).unwrap();
    assert_eq!(format!("{identity:?}"), "Identity(1 certificates, …)");
    let client = builder().identity(identity.clone()).build().unwrap();
    let shown = format!("{client:?} {:?}", builder().identity(identity));
    let key = std::str::from_utf8(KEY_PEM).unwrap();
    for line in key.lines().filter(|line| line.len() > 16) {
        assert!(!shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn the_roots_must_be_some() {
    let result = builder().only_roots_pem("").build();
    assert!(matches!(result, Err(BuildError::NoRoots)), "{result:?}");
}
