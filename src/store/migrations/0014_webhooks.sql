-- Whom of the shop's the journal is told. The journal itself is the queue: of an endpoint only its place in it is kept, and
-- beside that a bounded number of events that it has not taken.

CREATE TABLE webhook_endpoints (
    id               INTEGER PRIMARY KEY,
    merchant         TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    name             TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
    -- A digest of where it is: at another place it is tried although it was disabled. The place may be half a secret.
    place            TEXT    NOT NULL,
    -- Every event up to this one was delivered, given up or none of its own, or is in webhook_deliveries.
    cursor_seq       INTEGER NOT NULL CHECK (cursor_seq >= 0),
    -- When it was told something last.
    tried_at_ms      INTEGER,
    -- Since when it takes nothing.
    down_since_ms    INTEGER,
    -- It wants no more (410), until a person or another place brings it back.
    disabled_at_ms   INTEGER,
    disabled_words   TEXT,

    UNIQUE (merchant, name),
    CHECK ((disabled_at_ms IS NULL) = (disabled_words IS NULL))
) STRICT;

CREATE TABLE webhook_deliveries (
    endpoint          INTEGER NOT NULL REFERENCES webhook_endpoints (id),
    seq               INTEGER NOT NULL REFERENCES events (seq),
    admitted_at_ms    INTEGER NOT NULL,
    first_tried_at_ms INTEGER,
    failures          INTEGER NOT NULL CHECK (failures >= 0),
    next_try_at_ms    INTEGER NOT NULL,
    -- What came of the latest try.
    words             TEXT,
    -- It was told for three days in vain, and is told no more until somebody asks for it.
    given_up_at_ms    INTEGER,

    PRIMARY KEY (endpoint, seq),
    CHECK ((first_tried_at_ms IS NULL) = (failures = 0))
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_waiting ON webhook_deliveries (endpoint, seq) WHERE given_up_at_ms IS NULL;
CREATE INDEX webhook_given_up ON webhook_deliveries (endpoint, given_up_at_ms) WHERE given_up_at_ms IS NOT NULL;

-- What a person asked to be told again, until the last of it waits in webhook_deliveries.
CREATE TABLE webhook_replays (
    id             INTEGER PRIMARY KEY,
    endpoint       INTEGER NOT NULL REFERENCES webhook_endpoints (id),
    next_seq       INTEGER NOT NULL CHECK (next_seq >= 1),
    to_seq         INTEGER NOT NULL,
    -- Only what was given up.
    given_up_only  INTEGER NOT NULL CHECK (given_up_only IN (0, 1)),
    -- Only this order's; NULL is everybody's.
    order_number   TEXT,
    asked_at_ms    INTEGER NOT NULL,
    asked_by       TEXT    NOT NULL
) STRICT;

CREATE INDEX webhook_replays_by_endpoint ON webhook_replays (endpoint, id);

-- Tests that a person asked for, and what came of them. Rows older than a day are removed.
CREATE TABLE webhook_tests (
    id           INTEGER PRIMARY KEY,
    endpoint     INTEGER NOT NULL REFERENCES webhook_endpoints (id),
    asked_at_ms  INTEGER NOT NULL,
    verdict      TEXT,
    words        TEXT,

    CHECK ((verdict IS NULL) = (words IS NULL))
) STRICT;

CREATE INDEX webhook_tests_open ON webhook_tests (endpoint, id) WHERE verdict IS NULL;
