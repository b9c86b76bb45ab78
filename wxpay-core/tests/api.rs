//! The endpoints: requests from value to bytes and back, answers from bytes to value or to the reason why not.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BOTH, answer, params, seed_account, seed_key, vectors};
use wxpay_core::{
    Fen, NonceStr, OutTradeNo, Params, SignType, VerifyError, XmlError,
    api::{
        AnswerError, CloseOrder, Endpoint, ErrorCode, FieldError, OrderQuery, OrderRef,
        RequestError, TradeState, TradeType, UnifiedOrder, parse, prepare,
    },
    sign, xml,
};

const ENVELOPE: [(&str, &str); 6] = [
    ("return_code", "SUCCESS"),
    ("return_msg", "OK"),
    ("appid", "wx8397f8696b538317"),
    ("mch_id", "1473426802"),
    ("nonce_str", "fvMGIlLauUPNCtws"),
    ("result_code", "SUCCESS"),
];

const PAID: [(&str, &str); 9] = [
    ("transaction_id", "4200000248201903206581106357"),
    ("out_trade_no", "1553063775279"),
    ("total_fee", "101"),
    ("cash_fee", "91"),
    ("bank_type", "OTHERS"),
    ("openid", "oNpSGwbtNBQROpN_dL8WUZG3wRkM"),
    ("trade_type", "NATIVE"),
    ("time_end", "20190320143646"),
    ("attach", "茶"),
];

fn nonce() -> NonceStr {
    "5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse().unwrap()
}

fn number() -> OutTradeNo {
    "1553063775279".parse().unwrap()
}

fn order() -> UnifiedOrder {
    let mut order = UnifiedOrder::native(
        number(),
        "茶 & <cake>".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
        "P1".parse().unwrap(),
    );
    order.attach = Some("]]>".parse().unwrap());
    order.time_start = Some("20260101000000".parse().unwrap());
    order.time_expire = Some("20260101003000".parse().unwrap());
    order
}

/// Prepares a request, checks its envelope and its sign, and gives its fields.
fn sent<E: Endpoint<Sign = SignType>>(request: &E, sign_type: SignType) -> Params<'static> {
    let prepared = prepare(request, &seed_account(), sign_type, &nonce()).unwrap();
    assert_eq!(prepared.path, E::PATH);
    assert!(!prepared.needs_cert);
    let params = xml::read(prepared.body.as_bytes()).unwrap().into_owned();
    assert_eq!(sign::verify(&params, &[seed_key()], sign_type), Ok(()));
    for (field, value) in [
        ("appid", "wx8397f8696b538317"),
        ("mch_id", "1473426802"),
        ("nonce_str", nonce().as_str()),
        ("sign_type", sign_type.as_str()),
    ] {
        assert_eq!(params.get(field), Some(value), "{field}");
    }
    params
}

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut fields = ENVELOPE.to_vec();
    for (name, value) in more {
        fields.retain(|(field, _)| field != name);
        fields.push((name, value));
    }
    fields
}

fn query(fields: &[(&str, &str)]) -> Result<<OrderQuery as Endpoint>::Response, AnswerError> {
    let xml = answer(fields, SignType::HmacSha256);
    parse::<OrderQuery>(xml.as_bytes(), &seed_account(), SignType::HmacSha256)
}

#[test]
fn requests_come_back_as_they_went() {
    for sign_type in BOTH {
        let order = order();
        let fields = sent(&order, sign_type);
        assert_eq!(UnifiedOrder::from_params(&fields).unwrap(), order);
        assert_eq!(fields.len(), 5 + 11);
        assert_eq!(fields.get("total_fee"), Some("101"));
        assert_eq!(fields.get("trade_type"), Some("NATIVE"));
        assert_eq!(fields.get("time_expire"), Some("20260101003000"));

        let close = CloseOrder {
            out_trade_no: number(),
        };
        assert_eq!(
            CloseOrder::from_params(&sent(&close, sign_type)).unwrap(),
            close
        );

        for by in [
            OrderRef::OutTradeNo(number()),
            OrderRef::TransactionId("4200000248201903206581106357".parse().unwrap()),
        ] {
            let query = OrderQuery { by };
            let fields = sent(&query, sign_type);
            assert_eq!(OrderQuery::from_params(&fields).unwrap(), query);
            assert_eq!(fields.len(), 5 + 1);
        }
    }
}

