//! Payments at the real gateway's paths.

use serde_json::json;
use wxpay_core::{
    Fen, NotifyReply, SignType, UnverifiedNotify,
    api::{
        self, AnswerError, CloseOrder, ErrorCode, OrderQuery, OrderRef, TradeState, UnifiedOrder,
    },
};
use wxpay_sim::Merchant;

use crate::support::{Desk, Receiver, tea};

#[tokio::test]
async fn a_payment_is_told_and_can_be_queried_in_both_sign_types() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let desk = Desk::start(sign_type).await;
        let mut receiver = Receiver::start(vec![NotifyReply::Success.to_xml()]).await;
        let order = tea("T20260101000001", &receiver.url());
        let code_url = desk.call(&order).await.unwrap().code_url.unwrap();
        let paid = desk
            .post("/sim/pay", &json!({ "code_url": code_url.as_str() }))
            .await;
        assert_eq!(paid["trade_state"], "SUCCESS", "{paid}");

        let body = receiver.next().await;
        let notify = UnverifiedNotify::parse(&body).unwrap();
        let other = match sign_type {
            SignType::Md5 => SignType::HmacSha256,
            SignType::HmacSha256 => SignType::Md5,
        };
        assert!(notify.clone().verify(&desk.account, other).is_err());
        let notify = notify.verify(&desk.account, sign_type).unwrap();
        let by = OrderRef::OutTradeNo(order.out_trade_no.clone());
        let queried = desk.call(&OrderQuery { by }).await.unwrap();
        assert_eq!(queried.trade_state, TradeState::Success);
        assert_eq!(queried.payment.as_ref(), Some(notify.payment()));
        assert_eq!(
            notify.payment().transaction_id.as_str(),
            paid["transaction_id"]
        );

        let close = CloseOrder {
            out_trade_no: order.out_trade_no,
        };
        let refused = desk.call(&close).await.unwrap_err();
        assert!(
            matches!(
                refused,
                AnswerError::Business {
                    code: ErrorCode::OrderPaid,
                    ..
                }
            ),
            "{refused}"
        );
        desk.sim.shutdown().await;
    }
}

#[tokio::test]
async fn the_recorded_course_payment_can_be_played() {
    let merchant: Merchant = "wx8397f8696b538317:1473426802:T6m9iK73b0kn9g5v426MKfHQH7X8rKwb"
        .parse()
        .unwrap();
    let desk = Desk::start_with(merchant, SignType::Md5).await;
    let mut order = tea("1553063775279", "http://127.0.0.1:9/notify");
    order.total_fee = Fen::new(1).unwrap();
    desk.call(&order).await.unwrap();
    let paid = desk
        .post(
            "/sim/pay",
            &json!({
                "out_trade_no": "1553063775279",
                "transaction_id": "4200000248201903206581106357",
                "time_end": "20190320143646",
                "openid": "oNpSGwbtNBQROpN_dL8WUZG3wRkM",
                "bank_type": "CFT",
                "notify": false,
            }),
        )
        .await;
    assert_eq!(paid["notify"], false);
    let recorded = "<xml><appid><![CDATA[wx8397f8696b538317]]></appid>\n<bank_type><![CDATA[CFT]]></bank_type>\n<cash_fee><![CDATA[1]]></cash_fee>\n<fee_type><![CDATA[CNY]]></fee_type>\n<is_subscribe><![CDATA[N]]></is_subscribe>\n<mch_id><![CDATA[1473426802]]></mch_id>\n<nonce_str><![CDATA[c6bea293399a40e0a873df51e667f45a]]></nonce_str>\n<openid><![CDATA[oNpSGwbtNBQROpN_dL8WUZG3wRkM]]></openid>\n<out_trade_no><![CDATA[1553063775279]]></out_trade_no>\n<result_code><![CDATA[SUCCESS]]></result_code>\n<return_code><![CDATA[SUCCESS]]></return_code>\n<sign><![CDATA[DD4E5DF5AF8D8D8061B0B8BF210127DE]]></sign>\n<time_end><![CDATA[20190320143646]]></time_end>\n<total_fee>1</total_fee>\n<trade_type><![CDATA[NATIVE]]></trade_type>\n<transaction_id><![CDATA[4200000248201903206581106357]]></transaction_id>\n</xml>";
    let recorded = UnverifiedNotify::parse(recorded.as_bytes())
        .unwrap()
        .verify(&desk.account, SignType::Md5)
        .unwrap();
    let by = OrderRef::OutTradeNo(order.out_trade_no);
    let queried = desk.call(&OrderQuery { by }).await.unwrap();
    assert_eq!(queried.payment.as_ref(), Some(recorded.payment()));
    assert_eq!(desk.get("/sim/notifies").await, json!([]));
}

