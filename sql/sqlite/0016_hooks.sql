-- What the operator's hook is to be told of, see sql/mysql/0016_hooks.sql.
CREATE TABLE hook_queue (
    conversation_id INTEGER NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    change_seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_queue_due ON hook_queue (due_at_ms);
CREATE INDEX hook_queue_age ON hook_queue (since_ms);
