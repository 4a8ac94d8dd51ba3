-- Seals on money rows, the number of each send in the witness, and what the database knows about itself.
--
-- A seal is an HMAC over the money columns of its row, computed outside SQL (src/store/seal.rs has the list). Rows that
-- are here already are sealed in this very transaction, so a row without one is, from now on, an altered row.

ALTER TABLE orders ADD COLUMN seal BLOB;
ALTER TABLE operations ADD COLUMN seal BLOB;

-- The number of the latest send's line in the witness, given out with the intent.
ALTER TABLE operations ADD COLUMN witness_seq INTEGER CHECK (witness_seq > 0);

-- Home, keys, the witness's counter, and whether money is frozen: names and texts, src/store/meta.rs has the list.
CREATE TABLE meta (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
