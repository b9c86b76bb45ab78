use wxpay_core::{
    Account, Fen, SignType,
    api::{
        BatchQueryComment, CombinedTrade, Endpoint, OnlyHmacSha256, OnlyMd5, RefundQuery,
        RefundRef, RequestError, Trade, prepare,
    },
};

use super::{
    fen, nonce,
    requests::{bank_transfer, combined, micro_pay, red_pack, refund, transfer, unified_order},
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
