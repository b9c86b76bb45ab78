//! The statements. `{s}` is the schema; the tables stand in `migrations/`.
//!
//! Each writes a table at most once, takes its keys as arrays in ascending order, so that two writers never wait for each
//! other crosswise, and needs no isolation above READ COMMITTED.

/// A statement, prepared once on each connection that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sql {
    Now,
    ReadOrders,
    ReadFacts,
    WriteGroup,
    ReadBack,
    Get,
    FindAttempt,
    FindTransaction,
    FindRefund,
    Log,
    List,
    ListState,
    Due,
    Accounts,
    OpenOrders,
    Totals,
    RollUp,
    ClaimAgain,
    ClaimFresh,
    ClaimTake,
    Ack,
    Hold,
    SettledBefore,
    HeldBack,
    Requeue,
    Parked,
    OutboxStatus,
    OutboxReady,
    KeepNotifies,
    KeptNotifies,
    ListNotifies,
    Notify,
    DumpOrders,
    DumpOutbox,
    DumpInbox,
    DumpSize,
    OutboxOf,
    LogsOf,
    NotifiesOf,
    NextNotify,
    Release,
    LoadInbox,
}

impl Sql {
    /// Its text in this schema.
    pub(super) fn text(self, schema: &str) -> String {
        let of_state = match self {
            Self::ListState => " AND o.state = $6",
            _ => "",
        };
        self.template()
            .replace("{s}", &format!("\"{schema}\""))
            .replace("{now}", NOW)
            .replace("{of_state}", of_state)
    }

    fn template(self) -> &'static str {
        match self {
            Self::Now => "SELECT COALESCE($1::bigint, {now})",
            Self::ReadOrders => READ_ORDERS,
            Self::ReadFacts => READ_FACTS,
            Self::WriteGroup => WRITE_GROUP,
            Self::ReadBack => {
                "SELECT commit_id FROM {s}.log \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND n = $4"
            }
            Self::Get => {
                "SELECT doc FROM {s}.orders WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3"
            }
            Self::FindAttempt => {
                "SELECT mch_id, out_trade_no FROM {s}.numbers \
                 WHERE shard = $1 AND mch_id = $2 AND number = $3"
            }
            Self::FindTransaction => {
                "SELECT mch_id, out_trade_no FROM {s}.transactions \
                 WHERE shard = $1 AND transaction_id = $2"
            }
            Self::FindRefund => {
                "SELECT mch_id, out_trade_no FROM {s}.refunds \
                 WHERE shard = $1 AND mch_id = $2 AND out_refund_no = $3"
            }
            Self::Log => {
                "SELECT doc FROM {s}.log WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 \
                 ORDER BY n"
            }
            Self::List | Self::ListState => LIST,
            Self::Due => DUE,
            Self::Accounts => "SELECT mch_id, appid FROM {s}.accounts",
            Self::OpenOrders => {
                "SELECT mch_id, appid, count(*) FROM {s}.orders WHERE open GROUP BY mch_id, appid"
            }
            Self::Totals => TOTALS,
            Self::RollUp => ROLL_UP,
            Self::ClaimAgain => CLAIM_AGAIN,
            Self::ClaimFresh => CLAIM_FRESH,
            Self::ClaimTake => CLAIM_TAKE,
            Self::Ack => ACK,
            Self::Hold => HOLD,
            Self::SettledBefore => {
                "SELECT fence, owner IS NULL FROM {s}.outbox \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND n = $4"
            }
            Self::HeldBack => {
                "SELECT id, owner IS NULL AND (ready_at IS NULL OR ready_at > 0) FROM {s}.outbox \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3"
            }
            Self::Requeue => {
                "UPDATE {s}.outbox SET ready_at = 0, attempts = 0, last_error = NULL \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND id = $4 \
                 AND owner IS NULL AND (ready_at IS NULL OR ready_at > 0) RETURNING n"
            }
            Self::Parked => {
                "SELECT attempts, last_error, doc FROM {s}.outbox WHERE ready_at IS NULL \
                 ORDER BY created_at, mch_id, out_trade_no, n LIMIT $1"
            }
            Self::OutboxStatus => OUTBOX_STATUS,
            Self::OutboxReady => OUTBOX_READY,
            Self::KeepNotifies => KEEP_NOTIFIES,
            Self::KeptNotifies => {
                "SELECT n FROM {s}.inbox WHERE kind = $1 AND commit_id = $2 AND n >= \
                 (SELECT next - $3 FROM {s}.inbox_next WHERE kind = $1) ORDER BY n"
            }
            Self::ListNotifies => {
                "SELECT n, head FROM {s}.inbox WHERE kind = $1 AND at < $2 \
                 ORDER BY at DESC, n DESC LIMIT $3"
            }
            Self::Notify => "SELECT head, body FROM {s}.inbox WHERE kind = $1 AND n = $2",
            Self::DumpOrders => DUMP_ORDERS,
            Self::DumpOutbox => DUMP_OUTBOX,
            Self::DumpInbox => {
                "SELECT n, head, body FROM {s}.inbox WHERE kind = 'accepted' AND n > $1 \
                 ORDER BY n LIMIT $2"
            }
            Self::DumpSize => {
                "SELECT (SELECT count(*) FROM {s}.orders), (SELECT count(*) FROM {s}.outbox), \
                 (SELECT count(*) FROM {s}.inbox WHERE kind = 'accepted')"
            }
            Self::OutboxOf => OUTBOX_OF,
            Self::LogsOf => LOGS_OF,
            Self::NotifiesOf => {
                "SELECT n, head, body FROM {s}.inbox WHERE kind = 'accepted' AND n = ANY($1::bigint[])"
            }
            Self::NextNotify => "SELECT next FROM {s}.inbox_next WHERE kind = 'accepted'",
            Self::Release => {
                "UPDATE {s}.outbox SET ready_at = 0, owner = NULL WHERE right(owner, 32) = $1"
            }
            Self::LoadInbox => LOAD_INBOX,
        }
    }
}

