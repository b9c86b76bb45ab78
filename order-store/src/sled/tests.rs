//! What the outside cannot bring about: a sync that fails, rows of the largest size, folders from elsewhere.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::timeout};
use wxpay_core::{FeeType, Fen, SignType};

use super::{
    SledOptions, SledStore,
    committer::SyncFile,
    job::Job,
    record::{Hold, StoredLog, StoredRow, VALUE_MAX_BYTES, encode},
    settle::rows_of,
    trees::{FORMAT_KEY, Kind, Trees, packed_key},
};
use crate::{
    By, Confirmation, Create, ExecuteError, Health, LogEntry, MarkPaid, OrderKey, OrderState,
    OrderStore as _, OrderStoreExt as _, OutboxFacts, OutboxId, OutboxKind, OutboxRow, PageTicket,
    REASON_MAX_BYTES, Refusal, RelayId, StoreError, Timestamp, What,
};

fn key(number: &str) -> OrderKey {
    OrderKey {
        mch_id: "1473426802".parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    }
}

fn create(number: &str) -> Create {
    Create {
        key: key(number),
        appid: "wx8397f8696b538317".parse().unwrap(),
        sign_type: SignType::Md5,
        body: "tea".parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        attach: None,
        product_id: "p".parse().unwrap(),
        spbill_create_ip: "::1".parse().unwrap(),
        notify_base: "http://127.0.0.1/n".parse().unwrap(),
        expires_after: None,
        by: By::Shop,
        now: Timestamp::from_millis(0),
    }
}

fn mark_paid(number: &str) -> MarkPaid {
    MarkPaid {
        key: key(number),
        attempt: number.parse().unwrap(),
        transaction_id: format!("t-{number}").parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse().unwrap(),
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: Timestamp::from_millis(0),
    }
}

fn open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, SledOptions::default())
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut syncs_left = 1;
    let sync = move |_| -> SyncFile {
        Box::new(move || {
            if syncs_left == 0 {
                return Err(io::Error::other("the drive is gone"));
            }
            syncs_left -= 1;
            Ok(())
        })
    };
    let store = SledStore::open_with(folder.path(), SledOptions::default(), sync).unwrap();
    store.create(create("order-1")).await.unwrap();
    assert_eq!(store.health(), Health::Writable);
    let failed = |error: StoreError| match error {
        StoreError::Failed { why } => assert_eq!(why, "the drive is gone"),
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
    failed(store.close().await.unwrap_err());
    assert!(matches!(store.health(), Health::Failed { .. }));
}

/// A sync that says when it has begun, and ends as it is told.
fn held_sync() -> (
    impl FnOnce(fs::File) -> SyncFile,
    mpsc::UnboundedReceiver<()>,
    std::sync::mpsc::Sender<io::Result<()>>,
) {
    let (begun, has_begun) = mpsc::unbounded_channel();
    let (end, ends) = std::sync::mpsc::channel();
    let sync = move |_| -> SyncFile {
        Box::new(move || {
            begun.send(()).unwrap();
            ends.recv().unwrap()
        })
    };
    (sync, has_begun, end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_never_sees_what_is_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (sync, mut begun, end) = held_sync();
    let store = SledStore::open_with(folder.path(), SledOptions::default(), sync).unwrap();
    let store = Arc::new(store);
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.create(create("order-1")).await }
    });
    begun.recv().await.unwrap();
    // sled has the order by now, and would show it.
    let mut reader = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.get(&key("order-1")).await }
    });
    let early = timeout(Duration::from_millis(100), &mut reader).await;
    assert!(early.is_err(), "{early:?}");
    end.send(Err(io::Error::other("cut"))).unwrap();
    assert!(matches!(
        reader.await.unwrap(),
        Err(StoreError::Failed { .. })
    ));
    assert!(matches!(
        writer.await.unwrap(),
        Err(ExecuteError::Store(StoreError::Failed { .. }))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_busy_and_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (sync, mut begun, end) = held_sync();
    let options = SledOptions {
        busy_after: Duration::from_millis(500),
        ..SledOptions::default()
    };
    let store = Arc::new(SledStore::open_with(folder.path(), options, sync).unwrap());
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.create(create("order-1")).await }
    });
    begun.recv().await.unwrap();
    for _ in 0..super::QUEUE_MAX {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_value_is_larger_than_the_limit_and_drained_values_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..300 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let number = format!("order-{n}");
            store.create(create(&number)).await.unwrap();
            store.mark_paid(mark_paid(&number)).await.unwrap();
        });
    }
    callers.join_all().await;
    let claims = store
        .claim(RelayId::new("r"), Duration::from_mins(1), 500)
        .await
        .unwrap();
    for claim in claims {
        let reason = "\u{1}\"\\".repeat(REASON_MAX_BYTES);
        store.park(claim.token, reason).await.unwrap();
    }
    let rest = store
        .claim(RelayId::new("r"), Duration::from_mins(1), 500)
        .await
        .unwrap();
    let mut acks = tokio::task::JoinSet::new();
    for claim in rest {
        let store = Arc::clone(&store);
        acks.spawn(async move { store.ack(claim.token).await.unwrap() });
    }
    acks.join_all().await;

    store
        .shared
        .read(|live| {
            for kind in [Kind::Orders, Kind::Log, Kind::Outbox, Kind::Attempts] {
                for item in live.trees.tree(kind) {
                    assert!(item.unwrap().1.len() <= VALUE_MAX_BYTES);
                }
            }
            let mut rows = 0;
            for item in live.trees.tree(Kind::Outbox) {
                let left = rows_of(&item.unwrap().1).unwrap();
                assert!(!left.is_empty(), "a drained value is removed");
                rows += left.len();
            }
            let status = store.shared.relay().status(Timestamp::from_millis(0));
            assert_eq!(rows, status.waiting + status.leased + status.parked);
            assert_eq!(status.parked, 500);
            Ok(())
        })
        .unwrap();
}

