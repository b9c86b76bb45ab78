//! Lists of orders, a page at a time.

use std::{fmt, str::FromStr};

use wxpay_core::{AppId, MchId};

use crate::{Order, OrderKey, OrderState, Timestamp};

/// The most orders of one page.
pub const PAGE_MAX: usize = 500;

/// Which orders to list. They come newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only those in this state.
    pub state: Option<OrderState>,
    /// Only those made then or later.
    pub since: Option<Timestamp>,
    /// Go on behind the page that gave this cursor.
    pub cursor: Option<Cursor>,
    /// How many, at most [`PAGE_MAX`].
    pub limit: usize,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its orders, newest first.
    pub orders: Vec<Order>,
    /// Where the next page begins; nothing behind the last.
    pub next: Option<Cursor>,
}

/// Where a page begins. An opaque text of letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub(crate) created_at: Timestamp,
    pub(crate) key: OrderKey,
}

/// A text that is no cursor of this store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cursor is not one that this ledger gave")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrderKey {
            mch_id,
            out_trade_no,
        } = &self.key;
        let text = format!("{}\0{mch_id}\0{out_trade_no}", self.created_at.millis());
        text.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if !text.is_ascii() || !text.len().is_multiple_of(2) {
            return Err(CursorError);
        }
        let bytes = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16))
            .collect::<Result<Vec<u8>, _>>()
            .map_err(|_| CursorError)?;
        let text = String::from_utf8(bytes).map_err(|_| CursorError)?;
        let mut parts = text.splitn(3, '\0');
        let mut part = || parts.next().ok_or(CursorError);
        let millis: i64 = part()?.parse().map_err(|_| CursorError)?;
        Ok(Self {
            created_at: Timestamp::from_millis(millis),
            key: OrderKey {
                mch_id: part()?.parse().map_err(|_| CursorError)?,
                out_trade_no: part()?.parse().map_err(|_| CursorError)?,
            },
        })
    }
}

/// An account that the store has orders of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// Its public id.
    pub appid: AppId,
    /// The merchant.
    pub mch_id: MchId,
    /// How many of its orders have work left: whoever drops the account cannot finish these.
    pub open_orders: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let cursor = Cursor {
            created_at: Timestamp::from_millis(-7),
            key: OrderKey {
                mch_id: "1473426802".parse().unwrap(),
                out_trade_no: "20190320-1".parse().unwrap(),
            },
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "0",
            "zz",
            "+1+2",
            "茶茶",
            "00",
            "310031",
            "3100310031003100",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
