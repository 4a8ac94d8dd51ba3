-- The journal's chain: for each event a hash over its row and over the hash before it (src/store/chain.rs), so that
-- none can be altered, taken out, put in or moved without every later hash being another.
--
-- In a table of its own, and not in a column of the journal's: an event's row is then never touched again, not even by
-- this migration, and the triggers that forbid it need not be lifted for a moment.

CREATE TABLE journal_chain (
    -- The event's number.
    seq   INTEGER PRIMARY KEY,
    hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER journal_chain_is_not_changed BEFORE UPDATE ON journal_chain
BEGIN
    SELECT RAISE(ABORT, 'the chain of the journal is append-only');
END;
CREATE TRIGGER journal_chain_is_not_deleted BEFORE DELETE ON journal_chain
BEGIN
    SELECT RAISE(ABORT, 'the chain of the journal is append-only');
END;

-- Where it begins: what stands before the first event. Should old events be removed some day, the link of the last of
-- them stays, and is the beginning then.
INSERT INTO journal_chain (seq, hash) VALUES (0, zeroblob(32));

-- Events that are here already are chained by the daemon while it works, some at a time: there may be tens of millions,
-- and a transaction over all of them would have to be begun again whenever a start takes longer than systemd waits.
-- Until this row is gone, events that come behind one without a link are left for that as well.
INSERT INTO meta (name, value) SELECT 'journal_unchained', CAST(max(seq) AS TEXT) FROM events HAVING max(seq) IS NOT NULL;
