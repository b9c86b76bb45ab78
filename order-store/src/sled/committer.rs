//! The one thread that writes.
//!
//! It takes what is waiting, decides it as one group, writes it in one transaction, flushes, syncs the file, and only
//! then answers. No timer gathers the group: what comes in during a sync is the next one.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

use tokio::sync::mpsc;

use super::{
    Shared,
    group::{Counters, Decided, Group, RelayChange, low_write},
    job::{Answer, Job, Reply},
    trees::Trees,
};
use crate::{StoreError, random::random};

/// The most jobs of a group.
const GROUP_MAX: usize = 256;

/// Makes durable what was flushed.
pub(super) type SyncFile = Box<dyn FnMut() -> io::Result<()> + Send>;

/// A sync of the ledger's file. sled's own `flush` ends with `sync_file_range` on Linux, which leaves the drive's cache and
/// the file's length alone: without this a power cut loses what was acknowledged.
pub(super) fn file_sync(file: File) -> SyncFile {
    Box::new(move || file.sync_data())
}

/// What the thread owns.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) trees: Trees,
    pub(super) counters: Counters,
    pub(super) sync: SyncFile,
    pub(super) jobs: mpsc::Receiver<Job>,
}

impl Committer {
    /// Works until the store is closed or dropped, or a write fails.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let worked = catch_unwind(AssertUnwindSafe(|| self.work()));
        let Ok(closing) = worked else {
            shared.fail("the committer panicked");
            return;
        };
        let result = catch_unwind(AssertUnwindSafe(|| self.shut()))
            .unwrap_or_else(|_| Err(shared.fail("the store panicked while it was closed")));
        // The lock on the folder goes with the last handle, before anyone hears that the store is closed.
        drop(self);
        if let Some(reply) = closing {
            drop(reply.send(result));
        }
    }

    fn work(&mut self) -> Option<Reply<Result<(), StoreError>>> {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut closing = None;
            let mut jobs = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Close(reply) => {
                        closing = Some(reply);
                        break;
                    }
                    job => jobs.push(job),
                }
                next = if jobs.len() < GROUP_MAX {
                    self.jobs.try_recv().ok()
                } else {
                    None
                };
            }
            let decided = self.decide(jobs);
            if self.commit(decided).is_err() || closing.is_some() {
                return closing;
            }
        }
        None
    }

    fn decide(&mut self, jobs: Vec<Job>) -> Decided {
        let live = self
            .shared
            .live
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut relay = self.shared.relay();
        let mut group = Group::new(
            &self.trees,
            &mut self.counters,
            self.shared.clock.now(),
            self.shared.dead_letter,
        );
        for job in jobs {
            group.take(job, &mut relay, random);
        }
        let live = live
            .as_ref()
            .expect("the store is live while its committer works");
        group.finish(&relay, &live.index)
    }

    fn commit(&mut self, decided: Decided) -> Result<(), StoreError> {
        let Decided {
            writes,
            answers,
            marks,
            relay: relay_changes,
        } = decided;
        if writes.is_empty() {
            // Everything was known or refused; what that rests on was synced before.
            answers.into_iter().for_each(Answer::send);
            return Ok(());
        }
        // Readers wait from here to the sync: sled shows a transaction before it is durable.
        let mut live = self
            .shared
            .live
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let written = self
            .trees
            .apply(&writes)
            .and_then(|()| self.trees.flush())
            .map_err(|error| error.to_string())
            .and_then(|()| (self.sync)().map_err(|error| error.to_string()));
        if let Err(why) = written {
            let failed = self.shared.fail(&why);
            drop(live);
            for answer in answers {
                answer.fail(&why);
            }
            return Err(failed);
        }
        if let Some(live) = live.as_mut() {
            for (key, before, after) in &marks {
                live.index.change(key, before.as_ref(), after);
            }
        }
        let woken = self.settle(relay_changes);
        drop(live);
        answers.into_iter().for_each(Answer::send);
        if woken {
            self.shared
                .wake
                .send_modify(|turn| *turn = turn.wrapping_add(1));
        }
        Ok(())
    }

    /// Brings the outbox in memory up to date; says whether rows may have become ready.
    fn settle(&self, changes: Vec<RelayChange>) -> bool {
        let mut relay = self.shared.relay();
        let woken = !changes.is_empty();
        for change in changes {
            match change {
                RelayChange::Add(address, entry) => relay.add(address, entry),
                RelayChange::Remove(address) => relay.remove(address),
                RelayChange::Set(address, status) => relay.set(address, status),
            }
        }
        woken
    }

    /// Writes where the outbox begins, syncs a last time, and lets go of the ledger.
    fn shut(&mut self) -> Result<(), StoreError> {
        self.jobs.close();
        let result = if let Some(failed) = self.shared.failed() {
            Err(failed)
        } else {
            let lowest = self.shared.relay().lowest_group();
            self.commit(Decided {
                writes: vec![low_write(lowest.unwrap_or(self.counters.next_group))],
                answers: Vec::new(),
                marks: Vec::new(),
                relay: Vec::new(),
            })
        };
        self.shared.shut();
        result
    }
}
