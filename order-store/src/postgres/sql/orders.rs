//! What is read of orders, and the roll-up of totals.

/// The newest orders: $1 since, $2-$4 before, $5 how many. Each bucket gives the newest of each state in `{states}`; their keys
/// alone are sorted.
pub(super) const LIST: &str = "
WITH page AS (
  SELECT x.created_at, x.shard, x.mch_id, x.out_trade_no
  FROM generate_series(0, 15) AS b(bucket) CROSS JOIN {states} CROSS JOIN LATERAL (
    SELECT o.created_at, o.shard, o.mch_id, o.out_trade_no FROM {s}.orders o
    WHERE o.bucket = b.bucket AND o.state = s.state AND o.created_at >= $1
      AND (o.created_at, o.mch_id, o.out_trade_no) < ($2, $3, $4)
    ORDER BY o.created_at DESC, o.mch_id DESC, o.out_trade_no DESC LIMIT $5) x
  ORDER BY x.created_at DESC, x.mch_id DESC, x.out_trade_no DESC LIMIT $5)
SELECT o.doc FROM page p
JOIN {s}.orders o ON o.shard = p.shard AND o.mch_id = p.mch_id AND o.out_trade_no = p.out_trade_no
ORDER BY p.created_at DESC, p.mch_id DESC, p.out_trade_no DESC";

/// The longest overdue at $1, $2 of them.
pub(super) const DUE: &str = "
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
pub(super) const TOTALS: &str = "
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
pub(super) const ROLL_UP: &str = "
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
