-- Logins that a bank refused, and what is asked about orders that the bank knows and we do not.

-- Nothing is sent with a refused login, by any process, until its credentials are others or a person says so: systemd may
-- start the daemon a hundred times a day, and a bank locks a login after a few refusals. Rows never change but for the
-- end, once: they are the audit trail.
CREATE TABLE login_refusals (
    id             INTEGER PRIMARY KEY,
    merchant       TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    -- A MAC of the gateway's address and the credentials, keyed with the key of the seals: it tells whether they are
    -- still the same, and nothing else.
    fingerprint    TEXT    NOT NULL CHECK (length(fingerprint) BETWEEN 1 AND 100),
    at_ms          INTEGER NOT NULL,
    -- What was asked, and the bank's answer to it.
    request        TEXT    NOT NULL CHECK (length(request) BETWEEN 1 AND 40),
    words          TEXT    NOT NULL,
    lifted_at_ms   INTEGER,
    lifted_by      TEXT    CHECK (length(lifted_by) BETWEEN 1 AND 100),
    lifted_reason  TEXT    CHECK (length(lifted_reason) BETWEEN 1 AND 500),

    CHECK ((lifted_at_ms IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at_ms IS NULL) = (lifted_reason IS NULL))
) STRICT;

-- At most one in force for each merchant, who has one login.
CREATE UNIQUE INDEX login_refusals_in_force ON login_refusals (merchant) WHERE lifted_at_ms IS NULL;

CREATE TRIGGER login_refusals_are_only_lifted BEFORE UPDATE ON login_refusals
WHEN OLD.lifted_at_ms IS NOT NULL OR NEW.lifted_at_ms IS NULL
     OR OLD.id IS NOT NEW.id OR OLD.merchant IS NOT NEW.merchant OR OLD.fingerprint IS NOT NEW.fingerprint
     OR OLD.at_ms IS NOT NEW.at_ms OR OLD.request IS NOT NEW.request OR OLD.words IS NOT NEW.words
BEGIN
    SELECT RAISE(ABORT, 'a refusal of a login is only ever lifted, once');
END;
CREATE TRIGGER login_refusals_are_not_deleted BEFORE DELETE ON login_refusals
BEGIN
    SELECT RAISE(ABORT, 'refusals of logins are never deleted');
END;

-- Orders that a callback named and the queue does not have: the bank is asked about each.
CREATE TABLE discoveries (
    merchant        TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    order_id        TEXT    NOT NULL CHECK (length(order_id) BETWEEN 1 AND 64),
    noted_at_ms     INTEGER NOT NULL,
    asks            INTEGER NOT NULL DEFAULT 0 CHECK (asks >= 0),
    next_ask_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (merchant, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX discoveries_due ON discoveries (merchant, next_ask_at_ms);

-- Up to which moment of their creation the bank's orders have been paged through.
CREATE TABLE discovery_rounds (
    merchant      TEXT    PRIMARY KEY CHECK (length(merchant) BETWEEN 1 AND 32),
    until_ms      INTEGER NOT NULL,
    next_at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
