//! From a request to the bytes to post.

use alloc::string::String;

use super::{Endpoint, SignChoice, SubMerchantFields};
use crate::{
    Account, Fen, InsertError, NonceStr, NotifyUrl, Params, SignType,
    sign::{self, SIGN_TYPE},
    words, xml,
};

/// What to post, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The host, where it is not the gateway's; a simulator has every path at its own.
    pub host: Option<&'static str>,
    /// The path at the host, with a slash in front.
    pub path: &'static str,
    /// Whether the connection must show the merchant's client certificate.
    pub needs_cert: bool,
    /// The signed XML. Send it as `text/xml` in UTF-8.
    pub body: String,
}

/// Makes the signed message of a request: its own fields with the account's, `nonce_str`, `sign_type` and `sign`.
///
/// The account's `appid` and `mch_id` stand under the names that the endpoint has for them, a service provider's
/// `sub_mch_id` and `sub_appid` are added, and `sign_type` is left out where the endpoint knows no other than MD5.
/// `nonce` must be fresh for each message, also when the same request is sent again.
///
/// # Errors
/// [`RequestError`] when the request breaks a rule of its endpoint; nothing was sent then.
pub fn prepare<E: Endpoint>(
    request: &E,
    account: &Account,
    sign_type: E::Sign,
    nonce: &NonceStr,
) -> Result<Prepared, RequestError> {
    let sign_type: SignType = sign_type.into();
    // The body, in one piece for nearly every request.
    let mut params = Params::with_capacity(24);
    if let Some(appid) = E::NAMING.appid {
        params.insert_known(appid, account.appid.as_str())?;
    }
    params.insert_known(E::NAMING.mch_id, account.mch_id.as_str())?;
    if let Some(sub) = account.sub_merchant() {
        if E::SUB_MERCHANT == SubMerchantFields::Absent {
            return Err(RequestError::SubMerchant);
        }
        params.insert_known("sub_mch_id", sub.mch_id.as_str())?;
        if let (SubMerchantFields::Both, Some(appid)) = (E::SUB_MERCHANT, &sub.appid) {
            params.insert_known("sub_appid", appid.as_str())?;
        }
    }
    params.insert_known("nonce_str", nonce.as_str())?;
    if E::Sign::IS_SENT {
        params.insert_known(SIGN_TYPE, sign_type.as_str())?;
    }
    request.fill(&mut params)?;
    sign::add_sign(&mut params, account.key(), sign_type);
    Ok(Prepared {
        host: E::HOST,
        path: E::PATH,
        needs_cert: E::NEEDS_CERT,
        body: xml::finish(params),
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
    /// More is to go back than was paid.
    #[error("refund_fee is more than total_fee")]
    RefundAboveTotal,
    /// A field has a value that the endpoint does not take.
    #[error("{field} has a value that the endpoint does not take: {rule}")]
    Rule {
        /// The field's name on the wire.
        field: &'static str,
        /// What the endpoint asks for.
        rule: &'static str,
    },
    /// A field that this kind of request must have is not there.
    #[error("{field} is missing: {rule}")]
    Missing {
        /// The field's name on the wire.
        field: &'static str,
        /// What the endpoint asks for.
        rule: &'static str,
    },
    /// The account acts for another merchant, and the endpoint has no field to say so.
    #[error("the endpoint cannot act for a service provider's merchant")]
    SubMerchant,
}

pub(crate) fn at_least_a_fen(amount: Fen, field: &'static str) -> Result<(), RequestError> {
    if amount.is_zero() {
        return Err(RequestError::ZeroFee { field });
    }
    Ok(())
}

/// Checks that the gateway can post to an address: `http://` or `https://` with a host and without a query string.
pub(crate) fn is_notify_url(url: &NotifyUrl) -> Result<(), RequestError> {
    let url = url.as_str();
    let good = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && words::find_either(url.as_bytes(), 0, b'?', b'#').is_none();
    if good {
        Ok(())
    } else {
        Err(RequestError::NotifyUrl)
    }
}

/// Refuses a field that breaks a rule.
pub(crate) const fn rule(
    holds: bool,
    field: &'static str,
    rule: &'static str,
) -> Result<(), RequestError> {
    if holds {
        Ok(())
    } else {
        Err(RequestError::Rule { field, rule })
    }
}
