//! The simulator over loopback HTTP, as a client of any language sees it.

#![allow(missing_docs, clippy::unwrap_used)]

mod notifies;
mod own_routes;
mod payments;
mod start_and_stop;
mod support;
