//! The error codes, row by row as the API's pages have them: where, which class, and what to do.

use std::time::Duration;

use wxpay_core::api::{
    Advice::{self, FixRequest, GiveUp, SendAgain, SendOriginal, TopUp},
    AnswerError,
    Class::{self, Caller, Done, Final, QueryFirst, RetrySame},
    CloseCombinedOrder, CloseOrder, CombinedOrder, DownloadBill, DownloadFundFlow, Endpoint,
    ErrorCode, MicroPay, OrderQuery, RedPack, Refund, RefundQuery, RefundV2, Reverse, Transfer,
    UnifiedOrder, parse_text,
};

const SOON: Advice = SendAgain {
    after: Duration::from_secs(5),
};
const IN_A_MINUTE: Advice = SendAgain {
    after: Duration::from_mins(1),
};
const LATER: Advice = SendAgain {
    after: Duration::from_mins(30),
};

/// At an endpoint: the codes, their class, and what a proven answer with one of them asks for.
fn at<E: Endpoint>(rows: &[(&str, Class, Advice)]) {
    for (codes, class, advice) in rows {
        for code in codes.split(' ') {
            assert_eq!(E::class(&code.into()), *class, "{} {code}", E::NAME);
            let error = AnswerError::Business {
                code: code.into(),
                description: String::new(),
            };
            assert_eq!(error.advice::<E>(), *advice, "{} {code}", E::NAME);
            // A code with a name keeps its spelling, and one without is kept too.
            assert_eq!(ErrorCode::from(code).as_str(), code);
        }
    }
}

/// What means the same everywhere.
fn everywhere<E: Endpoint>() {
    at::<E>(&[
        ("SIGNERROR SIGN_ERROR", Caller, FixRequest),
        (
            "XML_FORMAT_ERROR XML_ERROR REQ_PARAM_XML_ERR",
            Caller,
            FixRequest,
        ),
        (
            "REQUIRE_POST_METHOD POST_DATA_EMPTY LACK_PARAMS",
            Caller,
            FixRequest,
        ),
        ("NOT_UTF8 PARAM_IS_NOT_UTF8 PARAM_ERROR", Caller, FixRequest),
        (
            "APPID_NOT_EXIST MCHID_NOT_EXIST APPID_MCHID_NOT_MATCH",
            Caller,
            FixRequest,
        ),
        (
            "NOAUTH NO_AUTH CA_ERROR CA_VERIFY_FAILED",
            Caller,
            FixRequest,
        ),
        ("FREQUENCY_LIMITED", RetrySame, IN_A_MINUTE),
        ("NEW_IN_2031 20001", QueryFirst, Advice::QueryFirst),
    ]);
}

#[test]
fn of_every_endpoint() {
    macro_rules! everywhere {
        ($($endpoint:ident)*) => {$(everywhere::<$endpoint>();)*};
    }
    everywhere!(UnifiedOrder MicroPay OrderQuery CloseOrder Reverse Refund RefundV2 RefundQuery DownloadBill
        DownloadFundFlow CombinedOrder CloseCombinedOrder Transfer RedPack);
    for code in ErrorCode::NAMED {
        assert_eq!(ErrorCode::from(code.as_str()), *code);
    }
}

#[test]
fn of_orders() {
    let prepared = [
        ("SYSTEMERROR", RetrySame, SOON),
        ("INVALID_REQUEST", Caller, FixRequest),
        // Paid: query and fulfil, and never go straight to another number.
        ("ORDERPAID", Final, Advice::QueryFirst),
        ("ORDERCLOSED", Final, GiveUp),
        ("OUT_TRADE_NO_USED", QueryFirst, Advice::QueryFirst),
        ("NOTENOUGH", Final, GiveUp),
    ];
    at::<UnifiedOrder>(&prepared);
    at::<CombinedOrder>(&prepared);
    at::<MicroPay>(&[
        (
            "SYSTEMERROR BANKERROR USERPAYING",
            QueryFirst,
            Advice::QueryFirst,
        ),
        (
            "AUTHCODEEXPIRE AUTH_CODE_ERROR AUTH_CODE_INVALID",
            Final,
            GiveUp,
        ),
        ("NOTENOUGH NOTSUPORTCARD", Final, GiveUp),
        ("ORDERREVERSED BUYER_MISMATCH ORDERCLOSED", Final, GiveUp),
        ("TRADE_ERROR", Final, GiveUp),
        ("ORDERPAID OUT_TRADE_NO_USED", Final, Advice::QueryFirst),
    ]);
    at::<OrderQuery>(&[
        ("ORDERNOTEXIST", Final, SendOriginal),
        ("SYSTEMERROR", RetrySame, SOON),
    ]);
    let closed = [
        ("ORDERPAID", Final, Advice::QueryFirst),
        ("ORDERCLOSED ORDERNOTEXIST", Done, Advice::Done),
        ("TRADE_STATE_ERROR", QueryFirst, Advice::QueryFirst),
        ("SYSTEMERROR", RetrySame, SOON),
    ];
    at::<CloseOrder>(&closed);
    at::<CloseCombinedOrder>(&closed);
    at::<Reverse>(&[
        ("SYSTEMERROR", RetrySame, SOON),
        ("REVERSE_EXPIRE", Final, GiveUp),
        (
            "INVALID_TRANSACTIONID TRADE_ERROR INVALID_REQUEST",
            QueryFirst,
            Advice::QueryFirst,
        ),
    ]);
}

