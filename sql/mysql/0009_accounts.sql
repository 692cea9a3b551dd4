-- What accounts change by themselves. Beside `users`, so that every statement
-- can be run again.

-- Codes sent by mail, one per address and purpose: a new one replaces the one
-- before. purpose: 1 sign-up, 2 reset of a password.
CREATE TABLE IF NOT EXISTS mailed_codes (
    email_key VARBINARY(512) NOT NULL,
    purpose TINYINT NOT NULL,
    -- SHA-256 of address, purpose and code.
    code_hash BINARY(32) NOT NULL,
    -- Wrong ones given so far.
    attempts INT NOT NULL DEFAULT 0,
    expires_at_ms BIGINT NOT NULL,
    PRIMARY KEY (email_key, purpose),
    KEY mailed_codes_expiry (expires_at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What users tell of themselves; no row: nothing. sex: 0 not said, 1 female,
-- 2 male, 3 other.
CREATE TABLE IF NOT EXISTS profiles (
    user_id BIGINT NOT NULL,
    nick VARCHAR(255) NOT NULL,
    avatar VARCHAR(2048) NOT NULL,
    sex TINYINT NOT NULL,
    description VARCHAR(4096) NOT NULL,
    PRIMARY KEY (user_id),
    CONSTRAINT profile_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Accounts that are not in use. state: 1 deactivated, 2 deleted. pending: what
-- a deleted one leaves behind is still to be cleared away; erase: its messages
-- as well, done up to a place (conversation, seq).
CREATE TABLE IF NOT EXISTS departures (
    user_id BIGINT NOT NULL,
    state TINYINT NOT NULL,
    at_ms BIGINT NOT NULL,
    pending TINYINT NOT NULL DEFAULT 0,
    erase TINYINT NOT NULL DEFAULT 0,
    conversation_id BIGINT NOT NULL DEFAULT 0,
    seq BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id),
    KEY departures_pending (pending, user_id),
    CONSTRAINT departure_of_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
