-- Notifications for devices that are away.

-- Where the client of a log-in is told of messages while it is away. kind: 1 webhook, 2 Web Push, 3 FCM, 4 APNs.
-- address: a URL or a device token. secret: what a webhook is signed with, or the keys of a browser.
-- address_hash: SHA-256 of what only one log-in may have.
CREATE TABLE notification_targets (
    login_id TEXT NOT NULL PRIMARY KEY REFERENCES logins (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    address TEXT NOT NULL,
    address_hash BLOB NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX notification_targets_user ON notification_targets (user_id);

-- Messages that nobody was notified of yet: a row for each batch of sends, written in its transaction, while there are
-- targets at all. payload: JSON, [[conversation, seq, sender], ...], the newest message of each sender.
CREATE TABLE notification_feed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    payload BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- It may be taken again from then on.
    due_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX notification_feed_due ON notification_feed (due_at_ms);

-- What is to be sent: one row for each device and conversation, whatever was written there. It stays until the target
-- took it, or it has become pointless.
CREATE TABLE notifications (
    login_id TEXT NOT NULL REFERENCES notification_targets (login_id) ON DELETE CASCADE,
    conversation_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    -- The newest message of others.
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- When it is tried next; whoever tries it puts it off first.
    due_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (login_id, conversation_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_due ON notifications (due_at_ms);
CREATE INDEX notifications_age ON notifications (created_at_ms);
