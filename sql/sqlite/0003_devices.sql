-- What log-ins and users are seen by. Beside `logins` and `users`, as the
-- MySQL schema has it.

-- One row per log-in that named a device or was seen; ends with the log-in.
CREATE TABLE login_devices (
    login_id TEXT NOT NULL PRIMARY KEY REFERENCES logins (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL
) STRICT;

-- When a user was last online.
CREATE TABLE users_seen (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    last_seen_ms INTEGER NOT NULL
) STRICT;
