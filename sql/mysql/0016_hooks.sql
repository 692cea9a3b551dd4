-- What the operator's hook is to be told of. Every statement can be run again.

-- One row for each conversation in which something was said or changed that the hook did not take yet; written in the
-- transaction that does it, while a hook is set up. It stays until all of the conversation was taken.
CREATE TABLE IF NOT EXISTS hook_queue (
    conversation_id BIGINT NOT NULL,
    -- The hook has messages up to this one,
    seq BIGINT NOT NULL,
    -- and changes of messages up to this one.
    change_seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; a node that tries it puts it off first.
    due_at_ms BIGINT NOT NULL,
    -- Since when it waits, or since when something of it was last taken.
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id),
    KEY hook_queue_due (due_at_ms),
    KEY hook_queue_age (since_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