#[tokio::test]
async fn a_wrong_sign_a_get_and_a_wrong_path() {
    let desk = Desk::start(SignType::Md5).await;
    let order = tea("T20260101000002", "http://127.0.0.1:9/");
    let body = desk.prepare(&order).replace("CNY", "USD");
    let (status, kind, answer) = desk.raw("/pay/unifiedorder", body).await;
    assert_eq!((status, kind.as_str()), (200, "text/xml; charset=utf-8"));
    let refused = api::parse::<UnifiedOrder>(answer.as_bytes(), &desk.account, SignType::Md5);
    assert_eq!(
        refused.unwrap_err(),
        AnswerError::Refused {
            return_msg: "签名错误".to_owned()
        }
    );
    assert!(!answer.contains("<sign>"), "{answer}");
    assert_eq!(desk.get("/sim/orders").await, json!([]));

    let too_large = format!("<xml><a>{}</a></xml>", "x".repeat(70_000));
    let (status, _, answer) = desk.raw("/pay/orderquery", too_large).await;
    assert_eq!(status, 200);
    assert!(answer.contains("XML格式错误"), "{answer}");
    let answer = reqwest::get(format!("{}/pay/unifiedorder", desk.sim.url()))
        .await
        .unwrap();
    assert!(answer.text().await.unwrap().contains("请使用post方法"));

    let (status, kind, page) = desk.raw("/pay/unifiedorders", desk.prepare(&order)).await;
    assert_eq!((status, kind.as_str()), (404, "text/html"));
    assert!(
        page.contains("<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>"),
        "{page}"
    );
}

#[tokio::test]
async fn two_hundred_at_once_pay_each_order_once() {
    let desk = Desk::start(SignType::Md5).await;
    let mut receiver = Receiver::start(vec![NotifyReply::Success.to_xml()]).await;
    let numbers: Vec<String> = (0..100).map(|n| format!("T2026010100{n:04}")).collect();
    for number in &numbers {
        desk.call(&tea(number, &receiver.url())).await.unwrap();
    }
    let mut payers = tokio::task::JoinSet::new();
    for number in numbers.iter().chain(&numbers) {
        let request = json!({ "out_trade_no": number }).to_string();
        let url = format!("{}/sim/pay", desk.sim.url());
        let client = desk.http.clone();
        payers.spawn(async move {
            let request = client
                .post(url)
                .header("content-type", "application/json")
                .body(request);
            request.send().await.unwrap().status().as_u16()
        });
    }
    let statuses = payers.join_all().await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        100
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        100
    );
    let mut told = std::collections::HashSet::new();
    for _ in 0..100 {
        let notify = UnverifiedNotify::parse(&receiver.next().await)
            .unwrap()
            .verify(&desk.account, SignType::Md5)
            .unwrap();
        assert!(told.insert(notify.payment().out_trade_no.clone()));
    }
    for number in &numbers {
        assert_eq!(desk.settled(number).await["state"], "answered");
    }
    assert_eq!(desk.sim.notifies().len(), 100);
}
