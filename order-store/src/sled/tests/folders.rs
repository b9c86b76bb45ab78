//! Folders from elsewhere, and whom a new one lets in.

use std::{fs, path::Path};

use super::super::{
    format::FORMAT,
    keys::{FORMAT_KEY, Kind, packed_key},
    options::SledOptions,
    record::encode,
    ring,
    store::SledStore,
    trees::Trees,
    verification::Verify,
};
use super::{create, key, open};
use crate::{
    Kept, NotifyId, NotifyQuery, NotifyRecord, OrderStore as _, OrderStoreExt as _, StoreError,
    Timestamp, Verdict,
};

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
    store
        .shared
        .read(|live| {
            let log = live.trees.tree(Kind::Log);
            log.insert(packed_key(1, 0), &[1, 0, 9, 0]).unwrap();
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

#[cfg(unix)]
#[test]
fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("ledger");
    let store = open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(crate::sled::ring::FILE)), 0o600);
    drop(store);
}

/// The slots of refused notifies are not synced, so a crash can tear any of them.
#[cfg(unix)]
#[tokio::test]
async fn a_refused_notify_that_was_torn_hides_none_before_it() {
    use std::os::unix::fs::FileExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for n in 1..=3 {
        let id = store.record_notify(refused()).await.unwrap();
        assert_eq!(id, NotifyId::Refused(n));
    }
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join(ring::FILE));
    let second = 2 * ring::SLOT_BYTES as u64;
    file.unwrap().write_all_at(&[0xff; 40], second).unwrap();
    let query = NotifyQuery {
        kept: Kept::Refused,
        before: None,
        limit: 9,
    };
    let listed = store.notifies(query).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|notify| notify.id).collect();
    assert_eq!(listed, [NotifyId::Refused(3), NotifyId::Refused(1)]);
}

#[cfg(unix)]
fn refused() -> NotifyRecord {
    NotifyRecord {
        at: Timestamp::from_millis(0),
        peer: std::net::Ipv4Addr::LOCALHOST.into(),
        verdict: Verdict::Refused {
            reason: "bad sign".to_owned(),
        },
        millis: 1,
        answer: "FAIL".to_owned(),
        body: b"<xml/>".to_vec(),
    }
}
