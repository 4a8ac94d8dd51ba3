-- Sends that the witness named when the database was adopted, of orders that were not in the queue then: an order that is
-- added later is in doubt from its first moment on.
--
-- Without a seal: a row here only ever holds money back, whatever it says, since its order goes before a person. What
-- could do harm is a row that is gone, and no seal of a row notices that; the witness, or the file it was kept aside as,
-- has the line still.

CREATE TABLE witnessed (
    id              INTEGER PRIMARY KEY,
    merchant        TEXT    NOT NULL CHECK (length(merchant) BETWEEN 1 AND 32),
    order_number    TEXT    NOT NULL,
    -- The gateway's id, as the line has it.
    order_id        TEXT    NOT NULL,
    -- The latest of the order's sends, and how many there were. Its sums are as the line has them: one that is
    -- impossible is no reason to forget the send.
    seq             INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    amount_minor    INTEGER,
    expected_minor  INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    sends           INTEGER NOT NULL CHECK (sends >= 1),
    sent_at_ms      INTEGER NOT NULL,
    -- Whoever sent it may have been at it until then, so its quiet time counts from here.
    adopted_at_ms   INTEGER NOT NULL
) STRICT;

-- How an order that is added finds its sends: by its number, and by the gateway's id should it have another number now.
CREATE UNIQUE INDEX witnessed_by_number ON witnessed (merchant, order_number);
CREATE INDEX witnessed_by_order_id ON witnessed (merchant, order_id);
