use wxpay_core::{
    Account, Fen, SignType,
    api::{
        BatchQueryComment, CombinedTrade, Endpoint, OnlyHmacSha256, OnlyMd5, ProfitSharing,
        RefundQuery, RefundRef, Report, RequestError, Trade, prepare,
    },
};

use super::{
    fen, nonce,
    samples::{bank_transfer, combined, micro_pay, red_pack, refund, transfer, unified_order},
    seed_account,
};

fn refusal<E: Endpoint>(request: &E, sign_type: E::Sign) -> RequestError {
    let account: Account = seed_account();
    prepare(request, &account, sign_type, &nonce()).unwrap_err()
}

/// The field that a rule names.
fn broken<E: Endpoint>(request: &E, sign_type: E::Sign) -> &'static str {
    match refusal(request, sign_type) {
        RequestError::Rule { field, .. }
        | RequestError::Missing { field, .. }
        | RequestError::ZeroFee { field } => field,
        other => panic!("{other}"),
    }
}

#[test]
fn nothing_is_not_an_amount() {
    let mut pay = micro_pay();
    pay.total_fee = Fen::ZERO;
    assert_eq!(broken(&pay, SignType::Md5), "total_fee");
    let mut back = refund();
    back.refund_fee = Fen::ZERO;
    assert_eq!(broken(&back, SignType::Md5), "refund_fee");
    let mut pay = transfer();
    pay.amount = Fen::ZERO;
    assert_eq!(broken(&pay, OnlyMd5), "amount");
    let mut pay = bank_transfer();
    pay.amount = Fen::ZERO;
    assert_eq!(broken(&pay, OnlyMd5), "amount");
}

#[test]
fn a_barcode_is_a_payers() {
    for code in [
        "12006109882800940",
        "1200610988280094060",
        "160061098828009406",
        "090061098828009406",
        "12006109882800940x",
    ] {
        let mut pay = micro_pay();
        pay.auth_code = code.parse().unwrap();
        assert_eq!(broken(&pay, SignType::Md5), "auth_code", "{code}");
    }
    let mut pay = micro_pay();
    pay.time_start = Some("20260101000000".parse().unwrap());
    pay.time_expire = pay.time_start;
    assert_eq!(
        refusal(&pay, SignType::Md5),
        RequestError::ExpiresBeforeStart
    );
}

#[test]
fn no_more_goes_back_than_was_paid() {
    let mut back = refund();
    back.refund_fee = fen(102);
    assert_eq!(
        refusal(&back, SignType::Md5),
        RequestError::RefundAboveTotal
    );
    back.refund_fee = fen(101);
    assert!(prepare(&back, &seed_account(), SignType::Md5, &nonce()).is_ok());
    back.notify_url = Some("https://example.com/n?x=1".parse().unwrap());
    assert_eq!(refusal(&back, SignType::Md5), RequestError::NotifyUrl);
    let query = RefundQuery {
        by: RefundRef::OutRefundNo("R1".parse().unwrap()),
        offset: Some(10),
    };
    assert_eq!(broken(&query, SignType::Md5), "offset");
}

#[test]
fn mweb_says_where_it_is() {
    let order = unified_order(Trade::Mweb {
        scene_info: "{\"store_info\":{}}".parse().unwrap(),
    });
    assert_eq!(broken(&order, SignType::Md5), "scene_info");
    // The name of the part in another part's text is not the part.
    let order = unified_order(Trade::Mweb {
        scene_info: r#"{"id":"\"h5_info\""}"#.parse().unwrap(),
    });
    assert_eq!(broken(&order, SignType::Md5), "scene_info");
    let ip = "{\"payer_client_ip\":\"1.2.3.4\"}";
    assert_eq!(
        broken(&combined(CombinedTrade::Mweb, ip), OnlyHmacSha256),
        "scene_info"
    );
    assert_eq!(
        broken(&combined(CombinedTrade::App, "{}"), OnlyHmacSha256),
        "scene_info"
    );
    let mut order = unified_order(Trade::Native {
        product_id: "P1".parse().unwrap(),
    });
    order.more.product_id = Some("P2".parse().unwrap());
    assert_eq!(broken(&order, SignType::Md5), "product_id");
}

