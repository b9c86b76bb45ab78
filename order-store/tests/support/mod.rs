//! Commands and records that tests are made of: those of the conformance suite.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test file uses some of these"
)]

#[path = "../../src/conformance/samples.rs"]
mod samples;

pub(crate) use samples::*;
