//! Rows of the outbox, by their groups.

use std::{fs, time::Duration};

use super::super::{
    counters::Counters,
    decided::{Changes, Ground},
    group::Group,
};
use super::{create, key, mark_paid, open};
use crate::{
    Clock as _, Dump as _, OrderStore as _, OrderStoreExt as _, Record, RelayId, SystemClock,
};

/// Rows of the outbox that came alone, as an import brings them, and are sent before the next start: their group's number is
/// not given again, or the log would change behind a mark that was synced.
#[tokio::test]
async fn a_group_of_outbox_rows_alone_keeps_its_number() {
    let (from, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(from.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store.mark_paid(mark_paid("order-1")).await.unwrap();
    let orders = store.dump_orders(None, 9).await.unwrap();
    let rows = store.dump_outbox(None, 9).await.unwrap();
    let store = open(folder.path()).unwrap();
    let orders = orders.into_iter().map(|order| Record::Order(order.into()));
    store.load(orders.collect()).await.unwrap();
    let rows = rows.into_iter().map(|row| Record::Outbox(row.into()));
    store.load(rows.collect()).await.unwrap();
    for claim in store
        .claim(RelayId::new("r"), Duration::from_mins(1), 9)
        .await
        .unwrap()
    {
        store.ack(claim.token).await.unwrap();
    }
    store.close().await.unwrap();

    let store = open(folder.path()).unwrap();
    let mark = fs::read(folder.path().join("mark")).unwrap();
    store.create(create("order-2")).await.unwrap();
    store.close().await.unwrap();
    // The power went before the mark was synced again.
    fs::write(folder.path().join("mark"), mark).unwrap();
    fs::remove_file(folder.path().join("clean")).unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.get(&key("order-2")).await.unwrap().is_some());
}

/// A row whose wait is over is requeued: until that is written nobody can claim it, for the claim would be forgotten.
#[tokio::test]
async fn a_row_that_is_being_requeued_cannot_be_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store.mark_paid(mark_paid("order-1")).await.unwrap();
    let mut claims = store
        .claim(RelayId::new("r"), Duration::from_mins(1), 1)
        .await
        .unwrap();
    let claim = claims.pop().unwrap();
    let id = claim.row.id.clone();
    store
        .retry_later(claim.token, Duration::ZERO, "no".to_owned())
        .await
        .unwrap();
    store
        .shared
        .read(|live| {
            let mut counters = Counters {
                next_group: 9,
                next_notify: 1,
                low: 0,
                chain: live.head.chain,
                rows: live.head.rows,
                accounts: std::collections::HashSet::new(),
            };
            let now = SystemClock.now();
            let ground = Ground {
                trees: &live.trees,
                locator: &store.shared.locator,
                changes: &Changes::default(),
            };
            let mut group = Group::new(ground, &mut counters, now, crate::DeadLetter::default());
            let mut relay = store.shared.relay();
            group.requeue(&id, &mut relay).unwrap();
            let later = now + Duration::from_mins(1);
            assert!(relay.claim(later, Duration::from_mins(1), 9).is_empty());
            Ok(())
        })
        .unwrap();
}
