//! An in-process broker that speaks STOMP over WebSocket with RabbitMQ's destination rules, for
//! demos and tests that should need no server.
//!
//! **It keeps everything in memory.** A restart loses every message and queue. A publisher that
//! must not lose anything keeps its message until somebody has dealt with it, not until the
//! RECEIPT.
//!
//! | destination | SEND | SUBSCRIBE |
//! |---|---|---|
//! | `/exchange/NAME[/KEY]` | routes by the exchange's bindings; nobody there: confirmed and dropped | a queue of its own, bound with KEY, gone with the subscription |
//! | `/queue/NAME` | declares the queue; held until a consumer takes it | declares the queue |
//! | `/amq/queue/NAME` | never declares; a missing queue: confirmed and dropped | the queue must exist |
//!
//! Where it differs from RabbitMQ on purpose: an ERROR always arrives before the close, over
//! WebSocket too, and names the receipt of the frame that brought it; a refused frame gets no
//! RECEIPT; the connection is closed after every ERROR; the sender's `receipt` header is not
//! passed on; a consumer's own queue of an exchange needs no rights, so that no rule on
//! `stomp-subscription-…` has to be given, or can be misused. There are no transactions and no
//! `/topic`.
//!
//! ```no_run
//! use stomp_bridge::broker::{Broker, BrokerConfig, ExchangeKind, May, User};
//!
//! let broker = Broker::new(
//!     BrokerConfig::new()
//!         .exchange("paynotify", ExchangeKind::Fanout)
//!         .exchange("paynotify.page", ExchangeKind::Direct)
//!         .bind("paynotify", "paynotify.page", "")
//!         .queue("order_pay")
//!         .user(User::new("payer", "secret").configure(May::All).write(May::All))
//!         .user(User::new("webguest", "webguest").read(May::only(["paynotify.page"]))),
//! )?;
//! let app: axum::Router = axum::Router::new()
//!     .route("/ws", axum::routing::get(move |ws| async move { broker.upgrade(ws) }));
//! # Ok::<(), stomp_bridge::broker::ConfigError>(())
//! ```

mod config;
mod connection;
mod hub;
mod listener;
mod message;
mod pattern;
mod permission;
mod policy;
mod router;
mod session;
mod signal;
mod target;
mod transport;
mod upgrade;

pub use config::{BrokerConfig, BrokerLimits, ConfigError, ExchangeKind};
pub use hub::{Broker, BrokerStats};
pub use pattern::{Pattern, PatternError};
pub use permission::{May, User};
pub use policy::Policy;