/// The database's clock in milliseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// $1 shards, $2 merchants, $3 numbers: the orders of a group.
///
/// This and the next are planned once, perhaps while the tables are empty. A plain join may then begin with the table instead of the
/// keys, and reads all of it when it has grown; `LATERAL … LIMIT 1` leaves no such choice.
const READ_ORDERS: &str = "
SELECT o.mch_id, o.out_trade_no, o.version, o.logged, o.sent, o.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
CROSS JOIN LATERAL (
  SELECT * FROM {s}.orders o
  WHERE o.shard = k.shard AND o.mch_id = k.mch_id AND o.out_trade_no = k.out_trade_no LIMIT 1) o";

/// Owners: $1-$3 of numbers, $4-$5 of transactions, $6-$8 of refunds.
const READ_FACTS: &str = "
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

/// A whole group: all of it or nothing.
///
/// An order's row is written only over the version that it was decided on; $50 is how many there must be, and one that is missing
/// in the count divides by zero. A row that must be unique and is not is an error of its own. Either way the statement, which is its
/// own transaction, leaves no trace. `ON CONFLICT DO NOTHING` would look for each row before and after it writes it, and log
/// it twice: two fifths more work.
const WRITE_GROUP: &str = "
WITH o AS (
  INSERT INTO {s}.orders AS t (shard, mch_id, out_trade_no, version, logged, sent, bucket, state,
                               appid, created_at, due, open, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.version, k.logged, k.sent, k.shard % 16, k.state,
         k.appid, k.created_at, k.due, k.open, k.doc
  FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
              $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::boolean[], $12::text[])
    AS k(shard, mch_id, out_trade_no, version, logged, sent, state, appid, created_at, due, open, doc)
  ON CONFLICT (shard, mch_id, out_trade_no) DO UPDATE
    SET version = excluded.version, logged = excluded.logged, sent = excluded.sent,
        state = excluded.state, due = excluded.due, open = excluded.open, doc = excluded.doc
    WHERE t.version = excluded.version - 1
  RETURNING 1
), l AS (
  INSERT INTO {s}.log (shard, mch_id, out_trade_no, n, commit_id, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.n, $13::bytea, k.doc
  FROM unnest($14::smallint[], $15::text[], $16::text[], $17::bigint[], $18::text[])
    AS k(shard, mch_id, out_trade_no, n, doc)
), b AS (
  INSERT INTO {s}.outbox (shard, mch_id, out_trade_no, n, id, kind, created_at, ready_at,
                          attempts, last_error, doc)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.n, k.id, k.kind, k.created_at, k.ready_at,
         k.attempts, k.last_error, k.doc
  FROM unnest($19::smallint[], $20::text[], $21::text[], $22::bigint[], $23::text[], $24::smallint[],
              $25::bigint[], $26::bigint[], $27::bigint[], $28::text[], $29::text[])
    AS k(shard, mch_id, out_trade_no, n, id, kind, created_at, ready_at, attempts, last_error, doc)
), n AS (
  INSERT INTO {s}.numbers (shard, mch_id, number, out_trade_no)
  SELECT * FROM unnest($30::smallint[], $31::text[], $32::text[], $33::text[])
), t AS (
  INSERT INTO {s}.transactions (shard, transaction_id, mch_id, out_trade_no)
  SELECT * FROM unnest($34::smallint[], $35::text[], $36::text[], $37::text[])
), r AS (
  INSERT INTO {s}.refunds (shard, mch_id, out_refund_no, out_trade_no)
  SELECT * FROM unnest($38::smallint[], $39::text[], $40::text[], $41::text[])
), y AS (
  INSERT INTO {s}.tally (shard, mch_id, out_trade_no, n, day, payments, paid, refunds, refunded)
  SELECT k.shard, k.mch_id, k.out_trade_no, k.n, k.day, k.payments, k.paid, k.refunds, k.refunded
  FROM unnest($42::smallint[], $43::text[], $44::text[], $45::bigint[], $46::bigint[],
              $47::bigint[], $48::bigint[], $49::bigint[], $51::bigint[])
    AS k(shard, mch_id, out_trade_no, n, day, payments, paid, refunds, refunded)
), a AS (
  INSERT INTO {s}.accounts (mch_id, appid)
  SELECT * FROM unnest($52::text[], $53::text[])
  ON CONFLICT DO NOTHING
)
SELECT 1 / (CASE WHEN (SELECT count(*) FROM o) = $50::bigint THEN 1 ELSE 0 END)";

/// The newest orders, of state $6 where `{of_state}` is: $1 since, $2-$4 before, $5 how many. Each bucket gives its newest; their keys alone are sorted.
const LIST: &str = "
WITH page AS (
  SELECT x.created_at, x.shard, x.mch_id, x.out_trade_no
  FROM generate_series(0, 15) AS b(bucket) CROSS JOIN LATERAL (
    SELECT o.created_at, o.shard, o.mch_id, o.out_trade_no FROM {s}.orders o
    WHERE o.bucket = b.bucket{of_state} AND o.created_at >= $1
      AND (o.created_at, o.mch_id, o.out_trade_no) < ($2, $3, $4)
    ORDER BY o.created_at DESC, o.mch_id DESC, o.out_trade_no DESC LIMIT $5) x
  ORDER BY x.created_at DESC, x.mch_id DESC, x.out_trade_no DESC LIMIT $5)
SELECT o.doc FROM page p
JOIN {s}.orders o ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no
ORDER BY p.created_at DESC, p.mch_id DESC, p.out_trade_no DESC";

/// The longest overdue at $1, $2 of them.
const DUE: &str = "
WITH page AS (
  SELECT x.due, x.shard, x.mch_id, x.out_trade_no
  FROM generate_series(0, 15) AS b(bucket) CROSS JOIN LATERAL (
    SELECT o.due, o.shard, o.mch_id, o.out_trade_no FROM {s}.orders o
    WHERE o.bucket = b.bucket AND o.due <= $1
    ORDER BY o.due, o.mch_id, o.out_trade_no LIMIT $2) x
  ORDER BY x.due, x.mch_id, x.out_trade_no LIMIT $2)
SELECT o.doc FROM page p
JOIN {s}.orders o ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no
ORDER BY p.due, p.mch_id, p.out_trade_no";

/// Rolled up and not yet rolled up together: $1 the first day, $2 the last, $3 a merchant or none.
const TOTALS: &str = "
SELECT x.day, x.mch_id,
       sum(x.payments)::bigint, sum(x.paid)::bigint, sum(x.refunds)::bigint, sum(x.refunded)::bigint
FROM (SELECT day, mch_id, payments, paid, refunds, refunded FROM {s}.totals
      WHERE day BETWEEN $1 AND $2
      UNION ALL
      SELECT day, mch_id, payments, paid, refunds, refunded FROM {s}.tally
      WHERE day BETWEEN $1 AND $2) x
WHERE $3::text IS NULL OR x.mch_id = $3::text
GROUP BY x.day, x.mch_id ORDER BY x.day, x.mch_id";

/// Moves up to $1 rows of the tally into the totals. Machines take different rows.
const ROLL_UP: &str = "
WITH k AS (
  SELECT shard, mch_id, out_trade_no, n, day FROM {s}.tally
  ORDER BY shard, mch_id, out_trade_no, n, day LIMIT $1 FOR UPDATE SKIP LOCKED
), d AS (
  DELETE FROM {s}.tally t USING k
  WHERE t.shard = k.shard AND t.mch_id = k.mch_id AND t.out_trade_no = k.out_trade_no
    AND t.n = k.n AND t.day = k.day
  RETURNING t.mch_id, t.day, t.payments, t.paid, t.refunds, t.refunded
), i AS (
  INSERT INTO {s}.totals AS t (mch_id, day, payments, paid, refunds, refunded)
  SELECT mch_id, day, sum(payments)::bigint, sum(paid)::bigint, sum(refunds)::bigint,
         sum(refunded)::bigint
  FROM d GROUP BY mch_id, day ORDER BY mch_id, day
  ON CONFLICT (mch_id, day) DO UPDATE
    SET payments = t.payments + excluded.payments, paid = t.paid + excluded.paid,
        refunds = t.refunds + excluded.refunds, refunded = t.refunded + excluded.refunded
)
SELECT count(*) FROM d";

/// Locks the first rows of up to $2 orders whose lease or wait is over at $1. Whoever has an order's first row has the order.
const CLAIM_AGAIN: &str = "
SELECT o.shard, o.mch_id, o.out_trade_no FROM {s}.outbox o
WHERE o.ready_at > 0 AND o.ready_at <= $1 AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n)
ORDER BY o.ready_at, o.created_at, o.mch_id, o.out_trade_no, o.n
LIMIT $2 FOR UPDATE OF o SKIP LOCKED";

