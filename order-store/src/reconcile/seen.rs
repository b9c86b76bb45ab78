//! What the bill had.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};
use wxpay_core::{OutRefundNo, TransactionId};

use super::bill::{BillEntry, BillRow};

/// Names of rows: 128 bits of SHA-256 each, so that no row hides behind another.
#[derive(Default)]
pub(super) struct Seen(HashSet<[u8; 16]>);

const PAYMENT: u8 = b'p';
const REFUND: u8 = b'r';
const REVERSAL: u8 = b'v';

fn name(kind: u8, number: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(number);
    let mut name = [0; 16];
    name.copy_from_slice(&hash.finalize()[..16]);
    name
}

impl Seen {
    /// Takes a row in; says whether it is the first of its name.
    pub(super) fn insert(&mut self, row: &BillRow) -> bool {
        let id = row.transaction_id.as_str();
        self.0.insert(match &row.entry {
            BillEntry::Payment { .. } => name(PAYMENT, id),
            BillEntry::Reversal => name(REVERSAL, id),
            BillEntry::Refund { out_refund_no, .. } => name(REFUND, out_refund_no.as_str()),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has_payment(&self, id: &TransactionId) -> bool {
        self.0.contains(&name(PAYMENT, id.as_str()))
    }

    pub(super) fn has_refund(&self, number: &OutRefundNo) -> bool {
        self.0.contains(&name(REFUND, number.as_str()))
    }
}
