-- What accounts change by themselves. Beside `users`, as the MySQL schema has it.

-- Codes sent by mail, one per address and purpose: a new one replaces the one
-- before. purpose: 1 sign-up, 2 reset of a password.
CREATE TABLE mailed_codes (
    email_key TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    -- SHA-256 of address, purpose and code.
    code_hash BLOB NOT NULL,
    -- Wrong ones given so far.
    attempts INTEGER NOT NULL DEFAULT 0,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (email_key, purpose)
) STRICT, WITHOUT ROWID;
CREATE INDEX mailed_codes_expiry ON mailed_codes (expires_at_ms);

-- What users tell of themselves; no row: nothing. sex: 0 not said, 1 female,
-- 2 male, 3 other.
CREATE TABLE profiles (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    nick TEXT NOT NULL,
    avatar TEXT NOT NULL,
    sex INTEGER NOT NULL,
    description TEXT NOT NULL
) STRICT;

-- Accounts that are not in use. state: 1 deactivated, 2 deleted. pending: what
-- a deleted one leaves behind is still to be cleared away; erase: its messages
-- as well, done up to a place (conversation, seq).
CREATE TABLE departures (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    state INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    pending INTEGER NOT NULL DEFAULT 0,
    erase INTEGER NOT NULL DEFAULT 0,
    conversation_id INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX departures_pending ON departures (pending, user_id);
