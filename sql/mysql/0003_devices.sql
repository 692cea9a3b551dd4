-- What log-ins and users are seen by. Beside `logins` and `users`, so that what
-- is written often does not lock the rows by which people prove who they are.

-- One row per log-in that named a device or was seen; ends with the log-in.
CREATE TABLE IF NOT EXISTS login_devices (
    login_id VARBINARY(64) NOT NULL,
    device VARCHAR(255) NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (login_id),
    CONSTRAINT device_of_login FOREIGN KEY (login_id) REFERENCES logins (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- When a user was last online.
CREATE TABLE IF NOT EXISTS users_seen (
    user_id BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT seen_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
