-- Who may look after the server, and what they did. Every statement can be run again.

CREATE TABLE IF NOT EXISTS operators (
    user_id BIGINT NOT NULL,
    granted_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT operators_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- actor_id 0: the command line. Written before what it tells of is done.
CREATE TABLE IF NOT EXISTS audit (
    id BIGINT NOT NULL AUTO_INCREMENT,
    at_ms BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    action VARCHAR(64) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    -- JSON.
    details MEDIUMTEXT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
