//! Settlements: what became of rows on loan, in batches.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    committer::{Reply, again},
    fault::Fault,
    key::{column, key_of, place, shard_of, to_i64},
    link::{Link, jittered},
    options::LeaseClock,
    relay::key_in,
    session::Session,
    sql::Sql,
    wake::{Wake, now_of},
    write::col,
};
use crate::{ClaimToken, DeadLetter, OrderKey, OutboxId, StoreError, WAIT_MAX, outbox::plain};

/// The most settlements of one statement.
const BATCH_MAX: usize = 512;
/// How often a settlement that was rolled back is tried again.
const TRIES_MAX: u32 = 12;
const TRY_WAIT: Duration = Duration::from_millis(10);

/// What became of a claimed row.
pub(super) enum Settlement {
    Sent,
    PutOff(Duration, String),
    Parked(String),
}

/// Where it is told whether the row was settled.
type Settled = Reply<Result<(), StoreError>>;

/// One row to settle.
pub(super) struct Job {
    pub(super) token: ClaimToken,
    pub(super) settlement: Settlement,
    pub(super) reply: Settled,
}

/// The task that settles rows, many at a time.
pub(super) struct Settler {
    pub(super) link: Link,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) wake: Arc<Wake>,
    pub(super) patience: Duration,
    pub(super) clock: LeaseClock,
    pub(super) dead_letter: DeadLetter,
}

/// A row on loan, as a statement finds it.
struct Held {
    key: OrderKey,
    n: i64,
    fence: i64,
    /// How long it is put off, in milliseconds; nothing when it is set aside. Not looked at when it was sent.
    wait_ms: Option<i64>,
    reason: String,
    reply: Settled,
    id: OutboxId,
}

impl Held {
    /// The row with the statement that settles it; what to refuse when the token names no row of this store's.
    fn try_from(job: Job) -> Result<(Self, Sql), (Settled, OutboxId)> {
        let Job {
            token,
            settlement,
            reply,
        } = job;
        let Some(key) = key_in(&token.id) else {
            return Err((reply, token.id));
        };
        let (sql, wait_ms, reason) = match settlement {
            Settlement::Sent => (Sql::Ack, None, String::new()),
            Settlement::PutOff(after, reason) => (
                Sql::Hold,
                Some(to_i64(after.min(WAIT_MAX).as_millis())),
                reason,
            ),
            Settlement::Parked(reason) => (Sql::Hold, None, reason),
        };
        let row = Self {
            key,
            n: to_i64(token.address),
            fence: to_i64(token.fence),
            wait_ms,
            reason: plain(&reason),
            reply,
            id: token.id,
        };
        Ok((row, sql))
    }
}

impl Settler {
    /// Works until the store is closed or dropped, and what was waiting is done.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let (mut sent, mut held) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(job) = next {
                match Held::try_from(job) {
                    Ok((row, Sql::Ack)) => sent.push(row),
                    Ok((row, _)) => held.push(row),
                    Err((reply, id)) => drop(reply.send(Err(StoreError::LeaseLost { id }))),
                }
                let full = sent.len() + held.len() >= BATCH_MAX;
                next = if full {
                    None
                } else {
                    self.jobs.try_recv().ok()
                };
            }
            if !sent.is_empty() {
                self.settle(Sql::Ack, sent).await;
            }
            if !held.is_empty() {
                self.settle(Sql::Hold, held).await;
            }
        }
    }

    async fn settle(&mut self, sql: Sql, mut rows: Vec<Held>) {
        rows.sort_by(|a, b| (place(&a.key), a.n).cmp(&(place(&b.key), b.n)));
        let mut done = self.try_settle(sql, &rows).await;
        let mut any = false;
        for row in rows {
            let answer = match done.as_mut().map(|done| done.remove(&name(&row))) {
                // A token settles once, even twice in one batch.
                Ok(true) => Ok(()),
                Ok(false) => Err(StoreError::LeaseLost { id: row.id }),
                Err(error) => Err(again(error)),
            };
            any |= answer.is_ok();
            drop(row.reply.send(answer));
        }
        if any {
            self.wake.here();
        }
    }

    /// The rows that were settled.
    async fn try_settle(&mut self, sql: Sql, rows: &[Held]) -> Result<HashSet<Name>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let mut unknown = false;
        let mut tries = 0;
        loop {
            let session = self
                .link
                .session(deadline)
                .await
                .map_err(|error| if unknown { StoreError::NoAnswer } else { error })?;
            let now = now_of(&self.clock);
            let fault = match attempt(session, sql, rows, now, self.dead_letter).await {
                Ok(done) if unknown => match settled_before(session, sql, rows, done).await {
                    Ok(done) => return done,
                    Err(fault) => fault,
                },
                Ok(done) => return done,
                Err(fault) => fault,
            };
            tries += 1;
            match fault {
                Fault::Refused { .. } => return Err(fault.into()),
                _ if tries == TRIES_MAX || Instant::now() >= deadline => {
                    return Err(if unknown {
                        StoreError::NoAnswer
                    } else {
                        fault.into()
                    });
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

type Name = (OrderKey, i64, i64);

fn name(row: &Held) -> Name {
    (row.key.clone(), row.n, row.fence)
}

async fn attempt(
    session: &Session,
    sql: Sql,
    rows: &[Held],
    now: Option<i64>,
    dead_letter: DeadLetter,
) -> Result<Result<HashSet<Name>, StoreError>, Fault> {
    let shards = col(rows, |row| shard_of(&row.key));
    let merchants = col(rows, |row| row.key.mch_id.as_str());
    let numbers = col(rows, |row| row.key.out_trade_no.as_str());
    let (ns, fences) = (col(rows, |row| row.n), col(rows, |row| row.fence));
    let done = if sql == Sql::Ack {
        session
            .query(sql, &[&shards, &merchants, &numbers, &ns, &fences])
            .await?
    } else {
        let tries = match dead_letter {
            DeadLetter::After(tries) => i64::from(tries.get()),
            DeadLetter::Never => 0,
        };
        let waits = col(rows, |row| row.wait_ms);
        let reasons = col(rows, |row| row.reason.as_str());
        session
            .query(
                sql,
                &[
                    &shards, &merchants, &numbers, &ns, &fences, &waits, &reasons, &tries, &now,
                ],
            )
            .await?
    };
    Ok(done
        .iter()
        .map(|row| {
            let key = key_of(column(row, 0)?, column(row, 1)?)?;
            Ok((key, column(row, 2)?, column(row, 3)?))
        })
        .collect())
}

/// After a statement without an answer: the rows that it settled all the same. Only who holds a fence can have taken its row out,
/// or ended its loan while the row still has that fence.
async fn settled_before(
    session: &Session,
    sql: Sql,
    rows: &[Held],
    done: Result<HashSet<Name>, StoreError>,
) -> Result<Result<HashSet<Name>, StoreError>, Fault> {
    let mut done = match done {
        Ok(done) => done,
        Err(error) => return Ok(Err(error)),
    };
    for row in rows {
        if done.contains(&name(row)) {
            continue;
        }
        let found = session
            .query(
                Sql::SettledBefore,
                &[
                    &shard_of(&row.key),
                    &row.key.mch_id.as_str(),
                    &row.key.out_trade_no.as_str(),
                    &row.n,
                ],
            )
            .await?;
        let settled = match found.first() {
            // Gone: sent, by us or by who had it after us.
            None => sql == Sql::Ack,
            Some(found) => sql == Sql::Hold && found.get::<_, i64>(0) == row.fence && found.get(1),
        };
        if settled {
            done.insert(name(row));
        }
    }
    Ok(Ok(done))
}