#[test]
fn unusual_red_packets_name_their_occasion() {
    for amount in [99, 20_001] {
        let mut pack = red_pack();
        pack.total_amount = fen(amount);
        assert_eq!(broken(&pack, OnlyMd5), "scene_id");
        pack.scene_id = Some("PRODUCT_2".parse().unwrap());
        assert!(prepare(&pack, &seed_account(), OnlyMd5, &nonce()).is_ok());
    }
}

#[test]
fn numbers_and_times_are_in_range() {
    let mut pay = bank_transfer();
    for number in ["1234567", "1234-5678"] {
        pay.partner_trade_no = number.parse().unwrap();
        assert_eq!(broken(&pay, OnlyMd5), "partner_trade_no");
    }
    let mut comments = BatchQueryComment::new(
        "20170725000000".parse().unwrap(),
        "20170725000000".parse().unwrap(),
        0,
    );
    assert_eq!(broken(&comments, OnlyHmacSha256), "end_time");
    comments.end_time = "20170726000000".parse().unwrap();
    comments.limit = Some(201);
    assert_eq!(broken(&comments, OnlyHmacSha256), "limit");
}

#[test]
fn a_list_of_orders_is_whole() {
    let good = r#"{"mch_id":"1","out_trade_no":"A","total_fee":1}"#;
    let of = |num: usize, orders: &str| {
        let mut order = combined(CombinedTrade::App, "{\"payer_client_ip\":\"1.2.3.4\"}");
        let list = format!(r#"{{"order_num":{num},"order_list":[{orders}]}}"#);
        order.sub_order_list = list.parse().unwrap();
        prepare(&order, &seed_account(), OnlyHmacSha256, &nonce())
    };
    assert!(of(1, good).is_ok());
    let other = good.replace("\"A\"", "\"B\"");
    assert!(of(2, &format!("{good},{other}")).is_ok());
    let eleven: Vec<_> = (0..11)
        .map(|n| good.replace("\"A\"", &format!("\"A{n}\"")))
        .collect();
    for (num, orders) in [
        (0, String::new()),
        (2, good.to_owned()),
        (2, format!("{good},{good}")),
        (11, eleven.join(",")),
        (1, good.replace("\"total_fee\":1", "\"total_fee\":1.5")),
        (1, good.replace(",\"total_fee\":1", "")),
        (1, good.replace("\"mch_id\":\"1\",", "")),
        (1, "7".to_owned()),
    ] {
        let refused = of(num, &orders);
        assert!(
            matches!(
                refused,
                Err(RequestError::Rule {
                    field: "sub_order_list",
                    ..
                })
            ),
            "{orders}: {refused:?}"
        );
    }
    let nothing = good.replace("\"total_fee\":1", "\"total_fee\":0");
    assert!(matches!(of(1, &nothing), Err(RequestError::ZeroFee { .. })));
}

#[test]
fn each_part_of_a_payment_is_of_something() {
    let of = |receivers: &str| {
        let request = ProfitSharing::new(
            "4200000248201903206581106357".parse().unwrap(),
            "P1".parse().unwrap(),
            receivers.parse().unwrap(),
        );
        prepare(&request, &seed_account(), OnlyHmacSha256, &nonce()).map(|_| ())
    };
    assert_eq!(
        of(r#"[{"type":"MERCHANT_ID","account":"1","amount":1}]"#),
        Ok(())
    );
    for receivers in [
        "[]",
        "{}",
        "text",
        r#"[{"amount":"all"}]"#,
        r#"[{"account":"1"}]"#,
    ] {
        let refused = of(receivers);
        assert!(
            matches!(
                refused,
                Err(RequestError::Rule {
                    field: "receivers",
                    ..
                })
            ),
            "{receivers}: {refused:?}"
        );
    }
    assert!(matches!(
        of(r#"[{"amount":0}]"#),
        Err(RequestError::ZeroFee { .. })
    ));
}

#[test]
fn a_report_has_a_short_address() {
    let mut report = Report::new(
        "https://api.mch.weixin.qq.com/pay/unifiedorder"
            .parse()
            .unwrap(),
        "2001:db8:85a3::8a2e:370:7334".parse().unwrap(),
        "[]".parse().unwrap(),
    );
    assert_eq!(broken(&report, OnlyMd5), "user_ip");
    report.user_ip = "255.255.255.255".parse().unwrap();
    assert!(prepare(&report, &seed_account(), OnlyMd5, &nonce()).is_ok());
}
