//! The publisher: a cloneable handle, and one task that owns the connection.

mod batch;
mod check;
mod config;
mod flights;
mod handle;
mod outcome;
mod queue;
mod reply;
mod status;
mod task;

pub use check::{QueueCheck, QueueReport, check_queue};
pub use config::PublisherConfig;
pub use flights::Resend;
pub use handle::{Drained, Publisher};
pub use outcome::{Advice, NotSent, PublishError, Published};
pub use status::Status;
