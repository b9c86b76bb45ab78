use wxpay_core::{
    Account, SignType, SubMerchant,
    api::{
        AnswerError, Coupon, CouponType, FieldError, MicroPay, OnlyHmacSha256, OrderQuery,
        ProfitSharingQuery, ProfitSharingReturn, QueryCombinedOrder, Refund, RefundQuery,
        RefundStatus, ReturnResult, Reverse, SharingStatus, TradeState, parse, parse_verified,
    },
};

use super::{answer, seed_account, with};

const REFUND: [(&str, &str); 16] = [
    ("transaction_id", "4200000248201903206581106357"),
    ("out_trade_no", "1553063775279"),
    ("out_refund_no", "R20260101000001"),
    ("refund_id", "50000000012026010100000000001"),
    ("refund_fee", "100"),
    ("total_fee", "101"),
    ("cash_fee", "81"),
    ("cash_refund_fee", "80"),
    ("coupon_refund_fee", "20"),
    ("coupon_refund_count", "2"),
    ("coupon_type_0", "CASH"),
    ("coupon_refund_id_0", "10000"),
    ("coupon_refund_fee_0", "15"),
    ("coupon_type_1", "NO_CASH"),
    ("coupon_refund_id_1", "10001"),
    ("coupon_refund_fee_1", "5"),
];

const QUERY: [(&str, &str); 26] = [
    ("transaction_id", "4200000248201903206581106357"),
    ("out_trade_no", "1553063775279"),
    ("total_fee", "101"),
    ("cash_fee", "81"),
    ("total_refund_count", "35"),
    ("refund_count", "2"),
    ("out_refund_no_0", "R0"),
    ("refund_id_0", "5000"),
    ("refund_fee_0", "30"),
    ("refund_status_0", "SUCCESS"),
    ("refund_recv_accout_0", "支付用户零钱"),
    ("refund_success_time_0", "2016-07-25 15:26:26"),
    ("coupon_refund_fee_0", "20"),
    ("coupon_refund_count_0", "2"),
    ("coupon_type_0_0", "CASH"),
    ("coupon_refund_id_0_0", "10000"),
    ("coupon_refund_fee_0_0", "15"),
    ("coupon_refund_id_0_1", "10001"),
    ("coupon_refund_fee_0_1", "5"),
    ("out_refund_no_1", "R1"),
    ("refund_id_1", "5001"),
    ("refund_fee_1", "40"),
    ("refund_status_1", "CHANGE"),
    ("refund_recv_accout_1", "招商银行信用卡"),
    ("refund_channel_1", "ORIGINAL"),
    ("new_in_2031_1", "kept"),
];

fn fees(coupons: &[Coupon]) -> Vec<u64> {
    coupons
        .iter()
        .map(|coupon| coupon.fee.unwrap().get())
        .collect()
}

#[test]
fn one_name_means_two_things_in_two_answers() {
    let xml = answer(&with(&REFUND), SignType::Md5);
    let refund = parse::<Refund>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    assert_eq!(fees(&refund.coupons.0), [15, 5]);
    assert_eq!(refund.coupons.0[1].coupon_type, Some(CouponType::NoCash));
    assert_eq!(refund.coupon_refund_fee.unwrap().get(), 20);

    let xml = answer(&with(&QUERY), SignType::HmacSha256);
    let read = parse_verified::<RefundQuery>(xml.as_bytes(), &seed_account(), SignType::HmacSha256)
        .unwrap();
    // What no type knows was signed and can be read.
    assert_eq!(read.params().get("new_in_2031_1"), Some("kept"));
    let query = read.into_response();
    assert_eq!(query.total_refund_count, Some(35));
    let [first, second] = &query.refunds[..] else {
        panic!("two refunds");
    };
    assert_eq!(first.refund_status, RefundStatus::Success);
    assert_eq!(first.coupon_refund_fee.unwrap().get(), 20);
    assert_eq!(fees(&first.coupons), [15, 5]);
    assert_eq!(first.coupons[0].id.as_deref(), Some("10000"));
    assert_eq!(second.refund_status, RefundStatus::Change);
    assert_eq!(second.refund_fee.get(), 40);
    assert!(second.coupons.is_empty());
    assert_eq!(second.refund_recv_accout.as_deref(), Some("招商银行信用卡"));
}

