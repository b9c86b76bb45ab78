//! What a dump may say and a folder has no room for.

use super::{create, mark_paid, open};
use crate::{
    Dump as _, InboxRecord, NotifyRecord, OrderStoreExt as _, Record, StoreError, Timestamp,
    Verdict, What,
};

/// A dump may say what no command leaves; it is refused, and the store goes on.
#[tokio::test]
async fn an_import_that_fits_no_value_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store.mark_paid(mark_paid("order-1")).await.unwrap();
    let order = store.dump_orders(None, 1).await.unwrap().remove(0);
    let row = store.dump_outbox(None, 1).await.unwrap().remove(0);
    let other = tempfile::tempdir().unwrap();
    let store = open(other.path()).unwrap();

    let mut long = order.clone();
    long.log[0].what = What::AttentionCleared {
        attention: crate::Attention::ExtraPayment,
        note: "x".repeat(6_000),
    };
    let mut row = row;
    row.row.last_error = Some("x".repeat(6_000));
    let notify = |n| {
        let notify = NotifyRecord {
            at: Timestamp::from_millis(0),
            peer: "::1".parse().unwrap(),
            verdict: Verdict::Accepted {
                outcome: crate::Outcome::Applied,
            },
            millis: 1,
            answer: String::new(),
            body: Vec::new(),
        };
        vec![Record::Inbox(InboxRecord { n, notify }.into())]
    };
    for batch in [
        vec![Record::Order(long.into())],
        vec![
            Record::Order(order.clone().into()),
            Record::Outbox(row.into()),
        ],
        notify(u64::MAX),
        notify(u64::MAX - 1),
    ] {
        let refused = store.load(batch).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { .. })),
            "{refused:?}"
        );
    }
    store.load(vec![Record::Order(order.into())]).await.unwrap();
}
