//! Reads: each one statement, which sees what is committed and nothing else.

use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;
use wxpay_core::{Fen, MchId};

use super::{
    key::{column, decode, key_at, shard_of, to_i64, to_u64},
    link::Pool,
    sql::Sql,
};
use crate::{
    Account, Cursor, Day, DayTotals, LogEntry, Order, OrderKey, OrderQuery, PAGE_MAX, Page,
    StoreError, Timestamp, TotalsQuery,
};

pub(super) async fn get(pool: &Pool, key: &OrderKey) -> Result<Option<Order>, StoreError> {
    let rows = pool
        .query(
            Sql::Get,
            &[
                &shard_of(key),
                &key.mch_id.as_str(),
                &key.out_trade_no.as_str(),
            ],
        )
        .await?;
    rows.first().map(|row| decode(row, 0)).transpose()
}

/// The order that an index names.
pub(super) async fn find(
    pool: &Pool,
    sql: Sql,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Option<Order>, StoreError> {
    let rows = pool.query(sql, params).await?;
    match rows.first() {
        Some(row) => get(pool, &key_at(row, 0, 1)?).await,
        None => Ok(None),
    }
}

pub(super) async fn log(pool: &Pool, key: &OrderKey) -> Result<Vec<LogEntry>, StoreError> {
    let rows = pool
        .query(
            Sql::Log,
            &[
                &shard_of(key),
                &key.mch_id.as_str(),
                &key.out_trade_no.as_str(),
            ],
        )
        .await?;
    rows.iter().map(|row| decode(row, 0)).collect()
}

pub(super) async fn list(pool: &Pool, query: &OrderQuery) -> Result<Page, StoreError> {
    let limit = query.limit.min(PAGE_MAX);
    let since = query.since.map_or(i64::MIN, Timestamp::millis);
    // Nothing has the last moment, so every order is before it.
    let (at, mch_id, number) = match &query.cursor {
        Some(Cursor { created_at, key }) => (
            created_at.millis(),
            key.mch_id.as_str(),
            key.out_trade_no.as_str(),
        ),
        None => (i64::MAX, "", ""),
    };
    let more = to_i64(limit + 1);
    let rows = match query.state {
        Some(state) => {
            let params: &[&(dyn ToSql + Sync)] =
                &[&since, &at, &mch_id, &number, &more, &state.as_str()];
            pool.query(Sql::ListState, params).await?
        }
        None => {
            pool.query(Sql::List, &[&since, &at, &mch_id, &number, &more])
                .await?
        }
    };
    let mut orders = rows
        .iter()
        .map(|row| decode(row, 0))
        .collect::<Result<Vec<Order>, _>>()?;
    let more = orders.len() > limit;
    orders.truncate(limit);
    let next = orders.last().filter(|_| more).map(|last| Cursor {
        created_at: last.created_at,
        key: last.key.clone(),
    });
    Ok(Page { orders, next })
}

pub(super) async fn due(
    pool: &Pool,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Order>, StoreError> {
    let limit = to_i64(limit.min(PAGE_MAX));
    let rows = pool.query(Sql::Due, &[&now.millis(), &limit]).await?;
    rows.iter().map(|row| decode(row, 0)).collect()
}

pub(super) async fn accounts(pool: &Pool) -> Result<Vec<Account>, StoreError> {
    let names = pool.query(Sql::Accounts, &[]).await?;
    let open = pool.query(Sql::OpenOrders, &[]).await?;
    let mut accounts = BTreeMap::new();
    for (rows, counted) in [(names, false), (open, true)] {
        for row in rows {
            let pair: (String, String) = (column(&row, 0)?, column(&row, 1)?);
            let count = if counted { to_u64(column(&row, 2)?) } else { 0 };
            accounts.insert(pair, count);
        }
    }
    let bad = |_| StoreError::Corrupt {
        what: "an account".to_owned(),
    };
    accounts
        .into_iter()
        .map(|((mch_id, appid), open_orders)| {
            Ok(Account {
                appid: appid.parse().map_err(bad)?,
                mch_id: mch_id.parse().map_err(bad)?,
                open_orders,
            })
        })
        .collect()
}

pub(super) async fn totals(pool: &Pool, query: &TotalsQuery) -> Result<Vec<DayTotals>, StoreError> {
    let merchant = query.mch_id.as_ref().map(MchId::as_str);
    let (from, to) = (query.from.start().millis(), query.last().start().millis());
    let rows = pool.query(Sql::Totals, &[&from, &to, &merchant]).await?;
    let fen = |sum: i64| Fen::new(to_u64(sum)).unwrap_or(Fen::MAX);
    rows.iter()
        .map(|row| {
            Ok(DayTotals {
                day: Day::of(Timestamp::from_millis(column(row, 0)?)),
                mch_id: column::<&str>(row, 1)?
                    .parse()
                    .map_err(|_| StoreError::Corrupt {
                        what: "a merchant of the totals".to_owned(),
                    })?,
                payments: to_u64(column(row, 2)?),
                paid: fen(column(row, 3)?),
                refunds: to_u64(column(row, 4)?),
                refunded: fen(column(row, 5)?),
            })
        })
        .collect()
}

/// The most rows of the tally that one statement moves.
const ROLL_UP_MAX: i64 = 2000;

/// Rolls the tally up; a machine that cannot now does it later.
pub(super) async fn roll_up(pool: &Pool) {
    loop {
        // A repeat of a statement without an answer finds the rows gone, or takes them.
        match pool.query(Sql::RollUp, &[&ROLL_UP_MAX]).await {
            Ok(rows) => {
                let moved: i64 = rows.first().map_or(0, |row| row.get(0));
                if moved < ROLL_UP_MAX {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "totals are rolled up later");
                return;
            }
        }
    }
}
