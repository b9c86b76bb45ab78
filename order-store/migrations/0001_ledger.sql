-- The ledger. "{s}" is the schema. Only what CockroachDB and YugabyteDB have too: plain tables, no sequences, no triggers.
-- Times are milliseconds since 1970-01-01T00:00:00Z. A shard is one byte of a hash, so that no key range is hot.

CREATE TABLE IF NOT EXISTS "{s}".orders (
    shard        smallint NOT NULL,
    mch_id       text COLLATE "C" NOT NULL,
    out_trade_no text COLLATE "C" NOT NULL,
    -- Grows by one with each change; every write demands the one that it was decided on.
    version      bigint NOT NULL,
    -- How many rows of the log and of the outbox it has had.
    logged       bigint NOT NULL,
    sent         bigint NOT NULL,
    bucket       smallint NOT NULL,
    state        text COLLATE "C" NOT NULL,
    appid        text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    due          bigint,
    open         boolean NOT NULL,
    -- The whole order as JSON; text, since jsonb cannot hold every string.
    doc          text NOT NULL,
    PRIMARY KEY (shard, mch_id, out_trade_no)
);
CREATE INDEX IF NOT EXISTS orders_by_time ON "{s}".orders (bucket, created_at, mch_id, out_trade_no, shard);
CREATE INDEX IF NOT EXISTS orders_by_state ON "{s}".orders (bucket, state, created_at, mch_id, out_trade_no, shard);
CREATE INDEX IF NOT EXISTS orders_due ON "{s}".orders (bucket, due, mch_id, out_trade_no, shard) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS orders_open ON "{s}".orders (bucket, mch_id, appid) WHERE open;

-- Who owns what must be unique. Numbers are those of attempts.
CREATE TABLE IF NOT EXISTS "{s}".numbers (
    shard        smallint NOT NULL,
    mch_id       text COLLATE "C" NOT NULL,
    number       text COLLATE "C" NOT NULL,
    out_trade_no text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, mch_id, number)
);
CREATE TABLE IF NOT EXISTS "{s}".transactions (
    shard          smallint NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    mch_id         text COLLATE "C" NOT NULL,
    out_trade_no   text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, transaction_id)
);
CREATE TABLE IF NOT EXISTS "{s}".refunds (
    shard         smallint NOT NULL,
    mch_id        text COLLATE "C" NOT NULL,
    out_refund_no text COLLATE "C" NOT NULL,
    out_trade_no  text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, mch_id, out_refund_no)
);

-- Written once, never changed. n counts the rows of one order from 0.
CREATE TABLE IF NOT EXISTS "{s}".log (
    shard        smallint NOT NULL,
    mch_id       text COLLATE "C" NOT NULL,
    out_trade_no text COLLATE "C" NOT NULL,
    n            bigint NOT NULL,
    -- Random, the same for all rows of one transaction: says whether a commit without an answer was one.
    commit_id    bytea NOT NULL,
    doc          text NOT NULL,
    PRIMARY KEY (shard, mch_id, out_trade_no, n)
);

CREATE TABLE IF NOT EXISTS "{s}".outbox (
    shard        smallint NOT NULL,
    mch_id       text COLLATE "C" NOT NULL,
    out_trade_no text COLLATE "C" NOT NULL,
    n            bigint NOT NULL,
    id           text COLLATE "C" NOT NULL,
    -- The order in which rows of one change go out.
    kind         smallint NOT NULL,
    created_at   bigint NOT NULL,
    -- When it may be claimed, by the database's clock: 0 from the start; the end of its lease or wait; never when set aside.
    ready_at     bigint DEFAULT 0,
    -- Who has it on loan; nothing once it was settled.
    owner        text,
    -- Grows with each claim, so that a late relay settles nothing.
    fence        bigint NOT NULL DEFAULT 0,
    attempts     bigint NOT NULL DEFAULT 0,
    last_error   text,
    doc          text NOT NULL,
    PRIMARY KEY (shard, mch_id, out_trade_no, n)
);
CREATE INDEX IF NOT EXISTS outbox_ready ON "{s}".outbox (ready_at, created_at, mch_id, out_trade_no, n);

-- Rings: a slot is overwritten when its turn comes again.
CREATE TABLE IF NOT EXISTS "{s}".inbox (
    kind      text COLLATE "C" NOT NULL,
    slot      bigint NOT NULL,
    n         bigint NOT NULL,
    at        bigint NOT NULL,
    commit_id bytea NOT NULL,
    head      text NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (kind, slot)
);
CREATE INDEX IF NOT EXISTS inbox_by_time ON "{s}".inbox (kind, at, n);
CREATE INDEX IF NOT EXISTS inbox_by_number ON "{s}".inbox (kind, n);
CREATE TABLE IF NOT EXISTS "{s}".inbox_next (
    kind text COLLATE "C" NOT NULL PRIMARY KEY,
    next bigint NOT NULL
);
INSERT INTO "{s}".inbox_next (kind, next) VALUES ('accepted', 1), ('refused', 1) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS "{s}".accounts (
    mch_id text COLLATE "C" NOT NULL,
    appid  text COLLATE "C" NOT NULL,
    PRIMARY KEY (mch_id, appid)
);

-- What a change adds to a day's totals, until it is rolled up. day is the first moment of the day.
CREATE TABLE IF NOT EXISTS "{s}".tally (
    shard        smallint NOT NULL,
    mch_id       text COLLATE "C" NOT NULL,
    out_trade_no text COLLATE "C" NOT NULL,
    n            bigint NOT NULL,
    day          bigint NOT NULL,
    payments     bigint NOT NULL,
    paid         bigint NOT NULL,
    refunds      bigint NOT NULL,
    refunded     bigint NOT NULL,
    PRIMARY KEY (shard, mch_id, out_trade_no, n, day)
);
CREATE TABLE IF NOT EXISTS "{s}".totals (
    mch_id   text COLLATE "C" NOT NULL,
    day      bigint NOT NULL,
    payments bigint NOT NULL,
    paid     bigint NOT NULL,
    refunds  bigint NOT NULL,
    refunded bigint NOT NULL,
    PRIMARY KEY (mch_id, day)
);
