//! What is unique in the ledger, and what was read of it.

use std::collections::HashMap;

use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::rows::Stored;
use crate::OrderKey;

/// Something unique to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Unique {
    Number(MchId, OutTradeNo),
    Transaction(TransactionId),
    Refund(MchId, OutRefundNo),
}

/// What was read. A key that is in neither map was not read.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) orders: HashMap<OrderKey, Stored>,
    pub(super) owners: HashMap<Unique, Option<OrderKey>>,
}
