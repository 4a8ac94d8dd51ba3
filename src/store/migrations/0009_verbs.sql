-- Refunds and declines beside completions and reversals.
--
-- A constraint cannot be changed, only a table replaced, as for reversals before. Stops refer to operations by now, so they
-- move too, with foreign keys on all the while: both made and filled, the old ones dropped, the one that refers first, then
-- renamed, which takes the reference along. Then their indexes and triggers again, word for word.

CREATE TABLE operations_new (
    id                 INTEGER PRIMARY KEY,
    order_key          INTEGER NOT NULL REFERENCES orders (id),
    -- The order's, so that what is due and what there is can be read by merchant.
    merchant           TEXT    NOT NULL,
    kind               TEXT    NOT NULL CHECK (kind IN ('completion', 'reversal', 'refund', 'decline')),
    -- NULL is the whole hold, or all that is left to give back.
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

    seal               BLOB,
    -- The number of the latest send's line in the witness, given out with the intent.
    witness_seq        INTEGER CHECK (witness_seq > 0),
    -- Whether a person ordered it. NULL where nobody did: a seal leaves NULLs out, so older rows keep theirs.
    ordered            INTEGER CHECK (ordered = 1),
    -- What had been given back before a refund, by the read before its first send: what the refund is measured from.
    refunded_before_minor INTEGER CHECK (refunded_before_minor >= 0),

    -- A hold is let go whole or not at all, and so is an order closed.
    CHECK (kind NOT IN ('reversal', 'decline') OR amount_minor IS NULL),
    CHECK (refunded_before_minor IS NULL OR kind = 'refund'),
    CHECK ((attempt = 0) = (sent_at_ms IS NULL)),
    CHECK (answered_at_ms IS NULL OR sent_at_ms IS NOT NULL),
    CHECK (attempt = 0 OR expected_minor IS NOT NULL),
    CHECK (state <> 'in_doubt' OR attempt > 0),
    CHECK (state <> 'intended' OR unknown_sends = 0),
    CHECK ((state IN ('intended', 'in_doubt')) = (settled_at_ms IS NULL))
) STRICT;

INSERT INTO operations_new (id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor,
        instance, intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note,
        seal, witness_seq)
    SELECT id, order_key, merchant, kind, amount_minor, state, attempt, unknown_sends, expected_minor,
        instance, intended_at_ms, sent_at_ms, answered_at_ms, settled_at_ms, agreeing_reads, asks, next_step_at_ms, note,
        seal, witness_seq
    FROM operations;

CREATE TABLE money_stops_new (
    id             INTEGER PRIMARY KEY,
    scope          TEXT    NOT NULL CHECK (scope IN ('all', 'merchant', 'order')),
    merchant       TEXT    CHECK (length(merchant) BETWEEN 1 AND 32),
    order_key      INTEGER REFERENCES orders (id),
    at_ms          INTEGER NOT NULL,
    -- A cause as in the journal, 'operator:NAME', or 'brake'.
    by             TEXT    NOT NULL CHECK (length(by) BETWEEN 1 AND 100),
    reason         TEXT    NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    -- The operation that tripped the brake.
    operation_key  INTEGER REFERENCES operations_new (id),
    lifted_at_ms   INTEGER,
    lifted_by      TEXT    CHECK (length(lifted_by) BETWEEN 1 AND 100),
    lifted_reason  TEXT    CHECK (length(lifted_reason) BETWEEN 1 AND 500),

    CHECK ((scope = 'all') = (merchant IS NULL)),
    CHECK ((scope = 'order') = (order_key IS NOT NULL)),
    CHECK (operation_key IS NULL OR (by = 'brake' AND scope = 'merchant')),
    CHECK ((lifted_at_ms IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at_ms IS NULL) = (lifted_reason IS NULL))
) STRICT;

INSERT INTO money_stops_new (id, scope, merchant, order_key, at_ms, by, reason, operation_key, lifted_at_ms, lifted_by,
        lifted_reason)
    SELECT id, scope, merchant, order_key, at_ms, by, reason, operation_key, lifted_at_ms, lifted_by,
        lifted_reason
    FROM money_stops;

-- The trigger against deletion goes with its table.
DROP TRIGGER money_stops_are_not_deleted;
DROP TABLE money_stops;
DROP TABLE operations;
ALTER TABLE operations_new RENAME TO operations;
ALTER TABLE money_stops_new RENAME TO money_stops;

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

-- At most one in force for each scope; and how a send finds those that apply to it. Without the coalescing two absent
-- merchants would count as different.
CREATE UNIQUE INDEX money_stops_in_force ON money_stops (scope, coalesce(merchant, ''), coalesce(order_key, 0))
    WHERE lifted_at_ms IS NULL;
-- An operation trips the brake once: a contradiction that a person has seen does not stop the money again.
CREATE UNIQUE INDEX money_stops_by_operation ON money_stops (operation_key) WHERE operation_key IS NOT NULL;

CREATE TRIGGER money_stops_are_only_lifted BEFORE UPDATE ON money_stops
WHEN OLD.lifted_at_ms IS NOT NULL OR NEW.lifted_at_ms IS NULL
     OR OLD.id IS NOT NEW.id OR OLD.scope IS NOT NEW.scope OR OLD.merchant IS NOT NEW.merchant
     OR OLD.order_key IS NOT NEW.order_key OR OLD.at_ms IS NOT NEW.at_ms OR OLD.by IS NOT NEW.by
     OR OLD.reason IS NOT NEW.reason OR OLD.operation_key IS NOT NEW.operation_key
BEGIN
    SELECT RAISE(ABORT, 'a stop is only ever lifted, once');
END;
CREATE TRIGGER money_stops_are_not_deleted BEFORE DELETE ON money_stops
BEGIN
    SELECT RAISE(ABORT, 'stops are never deleted');
END;

-- What was sent in the last 24 hours, before every send: all that the sum needs, so that no row of operations is read.
CREATE INDEX operations_by_send ON operations (merchant, sent_at_ms, kind, state, expected_minor, order_key)
    WHERE sent_at_ms IS NOT NULL;

-- Refunds of an order never add up to more than the bank took of it, whatever a read said: no send of one is written down
-- that would come above it together with those before.
CREATE TRIGGER refunds_stay_within_what_was_taken BEFORE UPDATE OF attempt ON operations
WHEN NEW.kind = 'refund' AND NEW.attempt > OLD.attempt
     AND NEW.expected_minor + (
            SELECT coalesce(sum(expected_minor), 0) FROM operations
            WHERE order_key = NEW.order_key AND kind = 'refund' AND id <> NEW.id AND state IN ('in_doubt', 'confirmed'))
         > (SELECT max(amount_minor, coalesce(bank_deposited_minor, 0)) FROM orders WHERE id = NEW.order_key)
BEGIN
    SELECT RAISE(ABORT, 'refunds above what was taken');
END;
CREATE TRIGGER refunds_are_not_asked_above_the_price BEFORE INSERT ON operations
WHEN NEW.kind = 'refund' AND NEW.amount_minor
         > (SELECT max(amount_minor, coalesce(bank_deposited_minor, 0)) FROM orders WHERE id = NEW.order_key)
BEGIN
    SELECT RAISE(ABORT, 'a refund above what was taken');
END;
