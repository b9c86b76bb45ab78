use wxpay_core::{
    Params, SignType, SubMerchant,
    api::{
        AuthCodeToOpenId, BankTransfer, BankTransferQuery, BatchQueryComment, BillType,
        CloseCombinedOrder, CombinedOrder, CombinedTrade, DownloadBill, DownloadFundFlow, Endpoint,
        FieldError, FundAccount, GetPublicKey, GetSignKey, MicroPay, MultiProfitSharing,
        NamedPayer, OnlyHmacSha256, OnlyMd5, OrderQuery, OrderRef, Payer, ProfitSharing,
        ProfitSharingAddReceiver, ProfitSharingFinish, ProfitSharingQuery,
        ProfitSharingRemoveReceiver, ProfitSharingReturn, ProfitSharingReturnQuery,
        QueryCombinedOrder, ReceiverAccount, ReceiverText, Receivers, RedPack, RedPackQuery,
        Refund, RefundAccount, RefundQuery, RefundQueryV2, RefundRef, RefundV2, RelationType,
        Report, RequestError, Reverse, SceneInfo, Share, SharingRef, ShortenUrl, SubOrderList,
        TarType, Trade, Transfer, TransferQuery, UnifiedOrder, prepare,
    },
};

use super::{
    fen, nonce,
    pages::names_the_fields_of,
    samples::{
        bank_transfer, combined, micro_pay, red_pack, refund, transaction_id, transfer,
        unified_order,
    },
    seed_account, sent, sent_by,
};

/// Sends a request and reads it back, and checks that no field came to it that no account has.
fn there_and_back<E: Endpoint + PartialEq + std::fmt::Debug>(
    request: &E,
    sign_type: E::Sign,
    from_params: fn(&Params<'_>) -> Result<E, FieldError>,
) -> Params<'static> {
    let fields = sent(request, sign_type);
    names_the_fields_of::<E>(&fields);
    assert_eq!(&from_params(&fields).unwrap(), request);
    assert_eq!(
        fields.get(E::NAMING.mch_id),
        Some("1473426802"),
        "{}",
        E::NAME
    );
    if let Some(appid) = E::NAMING.appid {
        assert_eq!(fields.get(appid), Some("wx8397f8696b538317"), "{}", E::NAME);
    }
    fields
}

#[test]
fn orders_come_back_as_they_went() {
    let openid = || "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse().unwrap();
    let scene = SceneInfo::wap("https://example.com", "Tea \"shop\"").unwrap();
    for trade in [
        Trade::Native {
            product_id: "P1".parse().unwrap(),
        },
        Trade::Jsapi {
            payer: Payer::OpenId(openid()),
        },
        Trade::Jsapi {
            payer: Payer::SubOpenId(openid()),
        },
        Trade::App,
        Trade::Mweb { scene_info: scene },
    ] {
        let mut order = unified_order(trade);
        order.more.device_info = Some("WEB".parse().unwrap());
        order.more.detail = Some("{\"cost_price\":1}".parse().unwrap());
        order.more.goods_tag = Some("WXG".parse().unwrap());
        order.more.limit_pay = Some("no_credit".parse().unwrap());
        order.more.receipt = Some(true);
        order.more.profit_sharing = Some(false);
        order.more.named_payer = Some(NamedPayer {
            user_type: "IDCARD".parse().unwrap(),
            user_creid: "43102119910910512X".parse().unwrap(),
            user_truename: "周星星".parse().unwrap(),
        });
        for sign_type in [SignType::Md5, SignType::HmacSha256] {
            let fields = there_and_back(&order, sign_type, UnifiedOrder::from_params);
            assert_eq!(
                fields.get("trade_type"),
                Some(order.trade.trade_type().as_str())
            );
            assert_eq!(fields.get("version"), Some("1.0"));
            assert_eq!(fields.get("receipt"), Some("Y"));
            assert_eq!(fields.get("profit_sharing"), Some("N"));
        }
    }
    let mut pay = micro_pay();
    pay.attach = Some("counter 3".parse().unwrap());
    pay.deposit = Some(true);
    let fields = there_and_back(&pay, SignType::HmacSha256, MicroPay::from_params);
    assert_eq!(fields.get("auth_code"), Some("120061098828009406"));
    assert_eq!(fields.get("notify_url"), None);
    let reverse = Reverse::new(OrderRef::TransactionId(transaction_id()));
    let fields = there_and_back(&reverse, SignType::Md5, Reverse::from_params);
    assert_eq!(
        fields.get("transaction_id"),
        Some(transaction_id().as_str())
    );
}

