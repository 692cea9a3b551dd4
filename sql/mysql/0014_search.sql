-- The words by which messages are found, made after the fact from `messages`.
-- Every statement can be run again.

-- at_ms: when the message was written, which rises with seq: within a
-- conversation the messages with a word are read newest first.
CREATE TABLE IF NOT EXISTS search_words (
    conversation_id BIGINT NOT NULL,
    -- Folded, UTF-8.
    word VARBINARY(128) NOT NULL,
    at_ms BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, word, at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The words of messages up to seq are there. No row: of none.
CREATE TABLE IF NOT EXISTS search_cursors (
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: how far the look for conversations that were forgotten has got, and whose it is.
CREATE TABLE IF NOT EXISTS search_sweep (
    id TINYINT NOT NULL,
    after_id BIGINT NOT NULL,
    owner VARBINARY(255) NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO search_sweep (id, after_id, owner, lease_until_ms) VALUES (1, 0, '', 0);
