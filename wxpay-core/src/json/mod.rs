//! JSON text, as some fields of the API and the payer's devices hold it: a writer and a reader without serde.

mod read;
mod write;

pub(crate) use read::{Value, parse};
pub(crate) use write::{Json, object};
