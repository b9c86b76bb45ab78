//! The outbox: rows on loan, and what became of them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::Row;

use super::{
    committer::{Reply, again},
    fault::Fault,
    key::{column, damaged, decode, key_of, place, shard_of, to_i64, to_u64},
    link::{Link, Pool, jittered},
    options::LeaseClock,
    session::Session,
    sql::Sql,
    wake::{Wake, now_of},
    write::col,
};
use crate::{
    Claim, ClaimToken, DeadLetter, OrderKey, OutboxId, OutboxRow, OutboxStatus, PAGE_MAX, RelayId,
    StoreError, Timestamp, WAIT_MAX, outbox::plain,
};

/// The most settlements of one statement.
const BATCH_MAX: usize = 512;
/// How far the rows of each kind are counted: readiness wants to know of 10 000.
const STATUS_MAX: i64 = 20_000;
/// How often a claim or a settlement that was rolled back is tried again.
const TRIES_MAX: u32 = 12;
const TRY_WAIT: Duration = Duration::from_millis(10);
/// How long closing may wait for a database that is away.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// Who has a row on loan: the relay, for people to read, and behind it the store that gave the loan.
pub(super) fn owner(relay: &RelayId, store: &str) -> String {
    format!("{} {store}", plain(relay.as_str()))
}

/// Ends the loans that a store gave and that were not settled. Where that fails they end with their leases.
pub(super) async fn release(pool: &Pool, store: &str) {
    let released = timeout(RELEASE_LIMIT, pool.query(Sql::Release, &[&store])).await;
    if !matches!(released, Ok(Ok(_))) {
        tracing::debug!("loans end with their leases");
    }
}

/// Lends rows: see [`OrderStore::claim`](crate::OrderStore::claim).
pub(super) async fn claim(
    pool: &Pool,
    clock: &LeaseClock,
    owner: &str,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Claim>, StoreError> {
    let limit = limit.min(PAGE_MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let lease_ms = to_i64(lease.min(WAIT_MAX).as_millis());
    let mut tries = 0;
    loop {
        let loan = pool.take().await?;
        match claim_once(&loan.session, now_of(clock), owner, lease_ms, limit).await {
            Ok(claims) => {
                pool.give_back(loan);
                return claims;
            }
            // Rows that were lent without our hearing of it come back when the lease is over.
            Err(fault) => {
                tries += 1;
                if tries == TRIES_MAX || matches!(fault, Fault::Refused { .. }) {
                    return Err(fault.into());
                }
                drop(loan);
                sleep(jittered(TRY_WAIT)).await;
            }
        }
    }
}

async fn claim_once(
    session: &Session,
    now: Option<i64>,
    owner: &str,
    lease_ms: i64,
    limit: usize,
) -> Result<Result<Vec<Claim>, StoreError>, Fault> {
    session.batch("BEGIN").await?;
    let rows = session.query(Sql::Now, &[&now]).await?;
    let now: i64 = rows.first().map_or(0, |row| row.get(0));
    let mut heads = session
        .query(Sql::ClaimAgain, &[&now, &to_i64(limit)])
        .await?;
    if heads.len() < limit {
        let more = to_i64(limit - heads.len());
        heads.extend(session.query(Sql::ClaimFresh, &[&more]).await?);
    }
    let mut taken = Vec::new();
    let until = now.saturating_add(lease_ms);
    if !heads.is_empty() {
        let mut heads: Vec<(i16, &str, &str)> = heads
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect();
        heads.sort_unstable();
        taken = session
            .query(
                Sql::ClaimTake,
                &[
                    &col(&heads, |head| head.0),
                    &col(&heads, |head| head.1),
                    &col(&heads, |head| head.2),
                    &now,
                    &until,
                    &owner,
                    &to_i64(limit),
                ],
            )
            .await?;
    }
    session.batch("COMMIT").await?;
    let claims = taken.iter().map(|row| {
        let n: i64 = column(row, 0)?;
        let row = Claim {
            row: row_of(row, 2)?,
            token: ClaimToken {
                id: OutboxId::from_text(""),
                address: to_u64(n).into(),
                fence: to_u64(column(row, 1)?),
            },
            until: Timestamp::from_millis(until),
        };
        Ok((n, row))
    });
    Ok(claims.collect::<Result<Vec<_>, StoreError>>().map(in_order))
}

/// Oldest first, and each order's rows in their order.
fn in_order(mut claims: Vec<(i64, Claim)>) -> Vec<Claim> {
    claims.sort_by(|(a_n, a), (b_n, b)| {
        (a.row.created_at, &a.row.key, a_n).cmp(&(b.row.created_at, &b.row.key, b_n))
    });
    claims
        .into_iter()
        .map(|(_, mut claim)| {
            claim.token.id = claim.row.id.clone();
            claim
        })
        .collect()
}

/// A row with its tries, in three columns from here.
pub(super) fn row_of(row: &Row, at: usize) -> Result<OutboxRow, StoreError> {
    let mut found: OutboxRow = decode(row, at + 2)?;
    found.attempts = u32::try_from(column::<i64>(row, at)?).unwrap_or(u32::MAX);
    found.last_error = column(row, at + 1)?;
    Ok(found)
}

/// The order that a row's name begins with.
fn key_in(id: &OutboxId) -> Option<OrderKey> {
    let mut parts = id.as_str().splitn(3, '/');
    key_of(parts.next()?, parts.next()?).ok()
}

pub(super) async fn parked(pool: &Pool, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = pool
        .query(Sql::Parked, &[&to_i64(limit.min(PAGE_MAX))])
        .await?;
    rows.iter().map(|row| row_of(row, 0)).collect()
}

pub(super) async fn requeue(pool: &Pool, id: &OutboxId) -> Result<(), StoreError> {
    let missing = || StoreError::NoSuchRow { id: id.clone() };
    let key = key_in(id).ok_or_else(missing)?;
    let shard = shard_of(&key);
    let (mch_id, number) = (key.mch_id.as_str(), key.out_trade_no.as_str());
    let rows = pool
        .query(Sql::HeldBack, &[&shard, &mch_id, &number])
        .await?;
    let mut held_back = false;
    for row in &rows {
        held_back |= column::<&str>(row, 0)? == id.as_str() && column(row, 1)?;
    }
    if !held_back {
        return Err(missing());
    }
    // It was held back a moment ago. A repeat that finds it free finds what the try without an answer has done, or someone else.
    pool.query(Sql::Requeue, &[&shard, &mch_id, &number, &id.as_str()])
        .await
        .map(drop)
}

pub(super) async fn status(pool: &Pool, clock: &LeaseClock) -> Result<OutboxStatus, StoreError> {
    let rows = pool
        .query(Sql::OutboxStatus, &[&now_of(clock), &STATUS_MAX])
        .await?;
    let row = rows
        .first()
        .ok_or_else(|| damaged("the outbox", &"no counts"))?;
    let count = |at| -> Result<usize, StoreError> {
        Ok(usize::try_from(column::<i64>(row, at)?).unwrap_or(0))
    };
    let time = |at| -> Result<Option<Timestamp>, StoreError> {
        Ok(column::<Option<i64>>(row, at)?.map(Timestamp::from_millis))
    };
    Ok(OutboxStatus {
        waiting: count(0)?,
        put_off: count(1)?,
        leased: count(2)?,
        parked: count(3)?,
        oldest: time(4)?,
        next_retry: time(5)?,
    })
}

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