#[test]
fn a_count_makes_nothing() {
    for (count, why) in [
        (
            "3",
            FieldError::Missing {
                field: "out_refund_no_$n",
            },
        ),
        (
            "18446744073709551615",
            FieldError::Missing {
                field: "out_refund_no_$n",
            },
        ),
        (
            "99999999999999999999999999",
            FieldError::Missing {
                field: "out_refund_no_$n",
            },
        ),
        (
            "-1",
            FieldError::Unexpected {
                field: "refund_count",
            },
        ),
        (
            "02",
            FieldError::Unexpected {
                field: "refund_count",
            },
        ),
    ] {
        let mut fields = with(&QUERY);
        fields.retain(|(name, _)| *name != "refund_count");
        fields.push(("refund_count", count));
        let xml = answer(&fields, SignType::Md5);
        assert_eq!(
            parse::<RefundQuery>(xml.as_bytes(), &seed_account(), SignType::Md5),
            Err(AnswerError::Field(why)),
            "{count}"
        );
    }
    let mut fields = with(&REFUND);
    fields.retain(|(name, _)| *name != "coupon_refund_count");
    fields.push(("coupon_refund_count", "18446744073709551615"));
    let xml = answer(&fields, SignType::Md5);
    let refund = parse::<Refund>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    assert_eq!(fees(&refund.coupons.0), [15, 5]);
}