#[test]
fn vector_g_is_what_goes_out() {
    let account = wxpay_core::Account::new(
        "wxd930ea5d5a258f4f".parse().unwrap(),
        "10000100".parse().unwrap(),
        common::other_key(),
    );
    let order = UnifiedOrder::native(
        "T20260101000001".parse().unwrap(),
        "test".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
        "P1".parse().unwrap(),
    );
    let prepared = prepare(&order, &account, SignType::HmacSha256, &nonce()).unwrap();
    let fields = xml::read(prepared.body.as_bytes()).unwrap();
    let vectors = vectors("signs.json");
    let g = vectors["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|vector| vector["id"] == "G")
        .unwrap();
    // The vector leaves fee_type out, which is sent always; all else is the same.
    let text = sign::string_to_sign(&fields).replace("&fee_type=CNY", "");
    assert_eq!(text, g["string_to_sign"]);
}

#[test]
fn requests_that_break_a_rule_are_not_made() {
    let refusal = |change: fn(&mut UnifiedOrder)| {
        let mut order = order();
        change(&mut order);
        prepare(&order, &seed_account(), SignType::Md5, &nonce()).unwrap_err()
    };
    assert_eq!(
        refusal(|order| order.total_fee = Fen::ZERO),
        RequestError::ZeroFee { field: "total_fee" }
    );
    assert_eq!(
        refusal(|order| order.time_expire = order.time_start),
        RequestError::ExpiresBeforeStart
    );
    for url in [
        "example.com/notify",
        "https://",
        "https:///n",
        "ftp://a/n",
        "https://a/n?x=1",
        "https://a/n#x",
    ] {
        let mut order = order();
        order.notify_url = url.parse().unwrap();
        assert_eq!(
            prepare(&order, &seed_account(), SignType::Md5, &nonce()),
            Err(RequestError::NotifyUrl),
            "{url}"
        );
    }
}

#[test]
fn requests_that_cannot_be_read_name_the_field() {
    let good = sent(&order(), SignType::Md5);
    for field in [
        "out_trade_no",
        "body",
        "total_fee",
        "spbill_create_ip",
        "notify_url",
        "trade_type",
        "product_id",
    ] {
        let mut rest = Params::new();
        for (name, value) in good.iter().filter(|(name, _)| *name != field) {
            rest.insert(name, value).unwrap();
        }
        assert_eq!(
            UnifiedOrder::from_params(&rest),
            Err(FieldError::Missing { field })
        );
    }
    assert_eq!(
        CloseOrder::from_params(&params(&[])),
        Err(FieldError::Missing {
            field: "out_trade_no"
        })
    );
    let both = params(&[("out_trade_no", "1553063775279"), ("transaction_id", "42")]);
    assert!(matches!(
        OrderQuery::from_params(&both).unwrap().by,
        OrderRef::TransactionId(_)
    ));
}

#[test]
fn the_recorded_answer_parses() {
    let seed = vectors("seed-messages.json");
    let mut fields = Params::new();
    for (name, value) in seed["unifiedorder_response_hmac_sha256"]
        .as_object()
        .unwrap()
    {
        fields
            .insert(name.clone(), value.as_str().unwrap().to_owned())
            .unwrap();
    }
    let xml = xml::write(&fields);
    let answer =
        parse::<UnifiedOrder>(xml.as_bytes(), &seed_account(), SignType::HmacSha256).unwrap();
    assert_eq!(answer.trade_type, TradeType::Native);
    assert_eq!(
        answer.prepay_id.as_str(),
        "wx17193859685440d561c4cef01259098400"
    );
    assert_eq!(
        answer.code_url.unwrap().as_str(),
        "weixin://wxpay/bizpayurl?pr=I5sd2rc"
    );
    // The same bytes with the other sign type prove nothing.
    assert!(matches!(
        parse::<UnifiedOrder>(xml.as_bytes(), &seed_account(), SignType::Md5),
        Err(AnswerError::Verify(VerifyError::WrongLength { .. }))
    ));
}

#[test]
fn a_query_tells_every_state() {
    for state in ["SUCCESS", "REFUND", "REVOKED"] {
        let mut fields = with(&PAID);
        fields.push(("trade_state", state));
        let answer = query(&fields).unwrap();
        assert_eq!(answer.trade_state.as_str(), state);
        let payment = answer.payment.unwrap();
        assert_eq!(payment.total_fee.get(), 101);
        assert_eq!(payment.cash_fee.unwrap().get(), 91);
        assert_eq!(payment.fee_type.as_str(), "CNY");
        assert_eq!(payment.time_end.to_string(), "20190320143646");
        assert_eq!(payment.attach.unwrap().as_str(), "茶");
    }
    for (text, state) in [
        ("NOTPAY", TradeState::NotPay),
        ("USERPAYING", TradeState::UserPaying),
        ("CLOSED", TradeState::Closed),
        ("REVOKED", TradeState::Revoked),
        ("PAYERROR", TradeState::PayError),
        ("ACCEPT", TradeState::Accept),
        ("NEW_IN_2031", TradeState::Other("NEW_IN_2031".into())),
    ] {
        let answer = query(&with(&[
            ("trade_state", text),
            ("trade_state_desc", "订单未支付"),
            ("out_trade_no", "1553063775279"),
        ]))
        .unwrap();
        assert_eq!(answer.trade_state, state);
        assert_eq!(answer.payment, None);
        assert_eq!(answer.trade_state_desc.as_deref(), Some("订单未支付"));
        assert_eq!(answer.out_trade_no, Some(number()));
    }
}

#[test]
fn paid_without_its_facts_is_no_answer() {
    for missing in ["transaction_id", "out_trade_no", "total_fee", "time_end"] {
        let mut fields = with(&PAID);
        fields.push(("trade_state", "SUCCESS"));
        fields.retain(|(name, _)| *name != missing);
        assert_eq!(
            query(&fields),
            Err(AnswerError::Field(FieldError::Missing { field: missing }))
        );
    }
    let native = answer(
        &with(&[("trade_type", "NATIVE"), ("prepay_id", "wx1")]),
        SignType::Md5,
    );
    assert_eq!(
        parse::<UnifiedOrder>(native.as_bytes(), &seed_account(), SignType::Md5),
        Err(AnswerError::Field(FieldError::Missing {
            field: "code_url"
        }))
    );
}

#[test]
fn a_close_answers_nothing_more() {
    let xml = answer(&with(&[("result_msg", "OK")]), SignType::Md5);
    assert!(parse::<CloseOrder>(xml.as_bytes(), &seed_account(), SignType::Md5).is_ok());
}

#[test]
fn an_unsigned_refusal_is_unproven_whatever_it_says() {
    for body in [
        "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>",
        "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg><result_code>FAIL</result_code><err_code>ORDERPAID</err_code></xml>",
    ] {
        assert_eq!(
            parse::<OrderQuery>(body.as_bytes(), &seed_account(), SignType::Md5),
            Err(AnswerError::Refused {
                return_msg: "签名错误".into()
            })
        );
    }
}

#[test]
fn an_answer_that_is_not_proven_is_none() {
    let read = |xml: &str| parse::<OrderQuery>(xml.as_bytes(), &seed_account(), SignType::Md5);

    let unsigned = xml::write(&params(&with(&[("trade_state", "SUCCESS")])));
    assert_eq!(
        read(&unsigned),
        Err(AnswerError::Verify(VerifyError::Missing))
    );

    let other = xml::write(&sign::signed(
        params(&with(&[("trade_state", "NOTPAY")])),
        &common::other_key(),
        SignType::Md5,
    ));
    assert_eq!(
        read(&other),
        Err(AnswerError::Verify(VerifyError::Mismatch))
    );

    for code in ["", "success", "OK"] {
        let xml = format!("<xml><return_code>{code}</return_code></xml>");
        assert_eq!(read(&xml), Err(AnswerError::NoReturnCode), "{code}");
    }
    assert_eq!(read("<xml></xml>"), Err(AnswerError::NoReturnCode));
    assert_eq!(
        read("<html>404 Not Found</html>"),
        Err(AnswerError::Xml(XmlError::Html))
    );
}

#[test]
fn a_foreign_answer_is_named() {
    for field in ["appid", "mch_id"] {
        assert_eq!(
            query(&with(&[("trade_state", "SUCCESS"), (field, "1900000109")])),
            Err(AnswerError::Foreign { field })
        );
        let mut without = with(&[("trade_state", "NOTPAY")]);
        without.retain(|(name, _)| *name != field);
        assert_eq!(
            query(&without),
            Err(AnswerError::Field(FieldError::Missing { field }))
        );
    }
}

#[test]
fn a_refusal_that_is_proven() {
    for (text, code) in [
        ("ORDERPAID", ErrorCode::OrderPaid),
        ("ORDERNOTEXIST", ErrorCode::OrderNotExist),
        ("SYSTEMERROR", ErrorCode::SystemError),
        ("268458547", ErrorCode::Other("268458547".into())),
    ] {
        assert_eq!(
            query(&with(&[
                ("result_code", "FAIL"),
                ("err_code", text),
                ("err_code_des", "order not exist"),
            ])),
            Err(AnswerError::Business {
                code: code.clone(),
                description: "order not exist".into()
            })
        );
        assert_eq!(code.to_string(), text);
    }
    assert_eq!(
        query(&with(&[("result_code", "FAIL")])),
        Err(AnswerError::Field(FieldError::Missing {
            field: "err_code"
        }))
    );
    assert_eq!(
        query(&with(&[("result_code", "MAYBE")])),
        Err(AnswerError::Field(FieldError::Unexpected {
            field: "result_code"
        }))
    );
}
