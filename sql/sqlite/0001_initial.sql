-- Times are milliseconds since the epoch. Columns named *_key hold folded text
-- and are compared byte by byte.

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    email_key TEXT UNIQUE,
    password_hash TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE logins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the current refresh token, and of the sid cookie's value.
    refresh_hash BLOB NOT NULL UNIQUE,
    cookie_hash BLOB UNIQUE,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_user ON logins (user_id, expires_at_ms);

-- Refresh tokens that were rotated away: whoever shows one is a thief, or was
-- robbed. A row is of use for as long as the token itself would have lived.
CREATE TABLE spent_refreshes (
    refresh_hash BLOB NOT NULL PRIMARY KEY,
    login_id TEXT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_refreshes_login ON spent_refreshes (login_id, expires_at_ms);

CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- kind: 1 direct, 2 group, 3 room (oort.v1.ConversationKind).
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Rooms only.
    name_key TEXT UNIQUE,
    -- 0: the server.
    creator_id INTEGER NOT NULL,
    -- Direct only: the smaller and the larger user id.
    user_lo INTEGER,
    user_hi INTEGER,
    -- Place and time of the newest message; 0: none yet.
    last_seq INTEGER NOT NULL DEFAULT 0,
    last_at_ms INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (user_lo, user_hi)
) STRICT;
CREATE INDEX conversations_kind ON conversations (kind, id);

-- Of groups and direct conversations; open rooms have no rows.
CREATE TABLE members (
    conversation_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    joined_at_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id, conversation_id);

-- kind: 0 text, 1 system (oort.v1.MessageKind). The sender's name is the one
-- the message was delivered with. client_msg_id is NULL in system messages.
CREATE TABLE messages (
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    sender_name TEXT NOT NULL,
    client_msg_id TEXT,
    kind INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    UNIQUE (sender_id, client_msg_id)
) STRICT;

-- One row per transaction that has something to publish: an encoded
-- oort.v1.OutboxBatch. Owner '' is nobody: the next one who adopts gets it.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    payload BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_owner ON outbox (owner, id);

CREATE TABLE owners (
    owner TEXT NOT NULL PRIMARY KEY,
    lease_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO conversations (id, kind, name, name_key, creator_id, created_at_ms) VALUES
    (1, 3, 'General', 'general', 0, 0),
    (2, 3, 'Random', 'random', 0, 0),
    (3, 3, 'Help', 'help', 0, 0),
    (4, 3, 'News', 'news', 0, 0),
    (5, 3, 'Music', 'music', 0, 0),
    (6, 3, 'Games', 'games', 0, 0),
    (7, 3, 'Sports', 'sports', 0, 0),
    (8, 3, 'Tech', 'tech', 0, 0);
