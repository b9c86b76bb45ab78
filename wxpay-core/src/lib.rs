//! WeChat Pay API V2.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod fen;
mod sign_type;
mod text;
mod time;

pub use fen::{Fen, FenError, Yuan};
pub use sign_type::{SignType, UnknownSignType};
pub use text::{
    AppId, Attach, BankType, Body, CodeUrl, FeeType, MchId, NonceStr, NotifyUrl, OpenId,
    OutRefundNo, OutTradeNo, PrepayId, ProductId, SpbillCreateIp, TextError, TransactionId,
};
pub use time::{BeijingTime, BeijingTimeError, Rfc3339};
