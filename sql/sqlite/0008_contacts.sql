-- Who knows whom, who blocks whom, and who finds whom.

-- Who finds a user by what: 0 everyone, 1 contacts, 2 nobody.
CREATE TABLE contact_settings (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    find_by_name INTEGER NOT NULL DEFAULT 0,
    find_by_email INTEGER NOT NULL DEFAULT 2,
    find_by_id INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a user holds of another: a row on each side, written in one transaction.
-- state: 0 nothing, 1 asked, 2 is asked, 3 put the request away, 4 contact; an
-- expired request (expires_at_ms is not 0 and over) counts as nothing.
CREATE TABLE contacts (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    peer_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    -- The user takes nothing from the peer.
    blocked INTEGER NOT NULL,
    remark TEXT NOT NULL,
    message TEXT NOT NULL,
    -- Since when the state is as it is.
    changed_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, peer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_state ON contacts (user_id, state, peer_id);
CREATE INDEX contacts_blocked ON contacts (user_id, blocked, peer_id);

-- Direct only: 1 the smaller user id blocks the larger, 2 the other way round.
-- Beside what a send reads anyway.
ALTER TABLE conversations ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
