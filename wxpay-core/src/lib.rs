//! WeChat Pay API V2, from the bytes up: sign, verify, the flat XML, typed requests and answers, and the pay notify.
//!
//! For programs that take money through WeChat Pay, from the controller of a vending machine to a gateway. Bytes in,
//! values out, and the other way round: there is no I/O here, no clock and no randomness, and no need of `std`. Who sends
//! the bytes is the caller's choice; the feature `client` is one that is made already.
//!
//! Two rules shape the types. What the gateway says is a value only once its sign was checked, with the key and with the
//! sign type that *the order* was made with: there is no other way to a [`PayNotify`] or to an answer. And what is checked
//! once is a type of its own: [`Fen`] is money, [`OutTradeNo`] is an order's number, and neither is a bare number or text.
//!
//! ```
//! use wxpay_core::{Account, Fen, NonceStr, SignType, api::{self, UnifiedOrder}};
//!
//! let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
//! let account = Account::new("wxd930ea5d5a258f4f".parse()?, "10000100".parse()?, key);
//! let order = UnifiedOrder::native(
//!     "T20260101000001".parse()?, "Tea".parse()?, Fen::new(101)?,
//!     "127.0.0.1".parse()?, "https://example.com/notify".parse()?, "P1".parse()?,
//! );
//! let nonce = NonceStr::from_random(*b"16 random bytes!");
//! let request = api::prepare(&order, &account, SignType::HmacSha256, &nonce)?;
//! // POST request.body to https://api.mch.weixin.qq.com + request.path, and give what comes back to:
//! let answer = api::parse::<UnifiedOrder>(b"<html>504</html>", &account, SignType::HmacSha256);
//! assert_eq!(answer.unwrap_err().to_string(), "the answer is no message: an HTML page, not a message");
//! # assert_eq!(request.path, "/pay/unifiedorder");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One payment, step by step; each page has its example, and the crate's README has them in a row:
//!
//! | step | where |
//! |---|---|
//! | the key and the account | [`ApiKey`], [`Account`] |
//! | order, and show the code | [`api::UnifiedOrder`]; with a client, `client::Client::call` |
//! | what the payer's own device needs, if it is no code | [`second_sign`] |
//! | the payer's barcode instead | [`api::MicroPay`], [`micropay`] |
//! | receive the notify | [`UnverifiedNotify`], [`notify`]; with axum, `notify::IncomingNotify`; without a heap, [`in_place`] |
//! | confirm, and answer | [`api::OrderQuery`], [`NotifyReply`] |
//! | when it fails | [`api::AnswerError::advice`], [`api::ErrorCode`] |
//! | give money back | [`api::Refund`], [`api::RefundQuery`] |
//! | the day's bill | [`api::DownloadBill`], [`bill`] |
//! | an HTTP stack of your own | [`api::prepare`], [`api::parse`], [`transport`] |
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `std` | yes | faster search in XML; all else works without it, on `alloc` alone |
//! | `axum` | no | an extractor for notifies, and the reply as a response; needs `std` |
//! | `client` | no | an async client over reqwest and rustls; needs `std` |
//! | `gzip` | no | bills that come as gzip; needs `std` |
//! | `quick-xml` | no | `xml_serde::from_bytes`: serde for answers that are not flat; needs `std` and `serde` |
//! | `rsa` | no | encrypts card and name for transfers to bank cards |
//! | `serde` | no | `Serialize` and `Deserialize` for the amounts, times and texts, never for a key; `xml_serde` |
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod words;

// Values that check themselves.
mod fen;
mod text;
mod time;

// Who signs, and how.
mod account;
mod key;
mod sign_type;

// Bytes to fields, fields to bytes, and the sign over the fields.
pub mod in_place;
mod params;
pub mod sign;
pub mod xml;

// Fields to typed messages.
pub mod api;
mod json;
pub mod notify;
pub mod second_sign;

// What transfers to bank cards are encrypted with.
#[cfg(feature = "rsa")]
pub mod rsa;

// The day's bills.
pub mod bill;

// The wire.
#[cfg(feature = "client")]
pub mod client;
pub mod micropay;
pub mod transport;

// Endpoints of one's own.
#[cfg(feature = "serde")]
pub mod xml_serde;

pub use account::{Account, SubMerchant};
pub use fen::{Fen, FenError, Yuan};
pub use key::{ApiKey, ApiKeyError};
pub use notify::{NotifyError, NotifyReply, PayNotify, UnverifiedNotify};
pub use params::{InsertError, Params};
pub use sign::{Sign, VerifyError, string_to_sign, verify};
pub use sign_type::{SignType, UnknownSignType};
pub use text::{
    AppId, Attach, BankType, Body, CodeUrl, FeeType, MchId, NonceStr, NotifyUrl, OpenId,
    OutRefundNo, OutTradeNo, PrepayId, ProductId, SpbillCreateIp, TextError, TransactionId,
};
pub use time::{BeijingTime, BeijingTimeError, Rfc3339};
pub use xml::XmlError;

// The examples of the pages are compiled like the others, where all the features that they show are on.
#[cfg(all(doctest, feature = "axum", feature = "client", feature = "gzip"))]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../README.zh-CN.md")]
    struct ReadmeInChinese;
    #[doc = include_str!("../../docs/migrate.md")]
    struct Migrate;
    #[doc = include_str!("../../docs/migrate.zh-CN.md")]
    struct MigrateInChinese;
}
