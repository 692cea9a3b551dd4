-- Changes of messages: each conversation counts its own. The message's row has
-- what it is now.

CREATE TABLE changes (
    conversation_id INTEGER NOT NULL,
    -- 1, 2, 3, ... without holes.
    change_seq INTEGER NOT NULL,
    -- The message.
    seq INTEGER NOT NULL,
    -- oort.v1.ChangeEvent.Kind.
    kind INTEGER NOT NULL,
    -- 0: the server.
    actor_id INTEGER NOT NULL,
    actor_name TEXT NOT NULL,
    -- Of a reaction; else empty.
    emoji TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, change_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq, user_id, emoji)
) STRICT, WITHOUT ROWID;

-- Messages that a user had removed for themselves.
CREATE TABLE hidden (
    user_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, seq)
) STRICT, WITHOUT ROWID;

-- Place and time of the newest change of a message; 0: none yet.
ALTER TABLE conversations ADD COLUMN change_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN changed_at_ms INTEGER NOT NULL DEFAULT 0;

-- What a message has beside its text, as an encoded oort.v1.MessageExtra.
ALTER TABLE messages ADD COLUMN extra BLOB;
