-- The kill switch and the brake: who stopped which money, since when and why, and who let it go again.
--
-- Rows are never deleted, and never change but for the lifting, once: they are the audit trail of the switch.

CREATE TABLE money_stops (
    id             INTEGER PRIMARY KEY,
    scope          TEXT    NOT NULL CHECK (scope IN ('all', 'merchant', 'order')),
    merchant       TEXT    CHECK (length(merchant) BETWEEN 1 AND 32),
    order_key      INTEGER REFERENCES orders (id),
    at_ms          INTEGER NOT NULL,
    -- A cause as in the journal, 'operator:NAME', or 'brake'.
    by             TEXT    NOT NULL CHECK (length(by) BETWEEN 1 AND 100),
    reason         TEXT    NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    -- The operation that tripped the brake.
    operation_key  INTEGER REFERENCES operations (id),
    lifted_at_ms   INTEGER,
    lifted_by      TEXT    CHECK (length(lifted_by) BETWEEN 1 AND 100),
    lifted_reason  TEXT    CHECK (length(lifted_reason) BETWEEN 1 AND 500),

    CHECK ((scope = 'all') = (merchant IS NULL)),
    CHECK ((scope = 'order') = (order_key IS NOT NULL)),
    CHECK (operation_key IS NULL OR (by = 'brake' AND scope = 'merchant')),
    CHECK ((lifted_at_ms IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at_ms IS NULL) = (lifted_reason IS NULL))
) STRICT;

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
