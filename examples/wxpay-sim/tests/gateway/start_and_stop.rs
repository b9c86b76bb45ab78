//! Starting and stopping.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wxpay_core::{
    SignType,
    api::{OrderQuery, OrderRef},
};
use wxpay_sim::{Merchant, Sim, SimConfig, StartError};

use crate::support::Desk;

#[tokio::test]
async fn a_bad_start_is_one_clear_line() {
    let desk = Desk::start(SignType::Md5).await;
    let config = || SimConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..SimConfig::default()
    };
    let refused = Sim::start(SimConfig {
        listen: desk.sim.addr(),
        ..config()
    })
    .await
    .unwrap_err();
    assert!(matches!(refused, StartError::PortInUse { .. }));
    assert_eq!(
        refused.to_string(),
        format!("cannot listen on {}: the port is in use", desk.sim.addr())
    );
    let twice = Sim::start(SimConfig {
        merchants: vec![Merchant::test(), Merchant::test()],
        ..config()
    });
    assert!(matches!(
        twice.await.unwrap_err(),
        StartError::MerchantTwice { .. }
    ));
    let none = Sim::start(SimConfig {
        merchants: Vec::new(),
        ..config()
    });
    assert!(matches!(none.await.unwrap_err(), StartError::NoMerchant));
    let host = Sim::start(SimConfig {
        allow_notify: vec!["a b".to_owned()],
        ..config()
    });
    assert!(matches!(
        host.await.unwrap_err(),
        StartError::AllowNotify { .. }
    ));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_silent_request() {
    let desk = Desk::start(SignType::Md5).await;
    desk.post("/sim/faults", &json!({ "orderquery": "silent" }))
        .await;
    let by = OrderRef::OutTradeNo("T20260101000009".parse().unwrap());
    let body = desk.prepare(&OrderQuery { by });
    let mut silent = TcpStream::connect(desk.sim.addr()).await.unwrap();
    let head = format!(
        "POST /pay/orderquery HTTP/1.1\r\nHost: sim\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    silent.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request is being served from here on.
    let mut answer = [0; 25];
    silent.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    silent.write_all(body.as_bytes()).await.unwrap();
    let addr = desk.sim.addr();
    let began = std::time::Instant::now();
    desk.sim.shutdown().await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "it did not wait for the drain to end"
    );
    let mut rest = String::new();
    silent.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 504 "), "{rest}");
    assert!(TcpStream::connect(addr).await.is_err());
}