/// Locks the first rows of up to $1 orders that were never claimed.
const CLAIM_FRESH: &str = "
SELECT o.shard, o.mch_id, o.out_trade_no FROM {s}.outbox o
WHERE o.ready_at = 0 AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n)
ORDER BY o.ready_at, o.created_at, o.mch_id, o.out_trade_no, o.n
LIMIT $1 FOR UPDATE OF o SKIP LOCKED";

/// Lends the rows of the locked orders $1-$3, up to the first that is not free: at $4, until $5, to $6, at most $7.
///
/// A statement of its own, so that it sees what others committed before the locks were had.
const CLAIM_TAKE: &str = "
WITH k AS (
  SELECT o.shard, o.mch_id, o.out_trade_no, o.n
  FROM unnest($1::smallint[], $2::text[], $3::text[]) AS h(shard, mch_id, out_trade_no)
  JOIN {s}.outbox o
    ON o.shard = h.shard AND o.mch_id = h.mch_id AND o.out_trade_no = h.out_trade_no
  WHERE o.ready_at <= $4 AND NOT EXISTS (
    SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
      AND e.out_trade_no = o.out_trade_no AND e.n < o.n
      AND (e.ready_at IS NULL OR e.ready_at > $4))
  ORDER BY o.created_at, o.mch_id, o.out_trade_no, o.n LIMIT $7)
