//! A snapshot that the ledger leaves too far behind.

use super::{super::snapshot::SledSnapshot, create, mark_paid, open};
use crate::{Dump as _, OrderStoreExt as _, Snapshot as _, StoreError};

#[tokio::test]
async fn a_snapshot_is_lost_before_it_takes_too_much_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    let small = SledSnapshot::take_within(&store.shared, 0).await.unwrap();
    let whole = store.snapshot().await.unwrap();
    assert_eq!(small.orders(None, 9).await.unwrap().len(), 1);
    store.mark_paid(mark_paid("order-1")).await.unwrap();
    for told in [
        small.orders(None, 9).await.map(drop),
        small.outbox(None, 9).await.map(drop),
        small.inbox(0, 9).await.map(drop),
    ] {
        assert!(
            matches!(told, Err(StoreError::SnapshotLost { .. })),
            "{told:?}"
        );
    }
    assert_eq!(whole.outbox(None, 9).await.unwrap(), []);
    store.create(create("order-2")).await.unwrap();
    let next = store.snapshot().await.unwrap();
    assert_eq!(next.orders(None, 9).await.unwrap().len(), 2);
}
