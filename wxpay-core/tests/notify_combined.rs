//! The notify of a combined order, from bytes to the payments that it proves.
#![allow(clippy::unwrap_used)]

mod common;

use common::{account_with, answer, other_key, seed_account, seed_key};
use proptest::prelude::*;
use wxpay_core::{
    Account, NotifyError, SignType, VerifyError,
    api::{FieldError, TradeType},
    notify::{CombinedNotify, Handled, Notify, UnverifiedCombinedNotify, handle},
};

const ORDERS: &str = r#"{"order_num":2,"order_list":[
    {"appid":"wxdace645e0bc2c424","mch_id":"1900009001","openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","total_fee":101,
     "cash_fee":91,"transaction_id":"4200000001","out_trade_no":"OD1","attach":"\u6df1\u5733","time_end":"20260101000203"},
    {"mch_id":"1900009002","total_fee":"7","transaction_id":"4200000002","out_trade_no":"OD1","time_end":"20260101000203",
     "attach":" blank","new_in_2031":{"kept":[true,null]}}]}"#;

fn fields(orders: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("combine_appid", "wx8397f8696b538317"),
        ("combine_mch_id", "1473426802"),
        ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
        ("combine_out_trade_no", "C1"),
        ("combine_openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
        ("trade_type", "NATIVE"),
        ("bank_type", "CMC"),
        ("sub_order_list", orders),
    ]
}

fn with(name: &'static str, value: &'static str) -> String {
    let mut fields = fields(ORDERS);
    fields.retain(|(field, _)| *field != name);
    if !value.is_empty() {
        fields.push((name, value));
    }
    answer(&fields, SignType::HmacSha256)
}

fn verify(body: &str, account: &Account) -> Result<CombinedNotify, NotifyError> {
    UnverifiedCombinedNotify::parse(body.as_bytes())?.verify(account)
}

#[test]
fn each_order_is_a_payment() {
    let body = answer(&fields(ORDERS), SignType::HmacSha256);
    let notify = verify(&body, &seed_account()).unwrap();
    assert_eq!(notify.combine_out_trade_no().as_str(), "C1");
    assert_eq!(notify.trade_type(), Some(&TradeType::Native));
    assert_eq!(notify.bank_type().unwrap().as_str(), "CMC");
    assert!(notify.combine_openid().is_some());
    assert_eq!(
        notify.params().get("nonce_str"),
        Some("5K8264ILTKCH16CQ2502SI8ZNMTM67VS")
    );
    let [first, second] = notify.sub_orders() else {
        panic!("two orders")
    };
    // One number in two merchants' books is two orders.
    assert_eq!(first.out_trade_no, second.out_trade_no);
    assert_eq!(first.mch_id.as_str(), "1900009001");
    assert_eq!(first.total_fee.get(), 101);
    assert_eq!(first.cash_fee.unwrap().get(), 91);
    assert_eq!(first.fee_type.as_str(), "CNY");
    assert_eq!(first.attach.as_ref().unwrap().as_str(), "深圳");
    assert_eq!(first.transaction_id.as_str(), "4200000001");
    assert_eq!(first.time_end.to_string(), "20260101000203");
    assert_eq!(second.total_fee.get(), 7);
    assert_eq!((second.appid.as_ref(), second.cash_fee), (None, None));
    // A text that only informs costs no payment.
    assert_eq!(second.attach, None);
    let shown = format!("{notify:?}");
    assert!(shown.contains("oUpF…"));
}

#[test]
fn only_the_account_that_combines_opens_it() {
    let good = answer(&fields(ORDERS), SignType::HmacSha256);
    let foreign = |field| Err(NotifyError::Foreign { field });
    let verified = |body: &str| verify(body, &seed_account()).map(|_| ());
    assert_eq!(
        verified(&with("combine_mch_id", "1900000109")),
        foreign("combine_mch_id")
    );
    assert_eq!(
        verified(&with("combine_appid", "wx0000000000000000")),
        foreign("combine_appid")
    );
    assert_eq!(
        verify(&good, &account_with(other_key())).unwrap_err(),
        NotifyError::Verify(VerifyError::Mismatch)
    );
    let rotated = Account::new(
        "wx8397f8696b538317".parse().unwrap(),
        "1473426802".parse().unwrap(),
        other_key(),
    )
    .with_previous_key(seed_key());
    assert!(verify(&good, &rotated).is_ok());
    // MD5 is no sign of a combined order, whatever the message or the caller says.
    let mut named = fields(ORDERS);
    named.push(("sign_type", "MD5"));
    let md5 = answer(&named, SignType::Md5);
    assert!(matches!(
        verified(&md5),
        Err(NotifyError::Verify(VerifyError::WrongLength { .. }))
    ));
    let asked = handle(md5.as_bytes(), |_| Some((seed_account(), SignType::Md5)));
    assert!(matches!(asked, Err(NotifyError::Verify(_))));
}

