//! The inbox: two rings of notifies, accepted and refused apart.
//!
//! Numbers come from one row a ring, which the inbox alone writes: orders never wait for it. A flood of refused notifies costs no
//! sync, and fills a queue of its own.

use std::{cmp::Reverse, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_postgres::Row;

use super::{
    committer::{Reply, again, commit_id},
    fault::Fault,
    key::{column, decode, encode, to_i64, to_u64},
    link::{Link, Pool, jittered},
    session::Session,
    sql::Sql,
    write::col,
};
use crate::{
    ACCEPTED_MAX_COUNT, Kept, NotifyHead, NotifyId, NotifyQuery, NotifyRecord, NotifySummary,
    PAGE_MAX, REFUSED_MAX_COUNT, StoreError,
};

/// The most notifies of one statement, and about the most bytes.
const BATCH_MAX: usize = 128;
const BATCH_BYTES_MAX: usize = 4 << 20;
const TRIES_MAX: u32 = 12;
const TRY_WAIT: Duration = Duration::from_millis(10);

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    Accepted,
    Refused,
}

impl Ring {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }

    pub(super) fn slots(self) -> i64 {
        to_i64(match self {
            Self::Accepted => ACCEPTED_MAX_COUNT,
            Self::Refused => REFUSED_MAX_COUNT,
        })
    }

    /// Of those of one moment, the ones with a number below this come behind the notify of this name.
    fn numbers_below(self, id: NotifyId) -> i64 {
        match (self, id) {
            (Self::Accepted, NotifyId::Accepted(n)) | (Self::Refused, NotifyId::Refused(n)) => {
                to_i64(n)
            }
            (Self::Accepted, NotifyId::Refused(_)) => i64::MAX,
            (Self::Refused, NotifyId::Accepted(_)) => 0,
        }
    }

    fn id(self, n: i64) -> NotifyId {
        match self {
            Self::Accepted => NotifyId::Accepted(to_u64(n)),
            Self::Refused => NotifyId::Refused(to_u64(n)),
        }
    }
}

/// A notify to keep.
pub(super) struct Job {
    pub(super) record: NotifyRecord,
    pub(super) reply: Reply<Result<NotifyId, StoreError>>,
}

/// The task that writes one ring.
pub(super) struct Keeper {
    pub(super) ring: Ring,
    pub(super) link: Link,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) patience: Duration,
}

/// A notify as it is written.
pub(super) struct KeptRow {
    pub(super) at: i64,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl KeptRow {
    pub(super) fn new(record: NotifyRecord) -> Self {
        let (head, body) = NotifyHead::split(record);
        Self {
            at: head.at.millis(),
            head: encode(&head),
            body,
        }
    }
}

impl Keeper {
    /// Works until the store is closed or dropped, and what was waiting is done.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let (mut rows, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(first);
            while let Some(Job { record, reply }) = next {
                let row = KeptRow::new(record);
                bytes += row.body.len();
                rows.push(row);
                replies.push(reply);
                let full = rows.len() >= BATCH_MAX || bytes >= BATCH_BYTES_MAX;
                next = if full {
                    None
                } else {
                    self.jobs.try_recv().ok()
                };
            }
            match self.keep(&rows).await {
                Ok(numbers) => {
                    for (reply, n) in replies.into_iter().zip(numbers) {
                        drop(reply.send(Ok(self.ring.id(n))));
                    }
                }
                Err(error) => {
                    for reply in replies {
                        drop(reply.send(Err(again(&error))));
                    }
                }
            }
        }
    }

    async fn keep(&mut self, rows: &[KeptRow]) -> Result<Vec<i64>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let commit_id = commit_id()?;
        let mut unknown = false;
        let mut tries = 0;
        loop {
            // One that was sent and not heard of again may be written all the same.
            let failed = |error: StoreError, unknown| {
                if unknown { StoreError::NoAnswer } else { error }
            };
            let session = self.link.session(deadline).await;
            let session = session.map_err(|error| failed(error, unknown))?;
            let fault = match attempt(session, self.ring, rows, &commit_id, unknown).await {
                Ok(numbers) => return Ok(numbers),
                Err(fault) => fault,
            };
            tries += 1;
            match fault {
                Fault::Refused { .. } => return Err(failed(fault.into(), unknown)),
                _ if tries == TRIES_MAX || Instant::now() >= deadline => {
                    let unknown = unknown || matches!(fault, Fault::Lost(_));
                    return Err(failed(fault.into(), unknown));
                }
                Fault::Lost(_) => {
                    unknown = true;
                    self.link.lose();
                }
                _ => sleep(jittered(TRY_WAIT)).await,
            }
        }
    }
}

/// Writes once; after a write without an answer, looks for it first.
async fn attempt(
    session: &Session,
    ring: Ring,
    rows: &[KeptRow],
    commit_id: &[u8],
    unknown: bool,
) -> Result<Vec<i64>, Fault> {
    let mut written = Vec::new();
    if unknown {
        let span = ring.slots();
        written = session
            .query(Sql::KeptNotifies, &[&ring.name(), &commit_id, &span])
            .await?;
    }
    if written.len() != rows.len() {
        written = session
            .query(
                Sql::KeepNotifies,
                &[
                    &ring.name(),
                    &ring.slots(),
                    &commit_id,
                    &to_i64(rows.len()),
                    &col(rows, |row| row.at),
                    &col(rows, |row| row.head.as_str()),
                    &col(rows, |row| row.body.as_slice()),
                ],
            )
            .await?;
    }
    let mut numbers: Vec<i64> = written.iter().map(|row| row.get(0)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) async fn list(
    pool: &Pool,
    query: NotifyQuery,
) -> Result<Vec<NotifySummary>, StoreError> {
    let NotifyQuery {
        kept,
        before,
        limit,
    } = query;
    let limit = limit.min(PAGE_MAX);
    let rings: &[Ring] = match kept {
        Kept::All => &[Ring::Accepted, Ring::Refused],
        Kept::Accepted => &[Ring::Accepted],
        Kept::Refused => &[Ring::Refused],
    };
    let at = before.map_or(i64::MAX, |before| before.at.millis());
    let mut found = Vec::new();
    for ring in rings {
        let rows = pool
            .query(
                Sql::ListNotifies,
                &[
                    &ring.name(),
                    &at,
                    &before.map_or(0, |before| ring.numbers_below(before.id)),
                    &to_i64(limit),
                ],
            )
            .await?;
        for row in rows {
            let head: NotifyHead = decode(&row, 1)?;
            found.push(head.summary(ring.id(column(&row, 0)?)));
        }
    }
    found.sort_by_key(|notify| Reverse(notify.place()));
    found.truncate(limit);
    Ok(found)
}

pub(super) async fn get(pool: &Pool, id: NotifyId) -> Result<Option<NotifyRecord>, StoreError> {
    let (ring, n) = match id {
        NotifyId::Accepted(n) => (Ring::Accepted, n),
        NotifyId::Refused(n) => (Ring::Refused, n),
    };
    let rows = pool.query(Sql::Notify, &[&ring.name(), &to_i64(n)]).await?;
    rows.first().map(|row| record_at(row, 0)).transpose()
}

/// The notify in two columns from here.
pub(super) fn record_at(row: &Row, at: usize) -> Result<NotifyRecord, StoreError> {
    let head: NotifyHead = decode(row, at)?;
    Ok(head.record(column(row, at + 1)?))
}
