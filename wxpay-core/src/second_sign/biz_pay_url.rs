//! The QR code of native mode 1.

use alloc::string::String;
use core::fmt;

use super::{seconds, sign_fields, url};
use crate::{Account, BeijingTime, NonceStr, ProductId, SignType};

/// What the QR code of native mode 1 holds: a product instead of an order.
///
/// The code can be printed, since it does not expire and any number of payers may scan it. For each scan the gateway asks
/// the merchant's callback, which is set in the portal: [`UnverifiedBizPayRequest`](super::UnverifiedBizPayRequest).
/// The code names no sign type, so MD5 is the one that the gateway assumes. Mode 1 is legacy: new code uses the
/// `code_url` of `unifiedorder`.
///
/// ```
/// use wxpay_core::{Account, BeijingTime, SignType, second_sign::BizPayUrl};
///
/// let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
/// let url = BizPayUrl::sign(
///     &account,
///     &"P1".parse()?,
///     SignType::Md5,
///     BeijingTime::from_unix_seconds(1_490_840_662)?,
///     &"ibuaiVcKdpRxkhJA".parse()?,
/// );
/// assert_eq!(
///     url.as_str(),
///     "weixin://wxpay/bizpayurl?sign=BF49CEE5FE0F8075A60942A114A4A074&appid=wxd930ea5d5a258f4f\
///      &mch_id=10000100&product_id=P1&time_stamp=1490840662&nonce_str=ibuaiVcKdpRxkhJA"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BizPayUrl(String);

impl BizPayUrl {
    /// Signs the code of a product. Raw values are signed; in the text they are percent-encoded where they must be.
    #[must_use]
    pub fn sign(
        account: &Account,
        product_id: &ProductId,
        sign_type: SignType,
        now: BeijingTime,
        nonce: &NonceStr,
    ) -> Self {
        let time_stamp = seconds(now);
        let fields = [
            ("appid", account.appid.as_str()),
            ("mch_id", account.mch_id.as_str()),
            ("product_id", product_id.as_str()),
            ("time_stamp", &time_stamp),
            ("nonce_str", nonce.as_str()),
        ];
        let sign = sign_fields(&fields, account.key(), sign_type);
        let mut text = String::with_capacity(256);
        text.push_str("weixin://wxpay/bizpayurl?sign=");
        text.push_str(sign.as_str());
        for (name, value) in fields {
            text.push('&');
            text.push_str(name);
            text.push('=');
            url::encode(&mut text, value);
        }
        Self(text)
    }

    /// The text of the QR code; `shorturl` makes a code with fewer dots of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for BizPayUrl {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BizPayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<BizPayUrl> for String {
    fn from(url: BizPayUrl) -> Self {
        url.0
    }
}