#[test]
fn ten_refunds_with_their_coupons_are_read() {
    let mut fields: Vec<(String, String)> = with(&QUERY[..5])
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    fields.push(("refund_count".into(), "10".into()));
    for n in 0..10 {
        for (name, value) in [
            ("out_refund_no", "R"),
            ("refund_id", "5"),
            ("refund_fee", "1"),
            ("refund_status", "PROCESSING"),
            ("coupon_refund_count", "5"),
        ] {
            fields.push((format!("{name}_{n}"), value.into()));
        }
        for m in 0..5 {
            for name in ["coupon_type", "coupon_refund_id", "coupon_refund_fee"] {
                fields.push((format!("{name}_{n}_{m}"), "1".into()));
            }
        }
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let xml = answer(&fields, SignType::Md5);
    let query = parse::<RefundQuery>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    assert_eq!(query.refunds.len(), 10);
    assert!(query.refunds.iter().all(|refund| refund.coupons.len() == 5));
}

const PAID: [(&str, &str); 12] = [
    ("transaction_id", "4200000248201903206581106357"),
    ("out_trade_no", "1553063775279"),
    ("total_fee", "101"),
    ("cash_fee", "91"),
    ("coupon_fee", "10"),
    ("coupon_count", "1"),
    ("coupon_type_0", "CASH"),
    ("coupon_id_0", "10000"),
    ("coupon_fee_0", "10"),
    ("settlement_total_fee", "101"),
    ("trade_type", "MICROPAY"),
    ("time_end", "20190320143646"),
];

#[test]
fn a_payment_has_its_coupons() {
    let xml = answer(&with(&PAID), SignType::Md5);
    let payment = parse::<MicroPay>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    assert_eq!(fees(&payment.coupons), [10]);
    assert_eq!(payment.coupon_fee.unwrap().get(), 10);
    // A coupon that cannot be read costs no payment.
    let mut fields = with(&PAID);
    fields.push(("trade_state", "SUCCESS"));
    fields.retain(|(name, _)| *name != "coupon_fee_0");
    fields.push(("coupon_fee_0", "1.5"));
    let xml = answer(&fields, SignType::Md5);
    let query = parse::<OrderQuery>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
    assert!(query.payment.unwrap().coupons.is_empty());
    for (recall, again) in [("Y", true), ("N", false)] {
        let xml = answer(&with(&[("recall", recall)]), SignType::Md5);
        let reverse = parse::<Reverse>(xml.as_bytes(), &seed_account(), SignType::Md5).unwrap();
        assert_eq!(reverse.recall, again);
    }
}

#[test]
fn an_answer_is_for_the_merchant_that_was_meant() {
    let mut fields = with(&PAID);
    fields.push(("sub_mch_id", "1900000100"));
    let xml = answer(&fields, SignType::Md5);
    let read =
        |account: &Account| parse::<MicroPay>(xml.as_bytes(), account, SignType::Md5).map(|_| ());
    let account_of = |mch_id: &str| {
        seed_account().with_sub_merchant(SubMerchant {
            mch_id: mch_id.parse().unwrap(),
            appid: None,
        })
    };
    assert_eq!(read(&account_of("1900000100")), Ok(()));
    let foreign = Err(AnswerError::Foreign {
        field: "sub_mch_id",
    });
    assert_eq!(read(&account_of("1900000101")), foreign);
    assert_eq!(read(&seed_account()), foreign);
}

#[test]
fn names_of_the_account_differ() {
    let mut fields = with(&[
        ("combine_appid", "wx8397f8696b538317"),
        ("combine_mch_id", "1473426802"),
        ("combine_out_trade_no", "C1"),
        ("trade_state", "NOTPAY"),
        ("sub_order_list", "{\"order_num\":0}"),
    ]);
    fields.retain(|(name, _)| !matches!(*name, "appid" | "mch_id"));
    let read = |fields: &[(&str, &str)]| {
        let xml = answer(fields, SignType::HmacSha256);
        parse::<QueryCombinedOrder>(xml.as_bytes(), &seed_account(), OnlyHmacSha256)
    };
    assert_eq!(read(&fields).unwrap().trade_state, Some(TradeState::NotPay));
    fields.retain(|(name, _)| *name != "combine_mch_id");
    fields.push(("combine_mch_id", "1900000109"));
    assert_eq!(
        read(&fields),
        Err(AnswerError::Foreign {
            field: "combine_mch_id"
        })
    );

    let xml = answer(
        &with(&[
            ("transaction_id", "42"),
            ("out_order_no", "P1"),
            ("order_id", "3008"),
            ("status", "FINISHED"),
        ]),
        SignType::HmacSha256,
    );
    let query =
        parse::<ProfitSharingQuery>(xml.as_bytes(), &seed_account(), OnlyHmacSha256).unwrap();
    assert_eq!(query.status, SharingStatus::Finished);
}

#[test]
fn a_return_of_a_sharing_may_leave_out_the_result_code() {
    let fields: Vec<_> = with(&[
        ("out_return_no", "R20260101000001"),
        ("result", "SUCCESS"),
        ("return_no", "3008450740201411110007820472"),
        ("return_amount", "10"),
    ])
    .into_iter()
    .filter(|(name, _)| *name != "result_code")
    .collect();
    let xml = answer(&fields, SignType::HmacSha256);
    let returned =
        parse::<ProfitSharingReturn>(xml.as_bytes(), &seed_account(), OnlyHmacSha256).unwrap();
    assert_eq!(returned.result, ReturnResult::Success);
    // Everywhere else its absence is a fault.
    let elsewhere = parse::<ProfitSharingQuery>(xml.as_bytes(), &seed_account(), OnlyHmacSha256);
    assert_eq!(
        elsewhere.unwrap_err(),
        AnswerError::Field(FieldError::Missing {
            field: "result_code"
        })
    );
    // Its refusals have a name of their own for what they say.
    let refused = b"<xml><return_code>FAIL</return_code><error_code>NOAUTH</error_code><error_msg>no right</error_msg></xml>";
    let refused = parse::<ProfitSharingReturn>(refused, &seed_account(), OnlyHmacSha256);
    assert_eq!(
        refused.unwrap_err(),
        AnswerError::Refused {
            return_msg: "no right".into()
        }
    );
}
