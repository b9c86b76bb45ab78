//! The way through HTTP and SOCKS5 proxies, for each scheme; and each way in which one says no.

#![allow(clippy::unwrap_used)]

mod common;

use common::proxy::{Asks, ProxyServer, Speaks};
use common::script::Script;
use common::tls::{Authority, Clients, TlsFront};
use common::{Server, soon};
use rustls::ALL_VERSIONS;
use std::time::Duration;
use stomp_bridge::client::{
    ConnectError, ConnectOptions, Destination, Proxy, ProxyError, Publication, Publisher,
    PublisherConfig, SocksReply, Step, probe,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

fn through(proxy: &str) -> ConnectOptions {
    ConnectOptions {
        proxy: proxy.parse::<Proxy>().unwrap().into(),
        connect_timeout: Duration::from_secs(5),
        ..ConnectOptions::default()
    }
}

async fn steps(url: &str, options: &ConnectOptions) -> Result<Vec<Step>, ConnectError> {
    let mut steps = Vec::new();
    let url = url.parse().unwrap();
    soon(probe(&url, options, |told| steps.push(told.step))).await?;
    Ok(steps)
}

async fn refused(url: &str, proxy: &str) -> ProxyError {
    let options = through(proxy);
    let error = steps(url, &options).await.unwrap_err();
    let shown = format!("{error} {error:?} {options:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(error.step(), Step::Proxy);
    match error {
        ConnectError::Proxy(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn websockets_go_through_both_and_the_proxy_looks_the_name_up() {
    let server = Server::start().await;
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks5h")] {
        let proxy = ProxyServer::before(server.addr, speaks, Asks::MeWithSecret).await;
        let mut config = PublisherConfig::new("ws://payer:p%40y@mq.invalid:1/ws".parse().unwrap());
        config.connect = through(&format!("{scheme}://me:s3cret@{}", proxy.addr));
        let publisher = Publisher::spawn(config);
        let order_pay = Destination::queue("order_pay").unwrap();
        soon(publisher.publish(Publication::new(order_pay, scheme)))
            .await
            .unwrap();
        publisher.shutdown(common::SOON).await;
        assert_eq!(proxy.asked(), ["mq.invalid:1"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn tls_runs_inside_the_tunnel() {
    let server = Server::start().await;
    let authority = Authority::named("ours");
    let signed = authority.sign("localhost");
    let front = TlsFront::before(server.addr, &signed, Clients::Any, ALL_VERSIONS).await;
    let url = format!("wss://payer:p%40y@localhost:{}/ws", front.addr.port());
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks5h")] {
        let proxy = ProxyServer::before(front.addr, speaks, Asks::Nobody).await;
        let mut options = through(&format!("{scheme}://{}", proxy.addr));
        options.extra_roots = authority.trusted().extra_roots;
        let expected = [
            Step::Resolve,
            Step::Tcp,
            Step::Proxy,
            Step::Tls,
            Step::WebSocket,
            Step::Stomp,
        ];
        assert_eq!(steps(&url, &options).await.unwrap(), expected);
        assert_eq!(proxy.asked(), [format!("localhost:{}", front.addr.port())]);
    }
    server.stop().await;
}

#[tokio::test]
async fn plain_stomp_goes_through_both_and_socks5_asks_for_an_address() {
    let script = Script::listen().await;
    let addr = script.addr();
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks5")] {
        let proxy = ProxyServer::before(addr, speaks, Asks::MeWithSecret).await;
        let options = through(&format!("{scheme}://me:s3cret@{}", proxy.addr));
        let url = format!("stomp://u:p@localhost:{}", addr.port());
        let (told, _peer) = tokio::join!(steps(&url, &options), script.accept("0,0"));
        let expected = [Step::Resolve, Step::Tcp, Step::Proxy, Step::Stomp];
        assert_eq!(told.unwrap(), expected);
        let asked = proxy.asked().pop().unwrap();
        match speaks {
            Speaks::Http => assert_eq!(asked, format!("localhost:{}", addr.port())),
            // Where the name has two addresses, the one that the proxy does not reach may be first.
            Speaks::Socks5 => assert_eq!(asked, addr.to_string()),
        }
    }
}

#[tokio::test]
async fn credentials_that_are_missing_or_wrong_are_told_apart() {
    let script = Script::listen().await;
    for (speaks, scheme) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks5h")] {
        let proxy = ProxyServer::before(script.addr(), speaks, Asks::MeWithSecret).await;
        let at = proxy.addr;
        let missing = refused("stomp://mq.invalid:1", &format!("{scheme}://{at}")).await;
        assert!(
            matches!(missing, ProxyError::CredentialsWanted { .. }),
            "{missing}"
        );
        let url = format!("{scheme}://me:not-s3cret@{at}");
        let wrong = refused("stomp://mq.invalid:1", &url).await;
        assert!(
            matches!(wrong, ProxyError::CredentialsRefused { .. }),
            "{wrong}"
        );
        assert!(proxy.asked().is_empty());
    }
}

#[tokio::test]
async fn a_way_that_is_refused_has_its_reason() {
    let script = Script::listen().await;
    let http = ProxyServer::before(script.addr(), Speaks::Http, Asks::Nobody).await;
    let name = format!("http://{}", http.addr);
    let error = refused("stomp://elsewhere.invalid:2", &name).await;
    let expected = ProxyError::HttpStatus {
        proxy: name,
        target: "elsewhere.invalid:2".into(),
        status: 403,
    };
    assert_eq!(error, expected);

    let socks = ProxyServer::before(script.addr(), Speaks::Socks5, Asks::Nobody).await;
    let name = format!("socks5h://{}", socks.addr);
    let error = refused("stomp://[2001:db8::1]:2", &name).await;
    let expected = ProxyError::Socks {
        proxy: name,
        target: "[2001:db8::1]:2".into(),
        reply: SocksReply::NotAllowed,
    };
    assert_eq!(error, expected);
    assert_eq!(socks.asked(), ["[2001:db8::1]:2"]);
}

#[tokio::test]
async fn what_is_no_such_proxy_is_found_out() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let error = refused("stomp://mq.invalid:1", &gone).await;
    assert!(matches!(&error, ProxyError::Unreachable { reason, .. } if reason.contains("refused")));

    let script = Script::listen().await;
    for (scheme, says) in [
        ("http", &b"SSH-2.0-x\r\n"[..]),
        ("socks5h", b"HTTP/1.1 400 no"),
    ] {
        let url = format!("{scheme}://{}", script.addr());
        let other = async {
            let mut tcp = script.accept_tcp().await;
            tcp.write_all(says).await.unwrap();
            tcp
        };
        let (error, _tcp) = tokio::join!(refused("stomp://mq.invalid:1", &url), other);
        assert!(matches!(error, ProxyError::Garbled { .. }), "{error}");

        let closes = async { drop(script.accept_tcp().await) };
        let (error, ()) = tokio::join!(refused("stomp://mq.invalid:1", &url), closes);
        assert!(matches!(error, ProxyError::Garbled { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_mute_proxy_is_left_in_time() {
    let script = Script::listen().await;
    for scheme in ["http", "socks5h"] {
        let mut options = through(&format!("{scheme}://{}", script.addr()));
        options.connect_timeout = Duration::from_millis(200);
        let attempt = steps("stomp://mq.invalid:1", &options);
        let (error, _tcp) = tokio::join!(attempt, script.accept_tcp());
        assert_eq!(error, Err(ConnectError::TimedOut { step: Step::Proxy }));
    }
}
