//! Where a browser outside WeChat is sent to pay.

use alloc::string::String;
use core::fmt;

use super::url;
use crate::text::MwebUrl;

/// The name of the parameter that says where the browser goes after the payment.
const REDIRECT_URL: &str = "redirect_url";

/// An `mweb_url` to send the payer's browser to, with the page to come back to.
///
/// Nothing is signed. The `mweb_url` works for five minutes after `unifiedorder` gave it, and only from a page under the
/// domain that the merchant registered for MWEB: the browser's `Referer` must show it. Without a page to come back to the
/// browser returns to where it was.
///
/// That the browser comes back proves nothing; it may do so before the payment, or without one. Do not take the page from
/// what a browser sent: it is where the payer ends up.
///
/// ```
/// use wxpay_core::second_sign::MwebRedirect;
///
/// let mweb_url = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2014&package=1".parse()?;
/// let redirect = MwebRedirect::back_to(&mweb_url, "https://shop.example/done?order=T1")?;
/// assert_eq!(
///     redirect.as_str(),
///     "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2014&package=1\
///      &redirect_url=https%3A%2F%2Fshop.example%2Fdone%3Forder%3DT1"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MwebRedirect(String);

impl MwebRedirect {
    /// Adds the page to come back to, percent-encoded.
    ///
    /// # Errors
    /// [`MwebRedirectError`] that names which of the two URLs is none.
    pub fn back_to(mweb_url: &MwebUrl, redirect_url: &str) -> Result<Self, MwebRedirectError> {
        let mweb_url = mweb_url.as_str();
        if !url::is_http(mweb_url) || mweb_url.contains('#') {
            return Err(MwebRedirectError::MwebUrl);
        }
        if !url::is_http(redirect_url) {
            return Err(MwebRedirectError::RedirectUrl);
        }
        let query = mweb_url.split_once('?').map(|(_, query)| query);
        let given = |parameter: &str| parameter.split('=').next() == Some(REDIRECT_URL);
        if query.is_some_and(|query| query.split('&').any(given)) {
            return Err(MwebRedirectError::Twice);
        }
        let mut text = String::with_capacity(mweb_url.len() + 2 * redirect_url.len() + 16);
        text.push_str(mweb_url);
        text.push(if query.is_some() { '&' } else { '?' });
        text.push_str(REDIRECT_URL);
        text.push('=');
        url::encode(&mut text, redirect_url);
        Ok(Self(text))
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for MwebRedirect {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MwebRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<MwebRedirect> for String {
    fn from(redirect: MwebRedirect) -> Self {
        redirect.0
    }
}

/// Why a payer's browser cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MwebRedirectError {
    /// `mweb_url` is not `http://` or `https://` with a host, or has a fragment.
    #[error("mweb_url is not an http(s) URL without a fragment")]
    MwebUrl,
    /// `redirect_url` is not `http://` or `https://` with a host in printable ASCII, or names a user.
    #[error("redirect_url is not an http(s) URL in ASCII")]
    RedirectUrl,
    /// `mweb_url` names a page to come back to already.
    #[error("mweb_url has a redirect_url already")]
    Twice,
}
