-- Orders, the completions of their holds, and the journal of both.
--
-- Times are UTC milliseconds (text misorders when fractions vary). Amounts are whole minor units. Every state that the
-- types forbid is forbidden here once more, because the command line writes to the same file.

CREATE TABLE orders (
    id                     INTEGER PRIMARY KEY,
    -- Counts every change: the compare-and-set before money moves.
    version                INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    merchant               TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    order_number           TEXT    NOT NULL CHECK (length(order_number) BETWEEN 1 AND 36),
    order_id               TEXT    CHECK (length(order_id) BETWEEN 1 AND 64),
    amount_minor           INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999),
    currency               INTEGER NOT NULL CHECK (currency BETWEEN 1 AND 999),
    state                  TEXT    NOT NULL CHECK (state IN
                               ('pending', 'held', 'deposited', 'reversed', 'refunded', 'declined', 'review')),
    state_since_ms         INTEGER NOT NULL,
    created_at_ms          INTEGER NOT NULL,
    expires_at_ms          INTEGER,

    -- What a completion takes: NULL is the whole hold, and the only thing that may become the wire's 0.
    complete_amount_minor  INTEGER CHECK (complete_amount_minor BETWEEN 1 AND amount_minor),
    parked                 INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
    released_at_ms         INTEGER,
    held_at_ms             INTEGER,
    lapses_at_ms           INTEGER,
    lapse_warned           INTEGER NOT NULL DEFAULT 0 CHECK (lapse_warned IN (0, 1)),
    complete_at_ms         INTEGER,

    next_look_at_ms        INTEGER,
    unknown_in_a_row       INTEGER NOT NULL DEFAULT 0 CHECK (unknown_in_a_row >= 0),
    heard_at_ms            INTEGER,
    heard                  TEXT,

    -- The bank's latest view.
    bank_seen_at_ms        INTEGER,
    bank_status            INTEGER,
    bank_action_code       INTEGER,
    bank_amount_minor      INTEGER,
    bank_currency          INTEGER,
    bank_approved_minor    INTEGER,
    bank_deposited_minor   INTEGER,
    bank_refunded_minor    INTEGER,
    bank_authorised_at_ms  INTEGER,

    review_code            TEXT,
    review_sentence        TEXT,
    accepted_code          TEXT,

    -- In this order, so that a number alone is found as well.
    UNIQUE (order_number, merchant),
    -- Nothing is silent: whatever is not at an end has a next look.
    CHECK (state IN ('deposited', 'reversed', 'refunded', 'declined') OR next_look_at_ms IS NOT NULL),
    CHECK ((state = 'review') = (review_code IS NOT NULL)),
    CHECK ((review_code IS NULL) = (review_sentence IS NULL)),
    CHECK (state <> 'held' OR (held_at_ms IS NOT NULL AND lapses_at_ms IS NOT NULL)),
    CHECK (complete_at_ms IS NULL OR (state = 'held' AND parked = 0)),
    CHECK ((bank_seen_at_ms IS NULL) = (bank_status IS NULL)),
    CHECK ((bank_approved_minor IS NULL) = (bank_deposited_minor IS NULL)),
    CHECK ((bank_approved_minor IS NULL) = (bank_refunded_minor IS NULL))
) STRICT;

-- One gateway id belongs to one order.
CREATE UNIQUE INDEX orders_by_order_id ON orders (merchant, order_id) WHERE order_id IS NOT NULL;
-- What is due is a column: the poller and the completer read these in order.
CREATE INDEX orders_by_next_look ON orders (merchant, next_look_at_ms) WHERE next_look_at_ms IS NOT NULL;
CREATE INDEX orders_by_completion ON orders (merchant, complete_at_ms) WHERE complete_at_ms IS NOT NULL;
-- Earliest deadline first, and the gauge of the next lapse.
-- A hold stands in review too: the bank lets it go whatever we think of it.
CREATE INDEX orders_by_lapse ON orders (merchant, lapses_at_ms)
    WHERE lapses_at_ms IS NOT NULL AND (state = 'held' OR (state = 'review' AND bank_status = 1));
-- Orders whose latest answers told nothing.
CREATE INDEX orders_unanswered ON orders (merchant) WHERE unknown_in_a_row > 0;
-- Counts and oldest by state, at every scrape.
CREATE INDEX orders_by_state ON orders (merchant, state, state_since_ms);
-- The business day's report.
CREATE INDEX orders_by_creation ON orders (merchant, created_at_ms);

CREATE TABLE operations (
    id                 INTEGER PRIMARY KEY,
    order_key          INTEGER NOT NULL REFERENCES orders (id),
    -- The order's, so that what is due and what there is can be read by merchant.
    merchant           TEXT    NOT NULL,
    kind               TEXT    NOT NULL CHECK (kind IN ('completion')),
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

    CHECK ((attempt = 0) = (sent_at_ms IS NULL)),
    CHECK (answered_at_ms IS NULL OR sent_at_ms IS NOT NULL),
    CHECK (attempt = 0 OR expected_minor IS NOT NULL),
    CHECK (state <> 'in_doubt' OR attempt > 0),
    CHECK (state <> 'intended' OR unknown_sends = 0),
    CHECK ((state IN ('intended', 'in_doubt')) = (settled_at_ms IS NULL))
) STRICT;

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

-- The journal: the audit trail and the shop's feed at once.
CREATE TABLE events (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms         INTEGER NOT NULL,
    order_key     INTEGER NOT NULL REFERENCES orders (id),
    kind          TEXT    NOT NULL,
    cause         TEXT    NOT NULL,
    state_before  TEXT    NOT NULL,
    state_after   TEXT    NOT NULL,
    detail        TEXT    NOT NULL
) STRICT;

CREATE INDEX events_by_order ON events (order_key, seq);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- Which nightly slots are done: a missed one is still due.
CREATE TABLE report_schedule (
    merchant         TEXT    PRIMARY KEY,
    last_slot_ms     INTEGER NOT NULL,
    last_success_ms  INTEGER
) STRICT, WITHOUT ROWID;
