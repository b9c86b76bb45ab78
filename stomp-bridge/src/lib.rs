//! STOMP 1.2 to RabbitMQ from anywhere a socket opens: over WebSocket or TCP, with a receipt for
//! every message; and an in-process broker for the demo that needs no server.
//!
//! A program that may not speak AMQP can often still open a WebSocket. [`client::Publisher`] gives
//! it what a publisher needs to be sure: an answer per message that says *confirmed*, *refused* or
//! *unknown*, a bounded window, heart-beats both ways, and reconnection that asks for the
//! credentials anew, sends again what was in flight and finds the message that breaks connections.
//! [`client::Subscriber`] is its other end: a stream with acknowledgements that comes back too.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use stomp_bridge::client::{Destination, Publication, Publisher, PublisherConfig};
//!
//! let url = "ws://payer:secret@127.0.0.1:15674/ws".parse()?;
//! let publisher = Publisher::spawn(PublisherConfig::new(url));
//! let order_pay = Publication::new(Destination::queue("order_pay")?, r#"{"orderId":"A1"}"#)
//!     .content_type("application/json")
//!     .message_id("A1-paid");
//! publisher.publish(order_pay).await?; // returns after the broker's RECEIPT
//! publisher.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `client` | yes | [`client`]: publisher, subscriber, the four transports. Brings in async-stomp, which is **EUPL-1.2** |
//! | `broker` | no | [`broker`]: the embedded broker, mounted in axum or standing alone. No async-stomp |
//! | `rabbitmq-tests` | no | only the tests against a real RabbitMQ |
//! | `interop-tests` | no | only the tests with clients of other projects |
//!
//! # How it is built
//!
//! Decisions are pure: [`frame`] turns bytes into frames, the two session state machines take
//! frames, commands and `now`, and give frames, events and the next time-out. They own no socket,
//! no clock and no random source; the tasks around them only carry bytes.
//!
//! # What a receipt proves
//!
//! RabbitMQ sends a RECEIPT after it has taken responsibility for a persistent message *in every
//! queue it was routed to*, which may be none: a SEND to an exchange without bindings, or to
//! `/amq/queue/NAME` of a queue that does not exist, is confirmed and dropped. `/queue/NAME`
//! declares the queue first. Over Web STOMP RabbitMQ reports a refused SEND only by closing the
//! socket with code 1000, so that there a refusal is [`Poison`](client::PublishError::Poison).

pub mod frame;

#[cfg(any(feature = "client", feature = "broker"))]
mod percent;

// libFuzzer calls the bodies; the tests of this crate run them too.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(dead_code, reason = "each feature takes its own part")]
#[allow(missing_docs, clippy::unwrap_used, clippy::missing_panics_doc)]
pub mod fuzz;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "broker")]
pub mod broker;
