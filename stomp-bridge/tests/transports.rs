//! TLS, and WebSocket over TLS: a TLS front on the embedded broker, with an authority of its own.

#![allow(clippy::unwrap_used)]

mod common;

use common::script::{Peer, Script};
use common::{SOON, Server, soon};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use stomp_bridge::client::{
    BrokerUrl, ConnectError, ConnectOptions, Destination, ExtraRoots, Publication, Publisher,
    PublisherConfig, TlsError,
};
use stomp_bridge::frame::{Command, Frame};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

struct TlsFront {
    addr: SocketAddr,
    certificate_pem: String,
    task: JoinHandle<()>,
}

impl TlsFront {
    async fn before(behind: SocketAddr) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us ends here, which is what it should do.
                    let Ok(mut tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let mut plain = TcpStream::connect(behind).await.unwrap();
                    copy_bidirectional(&mut tls, &mut plain).await.ok();
                });
            }
        });
        Self {
            addr,
            certificate_pem: made.cert.pem(),
            task,
        }
    }

    fn trusted(&self) -> ConnectOptions {
        let mut extra_roots = ExtraRoots::default();
        extra_roots
            .add_pem(self.certificate_pem.as_bytes())
            .unwrap();
        ConnectOptions {
            extra_roots,
            ..ConnectOptions::default()
        }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn wss_works_with_a_root_of_ones_own_and_only_with_it() {
    let server = Server::start().await;
    let front = TlsFront::before(server.addr).await;
    let port = front.addr.port();
    let url: BrokerUrl = format!("wss://payer:p%40y@localhost:{port}/ws")
        .parse()
        .unwrap();

    let untrusted = ConnectOptions::default();
    let error = soon(Publisher::connect_once(&url, &untrusted))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Tls(TlsError::Handshake(_))),
        "{error:?}"
    );

    let other_name: BrokerUrl = format!("wss://payer:p%40y@127.0.0.1:{port}/ws")
        .parse()
        .unwrap();
    let error = soon(Publisher::connect_once(&other_name, &front.trusted()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Tls(TlsError::Handshake(_))),
        "{error:?}"
    );

    let mut config = PublisherConfig::new(url);
    config.connect = front.trusted();
    let publisher = Publisher::spawn(config);
    let order_pay = Destination::queue("order_pay").unwrap();
    soon(publisher.publish(Publication::new(order_pay, "over TLS")))
        .await
        .unwrap();
    assert_eq!(publisher.shutdown(SOON).await.unsettled, 0);
    server.stop().await;
}

#[tokio::test]
async fn stomps_works_too() {
    let script = Script::listen().await;
    let behind = format!("127.0.0.1:{}", script.url().port())
        .parse()
        .unwrap();
    let front = TlsFront::before(behind).await;
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
    let options = front.trusted();
    let (server, ()) = tokio::join!(soon(Publisher::connect_once(&url, &options)), broker);
    assert_eq!(server.unwrap().server.as_deref(), Some("s"));
}

#[test]
fn a_pem_text_without_a_certificate_is_refused() {
    let mut roots = ExtraRoots::default();
    assert!(matches!(
        roots.add_pem(b"not a certificate"),
        Err(TlsError::Pem(_))
    ));
}
