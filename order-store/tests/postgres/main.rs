//! The ledger in a real PostgreSQL: `cargo xtask test -- -p order-store --test postgres` starts one.
//!
//! Each test has a schema of its own, so they run beside each other.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod backend;
mod faults;
mod machines;
mod proxy;
mod relays;
mod rolled_back;
mod schema;
mod server;
mod support;
mod tls;
