-- Several servers: what each of them needs beside the tables of one. Every statement can be run again.

-- The last id of a conversation that was given out in each shard: an id modulo 16 is its shard.
CREATE TABLE IF NOT EXISTS shard_ids (
    shard TINYINT NOT NULL,
    last_id BIGINT NOT NULL,
    PRIMARY KEY (shard)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- On servers that have no targets of notifications themselves: a row says that there are some on the first one.
CREATE TABLE IF NOT EXISTS listening (
    id TINYINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Until then a file is not discarded: somebody is about to send it into a conversation of another server.
CREATE TABLE IF NOT EXISTS file_holds (
    file_id BIGINT NOT NULL,
    -- Of who holds it.
    token BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (file_id, token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which server this is, of which store: number 0 has the users. No row: it is a store by itself.
CREATE TABLE IF NOT EXISTS store_server (
    id TINYINT NOT NULL,
    store CHAR(36) NOT NULL,
    number INT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- At server 0: which server has a shard's conversations.
CREATE TABLE IF NOT EXISTS shard_map (
    shard TINYINT NOT NULL,
    server INT NOT NULL,
    PRIMARY KEY (shard)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- At server 0: what was about to be changed of a user (`other` 0) or of who of two blocks whom, until the other servers
-- have copies of it.
CREATE TABLE IF NOT EXISTS copies_due (
    id BIGINT NOT NULL,
    one BIGINT NOT NULL,
    other BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
