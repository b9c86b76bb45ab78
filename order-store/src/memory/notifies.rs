//! The inbox: two rings of notifies, accepted and refused apart.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    ACCEPTED_MAX_COUNT, Kept, NotifyHead, NotifyId, NotifyQuery, NotifyRecord, NotifySummary,
    PAGE_MAX, REFUSED_MAX_COUNT, Verdict,
};

/// Notifies by number; when it is full the oldest goes.
#[derive(Clone)]
struct Ring {
    kept: BTreeMap<u64, (NotifyHead, Vec<u8>)>,
    next: u64,
    most: u64,
}

impl Ring {
    fn new(most: u64) -> Self {
        Self {
            kept: BTreeMap::new(),
            next: 1,
            most,
        }
    }

    fn put(&mut self, n: u64, record: NotifyRecord) {
        self.kept.insert(n, NotifyHead::split(record));
        self.next = self.next.max(n + 1);
        let oldest = self.next.saturating_sub(self.most);
        self.kept = self.kept.split_off(&oldest);
    }

    fn push(&mut self, record: NotifyRecord) -> u64 {
        let n = self.next;
        self.put(n, record);
        n
    }

    fn get(&self, n: u64) -> Option<NotifyRecord> {
        let (head, body) = self.kept.get(&n)?.clone();
        Some(head.record(body))
    }
}

#[derive(Clone)]
pub(super) struct Notifies {
    accepted: Ring,
    refused: Ring,
}

impl Default for Notifies {
    fn default() -> Self {
        Self {
            accepted: Ring::new(ACCEPTED_MAX_COUNT),
            refused: Ring::new(REFUSED_MAX_COUNT),
        }
    }
}

impl Notifies {
    pub(super) fn push(&mut self, record: NotifyRecord) -> NotifyId {
        match record.verdict {
            Verdict::Accepted { .. } => NotifyId::Accepted(self.accepted.push(record)),
            Verdict::Refused { .. } => NotifyId::Refused(self.refused.push(record)),
        }
    }

    pub(super) fn get(&self, id: NotifyId) -> Option<NotifyRecord> {
        match id {
            NotifyId::Accepted(n) => self.accepted.get(n),
            NotifyId::Refused(n) => self.refused.get(n),
        }
    }

    pub(super) fn list(&self, query: NotifyQuery) -> Vec<NotifySummary> {
        let limit = query.limit.min(PAGE_MAX);
        let newest = |ring: &Ring, id: fn(u64) -> NotifyId| -> Vec<NotifySummary> {
            ring.kept
                .iter()
                .rev()
                .map(|(n, (head, _))| head.clone().summary(id(*n)))
                .filter(|notify| query.before.is_none_or(|before| notify.place() < before))
                .take(limit)
                .collect()
        };
        let mut found = Vec::new();
        if query.kept != Kept::Refused {
            found.extend(newest(&self.accepted, NotifyId::Accepted));
        }
        if query.kept != Kept::Accepted {
            found.extend(newest(&self.refused, NotifyId::Refused));
        }
        found.sort_by_key(|notify| Reverse(notify.place()));
        found.truncate(limit);
        found
    }

    /// The accepted ones with a number above this one.
    pub(super) fn behind(&self, after: u64) -> impl Iterator<Item = (u64, NotifyRecord)> {
        self.accepted
            .kept
            .range(after.saturating_add(1)..)
            .map(|(n, (head, body))| (*n, head.clone().record(body.clone())))
    }

    pub(super) fn accepted_len(&self) -> usize {
        self.accepted.kept.len()
    }

    /// Whether later ones have the place of this number.
    pub(super) fn is_past(&self, n: u64) -> bool {
        n.saturating_add(ACCEPTED_MAX_COUNT) < self.accepted.next
    }

    pub(super) fn load(&mut self, n: u64, record: NotifyRecord) {
        self.accepted.put(n, record);
    }
}
