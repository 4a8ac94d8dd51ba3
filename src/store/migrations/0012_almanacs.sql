-- What a merchant's own orders have taught about when outcomes come: weights by age, and what a look was worth when they
-- were written. Replaced whole every few minutes; lost, it is learned again.
CREATE TABLE almanacs (
    merchant     TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    kind         TEXT    NOT NULL CHECK (kind IN ('one_phase', 'two_phase')),
    faded_at_ms  INTEGER NOT NULL,
    -- Milliseconds of delay for one look.
    price_ms     INTEGER NOT NULL CHECK (price_ms > 0),
    -- JSON: a list of lists of weights.
    weights      TEXT    NOT NULL CHECK (length(weights) <= 100000),

    PRIMARY KEY (merchant, kind)
) STRICT, WITHOUT ROWID;

-- What a merchant's callbacks are taken for, and since when. Lost, it is learned again.
CREATE TABLE callbacks (
    merchant  TEXT    PRIMARY KEY CHECK (length(merchant) BETWEEN 1 AND 32),
    standing  TEXT    NOT NULL CHECK (standing IN ('unproven', 'trusted', 'doubted', 'stopped')),
    since_ms  INTEGER NOT NULL,
    -- JSON: a list of weights.
    numbers   TEXT    NOT NULL CHECK (length(numbers) <= 1000)
) STRICT, WITHOUT ROWID;

-- How an order is paid, as somebody said or the bank has shown: each kind has its own times. NULL: nobody knows yet. No
-- part of the seal, since no money depends on it.
ALTER TABLE orders ADD COLUMN two_phase INTEGER CHECK (two_phase IN (0, 1));