#[test]
fn what_is_not_whole_is_refused() {
    let verified = |body: &str| verify(body, &seed_account()).map(|_| ()).unwrap_err();
    for field in ["return_code", "result_code"] {
        assert_eq!(
            verified(&with(field, "FAIL")),
            NotifyError::NotSuccess { field }
        );
    }
    for field in ["combine_mch_id", "combine_out_trade_no", "sub_order_list"] {
        assert_eq!(
            verified(&with(field, "")),
            NotifyError::Field(FieldError::Missing { field })
        );
    }
    let list = |orders| answer(&fields(orders), SignType::HmacSha256);
    for (orders, field) in [
        ("no list", "sub_order_list"),
        (r#"[{"mch_id":"1"}]"#, "sub_order_list"),
        (r#"{"order_num":0,"order_list":[]}"#, "sub_order_list"),
        (
            r#"{"order_num":2,"order_list":[{"mch_id":"1"}]}"#,
            "order_num",
        ),
    ] {
        assert_eq!(
            verified(&list(orders)),
            NotifyError::Field(FieldError::Unexpected { field }),
            "{orders}"
        );
    }
    // Two amounts in one order: readers would differ on which one counts.
    let twice = r#"{"order_num":1,"order_list":[{"mch_id":"1","out_trade_no":"A","transaction_id":"4","time_end":"20260101000203",
        "total_fee":1,"total_fee":100}]}"#;
    assert_eq!(
        verified(&list(twice)),
        NotifyError::Field(FieldError::Missing { field: "total_fee" })
    );
    let float = r#"{"order_num":1,"order_list":[{"mch_id":"1","out_trade_no":"A","transaction_id":"4","time_end":"20260101000203",
        "total_fee":1e2}]}"#;
    assert!(matches!(
        verified(&list(float)),
        NotifyError::Field(FieldError::Amount {
            field: "total_fee",
            ..
        })
    ));
}

#[test]
fn it_is_told_from_the_other_kinds() {
    let body = answer(&fields(ORDERS), SignType::HmacSha256);
    let mut hinted = None;
    let handled = handle(body.as_bytes(), |hints| {
        hinted = Some(hints.clone());
        Some((seed_account(), SignType::HmacSha256))
    });
    let Handled::Combined(paid) = handled.unwrap() else {
        panic!("a combined order")
    };
    assert_eq!(paid.sub_orders().len(), 2);
    let hints = hinted.unwrap();
    assert_eq!(hints.mch_id.as_str(), "1473426802");
    assert_eq!(hints.out_trade_no, None);
    assert_eq!(hints.combine_out_trade_no.unwrap().as_str(), "C1");
    for other in ["out_trade_no", "transaction_id", "req_info"] {
        assert_eq!(
            Notify::parse(with(other, "1").as_bytes()).unwrap_err(),
            NotifyError::BothKinds
        );
    }
    let owned = Notify::parse(body.as_bytes()).unwrap().into_owned();
    assert!(matches!(owned, Notify::Combined(_)));
}

proptest! {
    #[test]
    fn no_list_makes_it_panic(list in r#"([\[\]{},:]|"(order_num|order_list|mch_id|total_fee|a)"|[0-9]{1,3}){1,30}"#) {
        let mut fields = fields("");
        fields.pop();
        let mut fields: Vec<(&str, &str)> = fields;
        fields.push(("sub_order_list", &list));
        let body = answer(&fields, SignType::HmacSha256);
        let refused = verify(&body, &seed_account());
        prop_assert!(matches!(refused, Err(NotifyError::Field(_))), "{refused:?}");
    }
}
