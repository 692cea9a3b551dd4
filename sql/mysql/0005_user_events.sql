-- What changed for a user and is no message of a conversation: contacts,
-- settings, the profile. seq counts 1, 2, 3, … for each user; old rows go.

-- The newest event of each user who ever had one.
CREATE TABLE IF NOT EXISTS user_heads (
    user_id BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- at_ms rises with seq, so what is deleted by age is deleted from the start.
CREATE TABLE IF NOT EXISTS user_events (
    user_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind VARCHAR(64) NOT NULL,
    -- JSON.
    data MEDIUMTEXT NOT NULL,
    PRIMARY KEY (user_id, seq),
    KEY user_events_age (at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
