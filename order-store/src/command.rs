//! Commands: all that can change an order.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wxpay_core::{
    AppId, Attach, BeijingTime, Body, CodeUrl, FeeType, Fen, NotifyUrl, OutRefundNo, OutTradeNo,
    PrepayId, ProductId, SignType, SpbillCreateIp, TransactionId,
    api::{RefundDesc, RefundId},
};

use crate::{
    Attention, By, Confirmation, GatewayClose, OrderKey, RefundGround, RefundState, Timestamp,
};

/// Makes an order.
///
/// The same content again is [`Outcome::AlreadyApplied`], other content [`Refusal::OtherContent`](crate::Refusal).
/// Content is what the client sent: `total_fee`, `fee_type`, `body`, `attach`, `product_id`, and `expires_after` as asked
/// for. The rest is the service's own and may differ at a repeat; the order keeps what it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Which order. Its number must be one for an order: see [`OutTradeNo::for_order`].
    pub key: OrderKey,
    /// The account.
    pub appid: AppId,
    /// How the order's messages are signed.
    pub sign_type: SignType,
    /// What the payer is shown.
    pub body: Body,
    /// The price in fen, at least 1.
    pub total_fee: Fen,
    /// Its currency.
    pub fee_type: FeeType,
    /// Text that comes back.
    pub attach: Option<Attach>,
    /// The goods.
    pub product_id: ProductId,
    /// The payer's address.
    pub spbill_create_ip: SpbillCreateIp,
    /// Where notifies go; a slash and the order's notify secret are put behind it.
    pub notify_base: NotifyUrl,
    /// How long the payer has: 2 minutes to 2 hours, 30 minutes when nothing is asked for.
    pub expires_after: Option<Duration>,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Stores the intent to ask the gateway for a code, before it is asked.
///
/// [`Outcome::AlreadyApplied`] means that nothing new was begun: either the current code lives
/// ([`Order::live_prepay`](crate::Order::live_prepay)), or the current attempt has no code yet and is to be asked for again
/// under its own number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginAttempt {
    /// Which order.
    pub key: OrderKey,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Stores the gateway's answer to `unifiedorder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachPrepay {
    /// Which order.
    pub key: OrderKey,
    /// The attempt that was asked for.
    pub attempt: OutTradeNo,
    /// The gateway's handle.
    pub prepay_id: PrepayId,
    /// What the QR code holds.
    pub code_url: CodeUrl,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Takes a payment that a verified notify or a query told of.
///
/// The facts are attempt, transaction and amount: the same again are [`Outcome::AlreadyApplied`], whoever tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkPaid {
    /// Which order; found by the attempt's number with [`OrderStore::find_attempt`](crate::OrderStore::find_attempt).
    pub key: OrderKey,
    /// The number that was paid.
    pub attempt: OutTradeNo,
    /// The gateway's number of the payment.
    pub transaction_id: TransactionId,
    /// The amount told.
    pub total_fee: Fen,
    /// The currency told.
    pub fee_type: FeeType,
    /// When it was paid, by the gateway's clock.
    pub time_end: BeijingTime,
    /// Whether a query said so too.
    pub confirmation: Confirmation,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// A query agrees with a payment that was taken on a notify alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmPayment {
    /// Which order.
    pub key: OrderKey,
    /// The attempt.
    pub attempt: OutTradeNo,
    /// The transaction.
    pub transaction_id: TransactionId,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// A query says otherwise than a verified notify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradict {
    /// Which order.
    pub key: OrderKey,
    /// The attempt.
    pub attempt: OutTradeNo,
    /// The notify's transaction.
    pub transaction_id: TransactionId,
    /// What the query said, cut to 200 bytes.
    pub reason: String,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Stores the intent to close, before the gateway is asked to.
///
/// Where the gateway never heard of the order it is closed at once. Where the order, or its current attempt, is younger
/// than five minutes it is closed here at once and at the gateway when the gateway allows it: then `due`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginClose {
    /// Which order.
    pub key: OrderKey,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// What closing at the gateway, and the query after it, came to, for all of the order's attempts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseResult {
    /// Which order.
    pub key: OrderKey,
    /// What it came to. [`GatewayClose::Paid`] changes no state: the payment is marked by [`MarkPaid`].
    pub result: GatewayClose,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Stores the intent to give money back, before the gateway is asked to.
