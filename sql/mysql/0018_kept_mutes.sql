-- Mutes of those who left a group while they were in force: coming back does not end them. Can be run again.
CREATE TABLE IF NOT EXISTS kept_mutes (
    conversation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- ms since the epoch.
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
