//! The subscriber: a stream of one destination's messages, and one task that owns the connection.

mod begin;
mod config;
mod deliveries;
mod error;
mod handle;
mod message;
mod status;
mod task;

pub(crate) use begin::begin;
pub use config::{AckMode, HeaderError, SubscriberConfig};
pub use error::{AckError, SubscribeError};
pub use handle::{Closed, Subscriber};
pub use message::{Message, Requeue};
pub use status::SubscriberStatus;
