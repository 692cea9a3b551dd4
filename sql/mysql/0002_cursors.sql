-- How far users have got in conversations: read_seq is never above
-- delivered_seq, and neither falls. No row: nothing yet in a conversation the
-- user was in from its start; in an older open room, where it begins is
-- written when the user is first shown it.
CREATE TABLE IF NOT EXISTS cursors (
    user_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    delivered_seq BIGINT NOT NULL,
    read_seq BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id),
    KEY cursors_conversation (conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- For counting one's own messages above a place. CREATE INDEX cannot be run
-- again everywhere, so it is only where the index is not there yet.
SET @make_index = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = 'messages' AND index_name = 'messages_sender') = 0,
    'CREATE INDEX messages_sender ON messages (sender_id, conversation_id, seq)',
    'DO 0'
);
PREPARE make_index FROM @make_index;
EXECUTE make_index;
DEALLOCATE PREPARE make_index;
