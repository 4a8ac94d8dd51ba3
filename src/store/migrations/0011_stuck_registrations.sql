-- Registrations that a person has to settle, and what people said of them.

-- Since when a person is called; NULL otherwise, and once it is settled.
ALTER TABLE registrations ADD COLUMN stuck_since_ms INTEGER;

-- Each word of a person. A registration that was refused may be handed in again in the place of its row; what was said of it
-- stays.
CREATE TABLE registration_words (
    id            INTEGER PRIMARY KEY,
    merchant      TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    order_number  TEXT    NOT NULL CHECK (length(order_number) BETWEEN 1 AND 36),
    at_ms         INTEGER NOT NULL,
    -- A cause as in the journal, 'operator:NAME'.
    by            TEXT    NOT NULL CHECK (length(by) BETWEEN 1 AND 100),
    reason        TEXT    NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    -- The order that was found at the bank; NULL where none was.
    order_id      TEXT    CHECK (length(order_id) BETWEEN 1 AND 64)
) STRICT;

CREATE TRIGGER registration_words_stay BEFORE UPDATE ON registration_words
BEGIN
    SELECT RAISE(ABORT, 'what was said of a registration is never changed');
END;
CREATE TRIGGER registration_words_are_not_deleted BEFORE DELETE ON registration_words
BEGIN
    SELECT RAISE(ABORT, 'what was said of a registration is never deleted');
END;
