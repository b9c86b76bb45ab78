//! What a group of commands reads and writes.

/// $1 shards, $2 merchants, $3 numbers: the orders of a group.
///
/// This and the next are planned once, perhaps while the tables are empty. A plain join may then begin with the table instead of the
/// keys, and reads all of it when it has grown; `LATERAL … LIMIT 1` leaves no such choice.
pub(super) const READ_ORDERS: &str = "
SELECT o.mch_id, o.out_trade_no, o.version, o.logged, o.sent, o.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
CROSS JOIN LATERAL (
  SELECT * FROM {s}.orders o
  WHERE o.shard = k.shard AND o.mch_id = k.mch_id AND o.out_trade_no = k.out_trade_no LIMIT 1) o";

/// Owners: $1-$3 of numbers, $4-$5 of transactions, $6-$8 of refunds.
pub(super) const READ_FACTS: &str = "
SELECT 'number', n.number, n.mch_id, n.out_trade_no
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, number)
CROSS JOIN LATERAL (
  SELECT * FROM {s}.numbers n
  WHERE n.shard = k.shard AND n.mch_id = k.mch_id AND n.number = k.number LIMIT 1) n
UNION ALL
SELECT 'transaction', t.transaction_id, t.mch_id, t.out_trade_no
FROM unnest($4::smallint[], $5::text[]) AS k(shard, transaction_id)
CROSS JOIN LATERAL (
  SELECT * FROM {s}.transactions t
  WHERE t.shard = k.shard AND t.transaction_id = k.transaction_id LIMIT 1) t
UNION ALL
SELECT 'refund', r.out_refund_no, r.mch_id, r.out_trade_no
FROM unnest($6::smallint[], $7::text[], $8::text[]) AS k(shard, mch_id, out_refund_no)
CROSS JOIN LATERAL (
  SELECT * FROM {s}.refunds r
  WHERE r.shard = k.shard AND r.mch_id = k.mch_id AND r.out_refund_no = k.out_refund_no LIMIT 1) r";

/// A part of a group's statement: one table that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Part {
    /// Orders that are all new, as nearly every group of `create` has them.
    NewOrders,
    /// Orders of which some are known.
    Orders,
    Log,
    Outbox,
    Numbers,
    Transactions,
    Refunds,
    Tally,
    Accounts,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::NewOrders,
        Self::Orders,
        Self::Log,
        Self::Outbox,
        Self::Numbers,
        Self::Transactions,
        Self::Refunds,
        Self::Tally,
        Self::Accounts,
    ];

    /// Each `?` is the next parameter.
    const fn text(self) -> &'static str {
        match self {
            Self::NewOrders => NEW_ORDERS,
            Self::Orders => ORDERS,
            Self::Log => LOG,
            Self::Outbox => OUTBOX,
            Self::Numbers => NUMBERS,
            Self::Transactions => TRANSACTIONS,
            Self::Refunds => REFUNDS,
            Self::Tally => TALLY,
            Self::Accounts => ACCOUNTS,
        }
    }
}

/// The tables that a group writes: a statement does not pay for those that it leaves alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in super::super) struct Parts(u16);

impl Parts {
    pub(in super::super) fn add(&mut self, part: Part) {
        self.0 |= 1 << part as u16;
    }

    pub(in super::super) fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL
            .into_iter()
            .filter(move |part| self.0 & (1 << *part as u16) != 0)
    }

    /// Every set of tables that a group may write.
    #[cfg(test)]
    pub(in super::super) fn every() -> impl Iterator<Item = Self> {
        let either = 1 << Part::NewOrders as u16 | 1 << Part::Orders as u16;
        (0..1 << Part::ALL.len())
            .map(Self)
            .filter(move |parts| (parts.0 & either).is_power_of_two())
    }
}

/// A whole group: all of it or nothing.
///
/// An order's row is written only over the version that it was decided on; the last parameter is how many there must be, and one that
/// is missing in the count divides by zero. A row that must be unique and is not is an error of its own. Either way the statement,
/// which is its own transaction, leaves no trace. `ON CONFLICT DO NOTHING` would look for each row before and after it writes
/// it, and log it twice: two fifths more work.
pub(super) fn write(parts: Parts) -> String {
    let texts: Vec<&str> = parts.iter().map(Part::text).collect();
    let text = format!(
        "WITH {} SELECT 1 / (CASE WHEN (SELECT count(*) FROM o) = ?::bigint THEN 1 ELSE 0 END)",
        texts.join(", ")
    );
    let mut numbered = String::with_capacity(text.len() + 64);
    for (at, piece) in text.split('?').enumerate() {
        if at > 0 {
            numbered.push('$');
            numbered.push_str(&at.to_string());
        }
        numbered.push_str(piece);
    }
    numbered
}