UPDATE {s}.outbox t SET ready_at = $5, owner = $6, fence = t.fence + 1
FROM k
WHERE t.shard = k.shard AND t.mch_id = k.mch_id AND t.out_trade_no = k.out_trade_no AND t.n = k.n
  AND t.ready_at <= $4
RETURNING t.n, t.fence, t.attempts, t.last_error, t.doc";

/// Takes out the rows $1-$4 that are on loan under the fences $5.
const ACK: &str = "
DELETE FROM {s}.outbox t
USING unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
  AS k(shard, mch_id, out_trade_no, n, fence)
WHERE t.shard = k.shard AND t.mch_id = k.mch_id AND t.out_trade_no = k.out_trade_no AND t.n = k.n
  AND t.fence = k.fence AND t.owner IS NOT NULL
RETURNING t.mch_id, t.out_trade_no, t.n, t.fence";

/// Puts the rows $1-$4 off that are on loan under the fences $5: for $6 milliseconds, or for good where that is null or $8
/// tries (0: never) are over; $7 says why, $9 is the time or null.
///
/// It locks the first rows of the orders before, as a claim does: else a claim could step over a row that is put off meanwhile.
const HOLD: &str = "
WITH k AS (
  SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                       $6::bigint[], $7::text[])
    AS k(shard, mch_id, out_trade_no, n, fence, wait, reason)
), h AS (
  SELECT o.n FROM {s}.outbox o
  JOIN (SELECT DISTINCT shard, mch_id, out_trade_no FROM k) d
    ON o.shard = d.shard AND o.mch_id = d.mch_id AND o.out_trade_no = d.out_trade_no
  WHERE NOT EXISTS (
    SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
      AND e.out_trade_no = o.out_trade_no AND e.n < o.n)
  ORDER BY o.shard, o.mch_id, o.out_trade_no FOR UPDATE OF o
)
UPDATE {s}.outbox t
SET ready_at = CASE WHEN $8::bigint > 0 AND t.attempts + 1 >= $8::bigint THEN NULL
                    ELSE COALESCE($9::bigint, {now}) + k.wait END,
    owner = NULL, attempts = t.attempts + 1, last_error = k.reason
