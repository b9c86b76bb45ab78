//! The outbox: loans and what becomes of them.

/// Locks the first rows of up to $2 orders whose lease or wait is over at $1. Whoever has an order's first row has the order.
pub(super) const CLAIM_AGAIN: &str = "
SELECT o.shard, o.mch_id, o.out_trade_no FROM {s}.outbox o
WHERE o.ready_at > 0 AND o.ready_at <= $1 AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n)
ORDER BY o.ready_at, o.created_at, o.mch_id, o.out_trade_no, o.n
LIMIT $2 FOR UPDATE OF o SKIP LOCKED";

/// Locks the first rows of up to $1 orders that were never claimed.
pub(super) const CLAIM_FRESH: &str = "
SELECT o.shard, o.mch_id, o.out_trade_no FROM {s}.outbox o
WHERE o.ready_at = 0 AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n)
ORDER BY o.ready_at, o.created_at, o.mch_id, o.out_trade_no, o.n
LIMIT $1 FOR UPDATE OF o SKIP LOCKED";

/// Lends the rows of the locked orders $1-$3, up to the first that is not free: at $4, until $5, to $6, at most $7.
///
/// A statement of its own, so that it sees what others committed before the locks were had.
pub(super) const CLAIM_TAKE: &str = "
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
pub(super) const ACK: &str = "
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
pub(super) const HOLD: &str = "
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
pub(super) const OUTBOX_READY: &str = "
SELECT 1 FROM {s}.outbox o CROSS JOIN (SELECT COALESCE($1::bigint, {now}) AS now) c
WHERE o.ready_at <= c.now AND NOT EXISTS (
  SELECT 1 FROM {s}.outbox e WHERE e.shard = o.shard AND e.mch_id = o.mch_id
    AND e.out_trade_no = o.out_trade_no AND e.n < o.n
    AND (e.ready_at IS NULL OR e.ready_at > c.now))
LIMIT 1";

/// At $1 or now. No more than $2 rows are looked at of those never claimed, of those claimed before, and of those set aside: the
/// outbox of a broker that is away has no bound, and this is asked for often.
pub(super) const OUTBOX_STATUS: &str = "
WITH c AS (
  SELECT COALESCE($1::bigint, {now}) AS now
), f AS (
  SELECT count(*) AS rows FROM (SELECT 1 FROM {s}.outbox WHERE ready_at = 0 LIMIT $2) x
), a AS (
  SELECT count(*) FILTER (WHERE x.owner IS NULL OR x.ready_at <= c.now) AS free,
         count(*) FILTER (WHERE x.owner IS NULL AND x.ready_at > c.now) AS put_off,
         count(*) FILTER (WHERE x.owner IS NOT NULL AND x.ready_at > c.now) AS leased,
         min(x.created_at) AS oldest,
         min(x.ready_at) FILTER (WHERE x.owner IS NULL) AS next_retry
  FROM c, (SELECT owner, ready_at, created_at FROM {s}.outbox WHERE ready_at > 0
           ORDER BY ready_at, created_at, mch_id, out_trade_no, n LIMIT $2) x
), p AS (
  SELECT count(*) AS rows FROM (SELECT 1 FROM {s}.outbox WHERE ready_at IS NULL LIMIT $2) x
), o AS (
  SELECT created_at FROM {s}.outbox WHERE ready_at = 0
  ORDER BY ready_at, created_at, mch_id, out_trade_no, n LIMIT 1
)
SELECT f.rows + a.free, a.put_off, a.leased, p.rows,
       least((SELECT created_at FROM o), a.oldest), a.next_retry
FROM f, a, p";
