//! The names of what may be in the folder.

/// The file that sled keeps everything in.
pub(super) const DB_FILE: &str = "db";
/// sled's settings.
pub(super) const CONF_FILE: &str = "conf";
/// Where sled puts what is too large for its file, and never syncs it.
pub(super) const BLOBS: &str = "blobs";
/// What the names of sled's snapshots begin with.
pub(super) const SNAPSHOT_PREFIX: &str = "snap.";
/// Whoever has this file locked has the folder.
pub(super) const LOCK_FILE: &str = "lock";
/// The note of a clean stop.
pub(super) const CLEAN_FILE: &str = "clean";
/// While it is written.
pub(super) const CLEAN_NEW_FILE: &str = "clean.new";
/// The copy that is made before a ledger that was not closed is opened.
pub(super) const ASIDE: &str = "unclean";
/// While it is made.
pub(super) const ASIDE_NEW: &str = "unclean.new";
/// While a compaction builds the new ledger.
pub(super) const COMPACT_NEW: &str = "compact.new";
/// When it is complete.
pub(super) const COMPACT_READY: &str = "compact.ready";
