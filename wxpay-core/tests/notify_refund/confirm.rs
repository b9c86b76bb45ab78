//! From the hint to a refund that is proven.

use wxpay_core::{
    Fen, SignType,
    api::{self, RefundQuery, RefundQueryResponse, RefundRef, RefundStatus},
    notify::{Agreement, QueriedRefund, Unconfirmed},
};

use super::{common, whole};

#[test]
fn only_a_query_that_says_the_same_agrees() {
    let hint = whole();
    let said = QueriedRefund {
        transaction_id: &"4200000001202601010000000001".parse().unwrap(),
        out_trade_no: &"T20260101000001".parse().unwrap(),
        refund_id: &"50000000012026010100000000001".parse().unwrap(),
        out_refund_no: &"R20260101000001".parse().unwrap(),
        total_fee: Fen::new(101).unwrap(),
        refund_fee: Fen::new(101).unwrap(),
        refund_status: &RefundStatus::Success,
    };
    assert_eq!(hint.compare(&said), Agreement::Agrees);
    let fee = Fen::new(100).unwrap();
    for (field, said) in [
        (
            "transaction_id",
            QueriedRefund {
                transaction_id: &"4".parse().unwrap(),
                ..said
            },
        ),
        (
            "out_trade_no",
            QueriedRefund {
                out_trade_no: &"T".parse().unwrap(),
                ..said
            },
        ),
        (
            "refund_id",
            QueriedRefund {
                refund_id: &"5".parse().unwrap(),
                ..said
            },
        ),
        (
            "out_refund_no",
            QueriedRefund {
                out_refund_no: &"R".parse().unwrap(),
                ..said
            },
        ),
        (
            "total_fee",
            QueriedRefund {
                total_fee: fee,
                ..said
            },
        ),
        (
            "refund_fee",
            QueriedRefund {
                refund_fee: fee,
                ..said
            },
        ),
        (
            "refund_status",
            QueriedRefund {
                refund_status: &RefundStatus::Processing,
                ..said
            },
        ),
    ] {
        assert_eq!(hint.compare(&said), Agreement::Differs { field });
    }
}

/// A signed answer of `refundquery` with the whole notify's refund, after another one.
fn queried(change: (&'static str, &'static str)) -> RefundQueryResponse {
    let mut fields = vec![
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("appid", "wx8397f8696b538317"),
        ("mch_id", "1473426802"),
        ("transaction_id", "4200000001202601010000000001"),
        ("out_trade_no", "T20260101000001"),
        ("total_fee", "101"),
        ("cash_fee", "101"),
        ("refund_count", "2"),
        ("out_refund_no_0", "R0"),
        ("refund_id_0", "5"),
        ("refund_fee_0", "1"),
        ("refund_status_0", "SUCCESS"),
        ("out_refund_no_1", "R20260101000001"),
        ("refund_id_1", "50000000012026010100000000001"),
        ("refund_fee_1", "101"),
        ("refund_status_1", "SUCCESS"),
    ];
    fields.retain(|(name, _)| *name != change.0);
    fields.push(change);
    let xml = common::answer(&fields, SignType::Md5);
    api::parse::<RefundQuery>(xml.as_bytes(), &common::seed_account(), SignType::Md5).unwrap()
}

#[test]
fn an_answer_confirms_the_hint_or_says_better() {
    let hint = whole();
    assert_eq!(
        hint.query(),
        RefundQuery::new(RefundRef::OutRefundNo(hint.out_refund_no.clone()))
    );
    let said = queried(("x", "y"));
    assert_eq!(
        hint.compare(&said.queried(&hint.out_refund_no).unwrap()),
        Agreement::Agrees
    );
    let confirmed = hint.confirm(&said).unwrap();
    assert_eq!(confirmed.refund(), &said.refunds[1]);
    assert_eq!(confirmed.transaction_id(), &hint.transaction_id);
    assert_eq!(confirmed.out_trade_no(), &hint.out_trade_no);
    assert_eq!(confirmed.total_fee().get(), 101);
    for (name, value, field) in [
        ("transaction_id", "4", "transaction_id"),
        ("out_trade_no", "T", "out_trade_no"),
        ("refund_id_1", "5", "refund_id"),
        ("total_fee", "102", "total_fee"),
        ("refund_fee_1", "100", "refund_fee"),
        ("refund_status_1", "PROCESSING", "refund_status"),
    ] {
        let said = queried((name, value));
        let Err(Unconfirmed::Differs {
            field: differs,
            said: proven,
        }) = hint.confirm(&said)
        else {
            panic!("{name}")
        };
        assert_eq!(differs, field);
        // What the answer says is there to act on all the same.
        assert_eq!(proven.refund(), &said.refunds[1]);
    }
    assert_eq!(
        hint.confirm(&queried(("out_refund_no_1", "R2"))),
        Err(Unconfirmed::NotInAnswer)
    );
}
