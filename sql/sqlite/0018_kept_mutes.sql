-- Mutes of those who left a group while they were in force: coming back does not end them.
CREATE TABLE kept_mutes (
    conversation_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    -- ms since the epoch.
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
