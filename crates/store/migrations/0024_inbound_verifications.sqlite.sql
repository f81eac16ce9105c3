-- Codes that people send to us, pages at which they prove their number, and endpoints that are told in another form.

-- The verification that a code belongs to which somebody is to send to a channel, while it is pending.
CREATE TABLE spoken_code (
    workspace_id    BLOB NOT NULL REFERENCES workspace (id),
    channel_id      BLOB NOT NULL,
    -- A keyed digest of the code, bound to the channel: of the codes that are pending there no two are alike.
    digest          BLOB NOT NULL,
    verification_id BLOB NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, digest),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- How often a person sent codes lately that were nobody's, or another's.
CREATE TABLE spoken_miss (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    -- The blind index of the sender.
    person       BLOB NOT NULL,
    since        INTEGER NOT NULL,
    misses       INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification_page (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    channel_id   BLOB NOT NULL,
    -- What its owner calls it.
    name         TEXT NOT NULL,
    -- JSON: everything that visitors see, and where they may go back to.
    settings     TEXT NOT NULL,
    -- SHA-256 of the end of its address.
    digest       BLOB NOT NULL,
    -- Sealed: the end of its address.
    token        BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- Finds the workspace of a page when a visitor opens its address.
CREATE TABLE verification_page_index (
    digest       BLOB PRIMARY KEY,
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspace (id)
) STRICT, WITHOUT ROWID;

-- What the requests look like: 1 ours, 2 LoginWA's.
ALTER TABLE endpoint ADD COLUMN payload_format INTEGER NOT NULL DEFAULT 1;
