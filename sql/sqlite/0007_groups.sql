-- Roles, what a group shows, the links by which people come in, what users
-- make of conversations for themselves, and keys of clients' requests.

-- 0 member, 1 admin, 2 owner: each group has exactly one.
ALTER TABLE members ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
-- May not send until then; 0: may.
ALTER TABLE members ADD COLUMN muted_until_ms INTEGER NOT NULL DEFAULT 0;
-- For the few who are not mere members.
CREATE INDEX members_role ON members (conversation_id, role) WHERE role > 0;

-- Groups only: how many are in it, kept with the rows of `members`.
ALTER TABLE conversations ADD COLUMN members_count INTEGER NOT NULL DEFAULT 0;
-- 1: only admins and the owner may send.
ALTER TABLE conversations ADD COLUMN muted_all INTEGER NOT NULL DEFAULT 0;
-- 0: it was not.
ALTER TABLE conversations ADD COLUMN dissolved_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN announcement TEXT;

UPDATE conversations SET members_count = (SELECT COUNT(*) FROM members m WHERE m.conversation_id = conversations.id)
WHERE kind = 2;

-- The creator owns the group; of those whose creator left, the member of the
-- lowest id does.
UPDATE members SET role = 2 WHERE EXISTS (
    SELECT 1 FROM conversations c WHERE c.id = members.conversation_id AND c.kind = 2
    AND members.user_id = COALESCE(
        (SELECT x.user_id FROM members x WHERE x.conversation_id = c.id AND x.user_id = c.creator_id),
        (SELECT MIN(x.user_id) FROM members x WHERE x.conversation_id = c.id)
    )
);

CREATE TABLE group_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL,
    -- SHA-256 of the token.
    token_hash BLOB NOT NULL UNIQUE,
    creator_id INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- 0: it does not end by itself.
    expires_at_ms INTEGER NOT NULL,
    -- 0: any number.
    uses_max INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX group_links_conversation ON group_links (conversation_id, id);

-- No row: not pinned, not muted.
CREATE TABLE conversation_settings (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    muted_until_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) STRICT, WITHOUT ROWID;

-- Requests that are not idempotent by themselves, by the SHA-256 of their
-- client's key; written in the transaction that does what was asked.
CREATE TABLE client_keys (
    user_id INTEGER NOT NULL,
    key_hash BLOB NOT NULL,
    -- SHA-256 of what was asked.
    fingerprint BLOB NOT NULL,
    -- What came of it, by whoever wrote it.
    subject BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_keys_at ON client_keys (at_ms);
