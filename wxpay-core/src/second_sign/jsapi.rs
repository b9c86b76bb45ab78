//! What a page inside WeChat, or a mini program, opens a payment with.

use alloc::{format, string::String};

use super::{device::device_form, seconds, sign_fields};
use crate::{Account, ApiKey, AppId, BeijingTime, NonceStr, PrepayId, Sign, SignType};

/// The fields for `getBrandWCPayRequest` on a page inside WeChat, and for `wx.requestPayment` in a mini program.
///
/// Names are spelled in this very case, `signType` is signed, and the time is in seconds, as text. That the device says
/// the payment went through proves nothing: wait for the notify, or query.
///
/// ```
/// use wxpay_core::{Account, BeijingTime, NonceStr, SignType, second_sign::JsapiPay};
///
/// let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
/// let pay = JsapiPay::sign(
///     &account,
///     &"wx201410272009395522657a690389285100".parse()?,
///     SignType::Md5, // the order's
///     BeijingTime::from_unix_seconds(1_490_840_662)?,
///     &"5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse()?,
/// );
/// assert_eq!(pay.pay_sign().as_str(), "1BE2843A927EFA902C3F36D1537D36AC");
/// assert!(pay.to_json().starts_with(r#"{"appId":"wxd930ea5d5a258f4f","timeStamp":"1490840662","#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsapiPay {
    app_id: AppId,
    time_stamp: String,
    nonce_str: NonceStr,
    package: String,
    sign_type: SignType,
    pay_sign: Sign,
}

impl JsapiPay {
    /// Signs for the account's own public id. `sign_type` is the order's, `nonce` fresh.
    #[must_use]
    pub fn sign(
        account: &Account,
        prepay_id: &PrepayId,
        sign_type: SignType,
        now: BeijingTime,
        nonce: &NonceStr,
    ) -> Self {
        Self::sign_for(
            &account.appid,
            account.key(),
            prepay_id,
            sign_type,
            now,
            nonce,
        )
    }

    /// The same for another public id: that of a service provider's merchant, whose page or mini program it is.
    #[must_use]
    pub fn sign_for(
        appid: &AppId,
        key: &ApiKey,
        prepay_id: &PrepayId,
        sign_type: SignType,
        now: BeijingTime,
        nonce: &NonceStr,
    ) -> Self {
        let time_stamp = seconds(now);
        let package = format!("prepay_id={prepay_id}");
        let pay_sign = sign_fields(
            &[
                ("appId", appid.as_str()),
                ("nonceStr", nonce.as_str()),
                ("package", &package),
                ("signType", sign_type.as_str()),
                ("timeStamp", &time_stamp),
            ],
            key,
            sign_type,
        );
        Self {
            app_id: appid.clone(),
            time_stamp,
            nonce_str: nonce.clone(),
            package,
            sign_type,
            pay_sign,
        }
    }

    /// The fields as the device wants them: names and values.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("appId", self.app_id.as_str()),
            ("timeStamp", &self.time_stamp),
            ("nonceStr", self.nonce_str.as_str()),
            ("package", &self.package),
            ("signType", self.sign_type.as_str()),
            ("paySign", self.pay_sign.as_str()),
        ]
    }

    /// The field `paySign`.
    #[must_use]
    pub const fn pay_sign(&self) -> &Sign {
        &self.pay_sign
    }
}

device_form!(JsapiPay);
