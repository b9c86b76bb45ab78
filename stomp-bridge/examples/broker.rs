//! The embedded broker, mounted in an axum server at `ws://127.0.0.1:15674/ws` and alone over TCP at
//! `stomp://127.0.0.1:61613`: one broker for both, until Ctrl-C. Pages read what belongs to them,
//! `payer` sends, `listener` reads the queue.
//!
//! ```sh
//! cargo run -p stomp-bridge --features broker --example broker
//! cargo run -p stomp-bridge --example subscribe -- stomp://listener:l@127.0.0.1 /queue/order_pay
//! cargo run -p stomp-bridge --example publish -- ws://payer:p@127.0.0.1:15674/ws /queue/order_pay hello
//! ```

use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use std::error::Error;
use std::time::Duration;
use stomp_bridge::broker::{Broker, BrokerConfig, BrokerLimits, ExchangeKind, May, User};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = Broker::new(config())?;

    // In axum, beside the routes of a service of one's own.
    let mounted = broker.clone();
    let upgrade = move |ws: WebSocketUpgrade| async move { mounted.upgrade(ws) };
    let app = axum::Router::new().route("/ws", get(upgrade));
    let http = TcpListener::bind("127.0.0.1:15674").await?;
    let pages = tokio::spawn(async move { axum::serve(http, app).await });

    // Alone. `serve_ws` does the same for WebSocket, without axum.
    let listener = TcpListener::bind("127.0.0.1:61613").await?;
    let programs = tokio::spawn(broker.serve_tcp(listener));

    println!("ws://127.0.0.1:15674/ws and stomp://127.0.0.1:61613, until Ctrl-C");
    tokio::signal::ctrl_c().await?;
    println!("{:?}", broker.stats());
    let left = broker.shutdown(Duration::from_secs(5)).await;
    pages.abort();
    programs.await?;
    println!("{left} connections did not close in time");
    Ok(())
}

/// One SEND to `/exchange/paynotify/KEY` reaches who reads the fanout, and the page with that key.
fn config() -> BrokerConfig {
    let limits = BrokerLimits {
        max_total_bytes: 64 * 1024 * 1024,
        ..BrokerLimits::default()
    };
    BrokerConfig::new()
        .exchange("paynotify", ExchangeKind::Fanout)
        .exchange("paynotify.page", ExchangeKind::Direct)
        .bind("paynotify", "paynotify.page", "")
        .queue("order_pay")
        .user(
            User::new("payer", "p")
                .configure(May::only(["order_pay"]))
                .write(May::only(["paynotify", "amq.default"])),
        )
        .user(
            User::new("listener", "l")
                .configure(May::only(["order_pay"]))
                .read(May::only(["order_pay", "paynotify"])),
        )
        .user(User::new("webguest", "webguest").read(May::only(["paynotify.page"])))
        .limits(limits)
}
