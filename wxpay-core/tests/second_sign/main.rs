//! The second signs: known vectors in both columns.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod native;

use common::{BOTH, vectors};
use proptest::prelude::*;
use wxpay_core::{
    Account, BeijingTime, NonceStr, Params, PrepayId, SignType,
    second_sign::{AppPay, JsapiPay, MwebRedirect, MwebRedirectError},
    sign,
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
    fn the_json_is_json(nonce in "[!-~]{1,32}") {
        let nonce: NonceStr = nonce.parse().unwrap();
        let pay = JsapiPay::sign(&account(), &prepay_id(), SignType::Md5, now(), &nonce);
        let json: serde_json::Value = serde_json::from_str(&pay.to_json()).unwrap();
        for (name, value) in pay.fields() {
            prop_assert_eq!(&json[name], value);
        }
        prop_assert!(!pay.to_json().contains('<'));
    }

    #[test]
    fn no_text_makes_a_redirect_panic(redirect_url in "\\PC{0,60}") {
        let mweb_url = "https://wx.tenpay.com/m?a=1".parse().unwrap();
        if let Ok(redirect) = MwebRedirect::back_to(&mweb_url, &redirect_url) {
            prop_assert!(redirect.as_str().is_ascii());
        }
    }
}
