//! The one thread that writes.
//!
//! It takes what is waiting, decides it as one group, writes it in one transaction, flushes, syncs the file, and only
//! then answers. No timer gathers the group: what comes in during a sync is the next one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

use tokio::sync::mpsc;

use super::{
    Live, Shared,
    checkpoint::Checkpoint,
    disk::Disk,
    fault::Step,
    folder::{Folder, io_error},
    group::{Counters, Decided, Group, RelayChange, low_write},
    head::Head,
    job::{Answer, Job, Reply},
    trees::Trees,
};
use crate::{StoreError, random::random};

/// The most jobs of a group.
const GROUP_MAX: usize = 256;

/// What the thread owns.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) trees: Trees,
    pub(super) counters: Counters,
    pub(super) disk: Disk,
    pub(super) folder: Folder,
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
        let last = catch_unwind(AssertUnwindSafe(|| self.shut()))
            .unwrap_or_else(|_| Err(shared.fail("the store panicked while it was closed")));
        let Self {
            trees,
            disk,
            folder,
            ..
        } = self;
        // sled writes no more once its last handle is gone.
        drop(trees);
        let result = last.and_then(|live| leave(live, &disk, &folder));
        // The lock on the folder goes before anyone hears that the store is closed.
        drop((disk, folder));
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
        let before = live
            .as_ref()
            .expect("the store is live while its committer works")
            .head;
        let head = Head {
            commits: before.commits + 1,
            group: self.counters.next_group - 1,
            rows: self.counters.rows,
            chain: self.counters.chain,
            ..before
        };
        let applied = match self.disk.write(&self.trees, &writes, &head) {
            Ok(applied) => applied,
            Err(error) => {
                let why = error.to_string();
                let failed = self.shared.fail(&why);
                drop(live);
                for answer in answers {
                    answer.fail(&why);
                }
                return Err(failed);
            }
        };
        if let Some(audit) = self.shared.audit().as_mut() {
            audit.note(&writes, &applied);
        }
        if let Some(live) = live.as_mut() {
            live.head = applied.head;
            for (key, before, after) in &marks {
                live.index.change(key, before.as_ref(), after);
            }
        }
        let woken = self.settle(relay_changes);
        drop(live);
        for answer in answers {
            // A fault here stands for a crash; a failure to answer is none of the ledger's.
            drop(self.disk.faults.around(Step::Answer, || {
                answer.send();
                Ok(())
            }));
        }
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
    fn shut(&mut self) -> Result<Live, StoreError> {
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
        let live = self.shared.shut();
        result?;
        self.disk
            .mark
            .sync(&self.disk.faults)
            .map_err(|error| self.shared.fail(&error.to_string()))?;
        live.ok_or(StoreError::Closed)
    }
}

/// Leaves the note of a clean stop, last of all.
fn leave(live: Live, disk: &Disk, folder: &Folder) -> Result<(), StoreError> {
    let Live { trees, index, head } = live;
    drop(trees);
    disk.db
        .sync_data()
        .map_err(io_error("syncing the ledger in", &folder.path))?;
    let db_bytes = folder.db_bytes()?;
    Checkpoint::leave(folder, &head, db_bytes, &index, &disk.faults)
}