FROM k
WHERE t.shard = k.shard AND t.mch_id = k.mch_id AND t.out_trade_no = k.out_trade_no AND t.n = k.n
  AND t.fence = k.fence AND t.owner IS NOT NULL AND (SELECT count(*) FROM h) >= 0
RETURNING t.mch_id, t.out_trade_no, t.n, t.fence";

/// Whether a claim at $1 or now would find a row: one that is free, with none before it that is not.
const OUTBOX_READY: &str = "
SELECT 1 FROM {s}.outbox o CROSS JOIN (SELECT COALESCE($1::bigint, {now}) AS now) c
WHERE o.ready_at <= c.now AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n
    AND (e.ready_at IS NULL OR e.ready_at > c.now))
LIMIT 1";

/// At $1 or now.
const OUTBOX_STATUS: &str = "
SELECT count(*) FILTER (WHERE o.ready_at IS NOT NULL AND NOT (o.owner IS NOT NULL AND o.ready_at > c.now)),
       count(*) FILTER (WHERE o.owner IS NULL AND o.ready_at > c.now),
       count(*) FILTER (WHERE o.owner IS NOT NULL AND o.ready_at > c.now),
       count(*) FILTER (WHERE o.ready_at IS NULL),
       min(o.created_at) FILTER (WHERE o.ready_at IS NOT NULL),
       min(o.ready_at) FILTER (WHERE o.owner IS NULL AND o.ready_at > 0)
FROM {s}.outbox o CROSS JOIN (SELECT COALESCE($1::bigint, {now}) AS now) c";

/// $1 the ring, $2 its slots, $3 a random name of this write, $4 how many, $5-$7 the notifies.
const KEEP_NOTIFIES: &str = "
WITH c AS (
  UPDATE {s}.inbox_next SET next = next + $4 WHERE kind = $1 RETURNING next - $4 AS base
)
INSERT INTO {s}.inbox (kind, slot, n, at, commit_id, head, body)
SELECT $1, (c.base + k.place - 1) % $2, c.base + k.place - 1, k.at, $3, k.head, k.body
FROM c, unnest($5::bigint[], $6::text[], $7::bytea[]) WITH ORDINALITY AS k(at, head, body, place)
ON CONFLICT (kind, slot) DO UPDATE
  SET n = excluded.n, at = excluded.at, commit_id = excluded.commit_id, head = excluded.head,
      body = excluded.body
RETURNING n";

