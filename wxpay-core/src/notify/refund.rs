//! The refund notify: money went back, it says.

use alloc::boxed::Box;
use core::fmt;

#[cfg(doc)]
use super::NotifyReply;
use super::{NotifyError, check_account, req_info};
use crate::{
    Account, ApiKey, AppId, BeijingTime, Fen, MchId, OutRefundNo, OutTradeNo, Params,
    TransactionId,
    api::{FieldError, Fields, RefundStatus},
    text::RefundId,
    xml::{self, Limits},
};

/// The root element of the plaintext; white space may stand before it.
const ROOT: &str = "root";

/// A refund notify as it came: well-formed, still encrypted, and proof of nothing.
///
/// It has no sign: encryption alone protects it, in a mode without integrity (AES-256-ECB). So what it holds is a
/// [`RefundHint`] and no more; `refundquery` is the proof.
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

/// What a refund notify holds: a hint, to be confirmed. Only [`UnverifiedRefundNotify::decrypt`] makes one.
///
/// Do not act on it. Take `out_refund_no`, or `refund_id`, to `refundquery`, whose answer is signed, and act on that
/// answer; [`RefundHint::compare`] says whether the two agree. Where they do not, the answer is right and the notify is
/// worth an alert.
///
/// `success_time` and the three texts only inform: one that cannot be read is left out here.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundHint {
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// The merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the refund.
    pub refund_id: RefundId,
    /// The merchant's number of the refund.
    pub out_refund_no: OutRefundNo,
    /// What the order was about, in fen.
    pub total_fee: Fen,
    /// The same less the coupons that do not settle, in fen.
    pub settlement_total_fee: Option<Fen>,
    /// What was to go back, in fen.
    pub refund_fee: Fen,
    /// The same less the coupons that do not settle, in fen.
    pub settlement_refund_fee: Option<Fen>,
    /// What went back in money, in fen.
    pub cash_refund_fee: Option<Fen>,
    /// What became of it.
    pub refund_status: RefundStatus,
    /// When the money arrived.
    pub success_time: Option<BeijingTime>,
    /// Where the money came from, such as `REFUND_SOURCE_RECHARGE_FUNDS`: the field `refund_account`.
    pub refund_account: Option<Box<str>>,
    /// Who asked for the refund, `API` or `VENDOR_PLATFORM`: the field `refund_request_source`.
    pub refund_request_source: Option<Box<str>>,
    /// Where the money went, for people: the field `refund_recv_accout`, which the API spells so. It can name the payer's
    /// bank and the last digits of a card, so `Debug` leaves it out.
    pub refund_recv_accout: Option<Box<str>>,
    params: Params<'static>,
}

impl RefundHint {
    fn read(params: Params<'static>) -> Result<Self, FieldError> {
        let fields = Fields(&params);
        let text = |field| fields.optional(field).map(Box::from);
        Ok(Self {
            transaction_id: fields.text("transaction_id")?,
            out_trade_no: fields.text("out_trade_no")?,
            refund_id: fields.text("refund_id")?,
            out_refund_no: fields.text("out_refund_no")?,
            total_fee: fields.fen("total_fee")?,
            settlement_total_fee: fields.optional_fen("settlement_total_fee")?,
            refund_fee: fields.fen("refund_fee")?,
            settlement_refund_fee: fields.optional_fen("settlement_refund_fee")?,
            cash_refund_fee: fields.optional_fen("cash_refund_fee")?,
            refund_status: fields.required("refund_status")?.into(),
            success_time: fields
                .optional("success_time")
                .and_then(|time| BeijingTime::parse_dashed(time).ok()),
            refund_account: text("refund_account"),
            refund_request_source: text("refund_request_source"),
            refund_recv_accout: text("refund_recv_accout"),
            params,
        })
    }

    /// All fields of the plaintext, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }

    /// Compares the hint with what a verified answer of `refundquery` said of the same refund.
    ///
    /// ```
    /// # use wxpay_core::notify::{Agreement, QueriedRefund, RefundHint};
    /// fn confirm(hint: &RefundHint, queried: &QueriedRefund<'_>) {
    ///     match hint.compare(queried) {
    ///         Agreement::Agrees => println!("{} is {}", queried.out_refund_no, queried.refund_status),
    ///         Agreement::Differs { field } => println!("alert: the notify and the query differ in {field}"),
    ///     }
    /// }
    /// ```
    pub fn compare(&self, queried: &QueriedRefund<'_>) -> Agreement {
        let texts = [
            (
                "out_refund_no",
                self.out_refund_no.as_str(),
                queried.out_refund_no.as_str(),
            ),
            (
                "refund_id",
                self.refund_id.as_str(),
                queried.refund_id.as_str(),
            ),
            (
                "out_trade_no",
                self.out_trade_no.as_str(),
                queried.out_trade_no.as_str(),
            ),
            (
                "transaction_id",
                self.transaction_id.as_str(),
                queried.transaction_id.as_str(),
            ),
            (
                "refund_status",
                self.refund_status.as_str(),
                queried.refund_status.as_str(),
            ),
        ];
        let amounts = [
            ("total_fee", self.total_fee, queried.total_fee),
            ("refund_fee", self.refund_fee, queried.refund_fee),
        ];
        let text = texts.iter().find(|(_, hinted, said)| hinted != said);
        let amount = amounts.iter().find(|(_, hinted, said)| hinted != said);
        match text
            .map(|(field, ..)| *field)
            .or(amount.map(|(field, ..)| *field))
        {
            Some(field) => Agreement::Differs { field },
            None => Agreement::Agrees,
        }
    }
}

impl fmt::Debug for RefundHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefundHint")
            .field("transaction_id", &self.transaction_id)
            .field("out_trade_no", &self.out_trade_no)
            .field("refund_id", &self.refund_id)
            .field("out_refund_no", &self.out_refund_no)
            .field("total_fee", &self.total_fee)
            .field("refund_fee", &self.refund_fee)
            .field("refund_status", &self.refund_status)
            .field("success_time", &self.success_time)
            .finish_non_exhaustive()
    }
}

/// What a verified answer of `refundquery` said of one refund: the other side of [`RefundHint::compare`].
#[derive(Clone, Copy, Debug)]
pub struct QueriedRefund<'a> {
    /// The field `transaction_id`.
    pub transaction_id: &'a TransactionId,
    /// The field `out_trade_no`.
    pub out_trade_no: &'a OutTradeNo,
    /// The field `refund_id_$n`.
    pub refund_id: &'a RefundId,
    /// The field `out_refund_no_$n`.
    pub out_refund_no: &'a OutRefundNo,
    /// The field `total_fee`.
    pub total_fee: Fen,
    /// The field `refund_fee_$n`.
    pub refund_fee: Fen,
    /// The field `refund_status_$n`.
    pub refund_status: &'a RefundStatus,
}

/// Whether a refund notify and `refundquery` say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Agreement {
    /// They do: the query confirms the notify.
    Agrees,
    /// They do not. The query is right: it is signed.
    Differs {
        /// The first field in which they differ, by its name in the notify.
        field: &'static str,
    },
}
