//! Messages and merchants that are refused.

use super::*;

#[test]
fn what_is_no_message_gets_an_unsigned_fail() {
    let mut desk = Desk::new(SignType::Md5);
    let account = desk.account.clone();
    let good = |change: &[(&'static str, &'static str)]| {
        let mut params = Params::new();
        for (name, value) in [
            ("appid", account.appid.as_str()),
            ("mch_id", account.mch_id.as_str()),
            ("nonce_str", "n"),
            ("out_trade_no", "T20260101000015"),
            ("body", "tea"),
            ("total_fee", "1"),
            ("spbill_create_ip", "127.0.0.1"),
            ("notify_url", "http://127.0.0.1/n"),
            ("trade_type", "NATIVE"),
            ("product_id", "P1"),
            ("sign_type", ""),
            ("fee_type", ""),
            ("time_expire", ""),
        ] {
            let changed = change.iter().find(|(of, _)| *of == name).map(|(_, to)| *to);
            params.insert(name, changed.unwrap_or(value)).unwrap();
        }
        params
    };
    let signed =
        |params: Params<'_>| xml::write(&sign::signed(params, account.key(), SignType::Md5));
    for (change, says) in [
        (("appid", ""), "缺少参数appid"),
        (("nonce_str", ""), "缺少参数nonce_str"),
        (("body", ""), "缺少参数body"),
        (("product_id", ""), "缺少参数product_id"),
        (("appid", "wx1"), "appid不存在"),
        (("mch_id", "1"), "商户号mch_id不存在"),
        (("sign_type", "HMAC_SHA256"), "sign_type is"),
        (("sign_type", "HMAC-SHA256"), "签名错误"),
        (("total_fee", "0"), "total_fee"),
        (("total_fee", "1.00"), "total_fee"),
        (("fee_type", "USD"), "fee_type"),
        (("notify_url", "http://127.0.0.1/n?x=1"), "notify_url"),
        (("notify_url", "ftp://127.0.0.1/n"), "notify_url"),
        (("out_trade_no", "a b"), "out_trade_no"),
        (("time_expire", "20261301000000"), "time_expire"),
        (("time_expire", "20270101000000"), "time_expire"),
        (("trade_type", "CASH"), "trade_type"),
    ] {
        let message = refused(&desk.raw(GatewayEndpoint::UnifiedOrder, &signed(good(&[change]))));
        assert!(message.contains(says), "{change:?}: {message}");
    }
    let whole = signed(good(&[]));
    for (body, says) in [
        (String::new(), "post数据为空"),
        ("<html></html>".to_owned(), "XML格式错误"),
        (format!("<!DOCTYPE xml>{whole}"), "XML格式错误"),
        (whole.replace("<xml>", "<xml><body>x</body>"), "XML格式错误"),
        (whole.replace("tea", "tee"), "签名错误"),
        (xml::write(&good(&[])), "缺少参数sign"),
    ] {
        let message = refused(&desk.raw(GatewayEndpoint::UnifiedOrder, &body));
        assert!(message.contains(says), "{body}: {message}");
    }
    assert!(
        desk.gateway
            .orders(&OrderFilter::All, desk.now, 9)
            .is_empty()
    );

    // Another way to pay is refused by a signed answer, and the untouched message is taken.
    let jsapi = desk.raw(
        GatewayEndpoint::UnifiedOrder,
        &signed(good(&[("trade_type", "JSAPI")])),
    );
    let parsed = api::parse::<UnifiedOrder>(jsapi.as_bytes(), &account, SignType::Md5);
    assert_eq!(code(parsed).unwrap_err(), ErrorCode::NoAuth);
    let taken = desk.raw(GatewayEndpoint::UnifiedOrder, &whole);
    assert!(
        api::parse::<UnifiedOrder>(taken.as_bytes(), &account, SignType::Md5).is_ok(),
        "{taken}"
    );
}

#[test]
fn a_number_belongs_to_one_merchant() {
    let other: Merchant = "wx00000000000051a1:1900000052:0123456789abcdef0123456789abcdef"
        .parse()
        .unwrap();
    let mut desk = Desk::new(SignType::Md5);
    desk.gateway = Gateway::new(vec![Merchant::test(), other.clone()], 100);
    desk.order(&tea("T20260101000016"));
    let own = std::mem::replace(&mut desk.account, other.account().clone());
    assert_eq!(
        code(desk.query("T20260101000016")).unwrap_err(),
        ErrorCode::OrderNotExist
    );
    desk.order(&tea("T20260101000016"));
    assert_eq!(
        desk.pay(&number("T20260101000016"), success()).unwrap_err(),
        PayRefusal::SeveralMerchants
    );
    let what = Payable::Number {
        out_trade_no: "T20260101000016".parse().unwrap(),
        mch_id: Some(own.mch_id.clone()),
    };
    desk.pay(&what, success()).unwrap();
    assert_eq!(desk.state("T20260101000016"), TradeState::NotPay);
    // A pair of two merchants is no merchant.
    desk.account = Account::new(
        own.appid,
        other.account().mch_id.clone(),
        other.account().key().clone(),
    );
    let Err(AnswerError::Refused { return_msg }) = desk.query("T20260101000016") else {
        panic!("answered")
    };
    assert_eq!(return_msg, "appid与mch_id不匹配");
}
