//! The ledger on one machine, in a sled of its own.
//!
//! `docs/format.md` has the trees and what a crash leaves between any two steps. In short: one thread writes
//! ([`committer`]); each group of jobs ([`group`]) is one transaction, one flush and one sync of the file, and only then are
//! the answers given. Reads take a lock that the thread holds from the transaction to the sync, so that they show nothing
//! which a power cut could take back; they run on the blocking pool.

mod aside;
mod background;
mod checkpoint;
mod chunks;
mod committer;
mod compact;
mod counters;
mod decided;
mod digest;
mod disk;
mod dump;
mod encoding;
mod engine;
mod face;
mod fault;
mod folder;
mod format;
mod group;
mod head;
mod inbox;
mod job;
mod kept;
mod keys;
mod layout;
#[cfg(test)]
mod leak;
mod load;
mod locate;
mod mark;
mod open;
mod options;
mod pack;
mod pages;
mod place;
mod reads;
mod rebuild;
mod record;
mod records;
mod relay;
mod ring;
mod rows;
mod settle;
mod shared;
mod snapshot;
mod space;
mod store;
mod switch;
#[cfg(test)]
mod tests;
mod thin;
mod trees;
mod verification;
mod verify;
mod writer;

#[cfg(any(test, feature = "fault-points"))]
pub use self::fault::{Fault, FaultHook, Side, Step};
use self::shared::{Failure, Live, Shared};
pub use self::{
    compact::Compacted,
    options::SledOptions,
    store::SledStore,
    verification::{Verification, Verify, VerifyHook, VerifyProgress},
};
