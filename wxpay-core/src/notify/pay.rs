//! The pay notify: an order was paid.

#[cfg(doc)]
use super::NotifyReply;
use super::{NotifyError, check_account};
use crate::{
    Account, AppId, MchId, OutTradeNo, Params, SignType,
    api::{FieldError, Fields, Payment},
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
        Ok(Self::from_params(xml::read(bytes)?))
    }

    pub(super) const fn from_params(params: Params<'a>) -> Self {
        Self { params }
    }

    /// The same notify, holding its own text.
    #[must_use]
    pub fn into_owned(self) -> UnverifiedNotify<'static> {
        UnverifiedNotify {
            params: self.params.into_owned(),
        }
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
    /// SUCCESS, that `appid` and `mch_id` are the account's (and `sub_mch_id` is its sub-merchant's, if it has one), and
    /// that the payment can be read.
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
        check_account(fields, account)?;
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
