//! The gateway's own bill, read and held against a ledger.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use order_store::{
    BillEntry, BillRow, BillRowError, Certainty, Day, Difference, DifferenceKind, MemoryOptions,
    MemoryStore, OrderStoreExt as _, Reconciliation, RefundState, Timestamp,
};
use support::{MCH_ID, T0, begin_refund, create, mark_paid, refund_result, secs};
use wxpay_core::{
    Fen,
    bill::{BillReader, Trade},
};

const HEAD: &str = "交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易类型,交易状态,付款银行,货币种类,订单金额,\
微信退款单号,商户退款单号,申请退款金额,退款状态,退款类型,应结订单金额,退款金额,商品名称\r\n";

fn row(id: &str, number: &str, state: &str, rest: &str) -> String {
    format!(
        "`2019-03-20 14:37:00,`wx8397f8696b538317,`{MCH_ID},`{id},`{number},`NATIVE,`{state},`OTHERS,`CNY,{rest},`tea\r\n"
    )
}

/// The rows of a bill, as far as they are any.
fn rows(text: &str) -> Vec<Result<BillRow, BillRowError>> {
    let mut bill = BillReader::new();
    bill.push(text.as_bytes()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = bill.next_row().unwrap() {
        rows.push(BillRow::try_from(&Trade::try_from(row).unwrap()));
    }
    rows
}

#[tokio::test]
async fn rows_of_the_gateways_bill_are_compared_as_they_come() {
    let payment = "`0.01,`0,`0,`0.00,`,`,`0.01,`0.00";
    let refund = "`0.00,`50000000r1,`r1,`0.01,`SUCCESS,`ORIGINAL,`0.00,`0.01";
    let failed = "`0.00,`50000000r2,`r2,`0.01,`FAIL,`ORIGINAL,`0.00,`0.01";
    let odd = "`0.00,`50000000r3,`r3,`0.01,`LATER,`ORIGINAL,`0.00,`0.01";
    let text = [
        HEAD.to_owned(),
        row("t1", "order-1", "SUCCESS", payment),
        row("t1", "order-1", "REFUND", refund),
        row("t1", "order-1", "REFUND", failed),
        row("t1", "order-1", "REFUND", odd),
        row("t1", "order-1", "REVOKED", payment),
        row("t1", "order-1", "WHAT", payment),
        row("t1", "茶", "SUCCESS", payment),
    ]
    .concat();
    let rows = rows(&text);
    let entries: Vec<_> = rows
        .iter()
        .map(|row| {
            row.as_ref()
                .map(|row| &row.entry)
                .map_err(ToString::to_string)
        })
        .collect();
    let one = Fen::new(1).unwrap();
    let refund = |number: &str, state| BillEntry::Refund {
        out_refund_no: number.parse().unwrap(),
        refund_fee: Some(one),
        state,
    };
    let paid = BillEntry::Payment {
        total_fee: Some(one),
    };
    assert_eq!(entries[0], Ok(&paid));
    assert_eq!(entries[1], Ok(&refund("r1", RefundState::Success)));
    assert_eq!(entries[2], Ok(&refund("r2", RefundState::Closed)));
    assert_eq!(
        entries[3],
        Err("refund_status LATER is not known".to_owned())
    );
    assert_eq!(entries[4], Ok(&BillEntry::Reversal));
    assert_eq!(entries[5], Err("trade_state WHAT is not known".to_owned()));
    assert!(entries[6].as_ref().unwrap_err().contains("out_trade_no"));

    let store = MemoryStore::new(MemoryOptions::default());
    store.create(create("order-1")).await.unwrap();
    let told = mark_paid("order-1", "order-1", "t1");
    store.mark_paid(told).await.unwrap();
    let begin = begin_refund("order-1", "r1", "t1", T0);
    store.begin_refund(begin).await.unwrap();
    let done = refund_result("order-1", "r1", RefundState::Success, T0 + secs(9));
    store.refund_result(done).await.unwrap();
    let day = Day::of(T0);
    let mut reconciliation = Reconciliation::new(&store, MCH_ID.parse().unwrap(), day, day);
    for row in rows[..2].iter().flatten() {
        assert_eq!(reconciliation.row(row).await.unwrap(), None, "{row:?}");
    }
    assert_eq!(reconciliation.finish().next().await.unwrap(), None);
}

/// A refund begun in the first or last five minutes of a day may be in the bill of the day beside; a payment is of the day that the gateway says.
#[tokio::test]
async fn the_ends_of_a_day_are_told_apart() {
    let store = MemoryStore::new(MemoryOptions::default());
    let day = Day::of(T0);
    let midnight = day.next().start();
    let start = day.start();
    let near = Some(Certainty::NearEdge);
    let ends = [
        ("order-1", midnight - secs(1), near),
        ("order-2", midnight - secs(300), near),
        ("order-3", midnight - secs(301), Some(Certainty::Sure)),
        ("order-4", midnight, None),
        ("order-5", start - secs(1), None),
        ("order-6", start, near),
        ("order-7", start + secs(299), near),
        ("order-8", start + secs(300), Some(Certainty::Sure)),
    ];
    for (number, begun_at, _) in ends {
        store.create(create(number)).await.unwrap();
        let mut told = mark_paid(number, number, &format!("t-{number}"));
        told.time_end = (day.start() - secs(1)).beijing();
        store.mark_paid(told).await.unwrap();
        let refund = format!("r-{number}");
        let begin = begin_refund(number, &refund, &format!("t-{number}"), begun_at);
        store.begin_refund(begin).await.unwrap();
        let taken = refund_result(number, &refund, RefundState::Processing, begun_at);
        store.refund_result(taken).await.unwrap();
    }
    let mut missing = Reconciliation::new(&store, MCH_ID.parse().unwrap(), day, day).finish();
    let mut found = Vec::new();
    while let Some(difference) = missing.next().await.unwrap() {
        let Difference {
            key,
            out_refund_no,
            kind: DifferenceKind::MissingThere { at, certainty },
            ..
        } = difference
        else {
            panic!("{difference:?}");
        };
        assert!(
            out_refund_no.is_some(),
            "the payments are of the day before"
        );
        found.push((key.unwrap().out_trade_no.as_str().to_owned(), at, certainty));
    }
    found.sort_by_key(|(number, ..)| number.clone());
    let expected: Vec<(String, Timestamp, Certainty)> = ends
        .into_iter()
        .filter_map(|(number, at, certainty)| Some((number.to_owned(), at, certainty?)))
        .collect();
    assert_eq!(found, expected);
}
