//! Rows of the outbox, by their groups.

use std::{fs, time::Duration};

use super::super::{
    counters::Counters,
    decided::{Changes, Decided, Ground},
    group::Group,
    keys::Kind,
    store::SledStore,
};
use super::{create, key, mark_paid, open};
use crate::{
    Clock as _, Dump as _, OrderStore as _, OrderStoreExt as _, OutboxId, OutboxKind, Record,
    RelayId, StoreError, SystemClock,
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
    with_group(&store, |mut group| {
        let mut relay = store.shared.relay();
        group.requeue(&id, &mut relay).unwrap();
        let later = group.now + Duration::from_mins(1);
        assert!(relay.claim(later, Duration::from_mins(1), 9).is_empty());
        drop(relay);
        group
    });
}

/// To find the row is to look at values with rows that are held too; only the one that changes is written.
#[tokio::test]
async fn a_requeue_writes_the_value_of_its_row_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let mut parked = Vec::new();
    for number in ["order-1", "order-2", "order-3"] {
        store.create(create(number)).await.unwrap();
        store.mark_paid(mark_paid(number)).await.unwrap();
        for claim in store
            .claim(RelayId::new("r"), Duration::from_mins(1), 9)
            .await
            .unwrap()
        {
            parked.push(claim.row.id.clone());
            store.park(claim.token, "no".to_owned()).await.unwrap();
        }
    }
    let outbox = |decided: &Decided| {
        let of_outbox = decided
            .writes
            .iter()
            .filter(|write| write.0 == Kind::Outbox);
        of_outbox.count()
    };
    let last = parked.pop().unwrap();
    let decided = with_group(&store, |mut group| {
        group.requeue(&last, &mut store.shared.relay()).unwrap();
        group
    });
    assert_eq!(outbox(&decided), 1);
    let unknown = OutboxId::paid(&key("order-9"), OutboxKind::OrderPay);
    let decided = with_group(&store, |mut group| {
        let refused = group.requeue(&unknown, &mut store.shared.relay());
        assert!(matches!(refused, Err(StoreError::NoSuchRow { .. })));
        group
    });
    assert_eq!(outbox(&decided), 0);
}

/// What a group that nobody writes comes to.
fn with_group(store: &SledStore, work: impl FnOnce(Group<'_>) -> Group<'_>) -> Decided {
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
            let ground = Ground {
                trees: &live.trees,
                locator: &store.shared.locator,
                changes: &Changes::default(),
            };
            let now = SystemClock.now();
            let group = Group::new(ground, &mut counters, now, crate::DeadLetter::default());
            let (decided, _) = work(group).finish(|| store.shared.relay());
            Ok(decided)
        })
        .unwrap()
}
