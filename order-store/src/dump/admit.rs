//! What a batch must be like to be loaded: decided here, so that backends do not differ.

use std::collections::{BTreeSet, HashSet};

use wxpay_core::OutTradeNo;

use super::{RECORDS_MAX, Record};
use crate::{Facts, Lookups, Order, OrderKey, StoreError};

pub(crate) fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

/// The batch alone: its size, and that nothing in it is there twice.
pub(crate) fn check_batch(records: &[Record]) -> Result<(), StoreError> {
    if records.len() > RECORDS_MAX {
        return Err(conflict(format!(
            "{} records at once, the most are {RECORDS_MAX}",
            records.len()
        )));
    }
    let mut seen = HashSet::new();
    let mut once = |what: String| {
        if seen.contains(&what) {
            return Err(conflict(format!("{what} twice")));
        }
        seen.insert(what);
        Ok(())
    };
    for record in records {
        match record {
            Record::Order(record) => {
                let order = &record.order;
                let mch_id = &order.key.mch_id;
                once(format!("order {}", order.key))?;
                if record.log.is_empty() {
                    return Err(conflict(format!("order {}: it has no log", order.key)));
                }
                for lookups in lookups_of(order) {
                    for number in lookups.numbers {
                        once(format!("number {mch_id}/{number}"))?;
                    }
                    if let Some(id) = lookups.transaction {
                        once(format!("transaction {id}"))?;
                    }
                    if let Some(number) = lookups.refund {
                        once(format!("refund {mch_id}/{number}"))?;
                    }
                }
            }
            Record::Outbox(record) => once(format!("outbox row {}", record.row.id))?,
            Record::Inbox(record) => once(format!("notify a{}", record.n))?,
        }
    }
    Ok(())
}

/// Everything of the order that must belong to no other.
fn lookups_of(order: &Order) -> impl Iterator<Item = Lookups> {
    let numbers = Lookups {
        numbers: numbers_of(order).into_iter().collect(),
        ..Lookups::default()
    };
    let transactions = order.payments.iter().map(|payment| Lookups {
        transaction: Some(payment.transaction_id.clone()),
        ..Lookups::default()
    });
    let refunds = order.refunds.iter().map(|refund| Lookups {
        refund: Some(refund.out_refund_no.clone()),
        ..Lookups::default()
    });
    [numbers].into_iter().chain(transactions).chain(refunds)
}

/// A new order against the store: nothing of it may belong to another.
pub(crate) fn check_owners(
    order: &Order,
    mut look_up: impl FnMut(Lookups) -> Result<Facts, StoreError>,
) -> Result<(), StoreError> {
    let taken = |what: String, owner: &OrderKey| {
        conflict(format!("order {}: {what} belongs to {owner}", order.key))
    };
    for lookups in lookups_of(order) {
        let facts = look_up(lookups)?;
        if let Some((number, owner)) = facts.number_owners.first_key_value() {
            return Err(taken(format!("number {number}"), owner));
        }
        if let Some(owner) = &facts.transaction_owner {
            return Err(taken("a transaction of it".to_owned(), owner));
        }
        if let Some(owner) = &facts.refund_owner {
            return Err(taken("a refund number of it".to_owned(), owner));
        }
    }
    Ok(())
}

/// The numbers that an order owns at the gateway, each once.
pub(crate) fn numbers_of(order: &Order) -> BTreeSet<OutTradeNo> {
    order
        .attempts
        .iter()
        .map(|attempt| attempt.number.clone())
        .chain([order.key.out_trade_no.clone()])
        .collect()
}
