//! The second half of a commit: a decided group becomes durable, then visible, then answered.

use std::sync::{Arc, PoisonError};

use super::{
    Failure, Shared,
    decided::{Decided, Moved, RelayChange},
    disk::Disk,
    fault::Step,
    head::Head,
    job::Answer,
    locate::hash_of_order,
    trees::Trees,
};
use crate::StoreError;

/// What writes, one group after the other.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) trees: Trees,
    pub(super) disk: Disk,
}

impl Writer {
    /// Writes a group, and answers. When it fails, all of the group is answered so, and the store has failed.
    pub(super) fn commit(&mut self, decided: Decided) -> Result<(), StoreError> {
        let Decided {
            writes,
            answers,
            moved,
            owned,
            relay,
            tip,
        } = decided;
        if let Some(failure) = self.shared.failed.get() {
            for answer in answers {
                answer.fail(failure);
            }
            return Err(failure.clone().into());
        }
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
            group: tip.group,
            rows: tip.rows,
            chain: tip.chain,
            ..before
        };
        self.shared.snapshots.keep(&self.trees, &writes, &moved);
        let applied = match self.disk.write(&self.trees, &writes, &head) {
            Ok(applied) => applied,
            Err(error) => {
                // Said while readers still wait: one that came in between would see what is not on the disk.
                let failed = self.give_up(error, answers);
                drop(live);
                return Err(failed);
            }
        };
        if let Some(audit) = self.shared.audit().as_mut() {
            audit.note(&writes, &applied);
        }
        if let Some(live) = live.as_mut() {
            live.head = applied.head;
            let mut locator = self.shared.locator_mut();
            for (kind, hash, order) in owned {
                locator.own(kind, hash, order);
            }
            for Moved {
                key, before, after, ..
            } in moved
            {
                let (mark, place) = before.unzip();
                let known = locator.move_order(hash_of_order(&key), place, after.1);
                debug_assert!(known, "the order was found at its place");
                live.index.change(&key, mark.as_ref(), &after.0);
            }
        }
        let woken = self.settle(relay);
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

    fn give_up(&self, failure: impl Into<Failure>, answers: Vec<Answer>) -> StoreError {
        let failure = failure.into();
        let failed = self.shared.fail(failure.clone());
        for answer in answers {
            answer.fail(&failure);
        }
        failed
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
}
