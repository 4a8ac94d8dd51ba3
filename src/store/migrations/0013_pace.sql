-- What is counted of a daily quota of requests, and which banks bear less than their budget.

-- Requests that may have been sent up to a moment: written before the first of them is. What was not spent is taken off
-- with the next block; after a crash all of a block counts. Rows older than a day are removed.
CREATE TABLE request_blocks (
    id        INTEGER PRIMARY KEY,
    merchant  TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    until_ms  INTEGER NOT NULL,
    requests  INTEGER NOT NULL CHECK (requests >= 0)
) STRICT;

CREATE INDEX request_blocks_by_age ON request_blocks (merchant, until_ms);

-- Merchants whose bank answered with 429 or 503 of late, or whose daily quota is used up, for whoever asks while the daemon
-- is at work. A daemon that starts removes them.
CREATE TABLE paces (
    merchant        TEXT    PRIMARY KEY CHECK (length(merchant) BETWEEN 1 AND 32),
    since_ms        INTEGER NOT NULL,
    -- The share of the budget that was used when it began.
    borne_per_mille INTEGER NOT NULL CHECK (borne_per_mille BETWEEN 0 AND 1000),
    used_up         INTEGER NOT NULL CHECK (used_up IN (0, 1))
) STRICT, WITHOUT ROWID;
