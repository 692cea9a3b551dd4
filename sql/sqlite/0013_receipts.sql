-- Who tells others how far they have read, who appears offline, and who has
-- read a message.

-- sends_receipts: 0: others are not told how far the user has read, nor the
-- user of others. invisible_since_ms: since when the user appears offline; 0:
-- they do not.
ALTER TABLE contact_settings ADD COLUMN sends_receipts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE contact_settings ADD COLUMN invisible_since_ms INTEGER NOT NULL DEFAULT 0;

-- Who has read a message: in the place of the index by conversation alone,
-- which it serves as well.
CREATE INDEX cursors_read ON cursors (conversation_id, read_seq);
DROP INDEX cursors_conversation;

-- By whom a user is blocked.
CREATE INDEX contacts_blockers ON contacts (peer_id, blocked, user_id);
