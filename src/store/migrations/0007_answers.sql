-- The bank's whole answers, for people; and the points that an order was paid with.

-- The latest answer about each order, as JSON: the bank's own members, with card data masked or left out before it comes
-- here. Nothing is decided on it, so it has no seal. Removed a while after the order's end.
CREATE TABLE answers (
    order_key   INTEGER PRIMARY KEY REFERENCES orders (id),
    -- When it was first heard as it is here: an answer that says nothing new is not written again.
    seen_at_ms  INTEGER NOT NULL,
    answer      TEXT    NOT NULL CHECK (length(CAST(answer AS BLOB)) <= 65536)
) STRICT;

-- How those are found that have been kept long enough.
CREATE INDEX answers_by_age ON answers (seen_at_ms);

-- Of bonus programmes, in minor units. Where they and the money make up the price, bank_approved_minor and its like are
-- both together.
ALTER TABLE orders ADD COLUMN bank_points_approved_minor INTEGER;
ALTER TABLE orders ADD COLUMN bank_points_deposited_minor INTEGER;
ALTER TABLE orders ADD COLUMN bank_points_refunded_minor INTEGER;
