//! Claims: rows go out on loan.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    fault::Fault,
    key::{column, to_i64, to_u64},
    link::{Pool, jittered},
    options::LeaseClock,
    relay::row_of,
    session::Session,
    sql::Sql,
    wake::now_of,
    write::col,
};
use crate::{Claim, ClaimToken, OutboxId, PAGE_MAX, StoreError, Timestamp, WAIT_MAX};

/// How often a claim that was rolled back is tried again.
const TRIES_MAX: u32 = 12;
const TRY_WAIT: Duration = Duration::from_millis(10);

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