#[test]
fn of_refunds() {
    let refused = [
        ("SYSTEMERROR BIZERR_NEED_RETRY", RetrySame, SOON),
        ("TRADE_OVERDUE ERROR USER_ACCOUNT_ABNORMAL", Final, GiveUp),
        (
            "INVALID_REQ_TOO_MUCH FREQUENCY_LIMITED",
            RetrySame,
            IN_A_MINUTE,
        ),
        ("NOTENOUGH", Final, TopUp),
        ("INVALID_TRANSACTIONID ORDERNOTEXIST", Caller, FixRequest),
    ];
    at::<Refund>(&refused);
    at::<RefundV2>(&refused);
    at::<RefundQuery>(&[
        ("REFUNDNOTEXIST", Final, SendOriginal),
        ("INVALID_TRANSACTIONID", Caller, FixRequest),
        ("SYSTEMERROR", RetrySame, SOON),
    ]);
}

#[test]
fn of_bills() {
    for (words, class, advice) in [
        ("No Bill Exist", Final, GiveUp),
        ("NO Bill Exist", Final, GiveUp),
        ("Bill Creating", RetrySame, LATER),
        ("invalid bill_type", Caller, FixRequest),
        ("data format error", Caller, FixRequest),
        ("missing parameter", Caller, FixRequest),
        ("SIGN ERROR", Caller, FixRequest),
        ("CompressGZip Error", RetrySame, SOON),
        ("UnCompressGZip Error", RetrySame, SOON),
    ] {
        let xml =
            format!("<xml><return_code>FAIL</return_code><return_msg>{words}</return_msg></xml>");
        let error = parse_text::<DownloadBill>(xml.as_bytes()).unwrap_err();
        let AnswerError::Unproven { code, .. } = &error else {
            panic!("{words}: {error}")
        };
        assert_eq!(DownloadBill::class(code), class, "{words}");
        assert_eq!(error.advice::<DownloadBill>(), advice, "{words}");
    }
    at::<DownloadFundFlow>(&[
        ("NO_BILL_EXIST", Final, GiveUp),
        ("BILL_CREATING", RetrySame, LATER),
        ("PARAM_ERROR", Caller, FixRequest),
        ("SYSTEMERROR", RetrySame, SOON),
    ]);
}

#[test]
fn of_money_that_is_given() {
    at::<Transfer>(&[
        ("SYSTEMERROR", RetrySame, SOON),
        ("FATAL_ERROR", Caller, FixRequest),
        (
            "NAME_MISMATCH OPENID_ERROR AMOUNT_LIMIT MONEY_LIMIT",
            Final,
            GiveUp,
        ),
        ("V2_ACCOUNT_SIMPLE_BAN SEND_FAILED", Final, GiveUp),
        ("FREQ_LIMIT", RetrySame, IN_A_MINUTE),
        ("268458547", QueryFirst, Advice::QueryFirst),
    ]);
    at::<RedPack>(&[("268458547", RetrySame, SOON)]);
    // None of these is ever proven, and so what looks final is asked for first.
    for code in ["SEND_FAILED", "NAME_MISMATCH", "MONEY_LIMIT"] {
        let error = AnswerError::Unproven {
            code: code.into(),
            description: String::new(),
        };
        assert_eq!(error.advice::<Transfer>(), Advice::QueryFirst, "{code}");
    }
}
