//! What the outside cannot bring about: a sync that fails, rows of the largest size, folders from elsewhere.

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};
use wxpay_core::{FeeType, Fen, SignType};

use super::{
    Fault, FaultHook, Side, SledOptions, SledStore, Step, Verification, Verify,
    checkpoint::Checkpoint,
    group::{Changes, Counters, Ground, Group},
    head::Head,
    job::Job,
    open::FORMAT,
    record::{Hold, StoredLog, StoredRow, VALUE_MAX_BYTES, encode},
    settle::rows_of,
    trees::{FORMAT_KEY, Kind, Trees, Writes, packed_key},
    verify::{Audit, Nobody},
};
use crate::{
    By, Clock as _, Confirmation, Create, Defer, Dump as _, ExecuteError, Health, InboxRecord,
    LogEntry, MarkPaid, NotifyRecord, OrderKey, OrderState, OrderStore as _, OrderStoreExt as _,
    OutboxFacts, OutboxId, OutboxKind, OutboxRow, PageTicket, REASON_MAX_BYTES, Record, Refusal,
    RelayId, StoreError, SystemClock, Timestamp, Verdict, What,
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

fn defer(number: &str) -> Defer {
    Defer {
        key: key(number),
        due: Timestamp::from_millis(9_000),
        by: By::Sweeper,
        now: Timestamp::from_millis(0),
    }
}

fn open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, SledOptions::default())
}

fn options(faults: FaultHook) -> SledOptions {
    SledOptions {
        faults: Some(faults),
        ..SledOptions::default()
    }
}

/// Fails every step of this kind from when it is armed.
fn failing(step: Step) -> (SledOptions, Arc<AtomicBool>) {
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
    // Nothing is tried again, even when the drive is back.
    armed.store(false, Ordering::SeqCst);
    failed(store.close().await.unwrap_err());
    assert!(matches!(store.health(), Health::Failed { .. }));
    drop(store);
    let store = open(folder.path()).unwrap();
    assert!(store.get(&key("order-1")).await.unwrap().is_some());
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
        key: Some(key.clone()),
        order: None,
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
        .insert(FORMAT_KEY, encode(&(FORMAT + 1)))
        .unwrap();
    drop(trees);
    assert!(matches!(
        open(folder.path()),
        Err(StoreError::NewerFormat { found, known: FORMAT }) if found == FORMAT + 1
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

    // Verified first, so that only the read can find the damage.
    let options = SledOptions {
        verify: Verify::First,
        ..SledOptions::default()
    };
    let store = SledStore::open(folder.path(), options).unwrap();
    let wrong = vec![(Kind::Log, packed_key(1, 0), Some(vec![1, 0, 9, 0]))];
    store
        .shared
        .read(|live| {
            live.trees.apply(&wrong, &Head::default()).unwrap();
            Ok(())
        })
        .unwrap();
    assert!(matches!(
        store.log(&key("order-1")).await,
        Err(StoreError::Corrupt { .. })
    ));
    assert!(matches!(
        store.get(&key("order-1")).await,
        Err(StoreError::Corrupt { .. })
    ));
}

/// Changes records behind the store's back: `writes` go past the head, as damage does.
async fn damaged_by(writes: &Writes) -> (tempfile::TempDir, StoreError) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for n in 1..=2 {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        store.mark_paid(mark_paid(&number)).await.unwrap();
    }
    for n in 3..=4 {
        store.create(create(&format!("order-{n}"))).await.unwrap();
    }
    // A new due time has no row of the log.
    store.defer(defer("order-3")).await.unwrap();
    store.close().await.unwrap();
    let trees = Trees::open(::sled::open(folder.path()).unwrap()).unwrap();
    for (kind, key, value) in writes {
        match value {
            Some(value) => trees.tree(*kind).insert(key, value.as_slice()).unwrap(),
            None => trees.tree(*kind).remove(key).unwrap(),
        };
    }
    trees.flush().unwrap();
    drop(trees);
    let error = open(folder.path()).expect_err("the damage is found");
    (folder, error)
}

#[tokio::test]
async fn what_is_lost_or_torn_is_told_with_the_last_good_group() {
    let order = super::trees::order_key(&key("order-3"), 0);
    let cases = [
        ((Kind::Log, packed_key(4, 0), None), 3, "does not follow"),
        (
            (Kind::Log, packed_key(6, 0), None),
            4,
            "not the one that was acknowledged",
        ),
        ((Kind::Log, packed_key(1, 0), None), 0, "does not follow"),
        ((Kind::Orders, order, None), 6, "records of orders"),
        (
            (Kind::Outbox, packed_key(4, 0), None),
            6,
            "records of outbox",
        ),
        (
            (Kind::Attempts, b"new".to_vec(), Some(vec![1])),
            6,
            "records of attempts",
        ),
    ];
    for (write, good, said) in cases {
        let (folder, error) = damaged_by(&vec![write]).await;
        match &error {
            StoreError::Lost {
                last_good_group,
                acknowledged_group,
                what,
            } => {
                assert!(what.contains(said), "{error}");
                assert_eq!(
                    (*last_good_group, *acknowledged_group),
                    (good, 6),
                    "{error}"
                );
            }
            other => panic!("{other:?}"),
        }
        // And so it stays: a second try says no less.
        assert!(matches!(open(folder.path()), Err(StoreError::Lost { .. })));
    }
}

/// The background verification is the one that finds it here: the note of the clean stop fits the damaged file.
#[tokio::test]
async fn a_store_that_serves_fails_when_its_verification_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store
        .shared
        .read(|live| {
            let attempts = live.trees.tree(Kind::Attempts);
            attempts.insert(b"new", &[1]).unwrap();
            Ok(())
        })
        .unwrap();
    store.close().await.unwrap();
    let store = open(folder.path()).unwrap();
    let mut verification = store.verification();
    let end = verification
        .wait_for(|now| !matches!(now, Verification::Running(_)))
        .await
        .unwrap()
        .clone();
    match end {
        Verification::Failed { why } => assert!(why.contains("records of attempts"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        store.get(&key("order-1")).await,
        Err(StoreError::Failed { .. })
    ));
}

/// The index that a clean stop leaves is the one that the records give.
#[tokio::test]
async fn the_index_of_a_clean_stop_is_that_of_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for n in 0..50 {
        let number = format!("order-{n}");
        store.create(create(&number)).await.unwrap();
        if n % 2 == 0 {
            store.mark_paid(mark_paid(&number)).await.unwrap();
        }
        if n % 3 == 0 {
            store.defer(defer(&number)).await.unwrap();
        }
    }
    store.close().await.unwrap();
    let left = Checkpoint::read(folder.path()).unwrap();
    let options = SledOptions {
        verify: Verify::First,
        ..SledOptions::default()
    };
    let store = SledStore::open(folder.path(), options).unwrap();
    store
        .shared
        .read(|live| {
            assert_eq!(live.index, left.index);
            assert_eq!(*store.shared.locator(), left.locator);
            Ok(())
        })
        .unwrap();
}

