//! What a batch must be like to be loaded: decided here, so that backends do not differ.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use wxpay_core::{MchId, OutRefundNo, OutTradeNo, TransactionId};

use super::{InboxRecord, OrderRecord, OutboxRecord, RECORDS_MAX, Record};
use crate::{
    Facts, LogEntry, Lookups, Order, OrderKey, OutboxRow, Problem, REASON_MAX_BYTES, StoreError,
    outbox::plain,
    sound::{problems_of, tells_of},
};

/// The most bytes of a row of the log in JSON: the longest that a command leaves has less than half of it.
const LOG_ROW_MAX_BYTES: usize = 4_096;
/// The most bytes of an order in JSON, its log left out: attempts, payments and refunds at their most have a tenth of it.
const ORDER_MAX_BYTES: usize = 1 << 20;
/// The highest number of a notify: far above what is ever given, and far below what cannot be counted on from.
const NOTIFY_MAX: u64 = 1 << 53;

fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

fn unsound(key: &OrderKey, problem: Problem) -> StoreError {
    StoreError::Unsound {
        key: Box::new(key.clone()),
        problem: Box::new(problem),
    }
}

/// What a store has of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    Absent,
    /// The same.
    Same,
    /// Another of the same name.
    Other,
}

impl Known {
    pub(crate) fn of<T: PartialEq>(known: Option<&T>, record: &T) -> Self {
        match known {
            None => Self::Absent,
            Some(known) if known == record => Self::Same,
            Some(_) => Self::Other,
        }
    }
}

/// A store that a batch is to be loaded into.
pub(crate) trait Holdings {
    fn known(&mut self, record: &Record) -> Result<Known, StoreError>;
    fn order(&mut self, key: &OrderKey) -> Result<Option<Order>, StoreError>;
    fn look_up(&mut self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError>;
    /// Whether later notifies have the place of this number.
    fn is_past(&mut self, n: u64) -> bool;
}

/// The records of the batch that the store has not, when all of it can be loaded: nothing of it contradicts the store, and
/// each order is what its own log tells.
pub(crate) fn admit(
    records: Vec<Record>,
    store: &mut impl Holdings,
) -> Result<Vec<Record>, StoreError> {
    check_batch(&records)?;
    let mut fresh: Vec<Record> = Vec::new();
    let mut orders: HashMap<OrderKey, Order> = HashMap::new();
    for record in records {
        match store.known(&record)? {
            Known::Same => continue,
            Known::Other => {
                let name = name_of(&record);
                return Err(conflict(format!("{name}: it is there with other content")));
            }
            Known::Absent => {}
        }
        match &record {
            Record::Order(record) => {
                let key = &record.order.key;
                check_owners(&record.order, |lookups| store.look_up(&key.mch_id, lookups))?;
                if let Some(problem) = problems_of(record).into_iter().next() {
                    return Err(unsound(key, problem));
                }
                orders.insert(key.clone(), record.order.clone());
            }
            Record::Outbox(row) => {
                let row = &row.row;
                let loaded;
                let order = if let Some(order) = orders.get(&row.key) {
                    Some(order)
                } else {
                    loaded = store.order(&row.key)?;
                    loaded.as_ref()
                };
                let Some(order) = order else {
                    let name = name_of(&record);
                    return Err(conflict(format!("{name}: its order is not there")));
                };
                if !tells_of(row, order) {
                    let id = row.id.clone();
                    return Err(unsound(&row.key, Problem::Outbox { id }));
                }
            }
            Record::Inbox(notify) => {
                if !(1..=NOTIFY_MAX).contains(&notify.n) {
                    let name = name_of(&record);
                    return Err(conflict(format!("{name}: there is no such number")));
                }
                if store.is_past(notify.n) {
                    let name = name_of(&record);
                    return Err(conflict(format!("{name}: later ones have its place")));
                }
            }
        }
        fresh.push(record);
    }
    Ok(fresh)
}

/// A store that takes what was admitted.
pub(crate) trait Take: Holdings {
    fn own_number(&mut self, key: &OrderKey, number: OutTradeNo);
    fn own_transaction(&mut self, key: &OrderKey, id: TransactionId);
    fn own_refund(&mut self, key: &OrderKey, number: OutRefundNo);
    fn put_order(&mut self, order: Order, log: Vec<LogEntry>);
    fn send(&mut self, record: OutboxRecord);
    fn keep(&mut self, record: InboxRecord);
}

/// All of the batch, or an error and nothing of it.
pub(crate) fn load(records: Vec<Record>, store: &mut impl Take) -> Result<(), StoreError> {
    for record in admit(records, store)? {
        match record {
            Record::Order(record) => load_order(*record, store),
            Record::Outbox(record) => store.send(*record),
            Record::Inbox(record) => store.keep(*record),
        }
    }
    Ok(())
}

/// An order with all that belongs to no other.
pub(crate) fn load_order(record: OrderRecord, store: &mut impl Take) {
    let OrderRecord { order, log } = record;
    for number in numbers_of(&order) {
        store.own_number(&order.key, number);
    }
    for payment in &order.payments {
        store.own_transaction(&order.key, payment.transaction_id.clone());
    }
    for refund in &order.refunds {
        store.own_refund(&order.key, refund.out_refund_no.clone());
    }
    store.put_order(order, log);
}

fn name_of(record: &Record) -> String {
    match record {
        Record::Order(record) => format!("order {}", record.order.key),
        Record::Outbox(record) => format!("outbox row {}", record.row.id),
        Record::Inbox(record) => format!("notify a{}", record.n),
    }
}

/// The batch alone: its size, and that nothing in it is there twice.
fn check_batch(records: &[Record]) -> Result<(), StoreError> {
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
        once(name_of(record))?;
        match record {
            Record::Order(record) => {
                let order = &record.order;
                let mch_id = &order.key.mch_id;
                if record.log.is_empty() {
                    return Err(conflict(format!("order {}: it has no log", order.key)));
                }
                check_size(record)?;
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
            Record::Outbox(record) => check_reason(&record.row)?,
            Record::Inbox(_) => {}
        }
    }
    Ok(())
}

/// Commands cut the texts of what they leave; a dump may say anything, and backends have no room for it.
fn check_size(record: &OrderRecord) -> Result<(), StoreError> {
    let key = &record.order.key;
    if json_bytes(&record.order) > ORDER_MAX_BYTES {
        return Err(conflict(format!(
            "order {key}: it has more than {ORDER_MAX_BYTES} bytes"
        )));
    }
    match record
        .log
        .iter()
        .position(|entry| json_bytes(entry) > LOG_ROW_MAX_BYTES)
    {
        Some(row) => Err(conflict(format!(
            "order {key}: row {row} of its log has more than {LOG_ROW_MAX_BYTES} bytes"
        ))),
        None => Ok(()),
    }
}

fn check_reason(row: &OutboxRow) -> Result<(), StoreError> {
    let fits = |reason: &String| *reason == plain(reason);
    if row.last_error.as_ref().is_none_or(fits) {
        return Ok(());
    }
    Err(conflict(format!(
        "outbox row {}: last_error has more than {REASON_MAX_BYTES} bytes, or what JSON escapes",
        row.id
    )))
}

fn json_bytes(record: &impl Serialize) -> usize {
    serde_json::to_vec(record).map_or(usize::MAX, |text| text.len())
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
fn check_owners(
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
