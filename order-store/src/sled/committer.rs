//! The threads that write.
//!
//! One takes what is waiting and decides it as a group; the other writes a group in one transaction, flushes, syncs the
//! file, and only then answers. While a group is written the next is decided, against what the first one changes. No
//! timer gathers a group: what comes in meanwhile is the next one. When nothing else waits and nothing is being written, the
//! first thread writes a small group itself, which spares a lone caller the way to the second.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use tokio::sync::mpsc;

use super::{
    Failure, Live, Shared,
    checkpoint::Checkpoint,
    counters::{Counters, low_write},
    decided::{Changes, Decided, Ground},
    disk::Disk,
    folder::{Folder, io_error},
    group::Group,
    job::{Job, Reply},
    locate::Locator,
    trees::Trees,
    writer::Writer,
};
use crate::{StoreError, random::Randoms};

/// The most jobs of a group.
const GROUP_MAX: usize = 256;

/// So many callers gain more when their group is written at once than when the next is decided meanwhile.
const FEW: usize = 4;

/// What the deciding thread owns.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) trees: Trees,
    pub(super) counters: Counters,
    pub(super) randoms: Randoms,
    pub(super) folder: Folder,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) writing: Writing,
    /// What the last group changed, which may still be on its way to the disk.
    pub(super) changes: Changes,
}

/// The writing thread, and the way to it.
pub(super) struct Writing {
    writer: Arc<Mutex<Writer>>,
    /// How many groups the thread was given, and how many it is done with.
    given: u64,
    done: Arc<AtomicU64>,
    groups: SyncSender<Decided>,
    thread: JoinHandle<()>,
}

impl Writing {
    pub(super) fn start(writer: Writer) -> Result<Self, StoreError> {
        let shared = Arc::clone(&writer.shared);
        let writer = Arc::new(Mutex::new(writer));
        let done = Arc::new(AtomicU64::new(0));
        // A group is handed over when the thread is done with the one before.
        let (groups, received) = sync_channel(0);
        let (its_writer, its_done) = (Arc::clone(&writer), Arc::clone(&done));
        let thread = Builder::new()
            .name("order-store-write".to_owned())
            .spawn(move || write_all(&shared, &its_writer, &its_done, &received))
            .map_err(|error| StoreError::Io {
                what: "starting the thread order-store-write".to_owned(),
                error,
            })?;
        Ok(Self {
            writer,
            given: 0,
            done,
            groups,
            thread,
        })
    }

    fn is_idle(&self) -> bool {
        self.done.load(Ordering::Acquire) == self.given
    }

    fn here(&self, decided: Decided) -> Result<(), StoreError> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .commit(decided)
    }

    /// Gives the thread a group, once it is done with the one before.
    fn hand_over(&mut self, decided: Decided) -> Result<(), StoreError> {
        self.given += 1;
        self.groups.send(decided).map_err(|_| StoreError::Closed)
    }

    /// Waits until all is written.
    fn finish(&mut self) -> Result<(), StoreError> {
        if self.is_idle() {
            return Ok(());
        }
        // The thread takes this one, which is nothing to do, when it is done with the one before.
        self.hand_over(Decided::default())
    }

    /// Ends the thread, and gives the writer back.
    fn end(self) -> Option<Writer> {
        drop(self.groups);
        self.thread.join().ok()?;
        let writer = Arc::into_inner(self.writer)?;
        writer.into_inner().ok()
    }
}

fn write_all(
    shared: &Shared,
    writer: &Mutex<Writer>,
    done: &AtomicU64,
    groups: &Receiver<Decided>,
) {
    for decided in groups {
        let written = catch_unwind(AssertUnwindSafe(|| {
            // A failed group has said so to its callers, and the store to everyone.
            drop(
                writer
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .commit(decided),
            );
        }));
        if written.is_err() {
            shared.fail(Failure::ended("the committer panicked"));
            return;
        }
        done.fetch_add(1, Ordering::Release);
    }
}

impl Committer {
    /// Works until the store is closed or dropped, or a write fails.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let worked = catch_unwind(AssertUnwindSafe(|| self.work()));
        let Ok(closing) = worked else {
            shared.fail(Failure::ended("the committer panicked"));
            return;
        };
        self.jobs.close();
        let Self {
            counters,
            folder,
            writing,
            trees,
            ..
        } = self;
        drop(trees);
        let Some(mut writer) = writing.end() else {
            shared.fail(Failure::ended("the committer panicked"));
            return;
        };
        let last =
            catch_unwind(AssertUnwindSafe(|| shut(&mut writer, &counters))).unwrap_or_else(|_| {
                Err(shared.fail(Failure::ended("the store panicked while it was closed")))
            });
        let Writer { trees, disk, .. } = writer;
        // sled writes no more once its last handle is gone.
        drop(trees);
        let result = last.and_then(|(live, locator)| leave(live, &locator, &disk, &folder));
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
            let written = self.group(jobs);
            if written.is_err() || closing.is_some() || self.shared.failed().is_some() {
                return closing;
            }
        }
        None
    }

    fn group(&mut self, jobs: Vec<Job>) -> Result<(), StoreError> {
        if jobs.iter().any(|job| matches!(job, Job::Load(..))) {
            // An import reads more than what the group before tells of.
            self.writing.finish()?;
            self.changes = Changes::default();
        }
        let few = jobs.len() <= FEW;
        let (decided, changes) = self.decide(jobs);
        if few && self.writing.is_idle() && self.jobs.is_empty() {
            self.changes = Changes::default();
            return self.writing.here(decided);
        }
        self.writing.hand_over(decided)?;
        self.changes = changes;
        Ok(())
    }

    fn decide(&mut self, jobs: Vec<Job>) -> (Decided, Changes) {
        let shared = &self.shared;
        let ground = Ground {
            trees: &self.trees,
            locator: &shared.locator,
            changes: &self.changes,
        };
        let mut group = Group::new(
            ground,
            &mut self.counters,
            shared.clock.now(),
            shared.dead_letter,
        );
        for job in jobs {
            group.take(job, || shared.relay(), || self.randoms.next());
        }
        group.finish(|| shared.relay())
    }
}

/// Writes where the outbox begins, syncs a last time, and lets go of the ledger.
fn shut(writer: &mut Writer, counters: &Counters) -> Result<(Live, Locator), StoreError> {
    let shared = Arc::clone(&writer.shared);
    let result = if let Some(failed) = shared.failed() {
        Err(failed)
    } else {
        let lowest = shared.relay().lowest_group();
        writer.commit(Decided {
            writes: vec![low_write(lowest.unwrap_or(counters.next_group))],
            tip: counters.tip(),
            ..Decided::default()
        })
    };
    let live = shared.shut();
    result?;
    writer
        .disk
        .mark
        .sync(&writer.disk.faults)
        .map_err(|error| shared.fail(error))?;
    let live = live.ok_or(StoreError::Closed)?;
    Ok((live, std::mem::take(&mut *shared.locator_mut())))
}

/// Leaves the note of a clean stop, last of all.
fn leave(live: Live, locator: &Locator, disk: &Disk, folder: &Folder) -> Result<(), StoreError> {
    let Live { trees, index, head } = live;
    drop(trees);
    disk.db
        .sync_data()
        .map_err(io_error("syncing the ledger in", &folder.path))?;
    let db_bytes = folder.db_bytes()?;
    Checkpoint::leave(folder, &head, db_bytes, &index, locator, &disk.faults)
}
