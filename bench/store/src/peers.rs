//! The engines beside the ledger.

mod bare;
mod fjall;
mod redb;
mod sqlite;

pub(crate) use self::{bare::Bare, fjall::Fjall, redb::Redb, sqlite::Sqlite};
