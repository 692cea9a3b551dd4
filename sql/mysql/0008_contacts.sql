-- Who knows whom, who blocks whom, and who finds whom. Every statement can be run again.

-- Who finds a user by what: 0 everyone, 1 contacts, 2 nobody. Whoever changes
-- what is between two users makes and locks the rows of both, the smaller id first.
CREATE TABLE IF NOT EXISTS contact_settings (
    user_id BIGINT NOT NULL,
    find_by_name TINYINT NOT NULL DEFAULT 0,
    find_by_email TINYINT NOT NULL DEFAULT 2,
    find_by_id TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id),
    CONSTRAINT contact_settings_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a user holds of another: a row on each side, written in one transaction.
-- state: 0 nothing, 1 asked, 2 is asked, 3 put the request away, 4 contact; an
-- expired request (expires_at_ms is not 0 and over) counts as nothing.
CREATE TABLE IF NOT EXISTS contacts (
    user_id BIGINT NOT NULL,
    peer_id BIGINT NOT NULL,
    state TINYINT NOT NULL,
    -- The user takes nothing from the peer.
    blocked TINYINT NOT NULL,
    remark VARCHAR(255) NOT NULL,
    message VARCHAR(1024) NOT NULL,
    -- Since when the state is as it is.
    changed_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, peer_id),
    KEY contacts_state (user_id, state, peer_id),
    KEY contacts_blocked (user_id, blocked, peer_id),
    CONSTRAINT contacts_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Direct only: 1 the smaller user id blocks the larger, 2 the other way round.
-- Beside what a send locks and reads anyway. ALTER TABLE cannot be run again
-- everywhere, so it is only where the column is not there yet.
SET @add_column = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'conversations' AND column_name = 'blocked') = 0,
    'ALTER TABLE conversations ADD COLUMN blocked TINYINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