#[test]
fn refunds_come_back_as_they_went() {
    let mut refund = refund();
    refund.refund_desc = Some("商品已售完".parse().unwrap());
    refund.refund_account = Some(RefundAccount::RechargeFunds);
    refund.notify_url = Some("https://example.com/refund".parse().unwrap());
    let fields = there_and_back(&refund, SignType::HmacSha256, Refund::from_params);
    assert_eq!(
        fields.get("refund_account"),
        Some("REFUND_SOURCE_RECHARGE_FUNDS")
    );
    let v2 = RefundV2 {
        refund,
        detail: Some("{\"goods_detail\":[]}".parse().unwrap()),
    };
    there_and_back(&v2, SignType::Md5, RefundV2::from_params);
    for by in [
        RefundRef::RefundId("50000000012026010100000000001".parse().unwrap()),
        RefundRef::OutRefundNo("R20260101000001".parse().unwrap()),
        RefundRef::TransactionId(transaction_id()),
        RefundRef::OutTradeNo("1553063775279".parse().unwrap()),
    ] {
        let query = RefundQuery::new(by);
        there_and_back(&query, SignType::Md5, RefundQuery::from_params);
        there_and_back(
            &RefundQueryV2(query),
            SignType::Md5,
            RefundQueryV2::from_params,
        );
    }
    let page = RefundQuery {
        by: RefundRef::TransactionId(transaction_id()),
        offset: Some(10),
    };
    let fields = there_and_back(&page, SignType::Md5, RefundQuery::from_params);
    assert_eq!(fields.get("offset"), Some("10"));
}

#[test]
fn bills_and_tools_come_back_as_they_went() {
    let bill = DownloadBill {
        bill_date: "20140603".parse().unwrap(),
        bill_type: BillType::Refund,
        tar_type: Some(TarType::Gzip),
    };
    let fields = there_and_back(&bill, OnlyMd5, DownloadBill::from_params);
    assert_eq!(fields.get("bill_date"), Some("20140603"));
    assert_eq!(fields.get("sign_type"), None);
    let flow = DownloadFundFlow::new("20140603".parse().unwrap(), FundAccount::Operation);
    let fields = there_and_back(&flow, OnlyHmacSha256, DownloadFundFlow::from_params);
    assert_eq!(fields.get("sign_type"), Some("HMAC-SHA256"));
    let comments = BatchQueryComment::new(
        "20170724000000".parse().unwrap(),
        "20170725000000".parse().unwrap(),
        0,
    );
    let fields = there_and_back(&comments, OnlyHmacSha256, BatchQueryComment::from_params);
    assert_eq!(fields.get("offset"), Some("0"));
    let long = "weixin://wxpay/bizpayurl?sign=XXXXX&appid=XXXXX";
    let short = ShortenUrl::new(long.parse().unwrap());
    let fields = there_and_back(&short, SignType::Md5, ShortenUrl::from_params);
    assert_eq!(fields.get("long_url"), Some(long));
    let who = AuthCodeToOpenId::new("120061098828009406".parse().unwrap());
    there_and_back(&who, OnlyMd5, AuthCodeToOpenId::from_params);
    let report = Report::new(
        "https://api.mch.weixin.qq.com/pay/batchreport/micropay/total"
            .parse()
            .unwrap(),
        "8.8.8.8".parse().unwrap(),
        "[{\"out_trade_no\":\"1\"}]".parse().unwrap(),
    );
    there_and_back(&report, OnlyMd5, Report::from_params);
    // mch_id, nonce_str and sign: no more.
    assert_eq!(sent(&GetSignKey, OnlyMd5).len(), 3);
    let fields = sent(&GetPublicKey, OnlyMd5);
    names_the_fields_of::<GetPublicKey>(&fields);
    assert_eq!(fields.get("sign_type"), Some("MD5"));
}

