-- Deadlines of holds, reversals beside completions, and what is seen after an end.

-- The life of a hold begins with the bank's authorisation where that is earlier than our first sight of it. Kept apart
-- from the lapse, which is counted anew when an answer names the card's payment system.
ALTER TABLE orders ADD COLUMN hold_begun_at_ms INTEGER;
UPDATE orders SET hold_begun_at_ms = min(held_at_ms, coalesce(bank_authorised_at_ms, held_at_ms))
 WHERE held_at_ms IS NOT NULL;

-- In small letters, as the types have it.
ALTER TABLE orders ADD COLUMN payment_system TEXT CHECK (length(payment_system) BETWEEN 1 AND 24);

-- How many warnings of the coming lapse were given; before there was one.
ALTER TABLE orders ADD COLUMN lapse_warnings INTEGER NOT NULL DEFAULT 0 CHECK (lapse_warnings >= 0);
UPDATE orders SET lapse_warnings = lapse_warned;
ALTER TABLE orders DROP COLUMN lapse_warned;

-- When the policy acts on a hold that no completion takes in time: either one is planned, or this.
ALTER TABLE orders ADD COLUMN deadline_at_ms INTEGER
    CHECK (deadline_at_ms IS NULL OR (state = 'held' AND complete_at_ms IS NULL));
CREATE INDEX orders_by_deadline ON orders (merchant, deadline_at_ms) WHERE deadline_at_ms IS NOT NULL;

-- What was written there, should the clock come to it after all.
ALTER TABLE orders ADD COLUMN held_at_first_ms INTEGER;
-- Holds that a clock which was wrong wrote into the future.
CREATE INDEX orders_by_hold ON orders (merchant, held_at_ms) WHERE state = 'held';

-- The gateway's own schedule, and the value of it whose conflict with our plan was told.
ALTER TABLE orders ADD COLUMN autocompletion_at_ms INTEGER;
ALTER TABLE orders ADD COLUMN autocompletion_told_ms INTEGER;
CREATE INDEX orders_by_autocompletion ON orders (merchant)
    WHERE autocompletion_at_ms IS NOT NULL AND (state = 'held' OR (state = 'review' AND bank_status = 1));

ALTER TABLE orders ADD COLUMN bank_chargeback INTEGER CHECK (bank_chargeback IN (0, 1));

-- A constraint cannot be changed, only a table replaced. Nothing refers to this one, so its rows move while foreign keys
-- stay on: made, filled, the old one dropped, renamed; then its indexes and its trigger again, word for word.
CREATE TABLE operations_new (
    id                 INTEGER PRIMARY KEY,
    order_key          INTEGER NOT NULL REFERENCES orders (id),
    -- The order's, so that what is due and what there is can be read by merchant.
    merchant           TEXT    NOT NULL,
    kind               TEXT    NOT NULL CHECK (kind IN ('completion', 'reversal')),
    -- NULL is the whole hold.
    amount_minor       INTEGER CHECK (amount_minor BETWEEN 1 AND 999999999999),
    state              TEXT    NOT NULL CHECK (state IN
                           ('intended', 'in_doubt', 'confirmed', 'refused', 'withdrawn', 'contradicted')),
    attempt            INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    unknown_sends      INTEGER NOT NULL DEFAULT 0 CHECK (unknown_sends BETWEEN 0 AND attempt),
    expected_minor     INTEGER CHECK (expected_minor > 0),
    -- The process that wrote the latest intent, the only one that may send it.
    instance           TEXT    NOT NULL,
    intended_at_ms     INTEGER NOT NULL,
    sent_at_ms         INTEGER,
    -- When the answer to the latest send, or its time-out, was known.
    answered_at_ms     INTEGER,
    settled_at_ms      INTEGER,
    agreeing_reads     INTEGER NOT NULL DEFAULT 0 CHECK (agreeing_reads >= 0),
    asks               INTEGER NOT NULL DEFAULT 0 CHECK (asks >= 0),
    next_step_at_ms    INTEGER NOT NULL,
    note               TEXT,

    -- A hold is let go whole or not at all.
    CHECK (kind <> 'reversal' OR amount_minor IS NULL),
    CHECK ((attempt = 0) = (sent_at_ms IS NULL)),
    CHECK (answered_at_ms IS NULL OR sent_at_ms IS NOT NULL),
    CHECK (attempt = 0 OR expected_minor IS NOT NULL),
    CHECK (state <> 'in_doubt' OR attempt > 0),
    CHECK (state <> 'intended' OR unknown_sends = 0),
    CHECK ((state IN ('intended', 'in_doubt')) = (settled_at_ms IS NULL))
) STRICT;

INSERT INTO operations_new (id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor,
        instance, intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note)
    SELECT id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor,
        instance, intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note
    FROM operations;
DROP TABLE operations;
ALTER TABLE operations_new RENAME TO operations;

-- At most one open operation per order.
CREATE UNIQUE INDEX operations_open ON operations (order_key) WHERE state IN ('intended', 'in_doubt');
CREATE INDEX operations_due ON operations (merchant, next_step_at_ms) WHERE state IN ('intended', 'in_doubt');
CREATE INDEX operations_by_state ON operations (merchant, state);
CREATE INDEX operations_by_order ON operations (order_key);

-- An amount never changes after the first send.
CREATE TRIGGER operations_amount_is_fixed BEFORE UPDATE OF amount_minor, order_key, kind ON operations
WHEN OLD.attempt > 0 AND (OLD.amount_minor IS NOT NEW.amount_minor
                          OR OLD.order_key <> NEW.order_key OR OLD.kind <> NEW.kind)
BEGIN
    SELECT RAISE(ABORT, 'what was sent cannot be changed');
END;
