//! The callback of native mode 1: a payer scanned a product's code, and the gateway asks for an order.

use alloc::string::String;

#[cfg(doc)]
use super::BizPayUrl;
use crate::{
    Account, AppId, MchId, NonceStr, OpenId, Params, PrepayId, ProductId, SignType, VerifyError,
    XmlError,
    api::{FieldError, Fields},
    notify::{NotifyReply, printable},
    sign, xml,
};

/// The gateway's question as it came: well-formed, and proof of nothing.
///
/// ```
/// use wxpay_core::{Account, NonceStr, PrepayId, SignType};
/// use wxpay_core::second_sign::{BizPayAnswer, BizPayRequest, UnverifiedBizPayRequest};
/// # fn order(request: &BizPayRequest) -> Option<PrepayId> { None }
///
/// fn on_scan(body: &[u8], account: &Account, nonce: &NonceStr) -> String {
///     let asked = UnverifiedBizPayRequest::parse(body)
///         .and_then(|request| request.verify(account, SignType::Md5));
///     let prepay_id = asked.as_ref().map(order); // unifiedorder, NATIVE, with the payer's openid
///     let answer = match &prepay_id {
///         Ok(Some(prepay_id)) => BizPayAnswer::Prepaid(prepay_id),
///         Ok(None) => BizPayAnswer::Failed { to_payer: "sold out" },
///         Err(_) => BizPayAnswer::Refused,
///     };
///     answer.to_xml(account, SignType::Md5, nonce)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UnverifiedBizPayRequest<'a> {
    params: Params<'a>,
}

impl<'a> UnverifiedBizPayRequest<'a> {
    /// Reads the body. Give the bytes just as they came.
    ///
    /// # Errors
    /// [`BizPayError::Xml`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BizPayError> {
        Ok(Self {
            params: xml::read(bytes)?,
        })
    }

    /// A hint: the merchant that it claims to be for, and so the account to verify with.
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

    /// Checks, in this order, that the sign holds and is of the type of the code's ([`BizPayUrl`]), that `appid` and
    /// `mch_id` are the account's, and that the fields can be read.
    ///
    /// # Errors
    /// [`BizPayError`]. Answer with [`BizPayAnswer::Refused`] then.
    pub fn verify(
        self,
        account: &Account,
        sign_type: SignType,
    ) -> Result<BizPayRequest, BizPayError> {
        sign::verify(&self.params, account.keys(), sign_type).map_err(BizPayError::Verify)?;
        let fields = Fields(&self.params);
        for (field, own) in [
            ("appid", account.appid.as_str()),
            ("mch_id", account.mch_id.as_str()),
        ] {
            if fields.required(field)? != own {
                return Err(BizPayError::Foreign { field });
            }
        }
        Ok(BizPayRequest {
            openid: fields.text("openid")?,
            product_id: fields.text("product_id")?,
            nonce_str: fields.text("nonce_str")?,
            params: self.params.into_owned(),
        })
    }
}

/// The gateway's question, verified. Only [`UnverifiedBizPayRequest::verify`] makes one.
///
/// It has no time of its own: the same bytes stay valid for ever. Asked twice with the same `openid` and `nonce_str`,
/// answer with the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BizPayRequest {
    /// The payer who scanned the code.
    pub openid: OpenId,
    /// The product of the code.
    pub product_id: ProductId,
    /// The gateway's random text.
    pub nonce_str: NonceStr,
    params: Params<'static>,
}

impl BizPayRequest {
    /// All fields of the message, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }
}

/// The merchant's answer. Send it with status 200, as `text/xml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BizPayAnswer<'a> {
    /// The order is prepared: the payer may pay it.
    Prepaid(&'a PrepayId),
    /// There is no order, and the payer reads why: at most [`NotifyReply::REASON_MAX_BYTES`] bytes, a longer text is cut.
    Failed {
        /// The field `err_code_des`.
        to_payer: &'a str,
    },
    /// The question was not proven to be the gateway's. This answer is not signed.
    Refused,
}

impl BizPayAnswer<'_> {
    /// The answer's body, signed with the type of the code's. `nonce` is fresh.
    #[must_use]
    pub fn to_xml(&self, account: &Account, sign_type: SignType, nonce: &NonceStr) -> String {
        let description;
        let (result_code, outcome) = match self {
            Self::Refused => return NotifyReply::Fail("not accepted").to_xml(),
            Self::Prepaid(prepay_id) => ("SUCCESS", ("prepay_id", prepay_id.as_str())),
            Self::Failed { to_payer } => {
                description = printable(to_payer, NotifyReply::REASON_MAX_BYTES);
                ("FAIL", ("err_code_des", description.as_str()))
            }
        };
        let mut params = Params::with_capacity(8);
        for (name, value) in [
            ("return_code", "SUCCESS"),
            ("return_msg", "OK"),
            ("appid", account.appid.as_str()),
            ("mch_id", account.mch_id.as_str()),
            ("nonce_str", nonce.as_str()),
            ("result_code", result_code),
            outcome,
        ] {
            params.push(name, value);
        }
        xml::write(&sign::signed(params, account.key(), sign_type))
    }
}

/// Why bytes are not the gateway's question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BizPayError {
    /// The bytes are no message of the API.
    #[error("the callback is no message: {0}")]
    Xml(#[from] XmlError),
    /// The sign does not hold: it may be a forger's.
    #[error("the callback is not proven to be the gateway's: {0}")]
    Verify(VerifyError),
    /// It is signed, but for another account.
    #[error("the callback's {field} is not the account's")]
    Foreign {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// It is signed, but a field is missing or is not what it should be.
    #[error("the callback cannot be read: {0}")]
    Field(#[from] FieldError),
}
