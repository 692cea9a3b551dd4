-- Who may look after the server, and what they did.

CREATE TABLE operators (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    granted_at_ms INTEGER NOT NULL
) STRICT;

-- actor_id 0: the command line. Written before what it tells of is done.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- JSON.
    details TEXT NOT NULL
) STRICT;
