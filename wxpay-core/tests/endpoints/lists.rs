//! What queries say in lists, and of a payment beside what decides.

use wxpay_core::{
    SignType,
    api::{
        FieldError, OnlyHmacSha256, OrderQuery, PartResult, PaymentDetails, ProfitSharingQuery,
        ProfitSharingReturnQuery, QueryCombinedOrder, QueryCombinedOrderResponse, ReceiverAccount,
        ReturnResult, parse, parse_verified,
    },
};

use super::{answer, seed_account, with};

fn queried(list: &str) -> QueryCombinedOrderResponse {
    let fields = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("combine_appid", "wx8397f8696b538317"),
        ("combine_mch_id", "1473426802"),
        ("combine_out_trade_no", "C1"),
        ("trade_state", "SUCCESS"),
        ("sub_order_list", list),
    ];
    let xml = answer(&fields, SignType::HmacSha256);
    parse::<QueryCombinedOrder>(xml.as_bytes(), &seed_account(), OnlyHmacSha256).unwrap()
}

#[test]
fn orders_are_read_in_either_spelling() {
    let said = queried(
        r#"{"order_num":2,"order_list":[
            {"mch_id":"1900009001","out_trade_no":"A","transaction_id":"42","total_fee":101,"attach":"\u8336"},
            {"mchid":"1900009002","out_trade_no":"B","amount":{"total_amount":7,"currency":"CNY"}}]}"#,
    );
    let orders = said.sub_orders().unwrap();
    assert_eq!(orders[0].mch_id.as_str(), "1900009001");
    assert_eq!(orders[0].total_fee.get(), 101);
    assert_eq!(orders[0].attach.as_ref().unwrap().as_str(), "茶");
    assert_eq!(orders[1].mch_id.as_str(), "1900009002");
    assert_eq!(orders[1].total_fee.get(), 7);
    assert_eq!(orders[1].transaction_id, None);
    for (list, field) in [
        ("{}", "sub_order_list"),
        (r#"{"order_num":0,"order_list":[]}"#, "sub_order_list"),
        (r#"{"order_num":2,"order_list":[{}]}"#, "order_num"),
    ] {
        assert_eq!(
            queried(list).sub_orders(),
            Err(FieldError::Unexpected { field }),
            "{list}"
        );
    }
    let amountless =
        r#"{"order_num":1,"order_list":[{"mch_id":"1","out_trade_no":"A","amount":{}}]}"#;
    assert_eq!(
        queried(amountless).sub_orders(),
        Err(FieldError::Missing {
            field: "total_amount"
        })
    );
}

#[test]
fn details_are_there_for_who_asks() {
    let fields = with(&[
        ("trade_state", "SUCCESS"),
        ("transaction_id", "42"),
        ("out_trade_no", "T1"),
        ("total_fee", "101"),
        ("time_end", "20190320143646"),
        ("device_info", "013467007045764"),
        ("is_subscribe", "N"),
        ("sub_is_subscribe", "perhaps"),
        ("cash_fee_type", "CNY"),
        ("coupon_count", "2"),
        ("promotion_detail", "{}"),
        ("consume_fee", "888"),
    ]);
    let xml = answer(&fields, SignType::Md5);
    let said =
        parse_verified::<OrderQuery>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    let details = PaymentDetails::of(said.params());
    assert_eq!(details.device_info.unwrap().as_str(), "013467007045764");
    assert_eq!(details.is_subscribe, Some(false));
    assert_eq!(details.sub_is_subscribe, None);
    assert_eq!(details.cash_fee_type.unwrap().as_str(), "CNY");
    assert_eq!(details.coupon_count, Some(2));
    assert_eq!(details.promotion_detail.as_deref(), Some("{}"));
    assert_eq!(details.consume_fee.unwrap().get(), 888);
}

#[test]
fn a_return_is_asked_for() {
    let fields = with(&[
        ("order_id", "3008450740201411110007820472"),
        ("out_return_no", "R20260101000001"),
        ("return_no", "3008450740201411110007820473"),
        ("return_amount", "10"),
        ("result", "FAILED"),
        ("fail_reason", "ACCOUNT_ABNORMAL"),
        ("finish_time", "20260101000203"),
    ]);
    let xml = answer(&fields, SignType::HmacSha256);
    let said =
        parse::<ProfitSharingReturnQuery>(xml.as_bytes(), &seed_account(), OnlyHmacSha256).unwrap();
    assert_eq!(said.result, ReturnResult::Failed);
    assert_eq!(said.return_amount.unwrap().get(), 10);
    assert_eq!(said.fail_reason.as_deref(), Some("ACCOUNT_ABNORMAL"));
}

#[test]
fn the_parts_of_a_sharing_are_read() {
    let queried = |receivers: &'static str| {
        let mut fields = with(&[
            ("transaction_id", "42"),
            ("out_order_no", "P1"),
            ("order_id", "3008"),
            ("status", "FINISHED"),
        ]);
        if !receivers.is_empty() {
            fields.push(("receivers", receivers));
        }
        let xml = answer(&fields, SignType::HmacSha256);
        parse::<ProfitSharingQuery>(xml.as_bytes(), &seed_account(), OnlyHmacSha256).unwrap()
    };
    let parts = queried(
        r#"[{"type":"MERCHANT_ID","account":"190001001","amount":100,"description":"d","result":"SUCCESS",
             "finish_time":"20180608170132"},
            {"type":"PERSONAL_OPENID","account":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","amount":888,"result":"CLOSED",
             "fail_reason":"ACCOUNT_ABNORMAL"}]"#,
    )
    .parts()
    .unwrap();
    assert_eq!(
        parts[0].account,
        ReceiverAccount::Merchant("190001001".parse().unwrap())
    );
    assert_eq!(parts[0].result, Some(PartResult::Success));
    assert_eq!(parts[0].finish_time.unwrap().to_string(), "20180608170132");
    assert_eq!(parts[1].amount.get(), 888);
    assert_eq!(parts[1].fail_reason.as_deref(), Some("ACCOUNT_ABNORMAL"));
    assert_eq!(parts[1].finish_time, None);
    assert_eq!(queried("").parts(), Ok(Vec::new()));
    assert_eq!(
        queried("{}").parts(),
        Err(FieldError::Unexpected { field: "receivers" })
    );
    assert_eq!(
        queried(r#"[{"type":"OTHER","account":"1","amount":1}]"#).parts(),
        Err(FieldError::Unexpected { field: "type" })
    );
}
