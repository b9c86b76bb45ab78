//! Which kind of notify it is, and from bytes to an outcome in one call.

use core::borrow::Borrow;

use super::{
    CombinedNotify, NotifyError, PayNotify, RefundHint, UnverifiedCombinedNotify, UnverifiedNotify,
    UnverifiedRefundNotify,
};
use crate::{
    Account, AppId, MchId, OutTradeNo, SignType,
    api::{FieldError, Fields},
    text::CombineOutTradeNo,
    xml,
};

/// A notify as it came, of any kind: well-formed, and proof of nothing.
///
/// A pay notify that is posted to the address for refunds is a common mistake, and so is the other way round. One address
/// for all, with this type behind it, cannot be configured wrongly.
///
/// ```
/// use wxpay_core::notify::Notify;
///
/// let body = b"<xml><return_code>SUCCESS</return_code><req_info>bDP/xixH</req_info></xml>";
/// assert!(matches!(Notify::parse(body)?, Notify::Refund(_)));
/// # Ok::<(), wxpay_core::NotifyError>(())
/// ```
#[derive(Clone, Debug)]
pub enum Notify<'a> {
    /// An order was paid, it says.
    Pay(UnverifiedNotify<'a>),
    /// The orders of a combined order were paid, it says.
    Combined(UnverifiedCombinedNotify<'a>),
    /// A refund was decided, it says.
    Refund(UnverifiedRefundNotify<'a>),
}

impl<'a> Notify<'a> {
    /// Reads a notify's body and tells its kind: a refund notify has `req_info`, that of a combined order
    /// `combine_out_trade_no`, a pay notify `out_trade_no`. Give the bytes just as they came.
    ///
    /// # Errors
    /// [`NotifyError::Xml`], [`NotifyError::NeitherKind`] and [`NotifyError::BothKinds`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotifyError> {
        let params = xml::read(bytes)?;
        let has = |field| Fields(&params).optional(field).is_some();
        match (
            has("req_info"),
            has("combine_out_trade_no"),
            has("out_trade_no") || has("transaction_id"),
        ) {
            (false, false, true) => Ok(Self::Pay(UnverifiedNotify::from_params(params))),
            (false, true, false) => Ok(Self::Combined(UnverifiedCombinedNotify::from_params(
                params,
            ))),
            (true, false, false) => Ok(Self::Refund(UnverifiedRefundNotify::from_params(params))),
            (false, false, false) => Err(NotifyError::NeitherKind),
            _ => Err(NotifyError::BothKinds),
        }
    }

    /// The same notify, holding its own text.
    #[must_use]
    pub fn into_owned(self) -> Notify<'static> {
        match self {
            Self::Pay(notify) => Notify::Pay(notify.into_owned()),
            Self::Combined(notify) => Notify::Combined(notify.into_owned()),
            Self::Refund(notify) => Notify::Refund(notify.into_owned()),
        }
    }

    /// What the notify says of itself.
    ///
    /// # Errors
    /// [`FieldError`] when a field is missing, or a text that is none.
    pub fn hints(&self) -> Result<Hints, FieldError> {
        Ok(match self {
            Self::Pay(notify) => Hints {
                appid: notify.appid()?,
                mch_id: notify.mch_id()?,
                out_trade_no: Some(notify.out_trade_no()?),
                combine_out_trade_no: None,
            },
            Self::Combined(notify) => Hints {
                appid: notify.appid()?,
                mch_id: notify.mch_id()?,
                out_trade_no: None,
                combine_out_trade_no: Some(notify.combine_out_trade_no()?),
            },
            Self::Refund(notify) => Hints {
                appid: notify.appid()?,
                mch_id: notify.mch_id()?,
                out_trade_no: None,
                combine_out_trade_no: None,
            },
        })
    }

    /// Verifies a pay notify or that of a combined order, or decrypts a refund notify. `sign_type` is the order's, and
    /// matters to a pay notify only: a combined order has no other than HMAC-SHA256, a refund notify has no sign.
    ///
    /// # Errors
    /// [`NotifyError`].
    pub fn open(self, account: &Account, sign_type: SignType) -> Result<Handled, NotifyError> {
        match self {
            Self::Pay(notify) => notify.verify(account, sign_type).map(Handled::Pay),
            Self::Combined(notify) => notify.verify(account).map(Handled::Combined),
            Self::Refund(notify) => notify.decrypt(account).map(Handled::Refund),
        }
    }
}

/// What a notify says of itself before anything is proven: where to look, and nothing to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hints {
    /// The public id that it claims to be for.
    pub appid: AppId,
    /// The merchant that it claims to be for.
    pub mch_id: MchId,
    /// The order that a pay notify claims to be of; a refund notify hides its own until it is decrypted.
    pub out_trade_no: Option<OutTradeNo>,
    /// The combined order that the notify of one claims to be of.
    pub combine_out_trade_no: Option<CombineOutTradeNo>,
}

/// A notify that was opened.
#[derive(Clone, Debug)]
#[must_use]
pub enum Handled {
    /// A payment, proven.
    Pay(PayNotify),
    /// The payments of a combined order, proven.
    Combined(CombinedNotify),
    /// A refund, not proven: ask `refundquery`.
    Refund(RefundHint),
}

/// From the bytes of a notify to what it proves, in one call and for any server.
///
/// `lookup` gets the notify's hints and answers with the account and with the sign type that the order was made with, or
/// with nothing where it knows no such account or order. Where `out_trade_no` is `None` (a combined order, a refund)
/// the sign type does not matter. Where looking up takes a wait, use [`Notify::parse`], [`Notify::hints`] and [`Notify::open`] instead.
///
/// ```
/// use wxpay_core::{Account, NotifyReply, SignType, notify::{self, Handled}};
///
/// /// The body of a POST in, the body of the reply out.
/// fn on_post(body: &[u8], account: &Account) -> String {
///     match notify::handle(body, |_| Some((account, SignType::HmacSha256))) {
///         Ok(Handled::Pay(paid)) => {
///             println!("paid: {}", paid.payment().out_trade_no); // compare, store, and then:
///             NotifyReply::Success.to_xml()
///         }
///         Ok(Handled::Combined(paid)) => {
///             println!("{} orders paid", paid.sub_orders().len()); // the same, for each of them
///             NotifyReply::Success.to_xml()
///         }
///         Ok(Handled::Refund(hint)) => {
///             println!("ask refundquery for {}", hint.out_refund_no);
///             NotifyReply::Success.to_xml()
///         }
///         Err(refused) => refused.reply().to_xml(),
///     }
/// }
/// # let account = Account::new("wx8397f8696b538317".parse()?, "1473426802".parse()?, "192006250b4c09247ec02edce69f6a2d".parse()?);
/// # assert!(on_post(b"<html>", &account).contains("FAIL"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`NotifyError`]; [`NotifyError::Unknown`] when `lookup` gives nothing. [`NotifyError::reply`] is the reply then.
pub fn handle<A: Borrow<Account>>(
    bytes: &[u8],
    lookup: impl FnOnce(&Hints) -> Option<(A, SignType)>,
) -> Result<Handled, NotifyError> {
    let notify = Notify::parse(bytes)?;
    let (account, sign_type) = lookup(&notify.hints()?).ok_or(NotifyError::Unknown)?;
    notify.open(account.borrow(), sign_type)
}
