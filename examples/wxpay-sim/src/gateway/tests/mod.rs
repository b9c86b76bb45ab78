//! The gateway's decisions, without a clock and without a network.

use std::time::Duration;

use wxpay_core::{
    Account, BeijingTime, CodeUrl, Fen, NonceStr, Params, PayNotify, SignType, UnverifiedNotify,
    api::{
        self, AnswerError, CloseOrder, Endpoint, ErrorCode, OrderQuery, OrderQueryResponse,
        OrderRef, TradeState, UnifiedOrder,
    },
    sign, xml,
};

mod orders;
mod payments;
mod refunds;
mod refusals;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A gateway, a client that signs, and a clock that is moved by hand.
struct Desk {
    gateway: Gateway,
    account: Account,
    sign_type: SignType,
    now: Moment,
    draws: u8,
}

impl Desk {
    fn new(sign_type: SignType) -> Self {
        let merchant = Merchant::test();
        Self {
            account: merchant.account().clone(),
            gateway: Gateway::new(vec![merchant], 100),
            sign_type,
            now: Moment::from("20260101000000".parse::<BeijingTime>().unwrap()),
            draws: 0,
        }
    }

    fn random(&mut self) -> Random {
        self.draws += 1;
        Random::new([self.draws; Random::LEN])
    }

    fn raw(&mut self, endpoint: GatewayEndpoint, body: &str) -> String {
        let random = self.random();
        self.gateway
            .answer(endpoint, body.as_bytes(), self.now, &random)
    }

    fn call<E: Endpoint<Sign = SignType>>(
        &mut self,
        request: &E,
    ) -> Result<E::Response, AnswerError> {
        let endpoint = match E::PATH {
            "/pay/unifiedorder" => GatewayEndpoint::UnifiedOrder,
            "/pay/orderquery" => GatewayEndpoint::OrderQuery,
            "/pay/closeorder" => GatewayEndpoint::CloseOrder,
            "/secapi/pay/refund" => GatewayEndpoint::Refund,
            "/pay/refundquery" => GatewayEndpoint::RefundQuery,
            other => panic!("{other}"),
        };
        let nonce = NonceStr::from_random([self.draws; 16]);
        let body = api::prepare(request, &self.account, self.sign_type, &nonce)
            .unwrap()
            .body;
        let answer = self.raw(endpoint, &body);
        assert_eq!(xml::read(answer.as_bytes()).unwrap().get("sign_type"), None);
        api::parse::<E>(answer.as_bytes(), &self.account, self.sign_type)
    }

    fn order(&mut self, order: &UnifiedOrder) -> CodeUrl {
        self.call(order).unwrap().code_url.unwrap()
    }

    fn query(&mut self, number: &str) -> Result<OrderQueryResponse, AnswerError> {
        let by = OrderRef::OutTradeNo(number.parse().unwrap());
        self.call(&OrderQuery { by })
    }

    fn state(&mut self, number: &str) -> TradeState {
        self.query(number).unwrap().trade_state
    }

    fn close(&mut self, number: &str) -> Result<(), ErrorCode> {
        let out_trade_no = number.parse().unwrap();
        code(self.call(&CloseOrder { out_trade_no })).map(|_| ())
    }

    fn pay(&mut self, what: &Payable, payment: Payment) -> Result<PayOutcome, PayRefusal> {
        let random = self.random();
        self.gateway.pay(what, payment, self.now, &random)
    }

    fn later(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }
}

fn tea(number: &str) -> UnifiedOrder {
    UnifiedOrder::native(
        number.parse().unwrap(),
        "茶 & cake <1>".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "http://127.0.0.1:9010/wxpay/notify".parse().unwrap(),
        "P1".parse().unwrap(),
    )
}

fn number(number: &str) -> Payable {
    Payable::Number {
        out_trade_no: number.parse().unwrap(),
        mch_id: None,
    }
}

fn success() -> Payment {
    Payment::Success(PaymentFacts::default())
}

/// The `err_code` of an answer that has one.
fn code<T>(answer: Result<T, AnswerError>) -> Result<T, ErrorCode> {
    answer.map_err(|error| match error {
        AnswerError::Business { code, .. } => code,
        other => panic!("{other}"),
    })
}

fn refused(answer: &str) -> String {
    let params = xml::read(answer.as_bytes()).unwrap();
    assert_eq!(params.get("return_code"), Some("FAIL"), "{answer}");
    assert_eq!(
        params.len(),
        2,
        "an unsigned FAIL says nothing more: {answer}"
    );
    params.get("return_msg").unwrap().to_owned()
}
