//! The outbox: order, leases, fences, waits, rows set aside.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Backend, Setup, assert_distinct, face, fresh, pay,
    samples::{T0, TestClock, create, mark_paid, secs},
    turns::Turns,
};
use crate::{
    Claim, Create, DeadLetter, Dump, MarkPaid, OrderKey, OrderStore, OrderStoreExt as _, OutboxId,
    OutboxKind, OutboxStatus, RelayId, StoreError,
};

pub(super) async fn claim(store: &dyn Dump) -> Vec<Claim> {
    let relay = RelayId::new("relay");
    store.claim(relay, secs(30), 100).await.unwrap()
}

pub(super) fn names(claims: &[Claim]) -> Vec<(&str, OutboxKind)> {
    claims
        .iter()
        .map(|claim| (claim.row.key.out_trade_no.as_str(), claim.row.kind))
        .collect()
}

fn both(number: &str) -> [(&str, OutboxKind); 2] {
    [
        (number, OutboxKind::PayNotify),
        (number, OutboxKind::OrderPay),
    ]
}

async fn assert_lost(store: &dyn Dump, claim: &Claim) {
    let late = store.ack(claim.token.clone()).await;
    assert!(
        matches!(&late, Err(StoreError::LeaseLost { id }) if *id == claim.row.id),
        "{late:?}"
    );
    let late = store
        .retry_later(claim.token.clone(), secs(1), String::new())
        .await;
    assert!(
        matches!(late, Err(StoreError::LeaseLost { .. })),
        "{late:?}"
    );
    let late = store.park(claim.token.clone(), String::new()).await;
    assert!(
        matches!(late, Err(StoreError::LeaseLost { .. })),
        "{late:?}"
    );
}

/// Rows of an order come in their order, and are gone once they are acked.
pub async fn rows_come_in_order_and_go_when_acked(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay(&*store, "order-1").await;
    pay(&*store, "order-2").await;
    let claims = claim(&*store).await;
    assert_eq!(names(&claims), [both("order-1"), both("order-2")].concat());
    let order = store.get(&claims[0].row.key).await.unwrap().unwrap();
    assert_eq!(
        Some(&claims[0].row.facts.transaction_id),
        order.transaction_id()
    );
    assert_eq!(claims[0].row.facts.page_ticket, order.page_ticket);
    let ids: Vec<_> = claims.iter().map(|claim| claim.row.id.clone()).collect();
    assert_distinct(&ids);
    for claim in claims {
        store.ack(claim.token).await.unwrap();
    }
    assert_eq!(
        store.outbox_status().await.unwrap(),
        OutboxStatus::default()
    );
    // The same payment again tells nobody.
    let again = mark_paid("order-1", "order-1", "t-order-1");
    store.mark_paid(again).await.unwrap();
    assert!(claim(&*store).await.is_empty());
}

/// A merchant's number is any printable text; the names of its rows are built of it.
pub async fn rows_of_a_merchant_with_slashes_are_settled(backend: &dyn Backend) {
    let (store, clock) = fresh(backend).await;
    let key = OrderKey {
        mch_id: "shop/7".parse().unwrap(),
        out_trade_no: "order-1".parse().unwrap(),
    };
    store
        .create(Create {
            key: key.clone(),
            ..create("order-1")
        })
        .await
        .unwrap();
    let paid = MarkPaid {
        key: key.clone(),
        ..mark_paid("order-1", "order-1", "t1")
    };
    store.mark_paid(paid).await.unwrap();
    let claims = claim(&*store).await;
    let [first, second] = claims.as_slice() else {
        panic!("{claims:?}")
    };
    assert_eq!(first.row.key, key);
    store
        .retry_later(first.token.clone(), secs(1), String::new())
        .await
        .unwrap();
    store
        .park(second.token.clone(), String::new())
        .await
        .unwrap();
    store.requeue(&second.row.id).await.unwrap();
    clock.advance(secs(2));
    for claim in claim(&*store).await {
        store.ack(claim.token).await.unwrap();
    }
    assert_eq!(
        store.outbox_status().await.unwrap(),
        OutboxStatus::default()
    );
}

