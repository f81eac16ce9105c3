-- Codes that people send to us, pages at which they prove their number, and endpoints that are told in another form.

-- The verification that a code belongs to which somebody is to send to a channel, while it is pending.
CREATE TABLE spoken_code (
    workspace_id    UUID NOT NULL REFERENCES workspace (id),
    channel_id      UUID NOT NULL,
    -- A keyed digest of the code, bound to the channel: of the codes that are pending there no two are alike.
    digest          BYTEA NOT NULL,
    verification_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, digest),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- How often a person sent codes lately that were nobody's, or another's.
CREATE TABLE spoken_miss (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    -- The blind index of the sender.
    person       BYTEA NOT NULL,
    since        BIGINT NOT NULL,
    misses       BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, person)
);

CREATE TABLE verification_page (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    mode         BIGINT NOT NULL,
    channel_id   UUID NOT NULL,
    -- What its owner calls it.
    name         TEXT COLLATE "C" NOT NULL,
    -- JSON: everything that visitors see, and where they may go back to.
    settings     TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the end of its address.
    digest       BYTEA NOT NULL,
    -- Sealed: the end of its address.
    token        BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- Finds the workspace of a page when a visitor opens its address.
CREATE TABLE verification_page_index (
    digest       BYTEA PRIMARY KEY,
    id           UUID NOT NULL,
    workspace_id UUID NOT NULL REFERENCES workspace (id)
);

-- What the requests look like: 1 ours, 2 LoginWA's.
ALTER TABLE endpoint ADD COLUMN payload_format BIGINT NOT NULL DEFAULT 1;

ALTER TABLE spoken_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE spoken_code FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON spoken_code USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE spoken_miss ENABLE ROW LEVEL SECURITY;
ALTER TABLE spoken_miss FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON spoken_miss USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE verification_page ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_page FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON verification_page USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
