//! What is done before a ledger that was not closed is opened, and what is not done after one that was.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use order_store::{
    OrderStore as _, OrderStoreExt as _, SledOptions, SledStore, StoreError, Verification, Verify,
    VerifyProgress,
};
use support::{create, key, mark_paid};

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, SledOptions::default())
}

/// A closed ledger with one paid order.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.create(create("order-1")).await.unwrap();
    let paid = mark_paid("order-1", "order-1", "t-1");
    store.mark_paid(paid).await.unwrap();
    store.close().await.unwrap();
    folder
}

#[tokio::test]
async fn after_a_clean_stop_nothing_is_copied_and_it_serves_at_once() {
    let folder = filled().await;
    assert!(folder.path().join("clean").exists());
    let store = open(folder.path()).unwrap();
    assert!(
        !folder.path().join("clean").exists(),
        "a crash now is unclean"
    );
    assert!(!folder.path().join("unclean").exists());
    let mut verification = store.verification();
    let end = verification
        .wait_for(|now| !matches!(now, Verification::Running(_)))
        .await
        .unwrap()
        .clone();
    match end {
        Verification::Whole(progress) => assert!(progress.records > 5),
        other => panic!("{other:?}"),
    }
    assert!(store.get(&key("order-1")).await.unwrap().is_some());
}

#[tokio::test]
async fn after_any_other_stop_it_is_copied_and_verified_first() {
    let folder = filled().await;
    fs::remove_file(folder.path().join("clean")).unwrap();
    let left = fs::read(folder.path().join("db")).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let options = SledOptions {
        progress: Some({
            let seen = Arc::clone(&seen);
            Arc::new(move |progress: VerifyProgress| seen.lock().unwrap().push(progress))
        }),
        ..SledOptions::default()
    };
    let store = SledStore::open(folder.path(), options).unwrap();
    assert!(matches!(
        *store.verification().borrow(),
        Verification::Whole(_)
    ));
    let last = *seen.lock().unwrap().last().unwrap();
    assert!(
        last.records > 5 && last.records == last.of_records,
        "{last:?}"
    );
    let copy = folder.path().join("unclean");
    assert_eq!(fs::read(copy.join("db")).unwrap(), left);
    assert!(copy.join("mark").exists());
    store.close().await.unwrap();
    // The copy is a ledger of its own.
    let restored = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&copy).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        fs::copy(&path, restored.path().join(name)).unwrap();
    }
    let store = open(restored.path()).unwrap();
    assert!(store.get(&key("order-1")).await.unwrap().is_some());
}

/// The first try at a damaged ledger lets sled cut it; the second must not copy that over what was there at first.
#[tokio::test]
async fn a_copy_that_is_still_needed_stays() {
    let folder = filled().await;
    let db = folder.path().join("db");
    let bytes = fs::read(&db).unwrap();
    let damaged = &bytes[..bytes.len() / 2];
    fs::write(&db, damaged).unwrap();
    for _ in 0..2 {
        assert!(open(folder.path()).is_err());
        assert_eq!(fs::read(folder.path().join("unclean/db")).unwrap(), damaged);
    }
    // With the file back it opens, and then the next crash takes the copy's place.
    fs::write(&db, &bytes).unwrap();
    let store = open(folder.path()).unwrap();
    let mut verification = store.verification();
    verification
        .wait_for(|now| matches!(now, Verification::Whole(_)))
        .await
        .unwrap();
    store.create(create("order-2")).await.unwrap();
    store.close().await.unwrap();
    fs::remove_file(folder.path().join("clean")).unwrap();
    let _store = open(folder.path()).unwrap();
    assert_ne!(fs::read(folder.path().join("unclean/db")).unwrap(), damaged);
}

#[tokio::test]
async fn a_store_can_be_verified_first_always() {
    let folder = filled().await;
    let options = SledOptions {
        verify: Verify::First,
        ..SledOptions::default()
    };
    let store = SledStore::open(folder.path(), options).unwrap();
    assert!(matches!(
        *store.verification().borrow(),
        Verification::Whole(_)
    ));
    assert!(!folder.path().join("unclean").exists(), "it was closed");
}

#[tokio::test]
async fn a_lock_is_waited_for_as_long_as_is_asked_for() {
    let folder = filled().await;
    let store = open(folder.path()).unwrap();
    let options = |lock_patience| SledOptions {
        lock_patience,
        ..SledOptions::default()
    };
    assert!(matches!(
        SledStore::open(folder.path(), options(Duration::ZERO)),
        Err(StoreError::Locked { .. })
    ));
    assert!(matches!(
        SledStore::compact(folder.path(), &options(Duration::ZERO)),
        Err(StoreError::Locked { .. })
    ));
    let path = folder.path().to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        SledStore::open(path, options(Duration::from_secs(30)))
    });
    store.close().await.unwrap();
    drop(waiting.await.unwrap().unwrap());
}

#[tokio::test]
async fn compaction_keeps_everything() {
    let folder = filled().await;
    let before = {
        let store = open(folder.path()).unwrap();
        let order = store.get(&key("order-1")).await.unwrap();
        let log = store.log(&key("order-1")).await.unwrap();
        store.close().await.unwrap();
        (order, log)
    };
    let compacted = SledStore::compact(folder.path(), &SledOptions::default()).unwrap();
    assert!(compacted.records > 5);
    let store = open(folder.path()).unwrap();
    // Ready at once, and no copy of what was just made smaller.
    assert!(!folder.path().join("unclean").exists());
    let order = store.get(&key("order-1")).await.unwrap();
    let log = store.log(&key("order-1")).await.unwrap();
    assert_eq!((order, log), before);
    assert_eq!(store.outbox_status().await.unwrap().waiting, 2);
    store.create(create("order-2")).await.unwrap();
    store.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = filled().await;
    fs::remove_file(folder.path().join("clean")).unwrap();
    let store = open(folder.path()).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::metadata(&path).unwrap();
        let expected = if found.is_dir() { 0o700 } else { 0o600 };
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{}", path.display());
    }
    store.close().await.unwrap();
}
