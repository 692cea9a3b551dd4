-- Messages whose time ends. Every statement can be run again.

-- How long messages sent from now on stay; 0: for ever.
SET @add_column = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'conversations' AND column_name = 'expires_in_ms') = 0,
    'ALTER TABLE conversations ADD COLUMN expires_in_ms BIGINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- From then on the message lets nobody read the file; 0: it always does.
SET @add_column = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'file_refs' AND column_name = 'expires_at_ms') = 0,
    'ALTER TABLE file_refs ADD COLUMN expires_at_ms BIGINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

-- Messages of which something is to be erased: all of them, or what they quote.
CREATE TABLE IF NOT EXISTS expiries (
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- When; a node that takes it puts it off first.
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    KEY expiries_due (due_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
