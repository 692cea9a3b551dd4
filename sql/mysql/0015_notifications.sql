-- Notifications for devices that are away. Every statement can be run again.

-- Where the client of a log-in is told of messages while it is away. kind: 1 webhook, 2 Web Push, 3 FCM, 4 APNs.
-- address: a URL or a device token. secret: what a webhook is signed with, or the keys of a browser.
-- address_hash: SHA-256 of what only one log-in may have.
CREATE TABLE IF NOT EXISTS notification_targets (
    login_id VARBINARY(64) NOT NULL,
    id VARBINARY(64) NOT NULL,
    user_id BIGINT NOT NULL,
    kind TINYINT NOT NULL,
    address VARBINARY(4096) NOT NULL,
    address_hash BINARY(32) NOT NULL,
    secret VARBINARY(255) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (login_id),
    UNIQUE KEY notification_targets_address (address_hash),
    KEY notification_targets_user (user_id),
    CONSTRAINT target_of_login FOREIGN KEY (login_id) REFERENCES logins (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Messages that nobody was notified of yet: a row for each batch of sends, written in its transaction, while there are
-- targets at all. payload: JSON, [[conversation, seq, sender], ...], the newest message of each sender.
CREATE TABLE IF NOT EXISTS notification_feed (
    id BIGINT NOT NULL AUTO_INCREMENT,
    payload MEDIUMBLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- Another node may take it from then on.
    due_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY notification_feed_due (due_at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is to be sent: one row for each device and conversation, whatever was written there. It stays until the target
-- took it, or it has become pointless.
CREATE TABLE IF NOT EXISTS notifications (
    login_id VARBINARY(64) NOT NULL,
    conversation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- The newest message of others.
    seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; a node that tries it puts it off first.
    due_at_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (login_id, conversation_id),
    KEY notifications_due (due_at_ms),
    KEY notifications_age (created_at_ms),
    CONSTRAINT notification_of_target FOREIGN KEY (login_id) REFERENCES notification_targets (login_id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
