-- The keys that callers gave their requests, and what the requests were answered with: whoever sends one again hears the
-- same answer, and nothing is done twice. Kept for a day, and bounded in number.

CREATE TABLE request_keys (
    -- Never used again, so that a claim that was removed cannot be mistaken for a later one.
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The token's name; the configuration's has none. A caller's keys are its own.
    token          TEXT    NOT NULL,
    request_key    TEXT    NOT NULL CHECK (length(request_key) BETWEEN 1 AND 255),
    -- SHA-256 of the method, the path and the body.
    fingerprint    BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    claimed_at_ms  INTEGER NOT NULL,
    -- Whether it is about money: such a key is not removed to make room for others.
    money          INTEGER NOT NULL CHECK (money IN (0, 1)),
    -- NULL while it is being worked on, and where that was cut short.
    status         INTEGER CHECK (status BETWEEN 200 AND 499),
    content_type   TEXT,
    location       TEXT,
    body           BLOB,

    UNIQUE (token, request_key),
    CHECK ((status IS NULL) = (body IS NULL))
) STRICT;

CREATE INDEX request_keys_by_age ON request_keys (claimed_at_ms);
CREATE INDEX request_keys_of_money ON request_keys (id) WHERE money = 1;
CREATE INDEX request_keys_with_long_replies ON request_keys (id) WHERE money = 0 AND length(body) > 4096;
