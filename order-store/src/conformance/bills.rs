//! The ledger against a bill.

use std::{collections::BTreeSet, sync::Arc};

use tokio::task::JoinSet;
use wxpay_core::Fen;

use super::{
    Backend, assert_distinct,
    commands::pay_twice,
    face, fresh, pay,
    samples::{MCH_ID, T0, begin_refund, create, mark_paid, refund_result, secs},
};
use crate::{
    BillEntry, BillRow, Certainty, Create, Day, Difference, DifferenceKind, Dump, OrderStore,
    OrderStoreExt as _, PAGE_MAX, Reconciliation, RefundState, Standing,
};

fn bill_row(attempt: &str, id: &str, entry: BillEntry) -> BillRow {
    BillRow {
        out_trade_no: attempt.parse().unwrap(),
        transaction_id: id.parse().unwrap(),
        entry,
    }
}

fn bill_payment(attempt: &str, id: &str, fee: u64) -> BillRow {
    let total_fee = Some(Fen::new(fee).unwrap());
    bill_row(attempt, id, BillEntry::Payment { total_fee })
}

fn bill_refund(attempt: &str, id: &str, refund: &str, state: RefundState) -> BillRow {
    let entry = BillEntry::Refund {
        out_refund_no: refund.parse().unwrap(),
        refund_fee: Some(Fen::new(1).unwrap()),
        state,
    };
    bill_row(attempt, id, entry)
}

async fn reconcile(store: &dyn OrderStore, rows: &[BillRow]) -> Vec<Difference> {
    let day = Day::of(T0);
    let mut reconciliation = Reconciliation::new(store, MCH_ID.parse().unwrap(), day, day);
    let mut differences = Vec::new();
    for row in rows {
        differences.extend(reconciliation.row(row).await.unwrap());
    }
    let mut missing = reconciliation.finish();
    while let Some(difference) = missing.next().await.unwrap() {
        differences.push(difference);
    }
    differences
}

/// An order that was paid twice, and three that were paid and given back.
async fn refunded(backend: &dyn Backend) -> Arc<dyn Dump> {
    let (store, _) = fresh(backend).await;
    pay_twice(&store, "order-1").await;
    for n in 2..=4 {
        pay(&*store, &format!("order-{n}")).await;
        let number = format!("order-{n}");
        let begin = begin_refund(&number, &format!("r{n}"), &format!("t-{number}"), T0);
        store.begin_refund(begin).await.unwrap();
        let state = RefundState::Success;
        let done = refund_result(&number, &format!("r{n}"), state, T0 + secs(60));
        store.refund_result(done).await.unwrap();
    }
    store
}

/// Missing here and there, other amounts, other states, rows twice; and nothing where they agree.
pub async fn a_bill_finds_every_difference(backend: &dyn Backend) {
    let store = refunded(backend).await;
    store.create(create("order-9")).await.unwrap();
    let agree = [
        bill_payment("order-1", "t1", 1),
        bill_payment("order-1-2", "t2", 1),
        bill_payment("order-2", "t-order-2", 1),
        bill_payment("order-3", "t-order-3", 1),
        bill_payment("order-4", "t-order-4", 1),
        bill_refund("order-2", "t-order-2", "r2", RefundState::Success),
        // It went on since the bill was written.
        bill_refund("order-3", "t-order-3", "r3", RefundState::Processing),
        bill_refund("order-4", "t-order-4", "r4", RefundState::Change),
    ];
    assert_eq!(reconcile(&*store, &agree).await, []);

    let mut rows = agree.to_vec();
    rows.remove(7);
    rows.remove(1);
    rows[0] = bill_payment("order-1", "t1", 7);
    rows[4] = bill_refund("order-2", "t-order-2", "r2", RefundState::Closed);
    rows.push(bill_payment("order-9", "t9", 1));
    rows.push(bill_payment("unknown", "t8", 1));
    rows.push(bill_refund(
        "order-3",
        "t-order-3",
        "r8",
        RefundState::Success,
    ));
    rows.push(bill_row("order-4", "t-order-4", BillEntry::Reversal));
    rows.push(bill_payment("order-2", "t-order-2", 1));
    let found = reconcile(&*store, &rows).await;
    let fen = |n| Fen::new(n).unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|difference| {
            let key = difference.key.as_ref().map(|key| key.out_trade_no.as_str());
            (
                key,
                difference.transaction_id.as_str(),
                difference.kind.clone(),
            )
        })
        .collect();
    let refund = Standing::Refund;
    let states = |here, there| DifferenceKind::State { here, there };
    let missing_there = |at| DifferenceKind::MissingThere {
        at,
        certainty: Certainty::Sure,
    };
    let amount = DifferenceKind::Amount {
        here: fen(1),
        there: fen(7),
    };
    let time_end =
        crate::Timestamp::from("20190320143700".parse::<wxpay_core::BeijingTime>().unwrap());
    let expected = [
        (Some("order-1"), "t1", amount),
        (
            Some("order-2"),
            "t-order-2",
            states(refund(RefundState::Success), refund(RefundState::Closed)),
        ),
        (Some("order-9"), "t9", DifferenceKind::MissingHere),
        (None, "t8", DifferenceKind::MissingHere),
        (Some("order-3"), "t-order-3", DifferenceKind::MissingHere),
        (
            Some("order-4"),
            "t-order-4",
            states(Standing::Paid, Standing::Reversed),
        ),
        (None, "t-order-2", DifferenceKind::Twice),
        (Some("order-4"), "t-order-4", missing_there(T0)),
        (Some("order-1"), "t2", missing_there(time_end)),
    ];
    assert_eq!(told, expected);
    assert_distinct(
        &told
            .iter()
            .map(|told| format!("{told:?}"))
            .collect::<Vec<_>>(),
    );
}

