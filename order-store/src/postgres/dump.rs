//! The ledger as records, and records in.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;
use wxpay_core::MchId;

use super::{
    PostgresStore,
    committer::commit_id,
    fault::{Attempt, Fault},
    inbox::{KeptRow, Ring, record_at},
    key::{column, decode, key_at, place, to_i64, to_u64},
    link::jittered,
    lookup::{read_orders, read_owners},
    records::{self, outbox_at},
    rows::{LogRow, OutRow, Stored},
    session::{Params, Session},
    snapshot::PostgresSnapshot,
    sql::Sql,
    unique::Unique,
    write::{Writes, col},
};
use crate::{
    ACCEPTED_MAX_COUNT, Cursor, Day, Dump, DumpSize, Facts, InboxRecord, LogEntry, Lookups,
    NotifyRecord, Order, OrderKey, OrderRecord, OutboxId, OutboxPlace, OutboxRecord, Record,
    Snapshot, StoreError,
    dump::admit::{Holdings, Known, admit, numbers_of},
    totals::{Sums, sums_of},
};

const TRIES_MAX: u32 = 6;
const TRY_WAIT: Duration = Duration::from_millis(20);

#[async_trait]
impl Dump for PostgresStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let loan = self.pool()?.take().await?;
        Ok(Box::new(PostgresSnapshot::begin(loan).await?))
    }

    async fn dump_orders(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<OrderRecord>, StoreError> {
        records::orders(self.pool()?, after.as_ref(), limit).await
    }

    async fn dump_outbox(
        &self,
        after: Option<OutboxPlace>,
        limit: usize,
    ) -> Result<Vec<OutboxRecord>, StoreError> {
        records::outbox(self.pool()?, after.as_ref(), limit).await
    }

    async fn dump_inbox(&self, after: u64, limit: usize) -> Result<Vec<InboxRecord>, StoreError> {
        records::inbox(self.pool()?, after, limit).await
    }

    async fn dump_size(&self) -> Result<DumpSize, StoreError> {
        records::size(self.pool()?).await
    }

    async fn load(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut tries = 0;
        loop {
            let loan = pool.take().await?;
            // Loading again what was loaded is harmless: that is how a commit without an answer is read back.
            match load_once(&loan.session, &records).await {
                Ok(()) => {
                    pool.give_back(loan);
                    self.woken();
                    return Ok(());
                }
                Err(Attempt::Broken(error)) => return Err(error),
                Err(Attempt::Fault(fault)) => {
                    tries += 1;
                    if tries == TRIES_MAX || matches!(fault, Fault::Refused { .. }) {
                        return Err(fault.into());
                    }
                    drop(loan);
                    sleep(jittered(TRY_WAIT)).await;
                }
            }
        }
    }
}

async fn load_once(session: &Session, records: &[Record]) -> Result<(), Attempt> {
    let mut store = Have::read(session, records).await?;
    let fresh = admit(records.to_vec(), &mut store)?;
    let mut writes = Writes::default();
    let mut orders: HashMap<OrderKey, (Stored, Vec<(Day, Sums)>)> = HashMap::new();
    let mut notifies = Vec::new();
    for record in fresh {
        match record {
            Record::Order(record) => {
                let OrderRecord { order, log } = *record;
                let key = order.key.clone();
                for unique in uniques_of(&order) {
                    writes.own(&key, &unique);
                }
                writes.log.extend(
                    log.iter()
                        .zip(0..)
                        .map(|(entry, n)| LogRow::new(&key, n, entry)),
                );
                let stored = Stored {
                    order,
                    version: 1,
                    logged: to_i64(log.len()),
                    sent: 0,
                };
                orders.insert(key, (stored, Vec::new()));
            }
            Record::Outbox(record) => {
                let key = record.row.key.clone();
                let known = store.orders.get(&key);
                let (stored, _) = orders.entry(key).or_insert_with(|| {
                    let known =
                        known.unwrap_or_else(|| unreachable!("a row comes behind its order"));
                    let next = Stored {
                        version: known.version + 1,
                        ..known.clone()
                    };
                    (next, sums_of(&known.order))
                });
                writes.outbox.push(OutRow::new(stored.sent, *record));
                stored.sent += 1;
            }
            Record::Inbox(record) => notifies.push(*record),
        }
    }
    for (stored, before) in orders.values() {
        writes.put_order(stored, before);
    }
    writes.sort();
    let commit_id = commit_id()?;
    session.batch("BEGIN").await?;
    if !writes.is_empty() {
        writes.send(session, &commit_id).await?;
    }
    if !notifies.is_empty() {
        write_notifies(session, notifies, &commit_id).await?;
    }
    session.batch("COMMIT").await?;
    Ok(())
}

/// What the store has of what a batch names.
struct Have {
    orders: HashMap<OrderKey, Stored>,
    logs: HashMap<OrderKey, Vec<LogEntry>>,
    rows: HashMap<OutboxId, OutboxRecord>,
    owners: HashMap<Unique, Option<OrderKey>>,
    notifies: HashMap<u64, NotifyRecord>,
    next_notify: u64,
}

