-- What operators may, whom they keep out or silent, and the keys of servers.
-- Every statement can be run again.

-- 1 viewer, 2 moderator, 3 administrator: who had the role before roles were
-- told apart might do everything.
SET @add_role = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'operators' AND column_name = 'role') = 0,
    'ALTER TABLE operators ADD COLUMN role TINYINT NOT NULL DEFAULT 3',
    'DO 0'
);
PREPARE add_role FROM @add_role;
EXECUTE add_role;
DEALLOCATE PREPARE add_role;

-- kind: 1 banned, 2 muted. until_ms: 0: without end. What is over stays until
-- the next one takes its place.
CREATE TABLE IF NOT EXISTS sanctions (
    kind TINYINT NOT NULL,
    user_id BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    reason VARCHAR(1024) NOT NULL,
    -- The operator.
    actor_id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, user_id),
    CONSTRAINT sanction_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Keys by which servers use the API.
CREATE TABLE IF NOT EXISTS api_keys (
    id BIGINT NOT NULL AUTO_INCREMENT,
    name VARCHAR(255) NOT NULL,
    -- The beginning of the key, by which people know it again.
    prefix VARBINARY(32) NOT NULL,
    -- SHA-256 of the key.
    key_hash BINARY(32) NOT NULL,
    -- Names of scopes, with blanks between them.
    scopes VARBINARY(255) NOT NULL,
    -- The account it acts as; 0: none.
    user_id BIGINT NOT NULL,
    -- The operator.
    creator_id BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- 0: it does not end by itself.
    expires_at_ms BIGINT NOT NULL,
    -- 0: never.
    used_at_ms BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY api_keys_hash (key_hash)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