/// A number of no order's, one of another's, a refund of another payment; whatever the amounts.
pub async fn a_bill_is_compared_by_number_too(backend: &dyn Backend) {
    let store = refunded(backend).await;
    let other = |number: &str| DifferenceKind::OtherNumber {
        here: number.parse().unwrap(),
    };
    for (row, kind) in [
        (bill_payment("nobody", "t-order-4", 7), other("order-4")),
        (bill_payment("order-2", "t2", 1), other("order-1-2")),
        (
            bill_refund("order-2", "t-order-2", "r3", RefundState::Success),
            other("order-3"),
        ),
        (
            bill_refund("order-3", "t-other", "r3", RefundState::Success),
            DifferenceKind::OtherPayment {
                here: "t-order-3".parse().unwrap(),
            },
        ),
    ] {
        let day = Day::of(T0);
        let mut alone = Reconciliation::new(&*store, MCH_ID.parse().unwrap(), day, day);
        let found = alone.row(&row).await.unwrap().unwrap();
        assert_eq!(
            (&found.kind, &found.out_trade_no),
            (&kind, &row.out_trade_no)
        );
    }
}

/// More orders than two pages have; of three the bill has one.
pub async fn a_bill_is_held_against_more_than_a_page(backend: &dyn Backend) {
    const ORDERS: usize = 2 * PAGE_MAX + 3;
    let number = |n: usize| format!("order-{n:04}");
    let (store, _) = fresh(backend).await;
    let mut callers = JoinSet::new();
    for caller in 0..64 {
        let store = face(&store);
        callers.spawn(async move {
            for n in (caller..ORDERS).step_by(64) {
                let number = number(n);
                // Many of one moment, so that pages end within it.
                let now = T0 + secs(n as u64 % 2);
                let made = Create {
                    now,
                    ..create(&number)
                };
                store.create(made).await.unwrap();
                let paid = mark_paid(&number, &number, &format!("t-{number}"));
                store.mark_paid(paid).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let rows: Vec<_> = (0..ORDERS)
        .step_by(3)
        .map(|n| bill_payment(&number(n), &format!("t-{}", number(n)), 1))
        .collect();
    let found = reconcile(&*store, &rows).await;
    let lacks = (0..ORDERS).filter(|n| n % 3 != 0).map(number);
    let expected: BTreeSet<_> = lacks.collect();
    assert_eq!(found.len(), expected.len());
    let told: BTreeSet<_> = found
        .into_iter()
        .map(|difference| {
            let kind = &difference.kind;
            assert!(
                matches!(kind, DifferenceKind::MissingThere { .. }),
                "{kind:?}"
            );
            difference.key.unwrap().out_trade_no.as_str().to_owned()
        })
        .collect();
    assert_eq!(told, expected);
}
