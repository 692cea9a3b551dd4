-- Files of users. Their bytes are elsewhere, in parts; here is what they are.

CREATE TABLE files (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    -- All parts but the last one have so many bytes.
    part_bytes INTEGER NOT NULL,
    received_bytes INTEGER NOT NULL DEFAULT 0,
    -- Names of the parts, 8 bytes each.
    parts BLOB NOT NULL,
    -- SHA-256 that its owner told.
    digest BLOB,
    -- 0 being uploaded, 1 ready, 2 to be deleted.
    state INTEGER NOT NULL DEFAULT 0,
    -- What its bytes are; empty: not known.
    mime TEXT NOT NULL DEFAULT '',
    -- Of images, in pixels.
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    -- Type of its thumbnail; empty: it has none.
    thumbnail TEXT NOT NULL DEFAULT '',
    created_at_ms INTEGER NOT NULL,
    -- When somebody has to see whether it is still needed.
    due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX files_owner ON files (owner_id, id);
CREATE INDEX files_due ON files (due_ms);

-- The messages that carry a file.
CREATE TABLE file_refs (
    file_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (file_id, conversation_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_refs_place ON file_refs (conversation_id, seq);

-- What the files of a user take that are not to be deleted.
CREATE TABLE file_usage (
    user_id INTEGER NOT NULL PRIMARY KEY,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
