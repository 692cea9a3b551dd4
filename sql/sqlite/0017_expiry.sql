-- Messages whose time ends.

-- How long messages sent from now on stay; 0: for ever.
ALTER TABLE conversations ADD COLUMN expires_in_ms INTEGER NOT NULL DEFAULT 0;

-- From then on the message lets nobody read the file; 0: it always does.
ALTER TABLE file_refs ADD COLUMN expires_at_ms INTEGER NOT NULL DEFAULT 0;

-- Messages of which something is to be erased: all of them, or what they quote.
CREATE TABLE expiries (
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- When; who takes it puts it off first.
    due_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX expiries_due ON expiries (due_ms);
