//! An in-memory broker that speaks STOMP 1.0, 1.1 and 1.2 with RabbitMQ's destination rules and
//! RabbitMQ's words, for demos and tests that should need no server, and for pages that wait for a
//! notice. It is mounted in axum ([`Broker::upgrade`]) or stands alone ([`Broker::serve_ws`],
//! [`Broker::serve_tcp`]).
//!
//! **It keeps everything in memory.** A restart loses every message and queue. A publisher that
//! must not lose anything keeps its message until somebody has dealt with it, not until the
//! RECEIPT.
//!
//! | destination | SEND | SUBSCRIBE |
//! |---|---|---|
//! | `/exchange/NAME[/KEY]` | routes by the exchange's bindings; nobody there: confirmed and dropped | a queue of its own, bound with KEY, gone with the subscription |
//! | `/topic/KEY` | the same on the exchange `amq.topic` | KEY may hold `*` for one word and `#` for any number |
//! | `/queue/NAME` | declares the queue; held until a consumer takes it | declares the queue |
//! | `/amq/queue/NAME` | never declares; a missing queue: confirmed and dropped | the queue must exist |
//!
//! | RabbitMQ's | here |
//! |---|---|
//! | exchanges | fanout, direct, topic; bound to each other; `amq.fanout`, `amq.direct`, `amq.topic` from the start |
//! | queues | headers `durable` (a restart keeps none; `false` makes it the connection's own), `exclusive`, `auto-delete`, `x-expires`, `x-max-length`, `x-max-length-bytes`, `x-dead-letter-exchange`, `x-dead-letter-routing-key`, and `x-queue-name` for a subscription to an exchange; a second declaration must say the same |
//! | policies | `expires` and `max-length` by name ([`Policy`]) |
//! | users | configure, write, read, as lists or regular expressions ([`May`]) |
//! | ACK | `auto`, `client`, `client-individual`; `prefetch-count`; NACK requeues, or with `requeue:false` goes to the dead-letter exchange |
//! | transactions | SEND, ACK and NACK between BEGIN and COMMIT; their receipts come with the COMMIT |
//! | heart-beats | both ways, at RabbitMQ's floor of a second |
//!
//! Where it differs from RabbitMQ on purpose:
//! - An ERROR always arrives before the close, over WebSocket too, and names the receipt of the
//!   frame that brought it; a refused frame gets no RECEIPT; the connection is closed after every
//!   ERROR, as the protocol says.
//! - A frame that cannot be read brings an ERROR `Bad frame`, and a second CONNECT one too, where
//!   RabbitMQ only closes. A destination without a slash is no destination.
//! - A COMMIT has all of its effects or, if one of its frames is refused, none.
//! - A SEND in a transaction needs its rights at once, not only at the COMMIT, and who may send
//!   nothing has no transactions.
//! - The sender's `receipt` header is not passed on.
//! - A consumer's own queue of an exchange needs no rights, so that no rule on
//!   `stomp-subscription-…` has to be given, or can be misused.
//! - Queue arguments that it has not, such as `x-message-ttl` or `x-queue-type`, are refused.
//! - There is one virtual host, and no `/temp-queue` and `/reply-queue`.
//!
//! # Limits
//!
//! Whatever a peer can make grow has a bound ([`BrokerLimits`]), and so has the sum of all messages.
//! Messages are counted as what they take in memory, with their headers. What one connection has in
//! its buffers beside them is some 300 KiB at most with the default limits, and next to nothing while
//! it is idle.
//!
//! A consumer of an exchange that falls behind holds up publishers for a bounded time; then it is a
//! slow consumer, which gets an ERROR and is closed. Messages of a named queue wait in the queue, and
//! a full queue loses its oldest.
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
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, clippy::missing_panics_doc)]
pub(crate) mod fuzz;
mod held;
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
