//! Folders from elsewhere, and whom a new one lets in.

use std::{fs, path::Path};

use super::super::{
    format::FORMAT,
    keys::{FORMAT_KEY, Kind, packed_key},
    options::SledOptions,
    record::encode,
    store::SledStore,
    trees::Trees,
    verification::Verify,
};
use super::{create, key, open};
use crate::{OrderStore as _, OrderStoreExt as _, StoreError};

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
