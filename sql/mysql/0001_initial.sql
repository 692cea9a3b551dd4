-- Times are milliseconds since the epoch. Columns named *_key hold folded text
-- and are VARBINARY, so that they are compared byte by byte and without the
-- padding of text collations. MySQL commits each DDL statement by itself:
-- every statement here can be run again.

CREATE TABLE IF NOT EXISTS users (
    id BIGINT NOT NULL AUTO_INCREMENT,
    username VARCHAR(255) NOT NULL,
    username_key VARBINARY(512) NOT NULL,
    email_key VARBINARY(512) NULL,
    password_hash VARCHAR(512) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY users_username (username_key),
    UNIQUE KEY users_email (email_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS logins (
    id VARBINARY(64) NOT NULL,
    user_id BIGINT NOT NULL,
    -- SHA-256 of the current refresh token, and of the sid cookie's value.
    refresh_hash BINARY(32) NOT NULL,
    cookie_hash BINARY(32) NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY logins_refresh (refresh_hash),
    UNIQUE KEY logins_cookie (cookie_hash),
    KEY logins_user (user_id, expires_at_ms),
    CONSTRAINT logins_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Refresh tokens that were rotated away: whoever shows one is a thief, or was
-- robbed. A row is of use for as long as the token itself would have lived.
CREATE TABLE IF NOT EXISTS spent_refreshes (
    refresh_hash BINARY(32) NOT NULL,
    login_id VARBINARY(64) NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (refresh_hash),
    KEY spent_refreshes_login (login_id, expires_at_ms),
    CONSTRAINT spent_of_login FOREIGN KEY (login_id) REFERENCES logins (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS signing_keys (
    id VARBINARY(64) NOT NULL,
    secret VARBINARY(255) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- kind: 1 direct, 2 group, 3 room (oort.v1.ConversationKind).
CREATE TABLE IF NOT EXISTS conversations (
    id BIGINT NOT NULL AUTO_INCREMENT,
    kind TINYINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    -- Rooms only.
    name_key VARBINARY(1024) NULL,
    -- 0: the server.
    creator_id BIGINT NOT NULL,
    -- Direct only: the smaller and the larger user id.
    user_lo BIGINT NULL,
    user_hi BIGINT NULL,
    -- Place and time of the newest message; 0: none yet.
    last_seq BIGINT NOT NULL DEFAULT 0,
    last_at_ms BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY conversations_room (name_key),
    UNIQUE KEY conversations_direct (user_lo, user_hi),
    KEY conversations_kind (kind, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Of groups and direct conversations; open rooms have no rows.
CREATE TABLE IF NOT EXISTS members (
    conversation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    joined_at_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id),
    KEY members_user (user_id, conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- kind: 0 text, 1 system (oort.v1.MessageKind). The sender's name is the one
-- the message was delivered with. client_msg_id is NULL in system messages.
CREATE TABLE IF NOT EXISTS messages (
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    sender_id BIGINT NOT NULL,
    sender_name VARCHAR(255) NOT NULL,
    client_msg_id VARBINARY(64) NULL,
    kind TINYINT NOT NULL,
    content MEDIUMTEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    UNIQUE KEY messages_client_msg_id (sender_id, client_msg_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per transaction that has something to publish: an encoded
-- oort.v1.OutboxBatch. Owner '' is nobody: the next one who adopts gets it.
CREATE TABLE IF NOT EXISTS outbox (
    id BIGINT NOT NULL AUTO_INCREMENT,
    owner VARBINARY(255) NOT NULL,
    payload LONGBLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_owner (owner, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A transaction that writes the outbox locks its owner's row first, so that
-- the ids of one owner rise in the order of commits.
CREATE TABLE IF NOT EXISTS owners (
    owner VARBINARY(255) NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    PRIMARY KEY (owner)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO conversations (id, kind, name, name_key, creator_id, created_at_ms) VALUES
    (1, 3, 'General', 'general', 0, 0),
    (2, 3, 'Random', 'random', 0, 0),
    (3, 3, 'Help', 'help', 0, 0),
    (4, 3, 'News', 'news', 0, 0),
    (5, 3, 'Music', 'music', 0, 0),
    (6, 3, 'Games', 'games', 0, 0),
    (7, 3, 'Sports', 'sports', 0, 0),
    (8, 3, 'Tech', 'tech', 0, 0);
