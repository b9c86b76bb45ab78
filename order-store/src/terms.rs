//! What an order is about, fixed when it is made.

use std::fmt;

use serde::{Deserialize, Serialize};
use wxpay_core::{
    AppId, Attach, BeijingTime, Body, FeeType, Fen, MchId, NotifyUrl, OutTradeNo, ProductId,
    SignType, SpbillCreateIp,
};

/// Which order: the merchant and its number. Unique in a ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// The merchant.
    pub mch_id: MchId,
    /// The order's own number, at most 29 bytes.
    pub out_trade_no: OutTradeNo,
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mch_id, self.out_trade_no)
    }
}

/// All that `unifiedorder` signs besides nonce and sign.
///
/// `create` freezes it: the gateway refuses a repeat of a number with other parameters, so each repeat sends these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The account that asks for the payment, and by which its notifies are verified.
    pub appid: AppId,
    /// How the order's messages are signed.
    pub sign_type: SignType,
    /// What the payer is shown.
    pub body: Body,
    /// The price, in fen.
    pub total_fee: Fen,
    /// Its currency.
    pub fee_type: FeeType,
    /// Text that comes back in queries and notifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// The goods; NATIVE demands one.
    pub product_id: ProductId,
    /// The payer's address.
    pub spbill_create_ip: SpbillCreateIp,
    /// Where the gateway posts notifies: the base that `create` was given, a slash, the order's notify secret.
    pub notify_url: NotifyUrl,
    /// When the order was made. A later attempt has times of its own: see [`Attempt`](crate::Attempt).
    pub time_start: BeijingTime,
    /// When the first attempt can no longer be paid.
    pub time_expire: BeijingTime,
}
