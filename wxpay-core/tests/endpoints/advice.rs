use std::time::Duration;

use wxpay_core::{
    VerifyError, XmlError,
    api::{
        Advice, AnswerError,
        Class::{self, Caller, Done, Final, QueryFirst, RetrySame},
        CloseOrder, DownloadBill, Endpoint, ErrorCode, MicroPay, OrderQuery, RedPack, Refund,
        RefundQuery, Reverse, Transfer, UnifiedOrder,
    },
};

fn class<E: Endpoint>(code: &str) -> Class {
    E::class(&code.into())
}

fn business(code: &str) -> AnswerError {
    AnswerError::Business {
        code: code.into(),
        description: String::new(),
    }
}

#[test]
fn every_code_has_its_class_at_its_endpoint() {
    for code in ErrorCode::NAMED {
        assert_eq!(ErrorCode::from(code.as_str()), *code);
    }
    let table = [
        (class::<UnifiedOrder>("SYSTEMERROR"), RetrySame),
        (class::<OrderQuery>("SYSTEMERROR"), RetrySame),
        (class::<MicroPay>("SYSTEMERROR"), QueryFirst),
        (class::<Refund>("SYSTEMERROR"), RetrySame),
        (class::<Reverse>("SYSTEMERROR"), RetrySame),
        (class::<Transfer>("SYSTEMERROR"), RetrySame),
        (class::<UnifiedOrder>("ORDERPAID"), Final),
        (class::<CloseOrder>("ORDERPAID"), Final),
        (class::<UnifiedOrder>("ORDERCLOSED"), Final),
        (class::<CloseOrder>("ORDERCLOSED"), Done),
        (class::<CloseOrder>("ORDERNOTEXIST"), Done),
        (class::<OrderQuery>("ORDERNOTEXIST"), Final),
        (class::<Refund>("ORDERNOTEXIST"), Caller),
        (class::<UnifiedOrder>("OUT_TRADE_NO_USED"), QueryFirst),
        (class::<MicroPay>("OUT_TRADE_NO_USED"), Final),
        (class::<MicroPay>("USERPAYING"), QueryFirst),
        (class::<MicroPay>("BANKERROR"), QueryFirst),
        (class::<MicroPay>("NOTENOUGH"), Final),
        (class::<Refund>("NOTENOUGH"), Caller),
        (class::<MicroPay>("NOTSUPORTCARD"), Final),
        (class::<CloseOrder>("TRADE_STATE_ERROR"), QueryFirst),
        (class::<Reverse>("TRADE_ERROR"), QueryFirst),
        (class::<MicroPay>("TRADE_ERROR"), Final),
        (class::<Reverse>("REVERSE_EXPIRE"), Final),
        (class::<Refund>("BIZERR_NEED_RETRY"), RetrySame),
        (class::<Refund>("TRADE_OVERDUE"), Final),
        (class::<RefundQuery>("REFUNDNOTEXIST"), Final),
        (class::<Transfer>("SIGN_ERROR"), Caller),
        (class::<Transfer>("FATAL_ERROR"), Caller),
        (class::<Transfer>("FREQ_LIMIT"), RetrySame),
        (class::<RedPack>("268458547"), RetrySame),
        (class::<Transfer>("268458547"), QueryFirst),
        (class::<UnifiedOrder>("SIGNERROR"), Caller),
        (class::<UnifiedOrder>("NEW_IN_2031"), QueryFirst),
    ];
    for (n, (is, should)) in table.iter().enumerate() {
        assert_eq!(is, should, "row {n}");
    }
}

#[test]
fn advice_never_takes_the_unknown_for_a_refusal() {
    let unknown = [
        AnswerError::Xml(XmlError::Html),
        AnswerError::Refused {
            return_msg: "ORDERNOTEXIST".into(),
        },
        AnswerError::NoReturnCode,
    ];
    for error in &unknown {
        assert!(!error.is_proven());
        assert_eq!(error.advice::<Refund>(), Advice::QueryFirst);
        assert_eq!(error.advice::<MicroPay>(), Advice::QueryFirst);
        assert!(matches!(
            error.advice::<OrderQuery>(),
            Advice::SendAgain { .. }
        ));
    }
    assert_eq!(
        AnswerError::Verify(VerifyError::Missing).advice::<Refund>(),
        Advice::CheckSetup
    );
    let failed = AnswerError::Unproven {
        code: ErrorCode::SendFailed,
        description: String::new(),
    };
    assert_eq!(failed.advice::<Transfer>(), Advice::QueryFirst);
    assert!(!failed.is_proven());
    let none = AnswerError::Unproven {
        code: ErrorCode::NoBillExist,
        description: String::new(),
    };
    assert_eq!(none.advice::<DownloadBill>(), Advice::GiveUp);
}

#[test]
fn advice_says_what_and_when() {
    assert!(business("ORDERPAID").is_proven());
    for (advice, words) in [
        (
            business("FREQUENCY_LIMITED").advice::<Refund>(),
            "send the same parameters again after 60 s",
        ),
        (
            business("USERPAYING").advice::<MicroPay>(),
            "the outcome is unknown: query first",
        ),
        (
            business("ORDERPAID").advice::<UnifiedOrder>(),
            "decided: this number will not succeed",
        ),
        (
            business("PARAM_ERROR").advice::<UnifiedOrder>(),
            "mend the request or the set-up; do not send it again",
        ),
        (
            business("ORDERCLOSED").advice::<CloseOrder>(),
            "nothing to do: it is so already",
        ),
    ] {
        assert_eq!(advice.to_string(), words);
    }
    assert_eq!(
        business("SYSTEMERROR").advice::<UnifiedOrder>(),
        Advice::SendAgain {
            after: Duration::from_secs(5)
        }
    );
}
