//! What makes a group durable: one transaction, one flush, one sync of the file, and then the high-water mark.

use std::{fs::File, io};

use super::{
    fault::{Faults, Step},
    head::Head,
    mark::Mark,
    trees::{Applied, Trees, Writes},
};

/// The files that the committer syncs.
pub(super) struct Disk {
    pub(super) db: File,
    pub(super) mark: Mark,
    pub(super) faults: Faults,
}

impl Disk {
    /// Writes a group. When this returns it is durable; when it fails nobody knows what is.
    ///
    /// sled's own `flush` ends with `sync_file_range` on Linux, which leaves the drive's cache and the file's length alone:
    /// without the sync a power cut loses what was acknowledged.
    pub(super) fn write(
        &mut self,
        trees: &Trees,
        writes: &Writes,
        head: &Head,
    ) -> io::Result<Applied> {
        let Self { db, mark, faults } = self;
        let applied = faults.around(Step::Apply, || trees.apply(writes, head))?;
        faults.around(Step::Flush, || Ok(trees.flush()?))?;
        faults.around(Step::Sync, || db.sync_data())?;
        mark.write(&applied.head, faults)?;
        Ok(applied)
    }
}
