//! The pay notify: the gateway's message that an order was paid, and the reply to it.
//!
//! "Verified" is a type. Bytes become an [`UnverifiedNotify`], which tells whom to ask for the key and the sign type;
//! only [`UnverifiedNotify::verify`] makes a [`PayNotify`], and only that holds a payment.
//!
//! A notify has no time of its own and does not expire: the same bytes stay valid for ever. So the order's state decides
//! whether it means anything new, and `total_fee` and `fee_type` are compared with the order by whoever knows it.

use alloc::string::String;

use crate::{
    Account, AppId, MchId, OutTradeNo, Params, SignType, VerifyError, XmlError,
    api::{FieldError, Fields, Payment},
    params::is_xml_char,
    sign, xml,
};

/// A pay notify as it came: well-formed, and proof of nothing.
///
/// What it says of itself is a hint where to find the key and the sign type, no more. "Verified" is a type: only
/// [`UnverifiedNotify::verify`] makes a [`PayNotify`], and only that holds a payment.
///
/// ```
/// use wxpay_core::{Account, NotifyReply, SignType, UnverifiedNotify};
/// # fn account_of(mch_id: &wxpay_core::MchId) -> Account { unimplemented!() }
/// # fn sign_type_of(order: &wxpay_core::OutTradeNo) -> SignType { unimplemented!() }
///
/// fn on_notify(body: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
///     let notify = UnverifiedNotify::parse(body)?;
///     let account = account_of(&notify.mch_id()?);
///     let sign_type = sign_type_of(&notify.out_trade_no()?);
///     let notify = notify.verify(&account, sign_type)?;
///     println!("{} fen", notify.payment().total_fee);
///     // Store it, and only then:
///     Ok(NotifyReply::Success.to_xml())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UnverifiedNotify<'a> {
    params: Params<'a>,
}

impl<'a> UnverifiedNotify<'a> {
    /// Reads a notify's body. Give the bytes just as they came.
    ///
    /// # Errors
    /// [`NotifyError::Xml`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotifyError> {
        Ok(Self {
            params: xml::read(bytes)?,
        })
    }

    /// A hint: the order that it claims to be of, and so the sign type to demand.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn out_trade_no(&self) -> Result<OutTradeNo, FieldError> {
        Fields(&self.params).text("out_trade_no")
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

    /// Checks, in this order, that the sign holds and is of the order's type, that `return_code` and `result_code` are
    /// SUCCESS, that `appid` and `mch_id` are the account's, and that the payment can be read.
    ///
    /// `sign_type` is the one that the order was made with; the message does not say it reliably.
    ///
    /// # Errors
    /// [`NotifyError`]. Reply with [`NotifyReply::Fail`] then.
    pub fn verify(self, account: &Account, sign_type: SignType) -> Result<PayNotify, NotifyError> {
        sign::verify(&self.params, account.keys(), sign_type).map_err(NotifyError::Verify)?;
        let fields = Fields(&self.params);
        for field in ["return_code", "result_code"] {
            if fields.required(field)? != "SUCCESS" {
                return Err(NotifyError::NotSuccess { field });
            }
        }
        for (field, own) in [
            ("appid", account.appid.as_str()),
            ("mch_id", account.mch_id.as_str()),
        ] {
            if fields.required(field)? != own {
                return Err(NotifyError::Foreign { field });
            }
        }
        Ok(PayNotify {
            payment: Payment::read(fields)?,
            params: self.params.into_owned(),
        })
    }
}

/// A pay notify that was verified. Only [`UnverifiedNotify::verify`] makes one.
#[derive(Clone, Debug)]
pub struct PayNotify {
    payment: Payment,
    params: Params<'static>,
}

impl PayNotify {
    /// The payment.
    #[must_use]
    pub const fn payment(&self) -> &Payment {
        &self.payment
    }

    /// All fields of the message, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }
}

/// Why bytes are not a verified notify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The bytes are no message of the API.
    #[error("the notify is no message: {0}")]
    Xml(#[from] XmlError),
    /// The sign does not hold: it may be a forger's.
    #[error("the notify is not proven to be the gateway's: {0}")]
    Verify(VerifyError),
    /// The gateway signed it, but it does not report success.
    #[error("the notify's {field} is not SUCCESS")]
    NotSuccess {
        /// `return_code` or `result_code`.
        field: &'static str,
    },
    /// It is signed, but for another account.
    #[error("the notify's {field} is not the account's")]
    Foreign {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// It is signed, but a field is missing or is not what it should be.
    #[error("the notify cannot be read: {0}")]
    Field(#[from] FieldError),
}

/// The reply to a notify. Send it with status 200 within five seconds, and success only once the payment is durable.
///
/// ```
/// use wxpay_core::NotifyReply;
///
/// assert_eq!(
///     NotifyReply::Success.to_xml(),
///     "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyReply<'a> {
    /// Received: the gateway stops.
    Success,
    /// Not received, and why: the gateway sends the notify again.
    Fail(&'a str),
}

impl NotifyReply<'_> {
    /// The longest reason, in bytes of UTF-8; a longer one is cut.
    pub const REASON_MAX_BYTES: usize = 128;

    /// The reply's body. Characters that XML cannot carry become blanks.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut params = Params::with_capacity(2);
        match self {
            Self::Success => {
                params.push("return_code".into(), "SUCCESS".into());
                params.push("return_msg".into(), "OK".into());
            }
            Self::Fail(reason) => {
                let kept = reason.floor_char_boundary(Self::REASON_MAX_BYTES);
                let reason: String = reason[..kept]
                    .chars()
                    .map(|c| if is_xml_char(c) { c } else { ' ' })
                    .collect();
                params.push("return_code".into(), "FAIL".into());
                params.push("return_msg".into(), reason.into());
            }
        }
        xml::write(&params)
    }
}
