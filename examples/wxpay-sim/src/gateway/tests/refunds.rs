//! Refunds: asked for, repeated, told and queried.

use wxpay_core::{
    OutRefundNo,
    api::{Refund, RefundQuery, RefundRef, RefundStatus},
    notify::UnverifiedRefundNotify,
};

use super::*;

const URL: &str = "http://127.0.0.1:9010/wxpay/refund_notify";

fn refund(number: &str, out_refund_no: &str, fee: u64) -> Refund {
    Refund {
        by: OrderRef::OutTradeNo(number.parse().unwrap()),
        out_refund_no: out_refund_no.parse().unwrap(),
        total_fee: Fen::new(101).unwrap(),
        refund_fee: Fen::new(fee).unwrap(),
        refund_fee_type: None,
        refund_desc: None,
        refund_account: None,
        notify_url: Some(URL.parse().unwrap()),
    }
}

fn paid(sign_type: SignType) -> Desk {
    let mut desk = Desk::new(sign_type);
    let code_url = desk.order(&tea("R1"));
    let facts = PaymentFacts {
        notify: NotifyWanted::No,
        ..PaymentFacts::default()
    };
    desk.pay(&Payable::Code(code_url), Payment::Success(facts))
        .unwrap();
    desk
}

fn status(desk: &mut Desk, number: &OutRefundNo) -> RefundStatus {
    let query = RefundQuery::new(RefundRef::OutRefundNo(number.clone()));
    let answer = desk.call(&query).unwrap();
    answer.refund(number).unwrap().refund_status.clone()
}

#[test]
fn a_refund_is_under_way_then_told_and_the_query_confirms_it() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let mut desk = paid(sign_type);
        let asked = refund("R1", "BACK-1", 40);
        let first = desk.call(&asked).unwrap();
        assert_eq!(
            desk.call(&asked).unwrap().refund_id,
            first.refund_id,
            "once"
        );
        assert_eq!(desk.state("R1"), TradeState::Refund);
        assert_eq!(
            status(&mut desk, &asked.out_refund_no),
            RefundStatus::Processing
        );
        assert!(
            desk.gateway.take_due(desk.now, 9).is_empty(),
            "not over yet"
        );

        desk.later(REFUND_TAKES);
        let posts = desk.gateway.take_due(desk.now, 9);
        assert_eq!(posts.len(), 1);
        assert_eq!(&*posts[0].url, URL);
        let hint = UnverifiedRefundNotify::parse(posts[0].body.as_bytes())
            .unwrap()
            .decrypt(&desk.account)
            .unwrap();
        assert_eq!(hint.refund_status, RefundStatus::Success);
        assert!(hint.success_time.is_some());
        let said = desk.call(&hint.query()).unwrap();
        let confirmed = hint.confirm(&said).unwrap();
        assert_eq!(confirmed.refund().refund_id, first.refund_id);
    }
}

#[test]
fn what_cannot_go_back_is_refused() {
    let mut desk = paid(SignType::Md5);
    desk.order(&tea("R2"));
    for (asked, expected) in [
        (refund("R9", "BACK-1", 1), ErrorCode::OrderNotExist),
        (refund("R2", "BACK-1", 1), ErrorCode::TradeStateError),
    ] {
        assert_eq!(code(desk.call(&asked)).unwrap_err(), expected);
    }
    desk.call(&refund("R1", "BACK-1", 100)).unwrap();
    let mut other_total = refund("R1", "BACK-2", 1);
    other_total.total_fee = Fen::new(102).unwrap();
    for asked in [
        refund("R1", "BACK-1", 1),
        refund("R1", "BACK-2", 2),
        other_total,
    ] {
        let refused = code(desk.call(&asked)).unwrap_err();
        assert_eq!(refused, ErrorCode::InvalidRequest);
    }
    desk.call(&refund("R1", "BACK-2", 1)).unwrap();
    let unknown = RefundQuery::new(RefundRef::OutRefundNo("BACK-3".parse().unwrap()));
    assert_eq!(
        code(desk.call(&unknown)).unwrap_err(),
        ErrorCode::RefundNotExist
    );
    let all = RefundQuery::new(RefundRef::OutTradeNo("R1".parse().unwrap()));
    assert_eq!(desk.call(&all).unwrap().refunds.len(), 2);
}
