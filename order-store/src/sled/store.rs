//! The store: opening it, and the way to its committer.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, OnceLock, RwLock},
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    aside, background,
    committer::{Committer, Writing},
    compact::{self, Compacted},
    decided::Changes,
    job::{Job, Settlement},
    kept::Snapshots,
    open,
    options::SledOptions,
    shared::{ANSWER_PATIENCE, Live, Shared},
    verification::Verification,
    writer::Writer,
};
use crate::{ClaimToken, OrderStore as _, StoreError, random::Randoms};

/// The most jobs that wait for the committer.
pub(super) const QUEUE_MAX: usize = 4096;
/// A ledger in a folder of its own. One process at a time has it open.
///
/// Dropping it does what is waiting and syncs, without a word; [`OrderStore::close`](crate::OrderStore::close) says whether
/// that went well.
pub struct SledStore {
    pub(super) shared: Arc<Shared>,
    pub(super) jobs: mpsc::Sender<Job>,
    busy_after: Duration,
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| StoreError::Io {
            what: format!("starting the thread {name}"),
            error,
        })
}

impl SledStore {
    /// Opens the ledger in `path`, or makes one there.
    ///
    /// It blocks: for the folder's lock up to [`SledOptions::lock_patience`], and while the index is read, under two seconds
    /// for a million orders after a clean stop. After any other stop the files are copied aside first, and everything is read
    /// and checked before this returns, about a second for 100 000 orders. The folder is made for its owner alone; one that
    /// holds other files and no ledger is refused.
    ///
    /// A damaged file can make sled panic. That is an error here; the process's panic hook prints it all the same.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the folder is open already, [`StoreError::NotAStore`] and
    /// [`StoreError::NewerFormat`] when it is not for this program, [`StoreError::Lost`] when it has not what was
    /// acknowledged, [`StoreError::Corrupt`] when it cannot be read, and [`StoreError::Io`].
    pub fn open(path: impl AsRef<Path>, options: SledOptions) -> Result<Self, StoreError> {
        let how = options.how();
        let opened = open::open(path.as_ref(), &how, options.clock.now())?;
        let verification = match &opened.audit {
            Some(audit) => Verification::Running(audit.progress()),
            None => Verification::Whole(opened.verified),
        };
        let in_background = opened.audit.is_some();
        let shared = Arc::new(Shared {
            live: RwLock::new(Some(Live {
                trees: opened.trees.clone(),
                index: opened.index,
                head: opened.head,
            })),
            locator: RwLock::new(opened.locator),
            relay: Mutex::new(opened.relay),
            ring: Mutex::new(opened.ring),
            audit: Mutex::new(opened.audit),
            snapshots: Snapshots::default(),
            verified: watch::Sender::new(verification),
            failed: OnceLock::new(),
            wake: watch::Sender::new(0),
            clock: options.clock,
            dead_letter: options.dead_letter,
        });
        let (jobs, received) = mpsc::channel(QUEUE_MAX);
        let committer = Committer {
            shared: Arc::clone(&shared),
            writing: Writing::start(Writer {
                shared: Arc::clone(&shared),
                trees: opened.trees.clone(),
                disk: opened.disk,
            })?,
            trees: opened.trees,
            counters: opened.counters,
            randoms: Randoms::default(),
            folder: opened.folder,
            jobs: received,
            changes: Changes::default(),
        };
        spawn("order-store", move || committer.run())?;
        if in_background {
            let shared = Arc::clone(&shared);
            let path = path.as_ref().to_owned();
            // It ends with the verification, or with the first slice after the store was closed.
            spawn("order-store-verify", move || {
                let whole = || aside::done_with(&path);
                background::verify(&shared, |progress| how.report(progress), whole);
            })?;
        }
        Ok(Self {
            shared,
            jobs,
            busy_after: options.busy_after,
        })
    }

    /// Rebuilds the ledger of a closed store in fresh files, which then take the place of the old ones: sled gives no space
    /// back by itself. Everything is verified before and after, and a crash leaves the old ledger or the new one.
    ///
    /// It blocks until it is done, and needs free space for the new files beside the old.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    pub fn compact(path: impl AsRef<Path>, options: &SledOptions) -> Result<Compacted, StoreError> {
        compact::compact(path.as_ref(), &options.how())
    }

    /// Whether all that the store holds was read and found whole since it was opened, and every change of that.
    #[must_use]
    pub fn verification(&self) -> watch::Receiver<Verification> {
        self.shared.verified.subscribe()
    }

    /// Puts a job before the committer and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job + Send,
    ) -> Result<T, StoreError> {
        let gone = || self.shared.failed().unwrap_or(StoreError::Closed);
        if let Some(failed) = self.shared.failed() {
            return Err(failed);
        }
        let (reply, answer) = oneshot::channel();
        // There nearly always is a place, and then no timer is needed.
        let place = match self.jobs.try_reserve() {
            Ok(place) => place,
            Err(_) => timeout(self.busy_after, self.jobs.reserve())
                .await
                .map_err(|_| StoreError::Busy)?
                .map_err(|_| gone())?,
        };
        place.send(job(reply));
        timeout(ANSWER_PATIENCE, answer)
            .await
            .map_err(|_| StoreError::NoAnswer)?
            .map_err(|_| gone())
    }

    pub(super) async fn settle(
        &self,
        token: ClaimToken,
        settlement: Settlement,
    ) -> Result<(), StoreError> {
        self.ask(|reply| Job::Settle(token, settlement, reply))
            .await?
    }
}
