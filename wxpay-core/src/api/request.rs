//! From a request to the bytes to post.

use alloc::string::String;

use super::Endpoint;
use crate::{
    Account, InsertError, NonceStr, Params, SignType,
    sign::{self, SIGN_TYPE},
    xml,
};

/// What to post, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The path at the gateway's host, with a slash in front.
    pub path: &'static str,
    /// Whether the connection must show the merchant's client certificate.
    pub needs_cert: bool,
    /// The signed XML. Send it as `text/xml` in UTF-8.
    pub body: String,
}

/// Makes the signed message of a request: its own fields with `appid`, `mch_id`, `nonce_str`, `sign_type` and `sign`.
///
/// `nonce` must be fresh for each message, also when the same request is sent again.
///
/// # Errors
/// [`RequestError`] when the request breaks a rule of its endpoint; nothing was sent then.
pub fn prepare<E: Endpoint>(
    request: &E,
    account: &Account,
    sign_type: SignType,
    nonce: &NonceStr,
) -> Result<Prepared, RequestError> {
    let mut params = Params::with_capacity(24);
    params.insert("appid", account.appid.as_str())?;
    params.insert("mch_id", account.mch_id.as_str())?;
    params.insert("nonce_str", nonce.as_str())?;
    params.insert(SIGN_TYPE, sign_type.as_str())?;
    request.fill(&mut params)?;
    let params = sign::signed(params, account.key(), sign_type);
    Ok(Prepared {
        path: E::PATH,
        needs_cert: E::NEEDS_CERT,
        body: xml::write(&params),
    })
}

/// Why a request was not made. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A field cannot join the message.
    #[error(transparent)]
    Insert(#[from] InsertError),
    /// An amount that must be at least one fen is nothing.
    #[error("{field} is 0; the least is 1 fen")]
    ZeroFee {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// The address for notifies is not `http://` or `https://` with a host, or has a query string or a fragment.
    #[error("notify_url is not an http(s) URL without a query string")]
    NotifyUrl,
    /// The order would expire before it begins.
    #[error("time_expire is not after time_start")]
    ExpiresBeforeStart,
}
