//! TLS, and WebSocket over TLS: a TLS front on the embedded broker, with an authority of its own.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::{Peer, Script};
use common::tls::{Authority, Clients, TlsFront};
use common::{SOON, Server, soon};
use rustls::ALL_VERSIONS;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use stomp_bridge::client::{
    BrokerUrl, ConnectError, ConnectOptions, Destination, ExtraRoots, Publication, Publisher,
    PublisherConfig, Step, TlsError,
};
use stomp_bridge::frame::{Command, Frame};

async fn once(url: &str, options: &ConnectOptions) -> Result<(), ConnectError> {
    let url: BrokerUrl = url.parse().unwrap();
    soon(Publisher::connect_once(&url, options))
        .await
        .map(|_| ())
}

#[tokio::test]
async fn wss_works_with_a_root_of_ones_own_and_only_with_it() {
    let server = Server::start().await;
    let authority = Authority::named("ours");
    let signed = authority.sign("localhost");
    let front = TlsFront::before(server.addr, &signed, Clients::Any, ALL_VERSIONS).await;
    let port = front.addr.port();
    let url = format!("wss://payer:p%40y@localhost:{port}/ws");

    let error = once(&url, &ConnectOptions::default()).await.unwrap_err();
    assert_eq!(error, ConnectError::Tls(TlsError::UntrustedIssuer));
    assert_eq!(error.step(), Step::Tls);

    let by_address = format!("wss://payer:p%40y@127.0.0.1:{port}/ws");
    let error = once(&by_address, &authority.trusted()).await.unwrap_err();
    let host = "127.0.0.1".to_owned();
    assert_eq!(error, ConnectError::Tls(TlsError::WrongName { host }));

    let mut config = PublisherConfig::new(url.parse().unwrap());
    config.connect = authority.trusted();
    let publisher = Publisher::spawn(config);
    let order_pay = Destination::queue("order_pay").unwrap();
    soon(publisher.publish(Publication::new(order_pay, "over TLS")))
        .await
        .unwrap();
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_past_its_time_is_called_so() {
    let script = Script::listen().await;
    let authority = Authority::named("ours");
    let expired = authority.expired("localhost");
    let front = TlsFront::before(script.addr(), &expired, Clients::Any, ALL_VERSIONS).await;
    let url = format!("stomps://localhost:{}", front.addr.port());
    let error = once(&url, &authority.trusted()).await.unwrap_err();
    assert_eq!(error, ConnectError::Tls(TlsError::OutsideValidity));
}

#[tokio::test]
async fn stomps_works_too() {
    let script = Script::listen().await;
    let authority = Authority::named("ours");
    let signed = authority.sign("localhost");
    let front = TlsFront::before(script.addr(), &signed, Clients::Any, ALL_VERSIONS).await;
    let url = format!("stomps://u:p@localhost:{}", front.addr.port())
        .parse()
        .unwrap();
    let broker = async {
        let mut peer = Peer::new(script.accept_tcp().await);
        assert_eq!(peer.frame().await.header("passcode"), Some("p"));
        peer.say(
            &Frame::new(Command::Connected)
                .with("version", "1.2")
                .with("server", "s"),
        )
        .await;
        assert_eq!(peer.frame().await.command, Command::Disconnect);
    };
    let options = authority.trusted();
    let (server, ()) = tokio::join!(soon(Publisher::connect_once(&url, &options)), broker);
    assert_eq!(server.unwrap().server.as_deref(), Some("s"));
}

/// In TLS 1.2 the server says no within the handshake, in 1.3 after it.
#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_ours() {
    let server = Server::start().await;
    let (authority, stranger) = (Authority::named("ours"), Authority::named("theirs"));
    let signed = authority.sign("localhost");
    for version in [&TLS12, &TLS13] {
        let clients = Clients::SignedBy(&authority);
        let front = TlsFront::before(server.addr, &signed, clients, &[version]).await;
        let url = format!("wss://payer:p%40y@localhost:{}/ws", front.addr.port());
        let mut options = authority.trusted();

        let error = once(&url, &options).await.unwrap_err();
        let wanted = ConnectError::Tls(TlsError::ClientCertificateWanted);
        assert_eq!(error, wanted, "{version:?}");

        options.identity = Some(stranger.sign("payer").identity());
        let error = once(&url, &options).await.unwrap_err();
        let refused = ConnectError::Tls(TlsError::RefusedByServer {
            alert: "UnknownCA".into(),
        });
        assert_eq!(error, refused, "{version:?}");

        options.identity = Some(authority.sign("payer").identity());
        once(&url, &options).await.unwrap();
        assert!(!format!("{options:?}").contains("PRIVATE"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_refused_after_the_handshake_is_told_over_plain_stomp_too() {
    let script = Script::listen().await;
    let authority = Authority::named("ours");
    let signed = authority.sign("localhost");
    let clients = Clients::SignedBy(&authority);
    let front = TlsFront::before(script.addr(), &signed, clients, &[&TLS13]).await;
    let url = format!("stomps://localhost:{}", front.addr.port());
    let error = once(&url, &authority.trusted()).await.unwrap_err();
    assert_eq!(error, ConnectError::Tls(TlsError::ClientCertificateWanted));
}

#[tokio::test]
async fn limit_13_tls_needs_no_provider_of_the_process_and_installs_none() {
    let server = Server::start().await;
    let authority = Authority::named("ours");
    let signed = authority.sign("localhost");
    let front = TlsFront::before(server.addr, &signed, Clients::Any, ALL_VERSIONS).await;
    let url = format!("wss://payer:p%40y@localhost:{}/ws", front.addr.port());
    assert!(CryptoProvider::get_default().is_none());
    once(&url, &authority.trusted()).await.unwrap();
    assert!(CryptoProvider::get_default().is_none());
    server.stop().await;
}

/// Roots of one's own, a client certificate, and the name of the URL, not of the address.
#[tokio::test]
async fn limit_14_the_certificate_is_checked_against_the_urls_name_with_our_roots_and_identity() {
    let server = Server::start().await;
    let authority = Authority::named("ours");
    let by_name = authority.sign("localhost");
    let clients = Clients::SignedBy(&authority);
    let front = TlsFront::before(server.addr, &by_name, clients, ALL_VERSIONS).await;
    let mut options = authority.trusted();
    options.identity = Some(authority.sign("payer").identity());
    let url = format!("wss://payer:p%40y@localhost:{}/ws", front.addr.port());
    once(&url, &options).await.unwrap();
    server.stop().await;
}

#[test]
fn a_pem_text_without_a_certificate_is_refused() {
    let mut roots = ExtraRoots::default();
    assert!(matches!(
        roots.add_pem(b"not a certificate"),
        Err(TlsError::Pem(_))
    ));
}