impl Have {
    async fn read(session: &Session, records: &[Record]) -> Result<Self, Attempt> {
        let (mut keys, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        let mut numbers = BTreeSet::new();
        for record in records {
            match record {
                Record::Order(record) => {
                    keys.insert(&record.order.key);
                    wanted.extend(uniques_of(&record.order));
                }
                Record::Outbox(record) => drop(keys.insert(&record.row.key)),
                Record::Inbox(record) => drop(numbers.insert(record.n)),
            }
        }
        let mut owners = HashMap::new();
        let orders = read_orders(session, keys.iter().copied()).await?;
        read_owners(session, &wanted, &mut owners).await?;
        let places: Vec<_> = keys.into_iter().map(place).collect();
        let (shards, merchants, names) = (
            col(&places, |place| place.0),
            col(&places, |place| place.1),
            col(&places, |place| place.2),
        );
        let mut logs: HashMap<_, Vec<_>> = HashMap::new();
        let params: Params<'_> = &[&shards, &merchants, &names];
        for row in session.query(Sql::LogsOf, params).await? {
            logs.entry(key_at(&row, 0, 1)?)
                .or_default()
                .push(decode(&row, 2)?);
        }
        let mut rows = HashMap::new();
        for row in session.query(Sql::OutboxOf, params).await? {
            let record = outbox_at(&row, 0)?;
            rows.insert(record.row.id.clone(), record);
        }
        let (notifies, next_notify) = read_notifies(session, &numbers).await?;
        Ok(Self {
            orders,
            logs,
            rows,
            owners,
            notifies,
            next_notify,
        })
    }
}

async fn read_notifies(
    session: &Session,
    numbers: &BTreeSet<u64>,
) -> Result<(HashMap<u64, NotifyRecord>, u64), Attempt> {
    let numbers: Vec<i64> = numbers.iter().map(|n| to_i64(*n)).collect();
    if numbers.is_empty() {
        return Ok((HashMap::new(), 0));
    }
    let mut notifies = HashMap::new();
    for row in session.query(Sql::NotifiesOf, &[&numbers]).await? {
        notifies.insert(to_u64(column(&row, 0)?), record_at(&row, 1)?);
    }
    let next = session.query(Sql::NextNotify, &[]).await?;
    let next = next.first().map_or(Ok(1), |row| column(row, 0))?;
    Ok((notifies, to_u64(next)))
}

impl Holdings for Have {
    fn known(&mut self, record: &Record) -> Result<Known, StoreError> {
        Ok(match record {
            Record::Order(record) => {
                let key = &record.order.key;
                let there = self.orders.get(key).map(|stored| OrderRecord {
                    order: stored.order.clone(),
                    log: self.logs.get(key).cloned().unwrap_or_default(),
                });
                Known::of(there.as_ref(), record)
            }
            Record::Outbox(record) => Known::of(self.rows.get(&record.row.id), record),
            Record::Inbox(record) => Known::of(self.notifies.get(&record.n), &record.notify),
        })
    }

    fn order(&mut self, key: &OrderKey) -> Result<Option<Order>, StoreError> {
        Ok(self.orders.get(key).map(|stored| stored.order.clone()))
    }

    fn look_up(&mut self, mch_id: &MchId, lookups: Lookups) -> Result<Facts, StoreError> {
        let owner = |unique: Unique| self.owners.get(&unique).cloned().flatten();
        let numbers = lookups.numbers.into_iter().filter_map(|number| {
            let owner = owner(Unique::Number(mch_id.clone(), number.clone()))?;
            Some((number, owner))
        });
        Ok(Facts {
            number_owners: numbers.collect(),
            transaction_owner: lookups
                .transaction
                .and_then(|id| owner(Unique::Transaction(id))),
            refund_owner: lookups
                .refund
                .and_then(|number| owner(Unique::Refund(mch_id.clone(), number))),
        })
    }

    fn is_past(&mut self, n: u64) -> bool {
        n.saturating_add(ACCEPTED_MAX_COUNT) < self.next_notify
    }
}

/// All of an order that belongs to no other.
fn uniques_of(order: &Order) -> BTreeSet<Unique> {
    let mch_id = &order.key.mch_id;
    let numbers = numbers_of(order).into_iter();
    let transactions = order.payments.iter().map(|payment| &payment.transaction_id);
    let refunds = order.refunds.iter().map(|refund| &refund.out_refund_no);
    numbers
        .map(|number| Unique::Number(mch_id.clone(), number))
        .chain(transactions.map(|id| Unique::Transaction(id.clone())))
        .chain(refunds.map(|number| Unique::Refund(mch_id.clone(), number.clone())))
        .collect()
}

async fn write_notifies(
    session: &Session,
    records: Vec<InboxRecord>,
    commit_id: &[u8],
) -> Result<(), Attempt> {
    let rows: Vec<(i64, KeptRow)> = records
        .into_iter()
        .map(|record| (to_i64(record.n), KeptRow::new(record.notify)))
        .collect();
    let next = rows.iter().map(|row| row.0 + 1).max().unwrap_or(1);
    session
        .query(
            Sql::LoadInbox,
            &[
                &next,
                &Ring::Accepted.slots(),
                &col(&rows, |row| row.0),
                &col(&rows, |row| row.1.at),
                &col(&rows, |row| row.1.head.as_str()),
                &col(&rows, |row| row.1.body.as_slice()),
                &commit_id,
            ],
        )
        .await?;
    Ok(())
}
