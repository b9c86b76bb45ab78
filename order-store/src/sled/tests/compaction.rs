//! A compaction that has no room, and one that fails.

use std::{fs, io, path::Path, sync::Arc};

use super::{
    super::{
        fault::{Fault, FaultHook, Side, Step},
        layout::{ASIDE, CLEAN_FILE, COMPACT_NEW, DB_FILE},
        store::SledStore,
    },
    create, defer, key, mark_paid, open, options,
};
use crate::{LogEntry, Order, OrderStore as _, OrderStoreExt as _, SledOptions, StoreError};

async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    store.mark_paid(mark_paid("order-1")).await.unwrap();
    store.create(create("order-2")).await.unwrap();
    store.defer(defer("order-2")).await.unwrap();
    store.close().await.unwrap();
    folder
}

async fn all(path: &Path) -> Vec<(Option<Order>, Vec<LogEntry>)> {
    let store = open(path).unwrap();
    let mut all = Vec::new();
    for number in ["order-1", "order-2"] {
        let key = key(number);
        all.push((
            store.get(&key).await.unwrap(),
            store.log(&key).await.unwrap(),
        ));
    }
    store.close().await.unwrap();
    all
}

/// Names and contents but for the one that is named.
fn files(path: &Path, but: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file() && entry.file_name() != *but)
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Makes the ledger's file look longer than any disk, with nothing behind its end; gives its true length.
fn lengthen(path: &Path) -> u64 {
    let db = fs::OpenOptions::new()
        .write(true)
        .open(path.join(DB_FILE))
        .unwrap();
    let bytes = db.metadata().unwrap().len();
    db.set_len(bytes + (8 << 40)).unwrap();
    bytes
}

fn shorten(path: &Path, bytes: u64) {
    let db = fs::OpenOptions::new()
        .write(true)
        .open(path.join(DB_FILE))
        .unwrap();
    db.set_len(bytes).unwrap();
}

fn assert_no_space(error: &StoreError, path: &Path) {
    let StoreError::NoSpace {
        needed_bytes,
        available_bytes,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    let least = fs::metadata(path.join(DB_FILE)).unwrap().len();
    assert!(*needed_bytes > least && available_bytes < needed_bytes);
    let told = error.to_string();
    assert!(told.contains(&needed_bytes.to_string()), "{told}");
    assert!(told.contains(&available_bytes.to_string()), "{told}");
}

#[tokio::test]
async fn without_room_nothing_is_begun() {
    let folder = filled().await;
    let path = folder.path();
    let before = files(path, DB_FILE);
    let bytes = lengthen(path);
    let error = SledStore::compact(path, &SledOptions::default()).unwrap_err();
    assert_no_space(&error, path);
    assert_eq!(files(path, DB_FILE), before);
    assert!(!path.join(COMPACT_NEW).exists() && !path.join(ASIDE).exists());
    shorten(path, bytes);
    assert!(path.join(CLEAN_FILE).exists(), "it opens as it was closed");
    SledStore::compact(path, &SledOptions::default()).unwrap();
}

/// Opening a ledger that was not closed copies it first.
#[tokio::test]
async fn without_room_for_the_copy_nothing_is_opened() {
    let folder = filled().await;
    let path = folder.path();
    fs::remove_file(path.join(CLEAN_FILE)).unwrap();
    let before = files(path, DB_FILE);
    let bytes = lengthen(path);
    assert_no_space(&open(path).unwrap_err(), path);
    assert_eq!(files(path, DB_FILE), before);
    assert!(!path.join(ASIDE).exists());
    shorten(path, bytes);
    assert_eq!(all(path).await.len(), 2);
}

#[tokio::test]
async fn a_failure_at_any_step_leaves_the_old_ledger_or_the_new() {
    for step in [
        Step::CompactSlice,
        Step::CompactSync,
        Step::CompactReady,
        Step::CompactSwitch,
        Step::Checkpoint,
    ] {
        for side in [Side::Before, Side::After] {
            let folder = filled().await;
            let path = folder.path();
            let before = all(path).await;
            let hook: FaultHook = Arc::new(move |at, its| {
                if (at, its) == (step, side) {
                    Fault::Fail(io::Error::other("the drive is full"))
                } else {
                    Fault::None
                }
            });
            let failed = SledStore::compact(path, &options(hook));
            assert!(
                matches!(failed, Err(StoreError::Io { .. })),
                "{step:?} {side:?}: {failed:?}"
            );
            if matches!(step, Step::CompactSlice | Step::CompactSync) {
                assert!(!path.join(COMPACT_NEW).exists(), "its space is free again");
            }
            assert_eq!(all(path).await, before, "{step:?} {side:?}");
            SledStore::compact(path, &SledOptions::default()).unwrap();
            assert_eq!(all(path).await, before, "{step:?} {side:?}");
        }
    }
}