/// Behind $1-$3, $4 of them, with their logs.
const DUMP_ORDERS: &str = "
WITH page AS (
  SELECT x.created_at, x.shard, x.mch_id, x.out_trade_no
  FROM generate_series(0, 15) AS b(bucket) CROSS JOIN LATERAL (
    SELECT o.created_at, o.shard, o.mch_id, o.out_trade_no FROM {s}.orders o
    WHERE o.bucket = b.bucket AND (o.created_at, o.mch_id, o.out_trade_no) > ($1, $2, $3)
    ORDER BY o.created_at, o.mch_id, o.out_trade_no LIMIT $4) x
  ORDER BY x.created_at, x.mch_id, x.out_trade_no LIMIT $4)
SELECT o.mch_id, o.out_trade_no, o.doc, l.doc FROM page p
JOIN {s}.orders o ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no
JOIN {s}.log l ON l.shard = p.shard AND l.mch_id = p.mch_id AND l.out_trade_no = p.out_trade_no
ORDER BY p.created_at, p.mch_id, p.out_trade_no, l.n";

/// Behind $1-$4, $5 of them.
///
/// The rows that nobody has claimed, and those that were set aside, come in order from `outbox_ready`, each from where the page begins;
/// only those on loan or put off are sorted.
const DUMP_OUTBOX: &str = "
WITH page AS (
  (SELECT shard, mch_id, out_trade_no, n, created_at, kind FROM {s}.outbox
   WHERE ready_at = 0 AND (created_at, mch_id, out_trade_no) >= ($1, $2, $3)
     AND (created_at, mch_id, out_trade_no, kind) > ($1, $2, $3, $4)
   ORDER BY created_at, mch_id, out_trade_no, kind LIMIT $5)
  UNION ALL
  (SELECT shard, mch_id, out_trade_no, n, created_at, kind FROM {s}.outbox
   WHERE ready_at IS NULL AND (created_at, mch_id, out_trade_no) >= ($1, $2, $3)
     AND (created_at, mch_id, out_trade_no, kind) > ($1, $2, $3, $4)
   ORDER BY created_at, mch_id, out_trade_no, kind LIMIT $5)
  UNION ALL
  (SELECT shard, mch_id, out_trade_no, n, created_at, kind FROM {s}.outbox
   WHERE ready_at <> 0 AND (created_at, mch_id, out_trade_no, kind) > ($1, $2, $3, $4)
   ORDER BY created_at, mch_id, out_trade_no, kind LIMIT $5)
  ORDER BY created_at, mch_id, out_trade_no, kind LIMIT $5)
SELECT o.ready_at, o.owner IS NULL, o.attempts, o.last_error, o.doc FROM page p
JOIN {s}.outbox o
  ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no AND o.n = p.n
ORDER BY p.created_at, p.mch_id, p.out_trade_no, p.kind";

/// The rows of the orders $1-$3.
const OUTBOX_OF: &str = "
SELECT o.ready_at, o.owner IS NULL, o.attempts, o.last_error, o.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
JOIN {s}.outbox o
  ON o.shard = k.shard AND o.mch_id = k.mch_id AND o.out_trade_no = k.out_trade_no";

/// The logs of the orders $1-$3.
const LOGS_OF: &str = "
SELECT l.mch_id, l.out_trade_no, l.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
JOIN {s}.log l ON l.shard = k.shard AND l.mch_id = k.mch_id AND l.out_trade_no = k.out_trade_no
ORDER BY l.shard, l.mch_id, l.out_trade_no, l.n";

/// Accepted notifies under their own numbers $3, $2 slots.
const LOAD_INBOX: &str = "
WITH c AS (
  UPDATE {s}.inbox_next SET next = greatest(next, $1::bigint) WHERE kind = 'accepted'
)
INSERT INTO {s}.inbox (kind, slot, n, at, commit_id, head, body)
SELECT 'accepted', k.n % $2, k.n, k.at, $7, k.head, k.body
FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bytea[]) AS k(n, at, head, body)
ON CONFLICT (kind, slot) DO UPDATE
  SET n = excluded.n, at = excluded.at, commit_id = excluded.commit_id, head = excluded.head,
      body = excluded.body
  WHERE inbox.n < excluded.n";
