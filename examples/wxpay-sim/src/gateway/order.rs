//! One order at the gateway.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use wxpay_core::{
    AppId, Attach, BankType, BeijingTime, Body, CodeUrl, Fen, MchId, NotifyUrl, OpenId, OutTradeNo,
    PrepayId, SignType, TransactionId, api::TradeState,
};

use super::{Moment, notify::NotifyId, refund::Refund};

/// How long a `code_url` can be paid after it was made.
pub const CODE_LIFETIME: Duration = Duration::from_hours(2);
/// How long an order stays unpaid before the gateway closes it.
pub const ORDER_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How long after its creation an order may not be closed yet.
pub const CLOSE_AFTER: Duration = Duration::from_mins(5);
/// The earliest that an order can expire, counted from its creation; an earlier `time_expire` is moved here.
pub const EXPIRE_AT_LEAST: Duration = Duration::from_mins(1);
/// The latest `time_expire`, counted from the order's creation.
pub const EXPIRE_AT_MOST: Duration = Duration::from_hours(90 * 24);
/// How many replaced codes an order remembers, to say that one was replaced rather than unknown.
const REPLACED_CODES: usize = 8;

/// What an order is known by: a merchant's number is unique for that merchant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// The merchant.
    pub mch_id: MchId,
    /// The merchant's number of the order.
    pub out_trade_no: OutTradeNo,
}

/// One order: what was asked for, the code that can be paid, and how far it came.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is known by.
    pub key: OrderKey,
    /// Whom the payer pays.
    pub appid: AppId,
    /// How the order was signed, and so how its notify is.
    pub sign_type: SignType,
    /// Every field of the first request but `nonce_str`, `sign` and `sign_type`: what a re-entry must repeat.
    pub(super) content: BTreeMap<String, String>,
    /// What the payer is shown.
    pub body: Body,
    /// The price.
    pub total_fee: Fen,
    /// The merchant's text, which comes back.
    pub attach: Option<Attach>,
    /// The merchant's terminal, which comes back.
    pub device_info: Option<String>,
    /// Where the payment is told.
    pub notify_url: NotifyUrl,
    /// When the first request came.
    pub created_at: Moment,
    /// Paying is refused from here on. It does not close the order.
    pub pay_before: Option<Moment>,
    /// The handle of the prepared payment, made with the code.
    pub prepay_id: PrepayId,
    /// The code that can be paid.
    pub code_url: CodeUrl,
    /// When that code was made.
    pub code_made_at: Moment,
    pub(super) replaced_codes: VecDeque<CodeUrl>,
    pub(super) state: OrderState,
    /// What of its payment went back, or is on its way, oldest first.
    pub refunds: Vec<Refund>,
}

/// How far an order came.
#[derive(Clone, Debug)]
pub enum OrderState {
    /// It can be paid.
    NotPay,
    /// It was paid.
    Success(Paid),
    /// The merchant closed it.
    Closed,
    /// A payment failed for good.
    PayError,
}

/// The payment of an order.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The gateway's number.
    pub transaction_id: TransactionId,
    /// When the payment ended.
    pub time_end: BeijingTime,
    /// The payer.
    pub openid: OpenId,
    /// The payer's bank.
    pub bank_type: BankType,
    /// The notify, unless none was wanted.
    pub notify: Option<NotifyId>,
}

impl Order {
    /// The state at `now`: an order that stayed unpaid for [`ORDER_LIFETIME`] reads as closed.
    #[must_use]
    pub fn state(&self, now: Moment) -> &OrderState {
        match &self.state {
            OrderState::NotPay if now.since(self.created_at) >= ORDER_LIFETIME => {
                &OrderState::Closed
            }
            state => state,
        }
    }

    /// The field `trade_state` at `now`: a paid order of which something goes back reads as `REFUND`.
    #[must_use]
    pub fn trade_state(&self, now: Moment) -> TradeState {
        match self.state(now).trade_state() {
            TradeState::Success if !self.refunds.is_empty() => TradeState::Refund,
            state => state,
        }
    }

    /// The last moment at which the code can still be paid is just before this one.
    #[must_use]
    pub fn code_expires_at(&self) -> Moment {
        self.code_made_at.plus(CODE_LIFETIME)
    }

    /// Puts a new code in the place of the one before, which can no longer be paid.
    pub(super) fn replace_code(&mut self, prepay_id: PrepayId, code_url: CodeUrl, now: Moment) {
        if self.replaced_codes.len() == REPLACED_CODES {
            self.replaced_codes.pop_front();
        }
        self.replaced_codes
            .push_back(std::mem::replace(&mut self.code_url, code_url));
        self.prepay_id = prepay_id;
        self.code_made_at = now;
    }
}

impl OrderState {
    /// The field `trade_state`.
    #[must_use]
    pub const fn trade_state(&self) -> TradeState {
        match self {
            Self::NotPay => TradeState::NotPay,
            Self::Success(_) => TradeState::Success,
            Self::Closed => TradeState::Closed,
            Self::PayError => TradeState::PayError,
        }
    }

    /// The value of `trade_state_desc`.
    pub(super) const fn description(&self) -> &'static str {
        match self {
            Self::NotPay => "订单未支付",
            Self::Success(_) => "支付成功",
            Self::Closed => "订单已关闭",
            Self::PayError => "支付失败，请重新下单支付",
        }
    }
}
