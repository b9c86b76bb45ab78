//! Which sign types an endpoint takes, as a type.

use crate::SignType;

/// What a caller of an endpoint may choose to sign with: [`SignType`], [`OnlyMd5`] or [`OnlyHmacSha256`].
///
/// An endpoint names one of them as [`Endpoint::Sign`](super::Endpoint::Sign):
///
/// ```
/// # use wxpay_core::{Account, NonceStr, SignType, api::{self, DownloadFundFlow, FundAccount, OnlyHmacSha256}};
/// # fn f(request: &DownloadFundFlow, account: &Account, nonce: &NonceStr) {
/// // downloadfundflow takes HMAC-SHA256 only.
/// let prepared = api::prepare(request, account, OnlyHmacSha256, nonce);
/// # }
/// ```
///
/// so the wrong one does not compile:
///
/// ```compile_fail,E0308
/// # use wxpay_core::{Account, NonceStr, SignType, api::{self, DownloadFundFlow, FundAccount}};
/// # fn f(request: &DownloadFundFlow, account: &Account, nonce: &NonceStr) {
/// let prepared = api::prepare(request, account, SignType::Md5, nonce);
/// # }
/// ```
pub trait SignChoice: Copy + Into<SignType> + sealed::Sealed {
    /// The sign types that there are to choose from.
    const PERMITTED: &'static [SignType];
    /// Whether the request says which one it is. Without the field `sign_type` the gateway assumes MD5, and the endpoints
    /// that take nothing else do not know the field.
    const IS_SENT: bool;
}

/// The endpoint takes MD5 only, and its request does not say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnlyMd5;

/// The endpoint takes HMAC-SHA256 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnlyHmacSha256;

impl From<OnlyMd5> for SignType {
    fn from(_: OnlyMd5) -> Self {
        Self::Md5
    }
}

impl From<OnlyHmacSha256> for SignType {
    fn from(_: OnlyHmacSha256) -> Self {
        Self::HmacSha256
    }
}

impl SignChoice for SignType {
    const PERMITTED: &'static [SignType] = &[Self::Md5, Self::HmacSha256];
    const IS_SENT: bool = true;
}

impl SignChoice for OnlyMd5 {
    const PERMITTED: &'static [SignType] = &[SignType::Md5];
    const IS_SENT: bool = false;
}

impl SignChoice for OnlyHmacSha256 {
    const PERMITTED: &'static [SignType] = &[SignType::HmacSha256];
    const IS_SENT: bool = true;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::SignType {}
    impl Sealed for super::OnlyMd5 {}
    impl Sealed for super::OnlyHmacSha256 {}
}
