//! Records out, and what the store has of records that come in.

/// Behind $1-$3, $4 of them, with their logs. An order whose log is gone is there too: it is for `check` to find, and a page without
/// it would count as the end.
pub(super) const DUMP_ORDERS: &str = "
WITH page AS (
  SELECT x.created_at, x.shard, x.mch_id, x.out_trade_no
  FROM generate_series(0, 15) AS b(bucket) CROSS JOIN {states} CROSS JOIN LATERAL (
    SELECT o.created_at, o.shard, o.mch_id, o.out_trade_no FROM {s}.orders o
    WHERE o.bucket = b.bucket AND o.state = s.state AND (o.created_at, o.mch_id, o.out_trade_no) > ($1, $2, $3)
    ORDER BY o.created_at, o.mch_id, o.out_trade_no LIMIT $4) x
  ORDER BY x.created_at, x.mch_id, x.out_trade_no LIMIT $4)
SELECT o.mch_id, o.out_trade_no, o.doc, l.doc FROM page p
JOIN {s}.orders o ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no
LEFT JOIN {s}.log l ON l.shard = p.shard AND l.mch_id = p.mch_id AND l.out_trade_no = p.out_trade_no
ORDER BY p.created_at, p.mch_id, p.out_trade_no, l.n";

/// Behind $1-$4, $5 of them.
///
/// The rows that nobody has claimed, and those that were set aside, come in order from `outbox_ready`, each from where the page begins;
/// only those on loan or put off are sorted.
pub(super) const DUMP_OUTBOX: &str = "
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
pub(super) const OUTBOX_OF: &str = "
SELECT o.ready_at, o.owner IS NULL, o.attempts, o.last_error, o.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
JOIN {s}.outbox o
  ON o.shard = k.shard AND o.mch_id = k.mch_id AND o.out_trade_no = k.out_trade_no";

/// The logs of the orders $1-$3.
pub(super) const LOGS_OF: &str = "
SELECT l.mch_id, l.out_trade_no, l.doc
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS k(shard, mch_id, out_trade_no)
JOIN {s}.log l ON l.shard = k.shard AND l.mch_id = k.mch_id AND l.out_trade_no = k.out_trade_no
ORDER BY l.shard, l.mch_id, l.out_trade_no, l.n";
