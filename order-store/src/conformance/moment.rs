//! The ledger of one moment, while it goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{JoinSet, block_in_place, yield_now},
};

use super::{
    Backend, fresh,
    notifies::{accepted, record},
    samples::{T0, begin_refund, create, defer, mark_paid, refund_result, secs},
    transfer::{full, text_of},
};
use crate::{
    ACCEPTED_MAX_COUNT, Dump, InboxRecord, OrderRecord, OrderStoreExt as _, OutboxRecord, Record,
    RefundState, RelayId, Snapshot, check, export, import,
};

const CALLERS: u64 = 4;
/// The most orders of one caller under load.
const CALLER_MAX: u64 = 200;

/// All of a snapshot, in pages of one.
async fn read(snapshot: &dyn Snapshot) -> (Vec<OrderRecord>, Vec<OutboxRecord>, Vec<InboxRecord>) {
    let (mut after, mut orders) = (None, Vec::new());
    while let Some(record) = snapshot.orders(after, 1).await.unwrap().pop() {
        after = Some(record.place());
        orders.push(record);
    }
    let (mut after, mut rows) = (None, Vec::new());
    while let Some(record) = snapshot.outbox(after, 1).await.unwrap().pop() {
        after = Some(record.place());
        rows.push(record);
    }
    let (mut after, mut notifies) = (0, Vec::new());
    while let Some(record) = snapshot.inbox(after, 1).await.unwrap().pop() {
        after = record.n;
        notifies.push(record);
    }
    (orders, rows, notifies)
}

/// Whatever can change: orders new, old, deferred and paid, rows sent, put off and set aside, notifies whose place is taken.
async fn change_everything(store: &dyn Dump, round: u64) {
    let mut early = create(&format!("early-{round}"));
    early.now = T0 - secs(1_000 + round);
    store.create(early).await.unwrap();
    let number = format!("late-{round}");
    store.create(create(&number)).await.unwrap();
    let paid = mark_paid(&number, &number, &format!("t-{number}"));
    store.mark_paid(paid).await.unwrap();
    let deferred = defer("order-8", T0 + secs(5_000 + round));
    store.defer(deferred).await.unwrap();
    if round == 0 {
        let paid = mark_paid("order-8", "order-8", "t-order-8");
        store.mark_paid(paid).await.unwrap();
        let begin = begin_refund("order-3", "r3", "t-order-3", T0);
        store.begin_refund(begin).await.unwrap();
        let done = refund_result("order-2", "r2", RefundState::Success, T0 + secs(60));
        store.refund_result(done).await.unwrap();
    }
    let relay = RelayId::new("later");
    let claims = store.claim(relay, secs(30), 3).await.unwrap();
    for (claim, n) in claims.into_iter().zip(0..) {
        match n {
            0 => store.ack(claim.token).await.unwrap(),
            1 => {
                let why = "later".to_owned();
                store.retry_later(claim.token, secs(9), why).await.unwrap();
            }
            _ => store.park(claim.token, "later".to_owned()).await.unwrap(),
        }
    }
    // It takes the place of one that was there.
    let notify = record(9, accepted(), vec![9]);
    let n = ACCEPTED_MAX_COUNT + 1 + round;
    let record = InboxRecord { n, notify };
    store
        .load(vec![Record::Inbox(Box::new(record))])
        .await
        .unwrap();
}

/// Record by record, as often as it is read, and a later one is of its own moment.
pub async fn a_snapshot_stays_as_it_was(backend: &dyn Backend) {
    let store = full(backend).await;
    store
        .defer(defer("order-8", T0 + secs(4_000)))
        .await
        .unwrap();
    let before = (
        store.dump_orders(None, 256).await.unwrap(),
        store.dump_outbox(None, 256).await.unwrap(),
        store.dump_inbox(0, 256).await.unwrap(),
    );
    let size = store.dump_size().await.unwrap();
    let first = store.snapshot().await.unwrap();
    assert_eq!((first.size(), read(&*first).await), (size, before.clone()));
    change_everything(&*store, 0).await;
    let second = store.snapshot().await.unwrap();
    let between = read(&*second).await;
    assert_ne!(between, before);
    change_everything(&*store, 1).await;
    assert_eq!((first.size(), read(&*first).await), (size, before));
    drop(first);
    change_everything(&*store, 2).await;
    assert_eq!(read(&*second).await, between);
    let third = read(&*store.snapshot().await.unwrap()).await;
    assert_eq!(third.0, store.dump_orders(None, 256).await.unwrap());
    assert_eq!(third.1, store.dump_outbox(None, 256).await.unwrap());
    assert_eq!(third.2, store.dump_inbox(0, 256).await.unwrap());
}

/// What happens between two pages is not in it: else a row would come without its payment.
pub async fn an_export_is_of_one_moment(backend: &dyn Backend) {
    let store = full(backend).await;
    let (before, _) = text_of(&*store).await;
    let mut text = Vec::new();
    let mut round = 0;
    export(&*store, &mut text, &mut |_| {
        block_in_place(|| Handle::current().block_on(change_everything(&*store, round)));
        round += 1;
    })
    .await
    .unwrap();
    assert_eq!(round, 3, "a page of each kind");
    assert_eq!(
        String::from_utf8(text).unwrap(),
        String::from_utf8(before.clone()).unwrap()
    );
    assert_ne!(text_of(&*store).await.0, before);
}

/// Orders are made, paid and given back, and rows are sent, as fast as that goes: what is exported meanwhile is sound.
pub async fn an_export_under_load_can_be_imported(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let over = Arc::new(AtomicBool::new(false));
    let (under_way, mut is_under_way) = mpsc::unbounded_channel();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        let under_way = under_way.clone();
        callers.spawn(async move {
            let mut n = 0;
            while n < CALLER_MAX && !over.load(Ordering::Relaxed) {
                let number = format!("load-{caller}-{n}");
                let id = format!("t-{number}");
                store.create(create(&number)).await.unwrap();
                let paid = mark_paid(&number, &number, &id);
                store.mark_paid(paid).await.unwrap();
                let refund = format!("r-{number}");
                let begin = begin_refund(&number, &refund, &id, T0);
                store.begin_refund(begin).await.unwrap();
                let done = refund_result(&number, &refund, RefundState::Success, T0 + secs(9));
                store.refund_result(done).await.unwrap();
                let relay = RelayId::new(&format!("relay-{caller}"));
                for claim in store.claim(relay, secs(30), 1).await.unwrap() {
                    store.ack(claim.token).await.unwrap();
                }
                n += 1;
                if n == 2 {
                    under_way.send(()).unwrap();
                }
                // A store in memory never waits.
                yield_now().await;
            }
            n
        });
    }
    drop(under_way);
    for _ in 0..CALLERS {
        is_under_way.recv().await.unwrap();
    }
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(text_of(&*store).await);
    }
    over.store(true, Ordering::Relaxed);
    let made: u64 = callers.join_all().await.into_iter().sum();
    for (text, summary) in texts {
        assert!(summary.records.orders >= 8 && summary.records.orders <= made);
        let (copy, _) = fresh(backend).await;
        let loaded = import(&*copy, &mut &text[..], &mut |_| ()).await.unwrap();
        assert_eq!(loaded, summary);
        assert_eq!(check(&*copy, &mut |_| ()).await.unwrap().findings, []);
        assert_eq!(text_of(&*copy).await.0, text);
    }
}
