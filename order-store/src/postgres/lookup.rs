//! What a group wants to know: its orders, and the owners of what is unique.

use std::collections::{BTreeSet, HashMap};

use super::{
    fault::Attempt,
    key::{column, decode, key_at, place, shard_of_number, shard_of_transaction},
    rows::Stored,
    session::Session,
    sql::Sql,
    unique::{Found, Unique},
    write::col,
};
use crate::{OrderKey, StoreError};

/// The orders of these keys, and the owners of what is likely to be asked for, in one round trip.
///
/// The owners come first. What another machine commits between the two is then seen in the order alone, which tells more; the other
/// way about an order would be refused its own number, as if that were someone else's.
pub(super) async fn read(
    session: &Session,
    keys: impl Iterator<Item = &OrderKey>,
    likely: &BTreeSet<Unique>,
) -> Result<Found, Attempt> {
    let mut found = Found::default();
    let (owners, orders) = tokio::join!(
        biased;
        read_owners(session, likely, &mut found.owners),
        read_orders(session, keys)
    );
    owners?;
    found.orders = orders?;
    Ok(found)
}

/// The orders of these keys.
pub(super) async fn read_orders(
    session: &Session,
    keys: impl Iterator<Item = &OrderKey>,
) -> Result<HashMap<OrderKey, Stored>, Attempt> {
    let mut keys: Vec<_> = keys.map(place).collect();
    keys.sort_unstable();
    let rows = session
        .query(
            Sql::ReadOrders,
            &[
                &col(&keys, |key| key.0),
                &col(&keys, |key| key.1),
                &col(&keys, |key| key.2),
            ],
        )
        .await?;
    let mut orders = HashMap::with_capacity(rows.len());
    for row in rows {
        let stored = Stored {
            version: column(&row, 2)?,
            logged: column(&row, 3)?,
            sent: column(&row, 4)?,
            order: decode(&row, 5)?,
        };
        orders.insert(key_at(&row, 0, 1)?, stored);
    }
    Ok(orders)
}

/// The owners of these.
pub(super) async fn read_owners(
    session: &Session,
    wanted: &BTreeSet<Unique>,
    owners: &mut HashMap<Unique, Option<OrderKey>>,
) -> Result<(), Attempt> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (mut numbers, mut transactions, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
    for unique in wanted {
        match unique {
            Unique::Number(mch_id, number) => numbers.push((mch_id, number.as_str())),
            Unique::Transaction(id) => transactions.push(id),
            Unique::Refund(mch_id, number) => refunds.push((mch_id, number.as_str())),
        }
        owners.insert(unique.clone(), None);
    }
    let rows = session
        .query(
            Sql::ReadFacts,
            &[
                &col(&numbers, |(mch_id, number)| shard_of_number(mch_id, number)),
                &col(&numbers, |(mch_id, _)| mch_id.as_str()),
                &col(&numbers, |(_, number)| *number),
                &col(&transactions, |id| shard_of_transaction(id)),
                &col(&transactions, |id| id.as_str()),
                &col(&refunds, |(mch_id, number)| shard_of_number(mch_id, number)),
                &col(&refunds, |(mch_id, _)| mch_id.as_str()),
                &col(&refunds, |(_, number)| *number),
            ],
        )
        .await?;
    for row in rows {
        let owner = key_at(&row, 2, 3)?;
        let name: &str = column(&row, 1)?;
        let bad = |_| StoreError::Corrupt {
            what: format!("an index of order {owner}"),
        };
        let mch_id = owner.mch_id.clone();
        let unique = match column(&row, 0)? {
            "number" => Unique::Number(mch_id, name.parse().map_err(bad)?),
            "transaction" => Unique::Transaction(name.parse().map_err(bad)?),
            _ => Unique::Refund(mch_id, name.parse().map_err(bad)?),
        };
        owners.insert(unique, Some(owner));
    }
    Ok(())
}
