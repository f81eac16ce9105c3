-- What keeps verifications from being misused, what became of them in numbers, and what workspaces set.

-- What is remembered of a phone, an address, a range of numbers or the workspace, packed.
CREATE TABLE verification_counter (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    mode         INTEGER NOT NULL,
    -- 1 the workspace, 2 a phone, 3 an address, 4 a range of numbers, 5 a region.
    subject      INTEGER NOT NULL,
    -- The blind index of what it is.
    key          BLOB NOT NULL,
    state        BLOB NOT NULL,
    touched_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX verification_counter_touched ON verification_counter (workspace_id, touched_at);

-- Countries in which somebody was verified.
CREATE TABLE verification_country (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    -- Two letters.
    country      TEXT NOT NULL,
    verified_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, country)
) STRICT, WITHOUT ROWID;

-- How many verifications came how far, by the hour (since 1970) in which they were begun. Texts are empty where nothing is
-- known.
CREATE TABLE verification_stat (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    mode         INTEGER NOT NULL,
    hour         INTEGER NOT NULL,
    flow         INTEGER NOT NULL,
    country      TEXT NOT NULL,
    channel_id   BLOB NOT NULL,
    template     TEXT NOT NULL,
    created      INTEGER NOT NULL,
    sent         INTEGER NOT NULL,
    delivered    INTEGER NOT NULL,
    approved     INTEGER NOT NULL,
    expired      INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    cancelled    INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, mode, hour, flow, country, channel_id, template),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- What of a verification was counted, so that it is once: 1 sent, 2 delivered.
ALTER TABLE verification ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;

-- JSON: the workspace's own settings of verifications.
ALTER TABLE workspace ADD COLUMN verification TEXT;