///
/// The facts are number, payment, amount and reason: the same again are [`Outcome::AlreadyApplied`], whatever became of the
/// refund since, and are to be sent again under the same number while it is `processing`; other facts under a known number are
/// [`Refusal::OtherRefund`](crate::Refusal::OtherRefund).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginRefund {
    /// Which order.
    pub key: OrderKey,
    /// The merchant's number of the refund.
    pub out_refund_no: OutRefundNo,
    /// The payment to give back.
    pub transaction_id: TransactionId,
    /// How much, in fen: at least 1, and with what other refunds bind not more than the payment.
    pub refund_fee: Fen,
    /// What the payer is told.
    pub reason: Option<RefundDesc>,
    /// Why.
    pub ground: RefundGround,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// Stores what the gateway says of a refund: its answer, a query's, or a notify's that a query agrees with.
///
/// `processing` and `change` go on to `success` or `closed`, which are final. What a refund has left behind, such as
/// `processing` after `success`, is late and [`Outcome::AlreadyApplied`]; another end than the known one is refused, logged
/// and flagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundResult {
    /// Which order; found by the refund's number with [`OrderStore::find_refund`](crate::OrderStore::find_refund).
    pub key: OrderKey,
    /// The merchant's number of the refund.
    pub out_refund_no: OutRefundNo,
    /// The gateway's number of it; nothing when the gateway has not taken it on.
    pub refund_id: Option<RefundId>,
    /// The amount told.
    pub refund_fee: Fen,
    /// How far it is. [`RefundState::Closed`] also stands for a refusal that no repeat can change.
    pub state: RefundState,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// A person has looked at what an order was flagged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearAttention {
    /// Which order.
    pub key: OrderKey,
    /// The flag to take off.
    pub attention: Attention,
    /// What was found, cut to 200 bytes.
    pub note: String,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// The gateway was asked and had nothing new: look again later. Writes no log row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defer {
    /// Which order.
    pub key: OrderKey,
    /// When to look again. An order with no work left stays without.
    pub due: Timestamp,
    /// Who.
    pub by: By,
    /// When.
    pub now: Timestamp,
}

/// One change to one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// See [`Create`].
    Create(Create),
    /// See [`BeginAttempt`].
    BeginAttempt(BeginAttempt),
    /// See [`AttachPrepay`].
    AttachPrepay(AttachPrepay),
    /// See [`MarkPaid`].
    MarkPaid(MarkPaid),
    /// See [`ConfirmPayment`].
    ConfirmPayment(ConfirmPayment),
    /// See [`Contradict`].
    Contradict(Contradict),
    /// See [`BeginClose`].
    BeginClose(BeginClose),
    /// See [`CloseResult`].
    CloseResult(CloseResult),
    /// See [`BeginRefund`].
    BeginRefund(BeginRefund),
    /// See [`RefundResult`].
    RefundResult(RefundResult),
    /// See [`ClearAttention`].
    ClearAttention(ClearAttention),
    /// See [`Defer`].
    Defer(Defer),
}

macro_rules! commands {
    ($($kind:ident $name:literal,)*) => {
        impl Command {
            /// The name of every command.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The order it is about.
            #[must_use]
            pub fn key(&self) -> &OrderKey {
                match self { $(Self::$kind(command) => &command.key,)* }
            }

            /// Who.
            #[must_use]
            pub fn by(&self) -> By {
                match self { $(Self::$kind(command) => command.by,)* }
            }

            /// When.
            #[must_use]
            pub fn now(&self) -> Timestamp {
                match self { $(Self::$kind(command) => command.now,)* }
            }

            /// Its name, such as `mark_paid`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)* }
            }
        }

        $(impl From<$kind> for Command {
            fn from(command: $kind) -> Self {
                Self::$kind(command)
            }
        })*
    };
}

commands! {
    Create "create",
    BeginAttempt "begin_attempt",
    AttachPrepay "attach_prepay",
    MarkPaid "mark_paid",
    ConfirmPayment "confirm_payment",
    Contradict "contradict",
    BeginClose "begin_close",
    CloseResult "close_result",
    BeginRefund "begin_refund",
    RefundResult "refund_result",
    ClearAttention "clear_attention",
    Defer "defer",
}

/// What a command that was not refused came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// It changed the order.
    Applied,
    /// It was a payment of another attempt of a paid order: kept, and flagged.
    AppliedExtra,
    /// It was the payment of an order that was closed: the order is paid, and flagged.
    PaidAfterClose,
    /// The ledger had these facts.
    AlreadyApplied,
}

impl Outcome {
    /// A stable name, such as `already_applied`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AppliedExtra => "applied_extra",
            Self::PaidAfterClose => "paid_after_close",
            Self::AlreadyApplied => "already_applied",
        }
    }

    /// Whether the ledger changed.
    #[must_use]
    pub const fn is_new(self) -> bool {
        !matches!(self, Self::AlreadyApplied)
    }
}
