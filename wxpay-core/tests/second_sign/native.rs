//! Native mode 1: the merchant's own QR code, the gateway's question, and the answer.

use proptest::prelude::*;
use wxpay_core::{
    NonceStr, NotifyReply, SignType, VerifyError,
    api::FieldError,
    second_sign::{BizPayAnswer, BizPayError, BizPayRequest, BizPayUrl, UnverifiedBizPayRequest},
    sign, xml,
};

use super::{account, common::BOTH, fields_of, known, nonce, now, prepay_id};

#[test]
fn the_code_of_mode_1_signs_as_known() {
    let nonce = "ibuaiVcKdpRxkhJA".parse().unwrap();
    for sign_type in BOTH {
        let url = BizPayUrl::sign(&account(), &"P1".parse().unwrap(), sign_type, now(), &nonce);
        assert_eq!(
            url.to_string(),
            format!(
                "weixin://wxpay/bizpayurl?sign={}&appid=wxd930ea5d5a258f4f&mch_id=10000100&product_id=P1\
                 &time_stamp=1490840662&nonce_str=ibuaiVcKdpRxkhJA",
                known("M", sign_type)
            )
        );
    }
    // Raw text is signed; what would end a value in the URL is encoded there.
    let odd = "a&b=c%".parse().unwrap();
    let url = BizPayUrl::sign(&account(), &odd, SignType::Md5, now(), &nonce);
    assert!(url.as_str().contains("&product_id=a%26b%3Dc%25&"), "{url}");
    let raw = fields_of(&[
        ("appid", "wxd930ea5d5a258f4f"),
        ("mch_id", "10000100"),
        ("product_id", "a&b=c%"),
        ("time_stamp", "1490840662"),
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
    ]);
    let sign = sign::sign(&raw, account().key(), SignType::Md5);
    assert!(url.as_str().contains(sign.as_str()));
}

const QUESTION: [(&str, &str); 6] = [
    ("appid", "wxd930ea5d5a258f4f"),
    ("openid", "oUpF8uMEb4qRXf22hE3X68TekukE"),
    ("mch_id", "10000100"),
    ("is_subscribe", "Y"),
    ("nonce_str", "i4Wd2bwP6kz3kJQN"),
    ("product_id", "P1"),
];

fn question(fields: &[(&str, &str)], sign_type: SignType) -> String {
    let params = fields_of(fields).into_owned();
    xml::write(&sign::signed(params, account().key(), sign_type))
}

fn ask(body: &str, sign_type: SignType) -> Result<BizPayRequest, BizPayError> {
    UnverifiedBizPayRequest::parse(body.as_bytes())?.verify(&account(), sign_type)
}

#[test]
fn the_callback_of_mode_1_says_who_wants_what() {
    for sign_type in BOTH {
        let body = question(&QUESTION, sign_type);
        let unverified = UnverifiedBizPayRequest::parse(body.as_bytes()).unwrap();
        assert_eq!(unverified.mch_id().unwrap().as_str(), "10000100");
        assert_eq!(unverified.appid().unwrap().as_str(), "wxd930ea5d5a258f4f");
        let request = unverified.verify(&account(), sign_type).unwrap();
        assert_eq!(request.openid.as_str(), "oUpF8uMEb4qRXf22hE3X68TekukE");
        assert_eq!(request.product_id.as_str(), "P1");
        assert_eq!(request.nonce_str.as_str(), "i4Wd2bwP6kz3kJQN");
        assert_eq!(request.params().get("is_subscribe"), Some("Y"));
        assert!(!format!("{request:?}").contains("oUpF8uMEb4qRXf22hE3X68TekukE"));
    }
}

#[test]
fn a_callback_that_is_not_the_gateways_is_refused() {
    let md5 = question(&QUESTION, SignType::Md5);
    assert_eq!(
        ask(&md5, SignType::HmacSha256).unwrap_err(),
        BizPayError::Verify(VerifyError::WrongLength {
            expected: 64,
            got: 32
        })
    );
    assert_eq!(
        ask(&md5.replace("P1", "P2"), SignType::Md5).unwrap_err(),
        BizPayError::Verify(VerifyError::Mismatch)
    );
    let unsigned = xml::write(&fields_of(&QUESTION));
    assert_eq!(
        ask(&unsigned, SignType::Md5).unwrap_err(),
        BizPayError::Verify(VerifyError::Missing)
    );
    for (at, field) in [(0, "appid"), (2, "mch_id")] {
        let mut fields = QUESTION;
        fields[at].1 = "x";
        assert_eq!(
            ask(&question(&fields, SignType::Md5), SignType::Md5).unwrap_err(),
            BizPayError::Foreign { field }
        );
    }
    for (at, field) in [(1, "openid"), (5, "product_id")] {
        let mut fields = QUESTION;
        fields[at].1 = "";
        assert_eq!(
            ask(&question(&fields, SignType::Md5), SignType::Md5).unwrap_err(),
            BizPayError::Field(FieldError::Missing { field })
        );
    }
    assert!(matches!(
        ask("<html>", SignType::Md5),
        Err(BizPayError::Xml(_))
    ));
}

#[test]
fn the_answer_of_mode_1_is_signed_and_says_one_thing() {
    for sign_type in BOTH {
        let to_xml = |answer: BizPayAnswer<'_>| answer.to_xml(&account(), sign_type, &nonce());
        let prepaid = to_xml(BizPayAnswer::Prepaid(&prepay_id()));
        let params = xml::read(prepaid.as_bytes()).unwrap();
        sign::verify(&params, account().keys(), sign_type).unwrap();
        for (name, value) in [
            ("return_code", "SUCCESS"),
            ("result_code", "SUCCESS"),
            ("appid", "wxd930ea5d5a258f4f"),
            ("mch_id", "10000100"),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
            ("prepay_id", "wx201410272009395522657a690389285100"),
        ] {
            assert_eq!(params.get(name), Some(value));
        }

        let long = format!("售完\0{}", "茶".repeat(100));
        let failed = to_xml(BizPayAnswer::Failed { to_payer: &long });
        let params = xml::read(failed.as_bytes()).unwrap();
        sign::verify(&params, account().keys(), sign_type).unwrap();
        assert_eq!(params.get("return_code"), Some("SUCCESS"));
        assert_eq!(params.get("result_code"), Some("FAIL"));
        assert_eq!(params.get("prepay_id"), None);
        let shown = params.get("err_code_des").unwrap();
        assert!(
            shown.starts_with("售完 茶") && shown.len() <= 128,
            "{shown}"
        );

        assert_eq!(
            to_xml(BizPayAnswer::Refused),
            NotifyReply::Fail("not accepted").to_xml()
        );
    }
}

proptest! {
    #[test]
    fn the_url_is_a_url(nonce in "[!-~]{1,32}", product_id in "[!-~]{1,32}") {
        let nonce: NonceStr = nonce.parse().unwrap();
        let product_id = product_id.parse().unwrap();
        let url = BizPayUrl::sign(&account(), &product_id, SignType::Md5, now(), &nonce).to_string();
        prop_assert_eq!(url.matches('&').count(), 5);
        prop_assert_eq!(url.matches('=').count(), 6);
        prop_assert_eq!(url.matches('?').count(), 1);
    }

    #[test]
    fn no_bytes_make_the_callback_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let passed = UnverifiedBizPayRequest::parse(&bytes)
            .and_then(|request| request.verify(&account(), SignType::Md5));
        prop_assert!(passed.is_err());
    }
}
