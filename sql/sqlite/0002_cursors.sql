-- How far users have got in conversations: read_seq is never above
-- delivered_seq, and neither falls. No row: nothing yet in a conversation the
-- user was in from its start; in an older open room, where it begins is
-- written when the user is first shown it.
CREATE TABLE cursors (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX cursors_conversation ON cursors (conversation_id);

-- For counting one's own messages above a place.
CREATE INDEX messages_sender ON messages (sender_id, conversation_id, seq);
