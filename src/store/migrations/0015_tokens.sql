-- Who may ask the HTTP face, and for what. Of a token only its digest is kept: it is shown once, when it is made.

CREATE TABLE tokens (
    id               INTEGER PRIMARY KEY,
    name             TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
    -- SHA-256: of 256 random bits nobody finds the other way round, so nothing slower is needed.
    digest           BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    -- Their words, with a space between them.
    scopes           TEXT    NOT NULL CHECK (length(scopes) > 0),
    created_at_ms    INTEGER NOT NULL,
    created_by       TEXT    NOT NULL,
    expires_at_ms    INTEGER,
    revoked_at_ms    INTEGER,
    revoked_by       TEXT,

    CHECK (expires_at_ms > created_at_ms),
    CHECK ((revoked_at_ms IS NULL) = (revoked_by IS NULL))
) STRICT;

-- A name is given again once it is revoked.
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at_ms IS NULL;
