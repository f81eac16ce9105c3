-- What keeps verifications from being misused, what became of them in numbers, and what workspaces set.

-- What is remembered of a phone, an address, a range of numbers or the workspace, packed.
CREATE TABLE verification_counter (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    mode         BIGINT NOT NULL,
    -- 1 the workspace, 2 a phone, 3 an address, 4 a range of numbers, 5 a region.
    subject      BIGINT NOT NULL,
    -- The blind index of what it is.
    key          BYTEA NOT NULL,
    state        BYTEA NOT NULL,
    touched_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject, key)
);
CREATE INDEX verification_counter_touched ON verification_counter (workspace_id, touched_at);

-- Countries in which somebody was verified.
CREATE TABLE verification_country (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    -- Two letters.
    country      TEXT COLLATE "C" NOT NULL,
    verified_at  BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, country)
);

-- How many verifications came how far, by the hour (since 1970) in which they were begun. Texts are empty where nothing is
-- known.
CREATE TABLE verification_stat (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    mode         BIGINT NOT NULL,
    hour         BIGINT NOT NULL,
    flow         BIGINT NOT NULL,
    country      TEXT COLLATE "C" NOT NULL,
    channel_id   UUID NOT NULL,
    template     TEXT COLLATE "C" NOT NULL,
    created      BIGINT NOT NULL,
    sent         BIGINT NOT NULL,
    delivered    BIGINT NOT NULL,
    approved     BIGINT NOT NULL,
    expired      BIGINT NOT NULL,
    blocked      BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    cancelled    BIGINT NOT NULL,
    refused      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, mode, hour, flow, country, channel_id, template),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- What of a verification was counted, so that it is once: 1 sent, 2 delivered.
ALTER TABLE verification ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;

-- JSON: the workspace's own settings of verifications.
ALTER TABLE workspace ADD COLUMN verification TEXT COLLATE "C";

ALTER TABLE verification_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_counter FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON verification_counter USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE verification_country ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_country FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON verification_country USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE verification_stat ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_stat FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON verification_stat USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
