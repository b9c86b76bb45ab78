//! Bills: what downloadbill and downloadfundflow send, read row by row in constant memory.
//!
//! A bill is text: a header line in Chinese, one line for each row, a second header, and one line of sums. Every cell
//! of a row has a backtick in front, and the columns differ by the kind of bill, by its age and by the merchant's contract. So
//! columns are found by the text of the header, never by their place, and older texts of the same meaning count
//! as the same [`Column`]. A cell ends where a comma is followed by a backtick: a comma alone belongs to the text. Only the
//! first backtick of a cell is taken off.
//!
//! A bill is not signed. What stands for its wholeness is the line of sums, which [`BillReader::finish`] holds against the rows:
//! use nothing of a bill before that has gone well. Nothing here touches a file or the network:
//!
//! ```
//! use wxpay_core::bill::{BillError, BillReader, Sum, SumValue, Trade};
//!
//! // Pieces as they came from the network; they may end anywhere.
//! let pieces = [
//!     "交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易类型,交易状态,付款银行,货币种类,应结订单金额,商品名称\r\n",
//!     "`2026-01-02 03:04:05,`wx8888888888888888,`1900000109,`42000000012026010200000000,`T2026",
//!     "0102000001,`NATIVE,`SUCCESS,`OTHERS,`CNY,`19.90,`Tea, green\r\n总交易单数,应结订单总金额\r\n`1,`19.90\r\n",
//! ];
//! let mut bill = BillReader::new();
//! for piece in pieces {
//!     bill.push(piece.as_bytes())?;
//!     while let Some(row) = bill.next_row()? {
//!         let trade = Trade::try_from(row)?;
//!         assert_eq!(trade.out_trade_no, "T20260102000001");
//!         assert_eq!(trade.settlement_total.unwrap().get(), 1990);
//!         assert_eq!(trade.body, "Tea, green");
//!         assert_eq!(row.get("付款银行"), Some("OTHERS"));
//!     }
//! }
//! let summary = bill.finish()?;
//! assert_eq!(summary.sum(Sum::Trades), Some(SumValue::Rows(1)));
//! # Ok::<(), BillError>(())
//! ```
//!
//! A day without trades has either a bill without rows, or a refusal in XML: [`Refusal::means_no_bill`]. Money is in yuan here
//! and becomes [`Fen`](crate::Fen) by its digits; commissions have parts of a fen and a sign, and are
//! [`ExactYuan`]. With the feature `gzip`, `GzipBill` takes the bytes of a request with `tar_type=GZIP`, and `ReadAhead` reads a
//! file or a stream of them on two threads.
//!
//! Source: pay.weixin.qq.com, "交易账单详细说明" and "资金账单详细说明" (2024-11-25), downloadbill and downloadfundflow of API V2.

mod amount;
mod cells;
mod column;
mod decimal;
mod error;
mod fund_flow;
#[cfg(feature = "gzip")]
mod gunzip;
#[cfg(feature = "gzip")]
mod gzip;
mod header;
mod header_text;
mod lines;
mod pending;
mod rate;
#[cfg(feature = "gzip")]
mod read_ahead;
mod reader;
mod refusal;
mod row;
mod sum;
mod summary;
mod totals;
mod trade;
#[cfg(feature = "gzip")]
mod unpack;

pub use amount::{AmountError, ExactYuan, parse_yuan};
pub use column::Column;
pub use error::{BillError, CellError, SumValue};
pub use fund_flow::{Direction, FundFlow};
#[cfg(feature = "gzip")]
pub use gzip::GzipBill;
pub use header::BillKind;
pub use rate::Rate;
#[cfg(feature = "gzip")]
pub use read_ahead::{ReadAhead, ReadAheadError};
pub use reader::BillReader;
pub use refusal::Refusal;
pub use row::Row;
pub use sum::Sum;
pub use summary::Summary;
pub use trade::{Payer, Refund, RefundState, RefundType, Trade, TradeState, TradeType};
#[cfg(feature = "gzip")]
pub use unpack::{GzipError, MAX_GZIP_BYTES, MAX_GZIP_RATIO};

/// The longest line that is read, in bytes. The longest text in a bill is a note of 2048 characters.
pub const MAX_LINE_BYTES: usize = 32 * 1024;
/// The most cells in a line. Bills have 27.
pub const MAX_CELLS: usize = 64;
/// The most bytes that a reader keeps: a piece, and what is left of the one before.
pub const MAX_PENDING_BYTES: usize = 1024 * 1024;
