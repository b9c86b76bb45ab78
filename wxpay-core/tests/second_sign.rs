//! The second signs: known vectors in both columns, and the callback of native mode 1.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BOTH, vectors};
use proptest::prelude::*;
use wxpay_core::{
    Account, BeijingTime, NonceStr, NotifyReply, Params, PrepayId, SignType, VerifyError,
    api::FieldError,
    second_sign::{
        AppPay, BizPayAnswer, BizPayError, BizPayRequest, BizPayUrl, JsapiPay, MwebRedirect,
        MwebRedirectError, UnverifiedBizPayRequest,
    },
    sign, xml,
};

fn account() -> Account {
    Account::new(
        "wxd930ea5d5a258f4f".parse().unwrap(),
        "10000100".parse().unwrap(),
        vectors("signs.json")["api_key"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap(),
    )
}

/// The vector's sign of one sign type.
fn known(id: &str, sign_type: SignType) -> String {
    let file = vectors("signs.json");
    let vector = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|vector| vector["id"] == id)
        .unwrap();
    let column = match sign_type {
        SignType::Md5 => "md5",
        SignType::HmacSha256 => "hmac_sha256",
    };
    vector[column].as_str().unwrap().to_owned()
}

fn prepay_id() -> PrepayId {
    "wx201410272009395522657a690389285100".parse().unwrap()
}

fn now() -> BeijingTime {
    BeijingTime::from_unix_seconds(1_490_840_662).unwrap()
}

fn nonce() -> NonceStr {
    "5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse().unwrap()
}

fn fields_of<'a>(fields: &[(&'a str, &'a str)]) -> Params<'a> {
    let mut params = Params::new();
    for (name, value) in fields {
        params.insert(*name, *value).unwrap();
    }
    params
}

#[test]
fn jsapi_signs_as_known_with_the_orders_type() {
    for (id, sign_type) in [("J", SignType::Md5), ("K", SignType::HmacSha256)] {
        let pay = JsapiPay::sign(&account(), &prepay_id(), sign_type, now(), &nonce());
        assert_eq!(pay.pay_sign().as_str(), known(id, sign_type));
        assert_eq!(pay.pay_sign().sign_type(), sign_type);
        let json: serde_json::Value = serde_json::from_str(&pay.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "appId": "wxd930ea5d5a258f4f",
                "timeStamp": "1490840662",
                "nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
                "package": "prepay_id=wx201410272009395522657a690389285100",
                "signType": sign_type.as_str(),
                "paySign": known(id, sign_type),
            })
        );
        // The other columns of the two vectors are what mixing the types up would give.
        let other = if id == "J" { "K" } else { "J" };
        assert_ne!(pay.pay_sign().as_str(), known(other, sign_type));
    }
    for (id, sign_type) in [("J", SignType::HmacSha256), ("K", SignType::Md5)] {
        let named = if id == "J" { "MD5" } else { "HMAC-SHA256" };
        let params = fields_of(&[
            ("appId", "wxd930ea5d5a258f4f"),
            ("timeStamp", "1490840662"),
            ("nonceStr", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
            ("package", "prepay_id=wx201410272009395522657a690389285100"),
            ("signType", named),
        ]);
        assert_eq!(
            sign::sign(&params, account().key(), sign_type).as_str(),
            known(id, sign_type)
        );
    }
}

#[test]
fn a_providers_merchant_signs_for_its_own_page() {
    let sub_appid = "wx8888888888888888".parse().unwrap();
    let pay = JsapiPay::sign_for(
        &sub_appid,
        account().key(),
        &prepay_id(),
        SignType::Md5,
        now(),
        &nonce(),
    );
    assert_eq!(pay.fields()[0], ("appId", "wx8888888888888888"));
    assert_ne!(pay.pay_sign().as_str(), known("J", SignType::Md5));
}

#[test]
fn app_signs_as_known() {
    for sign_type in BOTH {
        let pay = AppPay::sign(&account(), &prepay_id(), sign_type, now(), &nonce());
        assert_eq!(pay.pay_sign().as_str(), known("L", sign_type));
        let json: serde_json::Value = serde_json::from_str(&pay.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "appid": "wxd930ea5d5a258f4f",
                "partnerid": "10000100",
                "prepayid": "wx201410272009395522657a690389285100",
                "package": "Sign=WXPay",
                "noncestr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
                "timestamp": "1490840662",
                "sign": known("L", sign_type),
            })
        );
    }
}

#[cfg(feature = "serde")]
#[test]
fn serde_writes_the_same_fields() {
    let jsapi = JsapiPay::sign(&account(), &prepay_id(), SignType::Md5, now(), &nonce());
    assert_eq!(serde_json::to_string(&jsapi).unwrap(), jsapi.to_json());
    let app = AppPay::sign(&account(), &prepay_id(), SignType::Md5, now(), &nonce());
    assert_eq!(serde_json::to_string(&app).unwrap(), app.to_json());
}

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

#[test]
fn a_browser_comes_back_to_an_http_url_only() {
    let plain = "https://wx.tenpay.com/checkmweb".parse().unwrap();
    let redirect = MwebRedirect::back_to(&plain, "http://shop.example/a b").unwrap_err();
    assert_eq!(redirect, MwebRedirectError::RedirectUrl);
    assert_eq!(
        MwebRedirect::back_to(&plain, "http://shop.example/")
            .unwrap()
            .as_str(),
        "https://wx.tenpay.com/checkmweb?redirect_url=http%3A%2F%2Fshop.example%2F"
    );
    for bad in [
        "",
        "/done",
        "javascript:alert(1)",
        "https://shop.example@evil.example/",
    ] {
        assert_eq!(
            MwebRedirect::back_to(&plain, bad),
            Err(MwebRedirectError::RedirectUrl),
            "{bad}"
        );
    }
    for bad in ["weixin://wxpay", "https://wx.tenpay.com/#x"] {
        assert_eq!(
            MwebRedirect::back_to(&bad.parse().unwrap(), "https://shop.example"),
            Err(MwebRedirectError::MwebUrl),
            "{bad}"
        );
    }
    let twice = "https://wx.tenpay.com/m?a=1&redirect_url=x"
        .parse()
        .unwrap();
    assert_eq!(
        MwebRedirect::back_to(&twice, "https://shop.example"),
        Err(MwebRedirectError::Twice)
    );
}

proptest! {
    #[test]
    fn the_json_is_json_and_the_url_a_url(nonce in "[!-~]{1,32}", product_id in "[!-~]{1,32}") {
        let nonce: NonceStr = nonce.parse().unwrap();
        let pay = JsapiPay::sign(&account(), &prepay_id(), SignType::Md5, now(), &nonce);
        let json: serde_json::Value = serde_json::from_str(&pay.to_json()).unwrap();
        for (name, value) in pay.fields() {
            prop_assert_eq!(&json[name], value);
        }
        prop_assert!(!pay.to_json().contains('<'));

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

    #[test]
    fn no_text_makes_a_redirect_panic(redirect_url in "\\PC{0,60}") {
        let mweb_url = "https://wx.tenpay.com/m?a=1".parse().unwrap();
        if let Ok(redirect) = MwebRedirect::back_to(&mweb_url, &redirect_url) {
            prop_assert!(redirect.as_str().is_ascii());
        }
    }
}
