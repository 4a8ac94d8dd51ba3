-- Registrations: what a shop wants registered, written down before the bank hears of it, and what came of it.
--
-- Without a seal: no money moves by a row here. The order that enters the queue with it is sealed like any other.

CREATE TABLE registrations (
    id                INTEGER PRIMARY KEY,
    merchant          TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    order_number      TEXT    NOT NULL CHECK (length(order_number) BETWEEN 1 AND 36),
    amount_minor      INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999),
    currency          INTEGER NOT NULL CHECK (currency BETWEEN 1 AND 999),
    -- SHA-256 of the whole document: whether a repeated one is the same can be told when the document is gone.
    content           TEXT    NOT NULL CHECK (length(content) = 64),
    -- The document as JSON. Without what tells who the buyer is once it is settled, and gone after a while.
    document          TEXT,
    -- Who handed it in, as the journal has it.
    cause             TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('intended', 'in_doubt', 'registered', 'refused')),
    attempt           INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    doubtful          INTEGER NOT NULL DEFAULT 0 CHECK (doubtful IN (0, 1)),
    unknown_in_a_row  INTEGER NOT NULL DEFAULT 0 CHECK (unknown_in_a_row >= 0),
    created_at_ms     INTEGER NOT NULL,
    sent_at_ms        INTEGER,
    next_step_at_ms   INTEGER,
    settled_at_ms     INTEGER,
    order_id          TEXT    CHECK (length(order_id) BETWEEN 1 AND 64),
    form_url          TEXT,
    refusal_code      INTEGER,
    note              TEXT,

    -- The bank takes a number once, and so do we.
    UNIQUE (order_number, merchant),
    -- Nothing is silent: whatever is not settled has a next step.
    CHECK ((state IN ('registered', 'refused')) = (next_step_at_ms IS NULL)),
    CHECK ((settled_at_ms IS NULL) = (next_step_at_ms IS NOT NULL)),
    CHECK (state <> 'in_doubt' OR sent_at_ms IS NOT NULL),
    CHECK ((attempt = 0) = (sent_at_ms IS NULL)),
    CHECK (form_url IS NULL OR state = 'registered')
) STRICT;

-- What is due is a column.
CREATE INDEX registrations_due ON registrations (merchant, next_step_at_ms) WHERE next_step_at_ms IS NOT NULL;
-- Documents that have been kept long enough.
CREATE INDEX registrations_kept ON registrations (merchant, settled_at_ms) WHERE document IS NOT NULL;
