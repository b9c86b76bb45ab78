//! The trees of the store, and one atomic write over all of them.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use ::sled::{
    Db, IVec, Transactional as _, Tree,
    transaction::{TransactionError, abort},
};

use super::{
    chunks::Chunks,
    digest::digest,
    head::Head,
    keys::{HEAD_KEY, Kind, packed_key},
    pack::{Rows, unpack_log},
    record::VALUE_MAX_BYTES,
};
use crate::StoreError;

/// What one group writes: a value, or nothing to remove the key.
pub(super) type Writes = Vec<(Kind, Vec<u8>, Option<Vec<u8>>)>;

/// What a transaction came to.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) head: Head,
    /// For each write the numbers of the record before and after, 0 for none.
    pub(super) changes: Vec<(u64, u64)>,
}

/// The open trees.
pub(super) struct Trees {
    db: Db,
    kinds: Vec<Tree>,
    chunks: Mutex<Chunks>,
}

impl Clone for Trees {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            kinds: self.kinds.clone(),
            chunks: Mutex::default(),
        }
    }
}

impl Trees {
    pub(super) fn open(db: Db) -> ::sled::Result<Self> {
        let kinds = Kind::ALL
            .iter()
            .map(|kind| db.open_tree(kind.name()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            db,
            kinds,
            chunks: Mutex::default(),
        })
    }

    pub(super) fn tree(&self, kind: Kind) -> &Tree {
        &self.kinds[kind as usize]
    }

    /// The records of a tree behind a key, or all, each looked up from the root: the one way to walk a tree.
    ///
    /// Over a damaged file sled's own iterator can end early without an error, where a look-up still finds what follows; a walk
    /// that verification does not take would miss records in silence. And sled drops a page from memory only when its cache has
    /// noted some thousands of looks at pages: an iterator looks at each once, and would leave the whole ledger in memory.
    pub(super) fn records(
        &self,
        kind: Kind,
        after: Option<IVec>,
    ) -> impl Iterator<Item = ::sled::Result<(IVec, IVec)>> {
        let tree = self.tree(kind);
        let mut last = after;
        std::iter::from_fn(move || {
            let next = match &last {
                Some(key) => tree.get_gt(key),
                None => tree.first(),
            };
            if let Ok(Some((key, _))) = &next {
                last = Some(key.clone());
            }
            next.transpose()
        })
    }

    pub(super) fn get(&self, kind: Kind, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.tree(kind).get(key).map_err(|error| damaged(&error))
    }

    /// The rows of a value of the log; nothing when there is none.
    pub(super) fn log(
        &self,
        group: u64,
        chunk: u16,
    ) -> Result<Option<Arc<Rows<'static>>>, StoreError> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = chunks.get((group, chunk)) {
            return Ok(Some(rows));
        }
        let Some(value) = self.get(Kind::Log, &packed_key(group, chunk))? else {
            return Ok(None);
        };
        let rows = Arc::new(unpack_log(&value)?.1.into_owned());
        chunks.keep((group, chunk), Arc::clone(&rows));
        Ok(Some(rows))
    }

    /// A number of eight bytes in the tree of single values.
    pub(super) fn number(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        let Some(value) = self.get(Kind::Meta, key)? else {
            return Ok(None);
        };
        let bytes = value.as_ref().try_into().map_err(|_| StoreError::Corrupt {
            what: format!(
                "meta record {} has {} bytes",
                key.escape_ascii(),
                value.len()
            ),
        })?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// Whether no tree holds anything.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.iter().all(Tree::is_empty)
    }

    /// The head as it was written last; nothing in a folder that has none yet.
    pub(super) fn head(&self) -> Result<Option<Head>, StoreError> {
        let Some(value) = self.get(Kind::Meta, HEAD_KEY)? else {
            return Ok(None);
        };
        Head::decode(&value)
            .map(Some)
            .ok_or_else(|| StoreError::Corrupt {
                what: "the head's record".to_owned(),
            })
    }

    /// Writes all or nothing, and with it the head that follows from `head`. It is in sled's buffer then, and on disk after
    /// [`Trees::flush`] and a sync of the file.
    ///
    /// A value of the log has a place that is free, since groups have each a number of their own. One that is taken means that
    /// something else wrote this ledger, and then nothing is written.
    pub(super) fn apply(&self, writes: &Writes, head: &Head) -> io::Result<Applied> {
        let done = self.kinds.as_slice().transaction(|trees| {
            let mut head = *head;
            let mut changes = Vec::with_capacity(writes.len());
            for (kind, key, value) in writes {
                let tree = &trees[*kind as usize];
                let old = match value {
                    Some(value) => {
                        assert!(
                            value.len() <= VALUE_MAX_BYTES,
                            "a value of {} bytes",
                            value.len()
                        );
                        tree.insert(key.as_slice(), value.as_slice())?
                    }
                    None => tree.remove(key.as_slice())?,
                };
                if *kind == Kind::Log && old.is_some() && value.is_some() {
                    return abort(key.clone());
                }
                let number =
                    |value: Option<&[u8]>| value.map_or(0, |value| digest(*kind, key, value));
                let change = (number(old.as_deref()), number(value.as_deref()));
                let sum = &mut head.sums[*kind as usize];
                *sum = sum.wrapping_sub(change.0).wrapping_add(change.1);
                match (old, value) {
                    (None, Some(_)) => head.records += 1,
                    (Some(_), None) => head.records = head.records.saturating_sub(1),
                    _ => {}
                }
                changes.push(change);
            }
            trees[Kind::Meta as usize].insert(HEAD_KEY, head.encode().as_slice())?;
            Ok(Applied { head, changes })
        });
        done.map_err(|error| match error {
            TransactionError::Abort(key) => io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the log has a value at {} already", key.escape_ascii()),
            ),
            TransactionError::Storage(error) => error.into(),
        })
    }

    /// Hands sled's buffers to the operating system. On Linux that is no sync.
    pub(super) fn flush(&self) -> ::sled::Result<()> {
        self.db.flush().map(drop)
    }
}

/// A read that failed: the file is not what was written, or cannot be read.
pub(super) fn damaged(error: &::sled::Error) -> StoreError {
    StoreError::Corrupt {
        what: error.to_string(),
    }
}
