-- What operators may, whom they keep out or silent, and the keys of servers.

-- 1 viewer, 2 moderator, 3 administrator: who had the role before roles were
-- told apart might do everything.
ALTER TABLE operators ADD COLUMN role INTEGER NOT NULL DEFAULT 3;

-- kind: 1 banned, 2 muted. until_ms: 0: without end. What is over stays until
-- the next one takes its place.
CREATE TABLE sanctions (
    kind INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- The operator.
    actor_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, user_id)
) STRICT, WITHOUT ROWID;

-- Keys by which servers use the API.
CREATE TABLE api_keys (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- The beginning of the key, by which people know it again.
    prefix TEXT NOT NULL,
    -- SHA-256 of the key.
    key_hash BLOB NOT NULL UNIQUE,
    -- Names of scopes, with blanks between them.
    scopes TEXT NOT NULL,
    -- The account it acts as; 0: none.
    user_id INTEGER NOT NULL,
    -- The operator.
    creator_id INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- 0: it does not end by itself.
    expires_at_ms INTEGER NOT NULL,
    -- 0: never.
    used_at_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
