use std::time::Duration;

use wxpay_core::{
    VerifyError, XmlError,
    api::{
        Advice, AnswerError, CloseOrder, DownloadBill, ErrorCode, MicroPay, OrderQuery, Refund,
        Transfer, UnifiedOrder,
    },
};

fn business(code: &str) -> AnswerError {
    AnswerError::Business {
        code: code.into(),
        description: String::new(),
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
            business("ORDERCLOSED").advice::<UnifiedOrder>(),
            "decided: this number will not succeed",
        ),
        (
            business("ORDERNOTEXIST").advice::<OrderQuery>(),
            "not there: the request that should have made it may be sent again",
        ),
        (
            business("NOTENOUGH").advice::<Refund>(),
            "top up the merchant's balance, then send the same again",
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