/// While a lease holds no one else gets the row; after it, whoever had it can do nothing with it.
pub async fn a_lease_keeps_others_away_and_a_late_relay_out(backend: &dyn Backend) {
    let (store, clock) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let first = claim(&*store).await;
    assert_eq!(first.len(), 2);
    assert_eq!(first[0].until, T0 + secs(30));
    clock.advance(secs(29));
    assert!(claim(&*store).await.is_empty());
    assert_eq!(store.outbox_status().await.unwrap().leased, 2);

    clock.advance(secs(2));
    let second = claim(&*store).await;
    assert_eq!(names(&second), names(&first));
    for claim in &first {
        assert_lost(&*store, claim).await;
    }
    for claim in &second {
        store.ack(claim.token.clone()).await.unwrap();
        assert_lost(&*store, claim).await;
    }
    assert_eq!(
        store.outbox_status().await.unwrap(),
        OutboxStatus::default()
    );
}

/// No one else can have sent it.
pub async fn a_lease_that_ran_out_unclaimed_can_be_acked(backend: &dyn Backend) {
    let (store, clock) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let claims = claim(&*store).await;
    clock.advance(secs(31));
    for claim in claims {
        store.ack(claim.token).await.unwrap();
    }
    assert!(claim(&*store).await.is_empty());
}

/// Other orders go on.
pub async fn a_row_put_off_holds_its_order_and_no_other(backend: &dyn Backend) {
    let (store, clock) = fresh(backend).await;
    pay(&*store, "order-1").await;
    pay(&*store, "order-2").await;
    let mut one = store
        .claim(RelayId::new("relay"), secs(30), 1)
        .await
        .unwrap();
    let one = one.pop().unwrap();
    assert_eq!(one.row.key.out_trade_no.as_str(), "order-1");
    // While it is on loan its order waits.
    let others = claim(&*store).await;
    assert_eq!(names(&others), both("order-2"));
    store
        .retry_later(one.token.clone(), secs(60), "cut\nline".to_owned())
        .await
        .unwrap();
    assert_lost(&*store, &one).await;
    for claim in others {
        store.ack(claim.token).await.unwrap();
    }
    assert!(claim(&*store).await.is_empty());
    let status = store.outbox_status().await.unwrap();
    assert_eq!(
        (status.waiting, status.put_off, status.next_retry),
        (2, 1, Some(T0 + secs(60)))
    );
    clock.advance(secs(60));
    let again = claim(&*store).await;
    assert_eq!(names(&again), both("order-1"));
    assert_eq!(again[0].row.attempts, 1);
    assert_eq!(again[0].row.last_error.as_deref(), Some("cut line"));
}

/// After as many tries as the store was told.
pub async fn a_row_is_set_aside_after_the_last_try(backend: &dyn Backend) {
    let clock = TestClock::new();
    let store = backend
        .fresh(Setup {
            clock: Arc::<TestClock>::clone(&clock),
            dead_letter: DeadLetter::After(NonZeroU32::new(3).unwrap()),
        })
        .await;
    pay(&*store, "order-1").await;
    for n in 1..=3 {
        let claims = claim(&*store).await;
        assert_eq!(names(&claims), both("order-1"), "try {n}");
        assert_eq!(claims[0].row.attempts, n - 1);
        let mut tokens = claims.into_iter().map(|claim| claim.token);
        let first = tokens.next().unwrap();
        let reason = format!("no {n}");
        store.retry_later(first, secs(1), reason).await.unwrap();
        clock.advance(secs(31));
    }
    assert!(claim(&*store).await.is_empty(), "its order waits behind it");
    let parked = store.parked(10).await.unwrap();
    assert_eq!((parked.len(), parked[0].attempts), (1, 3));
    assert_eq!(parked[0].last_error.as_deref(), Some("no 3"));
    let status = store.outbox_status().await.unwrap();
    assert_eq!((status.parked, status.waiting), (1, 1));

    store.requeue(&parked[0].id).await.unwrap();
    let claims = claim(&*store).await;
    assert_eq!(names(&claims), both("order-1"));
    assert_eq!(claims[0].row.attempts, 0);
}

