//! The refund notify: money went back, it says.

#[cfg(doc)]
use super::NotifyReply;
use super::{NotifyError, RefundHint, check_account, req_info};
use crate::{
    Account, ApiKey, AppId, MchId, Params,
    api::{FieldError, Fields},
    xml::{self, Limits},
};

/// The root element of the plaintext; white space may stand before it.
const ROOT: &str = "root";

/// A refund notify as it came: well-formed, still encrypted, and proof of nothing.
///
/// It has no sign: encryption alone protects it, in a mode without integrity (AES-256-ECB). So what it holds is a
/// [`RefundHint`] and no more; `refundquery` is the proof, and [`RefundHint::confirm`] puts the two together.
///
/// ```
/// use wxpay_core::notify::{RefundHint, UnverifiedRefundNotify};
/// # fn account_of(mch_id: &wxpay_core::MchId) -> wxpay_core::Account { unimplemented!() }
///
/// fn on_refund_notify(body: &[u8]) -> Result<RefundHint, Box<dyn std::error::Error>> {
///     let notify = UnverifiedRefundNotify::parse(body)?;
///     let account = account_of(&notify.mch_id()?);
///     // Then ask refundquery, and compare.
///     Ok(notify.decrypt(&account)?)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UnverifiedRefundNotify<'a> {
    params: Params<'a>,
}

impl<'a> UnverifiedRefundNotify<'a> {
    /// Reads a notify's body. Give the bytes just as they came.
    ///
    /// # Errors
    /// [`NotifyError::Xml`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotifyError> {
        Ok(Self::from_params(xml::read(bytes)?))
    }

    pub(super) const fn from_params(params: Params<'a>) -> Self {
        Self { params }
    }

    /// The same notify, holding its own text.
    #[must_use]
    pub fn into_owned(self) -> UnverifiedRefundNotify<'static> {
        UnverifiedRefundNotify {
            params: self.params.into_owned(),
        }
    }

    /// A hint: the merchant that it claims to be for, and so the account whose keys may open it.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn mch_id(&self) -> Result<MchId, FieldError> {
        Fields(&self.params).text("mch_id")
    }

    /// A hint: the public id that it claims to be for.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn appid(&self) -> Result<AppId, FieldError> {
        Fields(&self.params).text("appid")
    }

    /// Checks, in this order, that `return_code` is SUCCESS, that `appid` and `mch_id` are the account's (and
    /// `sub_mch_id` is its sub-merchant's, if it has one), that `req_info` opens with one of the account's keys, and that
    /// the refund can be read.
    ///
    /// # Errors
    /// [`NotifyError`]; whatever is wrong with `req_info` is the one [`NotifyError::Decrypt`]. Reply with
    /// [`NotifyReply::Fail`] then.
    pub fn decrypt(self, account: &Account) -> Result<RefundHint, NotifyError> {
        let fields = Fields(&self.params);
        if fields.required("return_code")? != "SUCCESS" {
            return Err(NotifyError::NotSuccess {
                field: "return_code",
            });
        }
        check_account(fields, account)?;
        let blocks = req_info::decode(fields.required("req_info")?).ok_or(NotifyError::Decrypt)?;
        let params = account
            .keys()
            .iter()
            .find_map(|key| open(&blocks, key))
            .ok_or(NotifyError::Decrypt)?;
        Ok(RefundHint::read(params)?)
    }
}

/// Decrypts and reads with one key. One wrong key in 256 leaves a padding that looks right, so that only the XML decides.
fn open(blocks: &[u8], key: &ApiKey) -> Option<Params<'static>> {
    let mut blocks = blocks.to_vec();
    let plaintext = req_info::decrypt(&mut blocks, key)?;
    let params = xml::read_with(plaintext, ROOT, &Limits::DEFAULT).ok()?;
    Some(params.into_owned())
}