/// What goes on while the background verification reads is taken into account, ahead of it and behind it.
#[tokio::test]
async fn a_verification_keeps_up_with_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for n in 0..60 {
        store.create(create(&format!("order-{n}"))).await.unwrap();
    }
    let (head, mark) = store
        .shared
        .read(|live| Ok((live.head, live.head)))
        .unwrap();
    *store.shared.audit() = Some(Audit::new(&head, &mark));
    let mut more = true;
    let mut n = 0;
    while more {
        more = store
            .shared
            .read(|live| {
                let mut audit = store.shared.audit();
                audit.as_mut().unwrap().step(&live.trees, 3, &mut Nobody)
            })
            .unwrap();
        if n < 20 {
            store
                .mark_paid(mark_paid(&format!("order-{n}")))
                .await
                .unwrap();
            store
                .create(create(&format!("order-{}", n + 60)))
                .await
                .unwrap();
            let claims = store
                .claim(RelayId::new("r"), Duration::from_mins(1), 2)
                .await
                .unwrap();
            for claim in claims {
                store.ack(claim.token).await.unwrap();
            }
        }
        n += 1;
    }
    assert!(n > 20, "it went in slices");
    store.close().await.unwrap();
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

#[test]
fn a_record_takes_three_quarters_of_its_json_at_most() {
    let random = crate::Random {
        page_ticket: crate::PageTicket::from_bytes([0xa5; 16]),
        notify_secret: crate::NotifySecret::from_bytes([0x5a; 16]),
    };
    let facts = crate::Facts::default();
    let made = crate::decide(
        None,
        &facts,
        &crate::Command::Create(create("order-1")),
        &random,
    );
    let order = made.change.unwrap().order;
    let paid = crate::decide(
        Some(&order),
        &facts,
        &crate::Command::MarkPaid(mark_paid("order-1")),
        &random,
    );
    let crate::Change { order, outbox, .. } = paid.change.unwrap();
    let order = (encode(&order).len(), serde_json::to_vec(&order).unwrap());
    let row = (encode(&outbox).len(), serde_json::to_vec(&outbox).unwrap());
    for (bytes, json) in [order, row] {
        println!("{bytes} bytes, {} in JSON", json.len());
        assert!(bytes * 4 <= json.len() * 3);
    }
}

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
