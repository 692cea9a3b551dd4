-- Files of users. Their bytes are elsewhere, in parts; here is what they are.
-- Every statement can be run again.

CREATE TABLE IF NOT EXISTS files (
    id BIGINT NOT NULL AUTO_INCREMENT,
    owner_id BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    size_bytes BIGINT NOT NULL,
    -- All parts but the last one have so many bytes.
    part_bytes INT NOT NULL,
    received_bytes BIGINT NOT NULL DEFAULT 0,
    -- Names of the parts, 8 bytes each.
    parts MEDIUMBLOB NOT NULL,
    -- SHA-256 that its owner told.
    digest BINARY(32) NULL,
    -- 0 being uploaded, 1 ready, 2 to be deleted.
    state TINYINT NOT NULL DEFAULT 0,
    -- What its bytes are; empty: not known.
    mime VARCHAR(127) NOT NULL DEFAULT '',
    -- Of images, in pixels.
    width INT NOT NULL DEFAULT 0,
    height INT NOT NULL DEFAULT 0,
    -- Type of its thumbnail; empty: it has none.
    thumbnail VARCHAR(127) NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL,
    -- When somebody has to see whether it is still needed.
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY files_owner (owner_id, id),
    KEY files_due (due_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The messages that carry a file.
CREATE TABLE IF NOT EXISTS file_refs (
    file_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (file_id, conversation_id, seq),
    KEY file_refs_place (conversation_id, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the files of a user take that are not to be deleted.
CREATE TABLE IF NOT EXISTS file_usage (
    user_id BIGINT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
