//! What a verification finds, first or in the background.

use std::time::Duration;

use super::super::{
    checkpoint::Checkpoint,
    keys::{Kind, packed_key},
    options::SledOptions,
    store::SledStore,
    trees::{Trees, Writes},
    verification::{Verification, Verify},
    verify::{Audit, Nobody},
};
use super::{create, defer, key, mark_paid, open};
use crate::{OrderQuery, OrderStore as _, OrderStoreExt as _, RelayId, StoreError};

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
    let order = crate::sled::keys::order_key(&key("order-3"), 0);
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

/// A value of the log that is another's and reads well: until the verification has been there, each read finds it out.
#[tokio::test]
async fn what_is_read_before_it_is_verified_is_held_to_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for n in 1..=3 {
        store.create(create(&format!("order-{n}"))).await.unwrap();
    }
    store.close().await.unwrap();
    let store = open(folder.path()).unwrap();
    let mut verification = store.verification();
    let done = |now: &Verification| matches!(now, Verification::Whole(_));
    let progress = match *verification.wait_for(done).await.unwrap() {
        Verification::Whole(progress) => progress,
        ref other => panic!("{other:?}"),
    };
    store
        .shared
        .read(|live| {
            let log = live.trees.tree(Kind::Log);
            let first = log.get(packed_key(1, 0)).unwrap().unwrap();
            log.insert(packed_key(2, 0), first).unwrap();
            Ok(())
        })
        .unwrap();
    let turned_back = Verification::Running(progress);
    store.shared.verified.send_replace(turned_back);
    let damaged = key("order-2");
    let all = OrderQuery {
        limit: 9,
        ..OrderQuery::default()
    };
    for read in [
        store.get(&damaged).await.map(drop),
        store.log(&damaged).await.map(drop),
        store.list(all).await.map(drop),
    ] {
        match read {
            Err(StoreError::Corrupt { what }) => {
                assert!(what.contains("group 2, chunk 0, does not follow"), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(store.get(&key("order-3")).await.unwrap().is_some());
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
