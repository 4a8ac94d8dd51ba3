-- Reviews: where an order goes back to, and what waits for a second person.

-- What our book had before the contradiction. NULL where that is not on record: then the book cannot be gone back to.
ALTER TABLE orders ADD COLUMN state_before_review TEXT
    CHECK (state_before_review IS NULL
           OR (state = 'review' AND state_before_review IN
               ('pending', 'held', 'deposited', 'reversed', 'refunded', 'declined')));

-- Orders in review already: the journal remembers what each was when its review was opened.
UPDATE orders SET state_before_review = (
        SELECT state_before FROM events
        WHERE order_key = orders.id AND kind = 'review_opened' AND state_before <> 'review'
        ORDER BY seq DESC LIMIT 1)
    WHERE state = 'review';

-- What may let money move, where two people are asked for: the first one's word, until a second confirms it,
-- somebody withdraws it, or it lapses. What came of it stands in the journal.
CREATE TABLE proposals (
    order_key       INTEGER PRIMARY KEY REFERENCES orders (id),
    -- The order's version it was made for, and what of the order it rests on: every look counts the version up, so the
    -- version alone would let a proposal lapse with the next look, whatever that showed.
    version         INTEGER NOT NULL CHECK (version >= 1),
    basis           TEXT    NOT NULL,
    -- A way out of review, or a release with its sum.
    what            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    proposed_by     TEXT    NOT NULL,
    proposed_at_ms  INTEGER NOT NULL
) STRICT;
