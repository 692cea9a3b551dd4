-- What changed for a user and is no message of a conversation: contacts,
-- settings, the profile. seq counts 1, 2, 3, … for each user; old rows go.

-- The newest event of each user who ever had one.
CREATE TABLE user_heads (
    user_id INTEGER NOT NULL PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL
) STRICT;

-- at_ms rises with seq, so what is deleted by age is deleted from the start.
CREATE TABLE user_events (
    user_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- JSON.
    data TEXT NOT NULL,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_events_age ON user_events (at_ms);
