//! What is found by state, time, account and day.

pub(super) use crate::index::{Index, Mark};
