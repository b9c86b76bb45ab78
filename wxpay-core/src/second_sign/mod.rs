//! The second signs: what a merchant signs for the payer's device rather than for the gateway.
//!
//! `unifiedorder` gives a handle of the payment; how the payer's device opens it depends on the trade type:
//!
//! | trade type | the payer's device gets | here |
//! |---|---|---|
//! | JSAPI, mini program | six fields for `WeixinJSBridge` or `wx.requestPayment` | [`JsapiPay`] |
//! | APP | seven fields for the app's SDK | [`AppPay`] |
//! | MWEB | a redirect to `mweb_url` | [`MwebRedirect`] |
//! | NATIVE | the answer's `code_url` as a QR code, as it is | nothing to sign |
//! | NATIVE, mode 1 (legacy) | a QR code of the merchant's own, made before there is an order | [`BizPayUrl`] |
//!
//! In mode 1 the gateway then asks the merchant what the code stands for: [`UnverifiedBizPayRequest`], [`BizPayAnswer`].
//!
//! The sign type is that of the order's `unifiedorder`; with another the payer reads that the sign is wrong. Time and
//! nonce are arguments: there is no clock and no randomness here.

mod app;
mod biz_pay;
mod biz_pay_url;
mod device;
mod jsapi;
mod mweb;
mod url;

pub use app::AppPay;
pub use biz_pay::{BizPayAnswer, BizPayError, BizPayRequest, UnverifiedBizPayRequest};
pub use biz_pay_url::BizPayUrl;
pub use jsapi::JsapiPay;
pub use mweb::{MwebRedirect, MwebRedirectError};

use alloc::string::{String, ToString};

use crate::{ApiKey, BeijingTime, Params, Sign, SignType, sign};

/// The sign over fields whose names are each there once and whose values are texts of the crate's types.
fn sign_fields(fields: &[(&'static str, &str)], key: &ApiKey, sign_type: SignType) -> Sign {
    let mut params = Params::with_capacity(fields.len());
    for (name, value) in fields {
        params.push(name, value);
    }
    sign::sign(&params, key, sign_type)
}

/// Seconds since 1970 as the devices want them.
fn seconds(moment: BeijingTime) -> String {
    // 1970 begins in Beijing eight hours before it does in UTC.
    moment.unix_seconds().max(0).to_string()
}
