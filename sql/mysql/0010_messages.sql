-- Changes of messages: each conversation counts its own. The message's row has
-- what it is now. Every statement can be run again.

CREATE TABLE IF NOT EXISTS changes (
    conversation_id BIGINT NOT NULL,
    -- 1, 2, 3, ... without holes.
    change_seq BIGINT NOT NULL,
    -- The message.
    seq BIGINT NOT NULL,
    -- oort.v1.ChangeEvent.Kind.
    kind TINYINT NOT NULL,
    -- 0: the server.
    actor_id BIGINT NOT NULL,
    actor_name VARCHAR(255) NOT NULL,
    -- Of a reaction; else empty.
    emoji VARBINARY(64) NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, change_seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS reactions (
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    emoji VARBINARY(64) NOT NULL,
    PRIMARY KEY (conversation_id, seq, user_id, emoji)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Messages that a user had removed for themselves.
CREATE TABLE IF NOT EXISTS hidden (
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Place and time of the newest change of a message; 0: none yet.
SET @add_columns = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'conversations' AND column_name = 'change_seq') = 0,
    'ALTER TABLE conversations ADD COLUMN change_seq BIGINT NOT NULL DEFAULT 0,
                               ADD COLUMN changed_at_ms BIGINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_columns FROM @add_columns;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;

-- What a message has beside its text, as an encoded oort.v1.MessageExtra.
SET @add_extra = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'messages' AND column_name = 'extra') = 0,
    'ALTER TABLE messages ADD COLUMN extra MEDIUMBLOB NULL',
    'DO 0'
);
PREPARE add_extra FROM @add_extra;
EXECUTE add_extra;
DEALLOCATE PREPARE add_extra;
