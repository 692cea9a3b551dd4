-- The words by which messages are found, made after the fact from `messages`.

-- at_ms: when the message was written, which rises with seq: within a
-- conversation the messages with a word are read newest first.
CREATE TABLE search_words (
    conversation_id INTEGER NOT NULL,
    -- Folded.
    word TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, word, at_ms)
) STRICT, WITHOUT ROWID;

-- The words of messages up to seq are there. No row: of none.
CREATE TABLE search_cursors (
    conversation_id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;

-- One row: how far the look for conversations that were forgotten has got, and whose it is.
CREATE TABLE search_sweep (
    id INTEGER PRIMARY KEY,
    after_id INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL
) STRICT;

INSERT INTO search_sweep (id, after_id, owner, lease_until_ms) VALUES (1, 0, '', 0);