/// Whatever time goes by.
pub async fn a_parked_row_waits_for_an_operator(backend: &dyn Backend) {
    let (store, clock) = fresh(backend).await;
    pay(&*store, "order-1").await;
    let mut claims = claim(&*store).await.into_iter();
    let (first, second) = (claims.next().unwrap(), claims.next().unwrap());
    let id = first.row.id.clone();
    let long = "refused".repeat(99);
    store.park(first.token, long).await.unwrap();
    let now = secs(0);
    store
        .retry_later(second.token, now, String::new())
        .await
        .unwrap();
    clock.advance(secs(86_400));
    assert!(
        claim(&*store).await.is_empty(),
        "the later row waits behind the parked one"
    );
    let parked = store.parked(10).await.unwrap();
    assert_eq!((parked.len(), &parked[0].id), (1, &id));
    assert!(parked[0].last_error.as_ref().unwrap().len() <= crate::REASON_MAX_BYTES);
    let unknown = OutboxId::from_text("nothing");
    assert!(matches!(
        store.requeue(&unknown).await,
        Err(StoreError::NoSuchRow { .. })
    ));
    store.requeue(&id).await.unwrap();
    let claims = claim(&*store).await;
    assert_eq!(
        (claims.len(), &claims[0].row.id, claims[0].row.attempts),
        (2, &id, 0)
    );
}

/// Four relays, forty orders: each row is sent once, and an order's rows one after the other.
pub async fn relays_never_have_a_row_at_once(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    for n in 0..40 {
        pay(&*store, &format!("order-{n:02}")).await;
    }
    let turns = Arc::new(Turns::default());
    let mut relays = JoinSet::new();
    for relay in 0..4 {
        let store = face(&store);
        let turns = Arc::clone(&turns);
        relays.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let relay = RelayId::new(&format!("relay-{relay}"));
                // Three: so orders are split.
                let claims = store.claim(relay, secs(30), 3).await.unwrap();
                if claims.is_empty() && is_empty(&*store).await {
                    return sent;
                }
                let held = turns.claimed(claims);
                tokio::task::yield_now().await;
                for held in held {
                    assert!(turns.ack(&*store, &held).await);
                    sent.push(held.claim.row.id);
                }
            }
        });
    }
    let sent: Vec<_> = relays.join_all().await.into_iter().flatten().collect();
    assert_eq!(sent.len(), 80);
    assert_distinct(&sent);
    assert_eq!(turns.assert_in_order(secs(30)), 80);
}

async fn is_empty(store: &dyn OrderStore) -> bool {
    store.outbox_status().await.unwrap() == OutboxStatus::default()
}

/// Four relays whose leases end while they ack, put off, or are dead: a late ack and the next claim race, and an order's rows
/// are had one after the other all the same.
pub async fn leases_that_run_out_keep_the_order(backend: &dyn Backend) {
    const LEASE: Duration = Duration::from_millis(5);
    let (store, clock) = fresh(backend).await;
    for n in 0..20 {
        pay(&*store, &format!("order-{n:02}")).await;
    }
    let turns = Arc::new(Turns::default());
    let mut relays = JoinSet::new();
    for relay in 0..4 {
        let (store, turns) = (face(&store), Arc::clone(&turns));
        let clock = Arc::clone(&clock);
        relays.spawn(async move {
            let name = RelayId::new(&format!("relay-{relay}"));
            let mut dead = Vec::new();
            let mut n = relay;
            loop {
                let claims = store.claim(name.clone(), LEASE, 3).await.unwrap();
                if claims.is_empty() {
                    if is_empty(&*store).await {
                        return dead;
                    }
                    clock.advance(Duration::from_millis(1));
                }
                for held in turns.claimed(claims) {
                    n += 1;
                    match n % 5 {
                        0 => {
                            clock.advance(LEASE);
                            tokio::task::yield_now().await;
                            turns.ack(&*store, &held).await;
                        }
                        1 => {
                            clock.advance(LEASE);
                            let wait = Duration::from_millis(2);
                            turns.retry_later(&*store, &held, wait).await;
                        }
                        2 => dead.push(held),
                        _ => drop(turns.ack(&*store, &held).await),
                    }
                }
            }
        });
    }
    let dead = timeout(secs(60), relays.join_all()).await.unwrap();
    let dead: Vec<_> = dead.into_iter().flatten().collect();
    assert!(!dead.is_empty());
    for held in &dead {
        assert_lost(&*store, &held.claim).await;
    }
    assert_eq!(turns.assert_in_order(LEASE), 40);
}

/// And nothing else does.
pub async fn rows_wake_who_waits(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let mut wakeup = store.outbox_wakeup();
    store.create(create("order-1")).await.unwrap();
    assert!(!wakeup.has_changed().unwrap());
    let paid = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(paid).await.unwrap();
    let woken = tokio::time::timeout(secs(10), wakeup.changed()).await;
    woken.unwrap().unwrap();
}
