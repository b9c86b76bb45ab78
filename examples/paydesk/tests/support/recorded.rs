//! The course merchant's notify as the real gateway sent it.

use std::process::Command;

use serde_json::{Value, json};

use super::Paydesk;

pub const OUT_TRADE_NO: &str = "1553063775279";
pub const TRANSACTION_ID: &str = "4200000248201903206581106357";
pub const SUCCESS: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";

fn recorded() -> Value {
    serde_json::from_str(include_str!(
        "../../../../wxpay-core/tests/vectors/seed-messages.json"
    ))
    .unwrap()
}

/// The notify, byte for byte.
pub fn notify() -> Vec<u8> {
    recorded()["pay_notify_md5_xml"]
        .as_str()
        .unwrap()
        .as_bytes()
        .to_vec()
}

pub fn api_key() -> String {
    recorded()["api_key"].as_str().unwrap().to_owned()
}

/// Settings of the course merchant, whose notify is signed with MD5.
pub fn merchant(command: &mut Command) {
    command
        .env("WXPAY_APPID", "wx8397f8696b538317")
        .env("WXPAY_MCH_ID", "1473426802")
        .env("WXPAY_API_KEY", api_key())
        .env("WXPAY_SIGN_TYPE", "MD5");
}

/// Makes the order, prepares it, and has the gateway book the recorded payment without a notify of its own.
pub async fn paid_at_the_gateway(desk: &Paydesk) {
    desk.order(OUT_TRADE_NO, 1).await;
    desk.code_url(OUT_TRADE_NO, 1).await;
    book(desk).await;
}

/// Has the gateway book the recorded payment.
pub async fn book(desk: &Paydesk) {
    desk.sim(
        "/sim/pay",
        &json!({
            "out_trade_no": OUT_TRADE_NO, "transaction_id": TRANSACTION_ID,
            "time_end": "20190320143646", "notify": false,
        }),
    )
    .await;
}

/// The position of each byte of each value of the notify.
pub fn value_bytes(xml: &[u8]) -> Vec<usize> {
    let mut at = Vec::new();
    let text = std::str::from_utf8(xml).unwrap();
    let mut from = 0;
    while let Some(open) = text[from..].find("<![CDATA[").map(|i| from + i + 9) {
        let close = open + text[open..].find("]]>").unwrap();
        at.extend(open..close);
        from = close;
    }
    let fee = text.find("<total_fee>").unwrap() + "<total_fee>".len();
    at.push(fee);
    at
}
