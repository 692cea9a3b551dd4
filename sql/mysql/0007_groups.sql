-- Roles, what a group shows, the links by which people come in, what users
-- make of conversations for themselves, and keys of clients' requests. Every
-- statement can be run again: columns are added only where the first of them
-- is not there yet, all of a table in one statement.

-- role: 0 member, 1 admin, 2 owner: each group has exactly one.
-- muted_until_ms: may not send until then; 0: may.
SET @add_columns = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'members' AND column_name = 'role') = 0,
    'ALTER TABLE members
         ADD COLUMN role TINYINT NOT NULL DEFAULT 0,
         ADD COLUMN muted_until_ms BIGINT NOT NULL DEFAULT 0,
         ADD INDEX members_role (conversation_id, role)',
    'DO 0'
);
PREPARE add_columns FROM @add_columns;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;

-- Groups only. members_count: how many are in it, kept with the rows of
-- `members`. muted_all: 1: only admins and the owner may send.
-- dissolved_at_ms: 0: it was not.
SET @add_columns = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'conversations' AND column_name = 'members_count') = 0,
    'ALTER TABLE conversations
         ADD COLUMN members_count BIGINT NOT NULL DEFAULT 0,
         ADD COLUMN muted_all TINYINT NOT NULL DEFAULT 0,
         ADD COLUMN dissolved_at_ms BIGINT NOT NULL DEFAULT 0,
         ADD COLUMN avatar VARCHAR(1024) NOT NULL DEFAULT '''',
         ADD COLUMN announcement TEXT NULL',
    'DO 0'
);
PREPARE add_columns FROM @add_columns;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;

UPDATE conversations c
JOIN (SELECT conversation_id, COUNT(*) AS members_count FROM members GROUP BY conversation_id) m
    ON m.conversation_id = c.id
SET c.members_count = m.members_count
WHERE c.kind = 2;

-- The creator owns the group; of those whose creator left, the member of the
-- lowest id does. Groups that have an owner are passed over.
UPDATE members m
JOIN (
    SELECT x.conversation_id,
           COALESCE(MAX(IF(x.user_id = c.creator_id, x.user_id, NULL)), MIN(x.user_id)) AS user_id
    FROM members x JOIN conversations c ON c.id = x.conversation_id AND c.kind = 2
    GROUP BY x.conversation_id HAVING MAX(x.role) < 2
) heir ON heir.conversation_id = m.conversation_id AND heir.user_id = m.user_id
SET m.role = 2;

CREATE TABLE IF NOT EXISTS group_links (
    id BIGINT NOT NULL AUTO_INCREMENT,
    conversation_id BIGINT NOT NULL,
    -- SHA-256 of the token.
    token_hash BINARY(32) NOT NULL,
    creator_id BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- 0: it does not end by itself.
    expires_at_ms BIGINT NOT NULL,
    -- 0: any number.
    uses_max BIGINT NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY group_links_token (token_hash),
    KEY group_links_conversation (conversation_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- No row: not pinned, not muted.
CREATE TABLE IF NOT EXISTS conversation_settings (
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    pinned TINYINT NOT NULL,
    muted_until_ms BIGINT NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Requests that are not idempotent by themselves, by the SHA-256 of their
-- client's key; written in the transaction that does what was asked.
CREATE TABLE IF NOT EXISTS client_keys (
    user_id BIGINT NOT NULL,
    key_hash BINARY(32) NOT NULL,
    -- SHA-256 of what was asked.
    fingerprint BINARY(32) NOT NULL,
    -- What came of it, by whoever wrote it.
    subject VARBINARY(255) NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, key_hash),
    KEY client_keys_at (at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
