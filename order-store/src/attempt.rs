//! Attempts: the numbers of an order at the gateway.

use serde::{Deserialize, Serialize};
use wxpay_core::{BeijingTime, CodeUrl, OutTradeNo, PrepayId};

use crate::Timestamp;

/// One number at the gateway, stored before the gateway hears of it.
///
/// The request it stands for is the order's [`Terms`](crate::Terms) with this number and these two times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number: the order's own for the first attempt, then with `-2`, `-3`, … behind it.
    pub number: OutTradeNo,
    /// Counted from 1. Numbers that another order has are skipped, so there may be holes.
    pub n: u32,
    /// The `time_start` to send.
    pub time_start: BeijingTime,
    /// The `time_expire` to send.
    pub time_expire: BeijingTime,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// The gateway's answer, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepay: Option<Prepay>,
}

/// What `unifiedorder` answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepay {
    /// The gateway's handle.
    pub prepay_id: PrepayId,
    /// What the QR code holds.
    pub code_url: CodeUrl,
    /// When it was attached. The gateway keeps it for two hours.
    pub at: Timestamp,
}
