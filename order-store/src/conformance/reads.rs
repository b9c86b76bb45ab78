//! Lists, look-ups and totals.

use std::collections::BTreeMap;

use tokio::task::JoinSet;
use wxpay_core::{Fen, MchId};

use super::{
    Backend,
    commands::pay_twice,
    face, fresh, pay,
    samples::{MCH_ID, T0, begin_refund, create, mark_paid, refund_result, secs},
};
use crate::{
    Day, Dump, ExecuteError, Health, OrderQuery, OrderState, OrderStoreExt as _, Page, RefundState,
    StoreError, TotalsQuery, What,
};

/// Newest first, by state and time, none twice and none left out.
pub async fn lists_go_page_by_page(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let mut callers = JoinSet::new();
    for n in 0..50 {
        let store = face(&store);
        callers.spawn(async move {
            let number = format!("order-{n:02}");
            let mut create = create(&number);
            create.now = T0 + secs(n / 10);
            store.create(create).await.unwrap();
            if n % 2 == 0 {
                let paid = mark_paid(&number, &number, &format!("t{n}"));
                store.mark_paid(paid).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let mut query = OrderQuery {
        state: Some(OrderState::Paid),
        since: Some(T0 + secs(1)),
        cursor: None,
        limit: 7,
    };
    let mut seen = Vec::new();
    loop {
        let Page { orders, next } = store.list(query.clone()).await.unwrap();
        assert!(orders.len() <= 7);
        seen.extend(orders);
        match next {
            Some(next) => query.cursor = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen.len(), 20);
    assert!(seen.is_sorted_by(|a, b| (a.created_at, &a.key) > (b.created_at, &b.key)));
    assert!(seen.iter().all(|order| order.state() == OrderState::Paid));
    let all = OrderQuery {
        limit: 100,
        ..OrderQuery::default()
    };
    let page = store.list(all).await.unwrap();
    assert_eq!((page.orders.len(), page.next), (50, None));
}

/// By transaction, first and extra, and only of their merchant.
pub async fn orders_are_found_by_their_numbers(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    pay_twice(&store, "order-1").await;
    let order = store.get(&super::samples::key("order-1")).await.unwrap();
    assert!(order.is_some());
    let mch_id: MchId = MCH_ID.parse().unwrap();
    for id in ["t1", "t2"] {
        let found = store.find_transaction(&mch_id, &id.parse().unwrap()).await;
        assert_eq!(found.unwrap(), order, "{id}");
    }
    let other = "1900000109".parse().unwrap();
    let found = store.find_transaction(&other, &"t1".parse().unwrap()).await;
    assert_eq!(found.unwrap(), None);
}

/// And only what is due.
pub async fn due_orders_come_longest_overdue_first(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    for n in [3, 1, 2] {
        let mut create = create(&format!("order-{n}"));
        create.now = T0 + secs(n);
        store.create(create).await.unwrap();
    }
    let numbers = |orders: Vec<crate::Order>| -> Vec<String> {
        let number = |order: crate::Order| order.key.out_trade_no.as_str().to_owned();
        orders.into_iter().map(number).collect()
    };
    let due = store.due(T0 + secs(1802), 10).await.unwrap();
    assert_eq!(numbers(due), ["order-1", "order-2"]);
    let due = store.due(T0 + secs(9999), 2).await.unwrap();
    assert_eq!(numbers(due), ["order-1", "order-2"]);
    pay(&*store, "order-4").await;
    assert_eq!(store.due(T0 + secs(9999), 9).await.unwrap().len(), 3);
}

/// Of each account, whatever became of the rest.
pub async fn accounts_count_what_is_open(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    assert!(store.accounts().await.unwrap().is_empty());
    pay(&*store, "order-1").await;
    store.create(create("order-2")).await.unwrap();
    let mut elsewhere = create("order-3");
    elsewhere.key.mch_id = "1900000109".parse().unwrap();
    store.create(elsewhere).await.unwrap();
    let accounts = store.accounts().await.unwrap();
    let counts: Vec<_> = accounts
        .iter()
        .map(|account| (account.mch_id.as_str(), account.open_orders))
        .collect();
    assert_eq!(counts, [(MCH_ID, 1), ("1900000109", 1)]);
}

/// Payments and refunds on the days of their rows.
pub async fn totals_are_of_the_log(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    let day = Day::of(T0);
    for (n, late) in [(1_u64, 0), (2, 0), (3, 86_400)] {
        let number = format!("order-{n}");
        let mut create = create(&number);
        create.total_fee = Fen::new(n * 100).unwrap();
        store.create(create).await.unwrap();
        let mut paid = mark_paid(&number, &number, &format!("t{n}"));
        paid.total_fee = Fen::new(n * 100).unwrap();
        paid.now = T0 + secs(late);
        store.mark_paid(paid).await.unwrap();
    }
    let begin = begin_refund("order-2", "r1", "t2", T0);
    store.begin_refund(begin).await.unwrap();
    let done = T0 + secs(2 * 86_400);
    let done = refund_result("order-2", "r1", RefundState::Success, done);
    store.refund_result(done).await.unwrap();

    let query = |from: Day, to: Day, mch_id: Option<&str>| TotalsQuery {
        from,
        to,
        mch_id: mch_id.map(|id| id.parse().unwrap()),
    };
    let totals = store.totals(query(day, day.plus(9), None)).await.unwrap();
    let mut told = BTreeMap::new();
    for n in 1..=3 {
        let key = super::samples::key(&format!("order-{n}"));
        for entry in store.log(&key).await.unwrap() {
            let sums: &mut (u64, u64, u64, u64) = told.entry(Day::of(entry.at)).or_default();
            match entry.what {
                What::Paid { total_fee, .. } => {
                    sums.0 += 1;
                    sums.1 += total_fee.get();
                }
                What::RefundSucceeded { refund_fee, .. } => {
                    sums.2 += 1;
                    sums.3 += refund_fee.get();
                }
                _ => {}
            }
        }
    }
    let rolled: BTreeMap<_, _> = totals
        .iter()
        .map(|t| {
            (
                t.day,
                (t.payments, t.paid.get(), t.refunds, t.refunded.get()),
            )
        })
        .collect();
    assert_eq!(rolled, told);
    assert_eq!(rolled[&day], (2, 300, 0, 0));
    assert_eq!(rolled[&day.plus(2)], (0, 0, 1, 1));
    let first = store.totals(query(day, day, Some(MCH_ID))).await.unwrap();
    assert_eq!(first, totals[..1]);
    let other = store.totals(query(day, day, Some("1900000109"))).await;
    assert!(other.unwrap().is_empty());
}

/// Every method, and it can be closed twice.
pub async fn a_closed_store_says_so(backend: &dyn Backend) {
    let (store, _) = fresh(backend).await;
    store.create(create("order-1")).await.unwrap();
    assert_eq!(store.health(), Health::Writable);
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.health(), Health::Closed);
    assert!(matches!(
        store.create(create("order-1")).await,
        Err(ExecuteError::Store(StoreError::Closed))
    ));
    assert!(matches!(
        store.list(OrderQuery::default()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.dump_size().await, Err(StoreError::Closed)));
}

/// Everything a dump is made of; for the cases that take it elsewhere.
pub(super) async fn fill(store: &std::sync::Arc<dyn Dump>) {
    pay_twice(store, "order-0").await;
    for n in 1..=5 {
        pay(&**store, &format!("order-{n}")).await;
    }
    let begin = begin_refund("order-1", "r1", "t-order-1", T0);
    store.begin_refund(begin).await.unwrap();
    let done = refund_result("order-1", "r1", RefundState::Success, T0 + secs(60));
    store.refund_result(done).await.unwrap();
    let begin = begin_refund("order-2", "r2", "t-order-2", T0);
    store.begin_refund(begin).await.unwrap();
    store.create(create("order-8")).await.unwrap();
    let mut elsewhere = create("order-8");
    elsewhere.key.mch_id = "1900000109".parse().unwrap();
    store.create(elsewhere).await.unwrap();
}
