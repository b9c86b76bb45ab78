//! What a micropay's flow asks for, what it is told, and how it ends.

use core::time::Duration;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Send the micropay, once.
    Pay,
    /// Wait, then send an orderquery.
    Query {
        /// How long to wait.
        after: Duration,
    },
    /// Wait, then send a reverse.
    Reverse {
        /// How long to wait.
        after: Duration,
    },
    /// There is nothing left to do.
    Done(MicropayEnd),
}

/// What came of a step. One that does not belong to the step counts as [`Event::NoAnswer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// To a micropay or a query: a verified answer says that the order is paid (`trade_state` SUCCESS).
    Paid,
    /// To a micropay: `USERPAYING`. To a query: `trade_state` USERPAYING, NOTPAY or ACCEPT.
    Pending,
    /// To a query: `ORDERNOTEXIST`. Soon after a micropay it may only mean "not yet".
    NotFound,
    /// To any step: no proven answer, or one that settles nothing, such as `SYSTEMERROR` or `BANKERROR`.
    NoAnswer,
    /// To any step: the request never left.
    NotSent,
    /// To a micropay: a proven refusal that leaves nothing behind, such as `AUTHCODEEXPIRE`. To a reverse: a proven
    /// refusal, or no certificate to send it with.
    Refused,
    /// To a micropay: the number has an order already (`ORDERPAID`, `OUT_TRADE_NO_USED`), or may have (`INVALID_REQUEST`);
    /// perhaps from this very flow before a restart.
    NumberTaken,
    /// To a query: the payment failed (`trade_state` PAYERROR), but the order is there.
    Failed,
    /// To a query: the order is closed or reversed (`trade_state` CLOSED, REVOKED). To a reverse: done, `recall` N.
    Reversed,
    /// To a query: the money has gone back (`trade_state` REFUND).
    Refunded,
    /// To a reverse: `recall` Y, it must be sent again.
    Recall,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum MicropayEnd {
    /// Paid, proven.
    Paid,
    /// Refused, proven: no money was taken, and there is nothing to reverse.
    Refused,
    /// The micropay never left: nothing happened.
    NotSent,
    /// The number has an order that is not paid. It is not known to be this flow's, so it was not reversed.
    NumberTaken,
    /// The gateway knew no such order at the very end, and the micropay had all the time it gets to arrive: most likely it
    /// never did. Hand nothing out; a later query confirms it.
    NotFound,
    /// Closed, or the money given back: the payer is not charged.
    Reversed,
    /// Was paid, and was refunded since.
    Refunded,
    /// Neither paid nor unpaid is proven. Hand nothing out, keep the number, and query or reverse later.
    Unknown,
}

impl MicropayEnd {
    /// A name for logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::NotSent => "not_sent",
            Self::NumberTaken => "number_taken",
            Self::NotFound => "not_found",
            Self::Reversed => "reversed",
            Self::Refunded => "refunded",
            Self::Unknown => "unknown",
        }
    }
}
