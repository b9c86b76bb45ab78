//! Payments and what a query and a notify say about them.

use super::*;

#[test]
fn one_payment_in_both_sign_types() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let mut desk = Desk::new(sign_type);
        let mut order = tea("T20260101000001");
        order.attach = Some("a&b=c<d>]]>\"e\"".parse().unwrap());
        let code_url = desk.order(&order);
        let unpaid = desk.query("T20260101000001").unwrap();
        assert_eq!(
            (unpaid.trade_state, unpaid.payment),
            (TradeState::NotPay, None)
        );

        desk.later(MINUTE);
        let paid = desk.pay(&Payable::Code(code_url), success()).unwrap();
        let (transaction_id, time_end) = paid.paid.unwrap();
        assert_eq!(transaction_id.as_str().len(), 28);
        assert_eq!(time_end.to_string(), "20260101000100");
        let queried = desk.query("T20260101000001").unwrap();
        assert_eq!(queried.trade_state, TradeState::Success);
        let payment = queried.payment.unwrap();
        assert_eq!(
            (&payment.transaction_id, payment.time_end),
            (&transaction_id, time_end)
        );
        assert_eq!(
            (payment.total_fee, payment.attach.as_ref()),
            (order.total_fee, order.attach.as_ref())
        );
        let by_transaction = desk
            .call(&OrderQuery {
                by: OrderRef::TransactionId(transaction_id),
            })
            .unwrap();
        assert_eq!(by_transaction.payment.as_ref(), Some(&payment));

        let posts = desk.gateway.take_due(desk.now, 9);
        let [post] = &posts[..] else {
            panic!("{posts:?}")
        };
        assert_eq!(&*post.url, order.notify_url.as_str());
        let notify = UnverifiedNotify::parse(post.body.as_bytes()).unwrap();
        let notify: PayNotify = notify.verify(&desk.account, sign_type).unwrap();
        assert_eq!(notify.payment(), &payment);
        assert_eq!(notify.params().get("sign_type"), None);
    }
}

#[test]
fn a_query_tells_only_what_the_state_allows() {
    let mut desk = Desk::new(SignType::Md5);
    let mut order = tea("T20260101000002");
    order.attach = Some("kept".parse().unwrap());
    desk.order(&order);
    let names = |desk: &mut Desk| {
        let body = api::prepare(
            &OrderQuery {
                by: OrderRef::OutTradeNo("T20260101000002".parse().unwrap()),
            },
            &desk.account,
            desk.sign_type,
            &NonceStr::from_random([7; 16]),
        );
        let answer = desk.raw(GatewayEndpoint::OrderQuery, &body.unwrap().body);
        let envelope = [
            "return_code",
            "return_msg",
            "appid",
            "mch_id",
            "nonce_str",
            "sign",
            "result_code",
        ];
        let params = xml::read(answer.as_bytes()).unwrap().into_owned();
        let mut names: Vec<String> = params.iter().map(|(name, _)| name.to_owned()).collect();
        names.retain(|name| !envelope.contains(&name.as_str()));
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(
        names(&mut desk),
        "attach out_trade_no trade_state trade_state_desc"
    );
    desk.pay(&number("T20260101000002"), success()).unwrap();
    assert_eq!(
        names(&mut desk),
        "attach bank_type cash_fee cash_fee_type fee_type is_subscribe openid out_trade_no time_end total_fee \
         trade_state trade_state_desc trade_type transaction_id"
    );
}

#[test]
fn given_facts_are_kept_and_a_transaction_is_one() {
    let mut desk = Desk::new(SignType::Md5);
    desk.order(&tea("T20260101000010"));
    desk.order(&tea("T20260101000011"));
    let facts = PaymentFacts {
        transaction_id: Some("4200000248201903206581106357".parse().unwrap()),
        time_end: Some("20190320143646".parse().unwrap()),
        notify: NotifyWanted::No,
        ..PaymentFacts::default()
    };
    let paid = desk
        .pay(&number("T20260101000010"), Payment::Success(facts.clone()))
        .unwrap();
    assert!(paid.notify.is_none());
    assert_eq!(desk.gateway.next_due(), None);
    let payment = desk.query("T20260101000010").unwrap().payment.unwrap();
    assert_eq!(
        payment.transaction_id.as_str(),
        "4200000248201903206581106357"
    );
    assert_eq!(payment.time_end.to_string(), "20190320143646");
    assert_eq!(
        desk.pay(&number("T20260101000011"), Payment::Success(facts))
            .unwrap_err(),
        PayRefusal::TransactionIdUsed
    );
    assert_eq!(desk.state("T20260101000011"), TradeState::NotPay);
}

#[test]
fn own_transaction_ids_differ_even_when_the_random_bytes_do_not() {
    let mut desk = Desk::new(SignType::Md5);
    let mut seen = std::collections::HashSet::new();
    for each in ["T20260101000012", "T20260101000013", "T20260101000014"] {
        desk.order(&tea(each));
        let same = Random::new([9; Random::LEN]);
        let paid = desk
            .gateway
            .pay(&number(each), success(), desk.now, &same)
            .unwrap();
        assert!(seen.insert(paid.paid.unwrap().0));
    }
}
