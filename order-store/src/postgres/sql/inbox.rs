//! The rings of notifies.

/// $1 the ring, $2 its slots, $3 a random name of this write, $4 how many, $5-$7 the notifies. A name is taken once: a write that was
/// given up and comes late all the same leaves no trace when its repeat was faster.
pub(super) const KEEP_NOTIFIES: &str = "
WITH c AS (
  UPDATE {s}.inbox_next SET next = next + $4 WHERE kind = $1 RETURNING next - $4 AS base
), w AS (
  INSERT INTO {s}.inbox_writes (kind, slot, commit_id) SELECT $1, c.base % $2, $3 FROM c
  ON CONFLICT (kind, slot) DO UPDATE SET commit_id = excluded.commit_id
)
INSERT INTO {s}.inbox (kind, slot, n, at, commit_id, head, body)
SELECT $1, (c.base + k.place - 1) % $2, c.base + k.place - 1, k.at, $3, k.head, k.body
FROM c, unnest($5::bigint[], $6::text[], $7::bytea[]) WITH ORDINALITY AS k(at, head, body, place)
ON CONFLICT (kind, slot) DO UPDATE
  SET n = excluded.n, at = excluded.at, commit_id = excluded.commit_id, head = excluded.head,
      body = excluded.body
RETURNING n";

/// Accepted notifies under their own numbers $3, $2 slots.
pub(super) const LOAD_INBOX: &str = "
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
