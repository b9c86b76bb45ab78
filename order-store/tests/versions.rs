//! Folders that earlier versions wrote still open, and say the same.
//!
//! `tests/data/format-N/` holds the files of one such folder, each compressed by itself. A new format adds a folder there:
//! with `ORDER_STORE_WRITE_FOLDER` naming a path that is not there yet, `writes_a_folder_to_keep` makes a ledger in it, to be
//! compressed with `gzip -9n` and kept.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    env, fs,
    io::Read as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use order_store::{
    Kept, NotifyId, NotifyQuery, NotifyRecord, OrderQuery, OrderState, OrderStore,
    OrderStoreExt as _, OutboxKind, Outcome, RelayId, SledOptions, SledStore, Verdict, check,
    export, import,
};
use support::{T0, attach_prepay, begin_attempt, begin_close, create, key, mark_paid, secs};
use tempfile::TempDir;

const ORDERS: u64 = 24;

/// Every third order is paid, every third closed; of the paid ones' rows the first is parked and the second sent.
async fn write(store: &dyn OrderStore) {
    for n in 0..ORDERS {
        let number = format!("kept-{n}");
        store.create(create(&number)).await.unwrap();
        store
            .begin_attempt(begin_attempt(&number, T0))
            .await
            .unwrap();
        store
            .attach_prepay(attach_prepay(&number, &number, T0))
            .await
            .unwrap();
        match n % 3 {
            0 => drop(
                store
                    .mark_paid(mark_paid(&number, &number, &format!("t-{number}")))
                    .await
                    .unwrap(),
            ),
            1 => drop(
                store
                    .begin_close(begin_close(&number, T0 + secs(10)))
                    .await
                    .unwrap(),
            ),
            _ => {}
        }
    }
    let mut claims = store
        .claim(RelayId::new("writer"), secs(60), 2)
        .await
        .unwrap();
    store.ack(claims.pop().unwrap().token).await.unwrap();
    store
        .park(claims.pop().unwrap().token, "no such queue".to_owned())
        .await
        .unwrap();
    for (verdict, bytes) in [
        (
            Verdict::Accepted {
                outcome: Outcome::Applied,
            },
            20_000,
        ),
        (
            Verdict::Refused {
                reason: "sign".to_owned(),
            },
            100,
        ),
    ] {
        let record = NotifyRecord {
            at: T0,
            peer: Ipv4Addr::new(192, 0, 2, 1).into(),
            verdict,
            millis: 3,
            answer: "SUCCESS".to_owned(),
            body: vec![b'x'; bytes],
        };
        store.record_notify(record).await.unwrap();
    }
}

async fn verify(store: &dyn OrderStore) {
    for n in 0..ORDERS {
        let number = format!("kept-{n}");
        let order = store.get(&key(&number)).await.unwrap().unwrap();
        let (state, rows) = match n % 3 {
            0 => (OrderState::Paid, 4),
            1 => (OrderState::Closed, 4),
            _ => (OrderState::Unpaid, 3),
        };
        assert_eq!(order.state(), state, "{number}");
        assert_eq!(
            store.log(&key(&number)).await.unwrap().len(),
            rows,
            "{number}"
        );
    }
    let query = OrderQuery {
        state: Some(OrderState::Paid),
        limit: 100,
        ..OrderQuery::default()
    };
    assert_eq!(store.list(query).await.unwrap().orders.len(), 8);
    let status = store.outbox_status().await.unwrap();
    assert_eq!((status.waiting + status.leased, status.parked), (14, 1));
    let parked = store.parked(10).await.unwrap();
    assert_eq!(parked[0].last_error.as_deref(), Some("no such queue"));
    let query = NotifyQuery {
        kept: Kept::All,
        before: None,
        limit: 10,
    };
    assert_eq!(store.notifies(query).await.unwrap().len(), 2);
    let body = store
        .notify(NotifyId::Accepted(1))
        .await
        .unwrap()
        .unwrap()
        .body;
    assert_eq!(body, vec![b'x'; 20_000]);
    assert_eq!(store.accounts().await.unwrap()[0].open_orders, 16);
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, SledOptions::default()).unwrap()
}

fn unpack(kept: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(kept).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = Vec::new();
        GzDecoder::new(fs::File::open(&path).unwrap())
            .read_to_end(&mut bytes)
            .unwrap();
        fs::write(folder.path().join(path.file_stem().unwrap()), bytes).unwrap();
    }
    folder
}

fn kept_folders() -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[tokio::test]
async fn writes_a_folder_to_keep() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = env::var_os("ORDER_STORE_WRITE_FOLDER")
        .map_or_else(|| scratch.path().join("ledger"), PathBuf::from);
    let store = open(&folder);
    write(&store).await;
    store.close().await.unwrap();
    let store = open(&folder);
    verify(&store).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn folders_of_earlier_formats_open_and_go_on() {
    let kept = kept_folders();
    assert!(!kept.is_empty());
    for kept in kept {
        println!("{}", kept.display());
        let folder = unpack(&kept);
        let store = open(folder.path());
        verify(&store).await;
        // Two rows of one order came first, so those of the second are next.
        let claims = store
            .claim(RelayId::new("reader"), secs(60), 1)
            .await
            .unwrap();
        assert_eq!(claims[0].row.key, key("kept-3"));
        assert_eq!(claims[0].row.kind, OutboxKind::PayNotify);
        store.create(create("newest")).await.unwrap();
        store
            .mark_paid(mark_paid("newest", "newest", "t-newest"))
            .await
            .unwrap();
        moves_elsewhere(&store).await;
        store.close().await.unwrap();
        let store = open(folder.path());
        verify_new(&store).await;
        store.close().await.unwrap();
    }
}

/// What earlier programs wrote follows from its logs as well, by the rules of an import.
async fn moves_elsewhere(store: &SledStore) {
    let mut text = Vec::new();
    export(store, &mut text, &mut |_| ()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = open(folder.path());
    import(&copy, &mut &text[..], &mut |_| ()).await.unwrap();
    assert_eq!(check(&copy, &mut |_| ()).await.unwrap().findings, []);
    let mut again = Vec::new();
    export(&copy, &mut again, &mut |_| ()).await.unwrap();
    assert_eq!(again, text);
}

async fn verify_new(store: &dyn OrderStore) {
    let order = store.get(&key("newest")).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Paid);
    assert_eq!(store.log(&key("newest")).await.unwrap().len(), 2);
    assert_eq!(store.log(&key("kept-0")).await.unwrap().len(), 4);
}
