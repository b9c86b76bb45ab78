//! Where a test can make the disk fail or freeze, or end the process: before and after every step that matters. Nothing here
//! leaves a step out: no build of the ledger answers without its sync.
//!
//! Without the feature `fault-points` nothing of this is compiled in; then a step is its work and no more.

use std::io;
#[cfg(any(test, feature = "fault-points"))]
use std::sync::Arc;

/// A step of the store's that a crash or a failure can fall on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(
    not(any(test, feature = "fault-points")),
    allow(unreachable_pub, reason = "public with the feature only")
)]
pub enum Step {
    /// The group's transaction.
    Apply,
    /// sled's flush.
    Flush,
    /// The sync of sled's file.
    Sync,
    /// The high-water mark's write.
    MarkWrite,
    /// Its sync.
    MarkSync,
    /// One caller's answer.
    Answer,
    /// The note of a clean stop.
    Checkpoint,
    /// Taking that note away at the next start.
    Uncheckpoint,
    /// Copying the folder aside after an unclean stop.
    CopyAside,
    /// Writing the format's record: of a new folder, or of one of an older format.
    Format,
    /// Compaction: one slice of records.
    CompactSlice,
    /// Compaction: the rebuilt files get a mark and are synced.
    CompactSync,
    /// Compaction: the rebuilt files get the name under which they count.
    CompactReady,
    /// Compaction: one file takes the place of the old one.
    CompactSwitch,
}

/// Which side of a step.
#[cfg(any(test, feature = "fault-points"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Nothing of it is done.
    Before,
    /// It is done, and nobody knows.
    After,
}

/// What shall happen there.
#[cfg(any(test, feature = "fault-points"))]
#[derive(Debug)]
pub enum Fault {
    /// Nothing out of the way.
    None,
    /// The step says that it failed.
    Fail(io::Error),
}

/// Asked before and after each step. It may end the process.
#[cfg(any(test, feature = "fault-points"))]
pub type FaultHook = Arc<dyn Fn(Step, Side) -> Fault + Send + Sync>;

/// The hook, if there is one.
#[derive(Clone, Default)]
pub(super) struct Faults {
    #[cfg(any(test, feature = "fault-points"))]
    pub(super) hook: Option<FaultHook>,
}

impl Faults {
    /// Does a step.
    #[cfg(not(any(test, feature = "fault-points")))]
    #[allow(clippy::unused_self, reason = "the other form uses it")]
    pub(super) fn around<T>(&self, _: Step, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        work()
    }

    /// Does a step, with what the hook wants of it.
    #[cfg(any(test, feature = "fault-points"))]
    pub(super) fn around<T>(
        &self,
        step: Step,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let Some(hook) = &self.hook else {
            return work();
        };
        match hook(step, Side::Before) {
            Fault::None => {}
            Fault::Fail(error) => return Err(error),
        }
        let done = work()?;
        match hook(step, Side::After) {
            Fault::Fail(error) => Err(error),
            Fault::None => Ok(done),
        }
    }
}