/// The largest row that the limits of its fields allow: JSON writes `"` and `\` twice as long.
#[test]
fn the_largest_rows_fit_a_value() {
    let wide = |bytes: usize| "\"".repeat(bytes);
    let number = "9".repeat(32);
    let key = OrderKey {
        mch_id: wide(32).parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    };
    let at = Timestamp::from_millis(i64::MAX);
    let row = StoredRow {
        slot: u16::MAX,
        row: OutboxRow {
            id: OutboxId::paid(&key, OutboxKind::PayNotify),
            key: key.clone(),
            kind: OutboxKind::PayNotify,
            facts: OutboxFacts {
                transaction_id: number.parse().unwrap(),
                page_ticket: PageTicket::from_bytes([255; 16]),
            },
            created_at: at,
            attempts: u32::MAX,
            last_error: Some("e".repeat(REASON_MAX_BYTES)),
        },
        hold: Hold::Until(at),
    };
    assert!(encode(&row).len() < VALUE_MAX_BYTES / 4);

    let log = |what| StoredLog {
        key: key.clone(),
        prev: Some(u128::MAX.into()),
        entry: LogEntry {
            at,
            from: Some(OrderState::Refunding),
            to: OrderState::Refunding,
            by: By::Operator,
            what,
        },
    };
    let contradicted = What::Contradicted {
        attempt: number.parse().unwrap(),
        transaction_id: number.parse().unwrap(),
        // A control character is written six times as long.
        reason: "\u{1}".repeat(200),
    };
    let refused = What::Refused {
        command: "confirm_payment".to_owned(),
        attempt: number.parse().unwrap(),
        transaction_id: number.parse().unwrap(),
        refusal: Refusal::TransactionOfOtherOrder { owner: key.clone() },
    };
    let refund_refused = What::RefundRefused {
        command: "refund_result".to_owned(),
        out_refund_no: "9".repeat(64).parse().unwrap(),
        transaction_id: Some(number.parse().unwrap()),
        refusal: Refusal::NoSuchRefund {
            number: "9".repeat(64).parse().unwrap(),
        },
    };
    let cleared = What::AttentionCleared {
        attention: crate::Attention::TransactionMismatch,
        note: "\u{1}".repeat(200),
    };
    for what in [contradicted, refused, refund_refused, cleared] {
        assert!(encode(&log(what)).len() < VALUE_MAX_BYTES / 2);
    }
}

#[tokio::test]
async fn an_order_larger_than_a_value_is_written_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    let mut now = Timestamp::from_millis(0);
    for _ in 0..crate::ATTEMPTS_MAX {
        let begun = store
            .begin_attempt(crate::BeginAttempt {
                key: key("order-1"),
                by: By::Shop,
                now,
            })
            .await
            .unwrap();
        store
            .attach_prepay(crate::AttachPrepay {
                key: key("order-1"),
                attempt: begun.order.current_attempt().unwrap().number.clone(),
                prepay_id: "p".repeat(64).parse().unwrap(),
                code_url: "u".repeat(256).parse().unwrap(),
                by: By::Shop,
                now,
            })
            .await
            .unwrap();
        now = now + crate::CODE_URL_LIFE;
    }
    let order = store.get(&key("order-1")).await.unwrap().unwrap();
    assert!(encode(&order).len() > VALUE_MAX_BYTES);
    store.close().await.unwrap();
    let store = open(folder.path()).unwrap();
    assert_eq!(store.get(&key("order-1")).await.unwrap(), Some(order));
    assert_eq!(store.log(&key("order-1")).await.unwrap().len(), 41);
}

#[test]
fn folders_from_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(StoreError::NotAStore { .. })
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let folder = tempfile::tempdir().unwrap();
    let db = ::sled::open(folder.path()).unwrap();
    db.open_tree("orders").unwrap().insert(b"k", b"v").unwrap();
    drop(db);
    assert!(matches!(
        open(folder.path()),
        Err(StoreError::NotAStore { .. })
    ));

    let folder = tempfile::tempdir().unwrap();
    let trees = Trees::open(::sled::open(folder.path()).unwrap()).unwrap();
    trees
        .tree(Kind::Meta)
        .insert(FORMAT_KEY, encode(&2_u32))
        .unwrap();
    drop(trees);
    assert!(matches!(
        open(folder.path()),
        Err(StoreError::NewerFormat { found: 2, known: 1 })
    ));
}

#[tokio::test]
async fn blobs_and_damage_are_named_and_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store.close().await.unwrap();
    let blob = folder.path().join("blobs").join("7");
    fs::write(&blob, "x").unwrap();
    match open(folder.path()) {
        Err(StoreError::Corrupt { what }) => assert!(what.contains("blobs"), "{what}"),
        other => panic!("{other:?}"),
    }
    fs::remove_file(blob).unwrap();

    let store = open(folder.path()).unwrap();
    let wrong = vec![(Kind::Log, packed_key(1, 0), Some(vec![1, 0, 9, 0]))];
    store
        .shared
        .read(|live| {
            live.trees.apply(&wrong).unwrap();
            Ok(())
        })
        .unwrap();
    assert!(matches!(
        store.log(&key("order-1")).await,
        Err(StoreError::Corrupt { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("ledger");
    let store = open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(super::ring::FILE)), 0o600);
    drop(store);
}
