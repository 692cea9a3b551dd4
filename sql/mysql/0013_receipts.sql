-- Who tells others how far they have read, who appears offline, and who has
-- read a message. Every statement can be run again.

-- sends_receipts: 0: others are not told how far the user has read, nor the
-- user of others. invisible_since_ms: since when the user appears offline; 0:
-- they do not.
SET @add_columns = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'contact_settings' AND column_name = 'sends_receipts') = 0,
    'ALTER TABLE contact_settings ADD COLUMN sends_receipts TINYINT NOT NULL DEFAULT 1,
                                  ADD COLUMN invisible_since_ms BIGINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_columns FROM @add_columns;
EXECUTE add_columns;
DEALLOCATE PREPARE add_columns;

-- Who has read a message: in the place of the index by conversation alone,
-- which it serves as well.
SET @make_index = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = 'cursors' AND index_name = 'cursors_read') = 0,
    'ALTER TABLE cursors ADD INDEX cursors_read (conversation_id, read_seq), DROP INDEX cursors_conversation',
    'DO 0'
);
PREPARE make_index FROM @make_index;
EXECUTE make_index;
DEALLOCATE PREPARE make_index;

-- By whom a user is blocked.
SET @make_index = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = 'contacts' AND index_name = 'contacts_blockers') = 0,
    'CREATE INDEX contacts_blockers ON contacts (peer_id, blocked, user_id)',
    'DO 0'
);
PREPARE make_index FROM @make_index;
EXECUTE make_index;
DEALLOCATE PREPARE make_index;
