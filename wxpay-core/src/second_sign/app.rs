//! What an app opens a payment with.

use alloc::string::String;

use super::{device::device_form, seconds, sign_fields};
use crate::{Account, AppId, BeijingTime, MchId, NonceStr, PrepayId, Sign, SignType};

/// The one value of the field `package`.
const PACKAGE: &str = "Sign=WXPay";

/// The fields for the WeChat SDK in an app (`PayReq`).
///
/// All names are in lower case, `mch_id` is called `partnerid`, and there is no field for the sign type: it is that of
/// the order all the same.
///
/// ```
/// use wxpay_core::{Account, BeijingTime, NonceStr, SignType, second_sign::AppPay};
///
/// let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
/// let pay = AppPay::sign(
///     &account,
///     &"wx201410272009395522657a690389285100".parse()?,
///     SignType::Md5, // the order's
///     BeijingTime::from_unix_seconds(1_490_840_662)?,
///     &"5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse()?,
/// );
/// assert!(pay.to_json().contains(r#""package":"Sign=WXPay""#));
/// assert_eq!(pay.pay_sign().as_str(), "8E2B7772061A5120F4187A2FBCC2FC3F");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPay {
    appid: AppId,
    partner_id: MchId,
    prepay_id: PrepayId,
    nonce_str: NonceStr,
    timestamp: String,
    sign: Sign,
}

impl AppPay {
    /// Signs for the account's own app. `sign_type` is the order's, `nonce` fresh.
    #[must_use]
    pub fn sign(
        account: &Account,
        prepay_id: &PrepayId,
        sign_type: SignType,
        now: BeijingTime,
        nonce: &NonceStr,
    ) -> Self {
        let timestamp = seconds(now);
        let sign = sign_fields(
            &[
                ("appid", account.appid.as_str()),
                ("noncestr", nonce.as_str()),
                ("package", PACKAGE),
                ("partnerid", account.mch_id.as_str()),
                ("prepayid", prepay_id.as_str()),
                ("timestamp", &timestamp),
            ],
            account.key(),
            sign_type,
        );
        Self {
            appid: account.appid.clone(),
            partner_id: account.mch_id.clone(),
            prepay_id: prepay_id.clone(),
            nonce_str: nonce.clone(),
            timestamp,
            sign,
        }
    }

    /// The fields as the SDK wants them: names and values.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("appid", self.appid.as_str()),
            ("partnerid", self.partner_id.as_str()),
            ("prepayid", self.prepay_id.as_str()),
            ("package", PACKAGE),
            ("noncestr", self.nonce_str.as_str()),
            ("timestamp", &self.timestamp),
            ("sign", self.sign.as_str()),
        ]
    }

    /// The field `sign`.
    #[must_use]
    pub const fn pay_sign(&self) -> &Sign {
        &self.sign
    }
}

device_form!(AppPay);