#[test]
fn combined_orders_come_back_as_they_went() {
    let scene = r#"{"payer_client_ip":"14.17.22.32","h5_info":{"type":"Wap"}}"#;
    for trade in [
        CombinedTrade::Native {
            product_id: "P1".parse().unwrap(),
        },
        CombinedTrade::Jsapi {
            combine_openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse().unwrap(),
        },
        CombinedTrade::App,
        CombinedTrade::Mweb,
    ] {
        let order = combined(trade, scene);
        let fields = there_and_back(&order, OnlyHmacSha256, CombinedOrder::from_params);
        assert_eq!(fields.get("appid"), None);
        let list: serde_json::Value =
            serde_json::from_str(fields.get("sub_order_list").unwrap()).unwrap();
        assert_eq!(list["order_num"], 2);
        assert_eq!(list["order_list"][1]["body"], "a \"quoted\" tea");
        assert_eq!(list["order_list"][0]["total_fee"], 1234);
        assert_eq!(list["order_list"][0]["sub_mch_id"], "1256324589");
    }
    let number = "1217752501201407033233368018";
    let query = QueryCombinedOrder::new(number.parse().unwrap());
    there_and_back(&query, OnlyHmacSha256, QueryCombinedOrder::from_params);
    let orders = [(
        "1900009001".parse().unwrap(),
        "OD201708030001".parse().unwrap(),
    )];
    let close = CloseCombinedOrder::new(
        number.parse().unwrap(),
        SubOrderList::to_close(&orders).unwrap(),
    );
    let fields = there_and_back(&close, OnlyHmacSha256, CloseCombinedOrder::from_params);
    assert_eq!(
        fields.get("sub_order_list"),
        Some(r#"[{"mch_id":"1900009001","out_trade_no":"OD201708030001"}]"#)
    );
}

#[test]
fn profit_sharings_come_back_as_they_went() {
    let number = || "P20150806125346".parse().unwrap();
    let account = ReceiverAccount::OpenId("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse().unwrap());
    let receivers = Receivers::of(&[Share {
        account: account.clone(),
        amount: fen(888),
        description: "分到个人".parse().unwrap(),
        name: Some("王小王".parse().unwrap()),
    }])
    .unwrap();
    assert!(!format!("{receivers:?}").contains("oUpF8"));
    let once = ProfitSharing::new(transaction_id(), number(), receivers.clone());
    let fields = there_and_back(&once, OnlyHmacSha256, ProfitSharing::from_params);
    let list: serde_json::Value = serde_json::from_str(fields.get("receivers").unwrap()).unwrap();
    assert_eq!(list[0]["type"], "PERSONAL_OPENID");
    assert_eq!(list[0]["amount"], 888);
    assert_eq!(list[0]["name"], "王小王");
    let several = MultiProfitSharing::new(transaction_id(), number(), receivers);
    there_and_back(&several, OnlyHmacSha256, MultiProfitSharing::from_params);
    let query = ProfitSharingQuery::new(transaction_id(), number());
    let fields = there_and_back(&query, OnlyHmacSha256, ProfitSharingQuery::from_params);
    assert_eq!(fields.get("appid"), None);
    let finish = ProfitSharingFinish::new(transaction_id(), number(), "done".parse().unwrap());
    there_and_back(&finish, OnlyHmacSha256, ProfitSharingFinish::from_params);
    for sharing in [
        SharingRef::OutOrderNo(number()),
        SharingRef::OrderId("3008450740201411110007820472".parse().unwrap()),
    ] {
        let back = ProfitSharingReturn::new(
            sharing,
            "R1".parse().unwrap(),
            "86693852".parse().unwrap(),
            fen(10),
            "back".parse().unwrap(),
        );
        let fields = there_and_back(&back, OnlyHmacSha256, ProfitSharingReturn::from_params);
        assert_eq!(fields.get("return_account_type"), Some("MERCHANT_ID"));
        let query = ProfitSharingReturnQuery::new(back.sharing, back.out_return_no);
        there_and_back(
            &query,
            OnlyHmacSha256,
            ProfitSharingReturnQuery::from_params,
        );
    }
    let text = ReceiverText::to_add(&account, None, &RelationType::StoreOwner, None).unwrap();
    let add = ProfitSharingAddReceiver::new(text);
    let fields = there_and_back(&add, OnlyHmacSha256, ProfitSharingAddReceiver::from_params);
    let receiver: serde_json::Value =
        serde_json::from_str(fields.get("receiver").unwrap()).unwrap();
    assert_eq!(receiver["relation_type"], "STORE_OWNER");
    let remove = ProfitSharingRemoveReceiver::new(ReceiverText::to_remove(&account).unwrap());
    there_and_back(
        &remove,
        OnlyHmacSha256,
        ProfitSharingRemoveReceiver::from_params,
    );
}

#[test]
fn transfers_have_names_of_their_own() {
    let fields = there_and_back(&transfer(), OnlyMd5, Transfer::from_params);
    for absent in ["appid", "mch_id", "sign_type"] {
        assert_eq!(fields.get(absent), None);
    }
    assert_eq!(fields.get("check_name"), Some("FORCE_CHECK"));
    assert_eq!(fields.get("re_user_name"), Some("王小王"));
    let query = TransferQuery::new("P20260101000001".parse().unwrap());
    let fields = there_and_back(&query, OnlyMd5, TransferQuery::from_params);
    assert_eq!(fields.get("sign_type"), None);

    let fields = there_and_back(&red_pack(), OnlyMd5, RedPack::from_params);
    assert_eq!(fields.get("total_num"), Some("1"));
    assert_eq!(fields.get("wxappid"), Some("wx8397f8696b538317"));
    let query = RedPackQuery::new("10000098201411111234567890".parse().unwrap());
    let fields = there_and_back(&query, OnlyMd5, RedPackQuery::from_params);
    assert_eq!(fields.get("bill_type"), Some("MCHT"));

    let fields = there_and_back(&bank_transfer(), OnlyMd5, BankTransfer::from_params);
    assert_eq!(fields.get("appid"), None);
    let query = BankTransferQuery::new("1212121221227".parse().unwrap());
    there_and_back(&query, OnlyMd5, BankTransferQuery::from_params);
    // Whoever prints a message sees no payee.
    let shown = format!("{fields:?}");
    assert!(!shown.contains("aGVsbG8") && !shown.contains("d29ybGQ"));
}

#[test]
fn a_service_provider_names_the_merchant() {
    let sub = SubMerchant {
        mch_id: "1900000100".parse().unwrap(),
        appid: Some("wx8888888888888888".parse().unwrap()),
    };
    let account = seed_account().with_sub_merchant(sub);
    let fields = sent_by(&account, &refund(), SignType::Md5);
    assert_eq!(fields.get("sub_mch_id"), Some("1900000100"));
    assert_eq!(fields.get("sub_appid"), Some("wx8888888888888888"));
    let query = OrderQuery {
        by: OrderRef::TransactionId(transaction_id()),
    };
    let fields = sent_by(&account, &query, SignType::HmacSha256);
    assert_eq!(fields.get("sub_mch_id"), Some("1900000100"));
    let query = ProfitSharingQuery::new(transaction_id(), "P1".parse().unwrap());
    let fields = sent_by(&account, &query, OnlyHmacSha256);
    assert_eq!(fields.get("sub_mch_id"), Some("1900000100"));
    assert_eq!(fields.get("sub_appid"), None);
    // Paid from the provider's own money, perhaps: refused.
    assert_eq!(
        prepare(&transfer(), &account, OnlyMd5, &nonce()),
        Err(RequestError::SubMerchant)
    );
}