const NEW_ORDERS: &str = "o AS (
  INSERT INTO {s}.orders (shard, mch_id, out_trade_no, version, logged, sent, bucket, state,
                          appid, created_at, due, open, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.version, k.logged, k.sent, k.shard % 16, k.state,
         k.appid, k.created_at, k.due, k.open, k.doc
  FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[],
              ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::boolean[], ?::text[])
    AS k(shard, mch_id, out_trade_no, version, logged, sent, state, appid, created_at, due, open, doc)
  RETURNING 1)";

/// An upsert also where all are known: an update would be a join, whose plan is made while the table may be empty.
const ORDERS: &str = "o AS (
  INSERT INTO {s}.orders AS t (shard, mch_id, out_trade_no, version, logged, sent, bucket, state,
                               appid, created_at, due, open, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.version, k.logged, k.sent, k.shard % 16, k.state,
         k.appid, k.created_at, k.due, k.open, k.doc
  FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[],
              ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::boolean[], ?::text[])
    AS k(shard, mch_id, out_trade_no, version, logged, sent, state, appid, created_at, due, open, doc)
  ON CONFLICT (shard, mch_id, out_trade_no) DO UPDATE
    SET version = excluded.version, logged = excluded.logged, sent = excluded.sent,
        state = excluded.state, due = excluded.due, open = excluded.open, doc = excluded.doc
    WHERE t.version = excluded.version - 1
  RETURNING 1)";

const LOG: &str = "l AS (
  INSERT INTO {s}.log (shard, mch_id, out_trade_no, n, commit_id, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.n, ?::bytea, k.doc
  FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[], ?::text[])
    AS k(shard, mch_id, out_trade_no, n, doc))";

const OUTBOX: &str = "b AS (
  INSERT INTO {s}.outbox (shard, mch_id, out_trade_no, n, id, kind, created_at, ready_at,
                          attempts, last_error, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.n, k.id, k.kind, k.created_at, k.ready_at,
         k.attempts, k.last_error, k.doc
  FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::smallint[],
              ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[])
    AS k(shard, mch_id, out_trade_no, n, id, kind, created_at, ready_at, attempts, last_error, doc))";

const NUMBERS: &str = "n AS (
  INSERT INTO {s}.numbers (shard, mch_id, number, out_trade_no)
  SELECT * FROM unnest(?::smallint[], ?::text[], ?::text[], ?::text[]))";

const TRANSACTIONS: &str = "t AS (
  INSERT INTO {s}.transactions (shard, transaction_id, mch_id, out_trade_no)
  SELECT * FROM unnest(?::smallint[], ?::text[], ?::text[], ?::text[]))";

const REFUNDS: &str = "r AS (
  INSERT INTO {s}.refunds (shard, mch_id, out_refund_no, out_trade_no)
  SELECT * FROM unnest(?::smallint[], ?::text[], ?::text[], ?::text[]))";

const TALLY: &str = "y AS (
  INSERT INTO {s}.tally (shard, mch_id, out_trade_no, n, day, payments, paid, refunds, refunded)
  SELECT * FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[],
                       ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[]))";

const ACCOUNTS: &str = "a AS (
  INSERT INTO {s}.accounts (mch_id, appid)
  SELECT * FROM unnest(?::text[], ?::text[])
  ON CONFLICT DO NOTHING)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_as_they_come() {
        let mut parts = Parts::default();
        parts.add(Part::Accounts);
        parts.add(Part::NewOrders);
        assert_eq!(
            parts.iter().collect::<Vec<_>>(),
            [Part::NewOrders, Part::Accounts]
        );
        let text = write(parts);
        assert!(text.contains("unnest($1::smallint[], $2::text[]"), "{text}");
        assert!(text.contains("unnest($13::text[], $14::text[])"), "{text}");
        assert!(text.contains("= $15::bigint"), "{text}");
        assert!(!text.contains('?'));
        assert_eq!(Parts::every().count(), 2 << 7);
    }
}
