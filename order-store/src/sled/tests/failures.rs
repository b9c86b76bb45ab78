//! A write or sync that fails, and one that is slow.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use super::super::{
    fault::{Fault, FaultHook, Side, Step},
    job::Job,
    keys::{Kind, packed_key},
    options::SledOptions,
    store::{QUEUE_MAX, SledStore},
};
use super::{create, key, open, options};
use crate::{
    ExecuteError, FailureCause, Health, OrderStore as _, OrderStoreExt as _, RelayId, StoreError,
};

/// Fails every step of this kind from when it is armed.
pub(super) fn failing(step: Step) -> (SledOptions, Arc<AtomicBool>) {
    let armed = Arc::new(AtomicBool::new(false));
    let fail = Arc::clone(&armed);
    let hook: FaultHook = Arc::new(move |at, side| {
        if (at, side) == (step, Side::Before) && fail.load(Ordering::SeqCst) {
            Fault::Fail(io::Error::other("the drive is gone"))
        } else {
            Fault::None
        }
    });
    (options(hook), armed)
}

#[tokio::test]
async fn after_a_failed_write_or_sync_nothing_is_answered() {
    for step in [Step::Apply, Step::Flush, Step::Sync, Step::MarkWrite] {
        nothing_is_answered_after(step).await;
    }
}

async fn nothing_is_answered_after(step: Step) {
    let folder = tempfile::tempdir().unwrap();
    let (options, armed) = failing(step);
    let store = SledStore::open(folder.path(), options).unwrap();
    store.create(create("order-1")).await.unwrap();
    assert_eq!(store.health(), Health::Writable);
    armed.store(true, Ordering::SeqCst);
    let failed = |error: StoreError| match error {
        StoreError::Failed { why, .. } => assert_eq!(why, "the drive is gone"),
        other => panic!("{other:?}"),
    };
    for number in ["order-2", "order-3"] {
        match store.create(create(number)).await {
            Err(ExecuteError::Store(error)) => failed(error),
            other => panic!("{other:?}"),
        }
    }
    failed(store.get(&key("order-1")).await.unwrap_err());
    failed(
        store
            .claim(RelayId::new("r"), Duration::ZERO, 1)
            .await
            .unwrap_err(),
    );
    assert!(matches!(store.health(), Health::Failed { .. }));
    // Nothing is tried again, even when the drive is back.
    armed.store(false, Ordering::SeqCst);
    failed(store.close().await.unwrap_err());
    assert!(matches!(store.health(), Health::Failed { .. }));
    drop(store);
    let store = open(folder.path()).unwrap();
    assert!(store.get(&key("order-1")).await.unwrap().is_some());
}

/// Somebody else wrote the next group: it is not written over, and the ledger fails.
#[tokio::test]
async fn a_place_in_the_log_that_is_taken_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    let next = store
        .shared
        .read(|live| {
            let key = packed_key(live.head.group + 1, 0);
            let log = live.trees.tree(Kind::Log);
            log.insert(&key, &b"another's"[..]).unwrap();
            Ok((log.clone(), key))
        })
        .unwrap();
    assert!(matches!(
        store.create(create("order-2")).await,
        Err(ExecuteError::Store(StoreError::Failed {
            cause: FailureCause::Damaged,
            ..
        }))
    ));
    let (log, key) = next;
    assert_eq!(log.get(key).unwrap().unwrap(), &b"another's"[..]);
}

/// A sync that says when it has begun, and ends as it is told.
fn held_sync() -> (
    SledOptions,
    mpsc::UnboundedReceiver<()>,
    std::sync::mpsc::Sender<io::Result<()>>,
) {
    let (begun, has_begun) = mpsc::unbounded_channel();
    let (end, ends) = std::sync::mpsc::channel();
    let ends = Mutex::new(ends);
    let opening = AtomicBool::new(true);
    let hook: FaultHook = Arc::new(move |step, side| {
        // Opening a new folder writes its format.
        if (step, side) == (Step::Format, Side::After) {
            opening.store(false, Ordering::SeqCst);
        }
        if (step, side) != (Step::Sync, Side::Before) || opening.load(Ordering::SeqCst) {
            return Fault::None;
        }
        begun.send(()).unwrap();
        match ends.lock().unwrap().recv().unwrap() {
            Ok(()) => Fault::None,
            Err(error) => Fault::Fail(error),
        }
    });
    (options(hook), has_begun, end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_never_sees_what_is_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (options, mut begun, end) = held_sync();
    let store = SledStore::open(folder.path(), options).unwrap();
    let store = Arc::new(store);
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.create(create("order-1")).await }
    });
    begun.recv().await.unwrap();
    // sled has the order by now, and would show it. Many wait, so that one of them is there the moment that it may.
    let mut readers: Vec<_> = (0..64)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.get(&key("order-1")).await })
        })
        .collect();
    let early = timeout(Duration::from_millis(100), &mut readers[0]).await;
    assert!(early.is_err(), "{early:?}");
    end.send(Err(io::Error::other("cut"))).unwrap();
    for reader in readers {
        let read = reader.await.unwrap();
        assert!(matches!(read, Err(StoreError::Failed { .. })), "{read:?}");
    }
    assert!(matches!(
        writer.await.unwrap(),
        Err(ExecuteError::Store(StoreError::Failed { .. }))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_busy_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (options, mut begun, end) = held_sync();
    let options = SledOptions {
        busy_after: Duration::from_millis(500),
        ..options
    };
    let store = Arc::new(SledStore::open(folder.path(), options).unwrap());
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.create(create("order-1")).await }
    });
    begun.recv().await.unwrap();
    for _ in 0..QUEUE_MAX {
        let (reply, _) = tokio::sync::oneshot::channel();
        let job = Job::Execute(Box::new(create("order-1").into()), reply);
        store
            .jobs
            .try_send(job)
            .unwrap_or_else(|_| panic!("there is a place"));
    }
    assert!(matches!(
        store.create(create("order-2")).await,
        Err(ExecuteError::Store(StoreError::Busy))
    ));
    end.send(Ok(())).unwrap();
    // The rest of the queue is known already and needs no sync; closing does.
    end.send(Ok(())).unwrap();
    assert!(first.await.unwrap().is_ok());
    store.close().await.unwrap();
}
