//! What a micropay's flow must know again after a restart.

use core::time::Duration;

use crate::{Fen, OutTradeNo, SignType};

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Phase {
    /// The micropay is sent, or about to be.
    Pay,
    /// Waiting for the payer.
    Poll,
    /// Asking what the order of a taken number is; it is not reversed.
    Look,
    /// A reverse is sent, or about to be.
    Reverse,
    /// The reverses are used up or refused: what is the order now?
    Last,
}

/// The state of a [`MicropayFlow`](super::MicropayFlow) that has not ended. It holds no secret.
///
/// The times are counted from the moment that the flow's clock counts from. To outlive the program that must be one such as
/// the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MicropayState {
    /// How far it has come.
    pub phase: Phase,
    /// When the micropay was sent.
    pub started: Duration,
    /// When the micropay's answer came; the same as `started` while none has.
    pub pay_ended: Duration,
    /// How many reverses were sent, the one that is about to be among them.
    pub reverses: u32,
    /// Whether a reverse may have arrived.
    pub reverse_may_act: bool,
}

/// All that a till stores of a micropay under way, to go on with it after a restart: which order, how it is signed, and how
/// far it has come. The payer's code is not in it, since nothing is paid twice.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MicropayRecord {
    /// The order's number.
    pub out_trade_no: OutTradeNo,
    /// What is to be paid. A payment of another amount is not this one.
    pub total_fee: Fen,
    /// How the order was signed, and its queries are.
    pub sign_type: SignType,
    /// How far it has come; times since the Unix epoch.
    pub state: MicropayState,
}
