-- Each payment moved its order in two indexes that begin alike; the newest of all states are found in the one by state as well.
-- A program of format 1 goes on beside this, only that its list of all states reads more.
DROP INDEX IF EXISTS "{s}".orders_by_time;

-- The writes of the rings, each once: one that comes late, behind its own repeat, is refused by the second key. A ring itself.
CREATE TABLE IF NOT EXISTS "{s}".inbox_writes (
    kind      text COLLATE "C" NOT NULL,
    slot      bigint NOT NULL,
    commit_id bytea NOT NULL,
    PRIMARY KEY (kind, slot)
);
CREATE UNIQUE INDEX IF NOT EXISTS inbox_writes_once ON "{s}".inbox_writes (commit_id);
