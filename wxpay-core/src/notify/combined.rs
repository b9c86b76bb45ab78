//! The notify of a combined order: several orders were paid at once.

use alloc::vec::Vec;

#[cfg(doc)]
use super::NotifyReply;
use super::{NotifyError, check_account_as, check_success};
use crate::{
    Account, AppId, Attach, BankType, BeijingTime, FeeType, Fen, MchId, OpenId, OutTradeNo, Params,
    SignType, TransactionId,
    api::{FieldError, Fields, Item, Naming, TradeType, read_orders},
    sign,
    text::CombineOutTradeNo,
    xml,
};

/// The notify of a combined order as it came: well-formed, and proof of nothing.
///
/// It goes to the merchant that combined the orders, the fields `combine_appid` and `combine_mch_id`, and to nobody else.
///
/// ```
/// use wxpay_core::{Account, NotifyReply, notify::UnverifiedCombinedNotify};
/// # fn account_of(mch_id: &wxpay_core::MchId) -> Account { unimplemented!() }
///
/// fn on_notify(body: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
///     let notify = UnverifiedCombinedNotify::parse(body)?;
///     let account = account_of(&notify.mch_id()?);
///     let notify = notify.verify(&account)?;
///     for order in notify.sub_orders() {
///         // Compare with the order, for each of them, and store them all in one go.
///         println!("{} of {}: {} fen", order.out_trade_no, order.mch_id, order.total_fee);
///     }
///     Ok(NotifyReply::Success.to_xml())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UnverifiedCombinedNotify<'a> {
    params: Params<'a>,
}

impl<'a> UnverifiedCombinedNotify<'a> {
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
    pub fn into_owned(self) -> UnverifiedCombinedNotify<'static> {
        UnverifiedCombinedNotify {
            params: self.params.into_owned(),
        }
    }

    /// A hint: the combined order that it claims to be of.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn combine_out_trade_no(&self) -> Result<CombineOutTradeNo, FieldError> {
        Fields(&self.params).text("combine_out_trade_no")
    }

    /// A hint: the field `combine_mch_id`, the merchant that it claims to be for.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn mch_id(&self) -> Result<MchId, FieldError> {
        Fields(&self.params).text("combine_mch_id")
    }

    /// A hint: the field `combine_appid`, the public id that it claims to be for.
    ///
    /// # Errors
    /// [`FieldError`] when there is none, or a text that is none.
    pub fn appid(&self) -> Result<AppId, FieldError> {
        Fields(&self.params).text("combine_appid")
    }

    /// Checks, in this order, that the sign holds, that `return_code` and `result_code` are SUCCESS, that `combine_appid`
    /// and `combine_mch_id` are the account's, and that each of the orders can be read.
    ///
    /// Combined orders are signed with HMAC-SHA256 and with nothing else, so there is no sign type to choose.
    ///
    /// # Errors
    /// [`NotifyError`]. Reply with [`NotifyReply::Fail`] then.
    pub fn verify(self, account: &Account) -> Result<CombinedNotify, NotifyError> {
        sign::verify(&self.params, account.keys(), SignType::HmacSha256)
            .map_err(NotifyError::Verify)?;
        let fields = Fields(&self.params);
        check_success(fields)?;
        check_account_as(Naming::COMBINE, fields, account)?;
        Ok(CombinedNotify {
            combine_out_trade_no: fields.text("combine_out_trade_no")?,
            trade_type: fields.optional("trade_type").map(TradeType::from),
            bank_type: fields.optional_text("bank_type").unwrap_or_default(),
            combine_openid: fields.optional_text("combine_openid").unwrap_or_default(),
            sub_orders: read_orders(fields.required("sub_order_list")?, SubPayment::read)?,
            params: self.params.into_owned(),
        })
    }
}

/// The notify of a combined order, verified. Only [`UnverifiedCombinedNotify::verify`] makes one.
#[derive(Clone, Debug)]
pub struct CombinedNotify {
    combine_out_trade_no: CombineOutTradeNo,
    trade_type: Option<TradeType>,
    bank_type: Option<BankType>,
    combine_openid: Option<OpenId>,
    sub_orders: Vec<SubPayment>,
    params: Params<'static>,
}

impl CombinedNotify {
    /// The merchant's number of the whole.
    #[must_use]
    pub const fn combine_out_trade_no(&self) -> &CombineOutTradeNo {
        &self.combine_out_trade_no
    }

    /// How it was paid.
    #[must_use]
    pub const fn trade_type(&self) -> Option<&TradeType> {
        self.trade_type.as_ref()
    }

    /// The payer's bank.
    #[must_use]
    pub const fn bank_type(&self) -> Option<&BankType> {
        self.bank_type.as_ref()
    }

    /// The payer, under `combine_appid`.
    #[must_use]
    pub const fn combine_openid(&self) -> Option<&OpenId> {
        self.combine_openid.as_ref()
    }

    /// The orders, each a payment of its own: at least one.
    #[must_use]
    pub fn sub_orders(&self) -> &[SubPayment] {
        &self.sub_orders
    }

    /// All fields of the message, those that no type knows among them.
    #[must_use]
    pub const fn params(&self) -> &Params<'static> {
        &self.params
    }
}

/// One payment of a combined order. Compare `total_fee` and `fee_type` with the order of that merchant.
///
/// `openid` and `attach` only inform: one that does not fit its type is left out here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubPayment {
    /// The public id that the merchant is bound to.
    pub appid: Option<AppId>,
    /// The merchant who is paid.
    pub mch_id: MchId,
    /// A service provider's merchant, who is paid.
    pub sub_mch_id: Option<MchId>,
    /// That merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// What was to be paid, in fen.
    pub total_fee: Fen,
    /// The currency of `total_fee`; CNY when the message names none.
    pub fee_type: FeeType,
    /// What was paid in money, in fen.
    pub cash_fee: Option<Fen>,
    /// When it was paid.
    pub time_end: BeijingTime,
    /// The payer, under the order's own `appid`.
    pub openid: Option<OpenId>,
    /// The merchant's own text, as the order gave it.
    pub attach: Option<Attach>,
}

impl SubPayment {
    fn read(order: Item<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            appid: order.optional("appid")?,
            mch_id: order.required("mch_id")?,
            sub_mch_id: order.optional("sub_mch_id")?,
            out_trade_no: order.required("out_trade_no")?,
            transaction_id: order.required("transaction_id")?,
            total_fee: order.required("total_fee")?,
            fee_type: order.optional("fee_type")?.unwrap_or_else(FeeType::cny),
            cash_fee: order.optional("cash_fee")?,
            time_end: order.required("time_end")?,
            openid: order.informs("openid"),
            attach: order.informs("attach"),
        })
    }
}
