-- What the guard keeps of people's choices beside their suppressions.

-- Words that mean an opt-out or an opt-in in one workspace, beside those that mean it everywhere.
CREATE TABLE guard_keyword (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    -- 1 opt-out, 2 opt-in, 3 neither.
    label        BIGINT NOT NULL,
    words        TEXT COLLATE "C" NOT NULL,
    -- As it is compared: two with one key are one.
    compared     TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX guard_keyword_compared ON guard_keyword (workspace_id, compared);

-- Files of people to suppress, and how far they came.
CREATE TABLE suppression_import (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    mode         BIGINT NOT NULL,
    -- 1 running, 2 done.
    state        BIGINT NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    -- Rows with a number.
    total        BIGINT NOT NULL,
    -- Parts of the file that are done.
    position     BIGINT NOT NULL,
    added        BIGINT NOT NULL,
    known        BIGINT NOT NULL,
    -- Rows without one.
    bad          BIGINT NOT NULL,
    -- JSON: the first of them, by line.
    faults       TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX suppression_import_running ON suppression_import (workspace_id) WHERE state = 1;
-- What is still to be done of them.
CREATE TABLE suppression_import_part (
    workspace_id UUID NOT NULL,
    import_id    UUID NOT NULL,
    part         BIGINT NOT NULL,
    -- Sealed: numbers and reasons.
    body         BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, import_id, part),
    FOREIGN KEY (workspace_id, import_id) REFERENCES suppression_import (workspace_id, id)
);

-- How often a person's choices were answered within an hour, so that two programs do not answer each other for ever.
ALTER TABLE conversation ADD COLUMN replies_since BIGINT;
ALTER TABLE conversation ADD COLUMN replies BIGINT;

-- The blind index of the person whose words wait for a decision.
ALTER TABLE review ADD COLUMN person BYTEA;
CREATE INDEX review_person ON review (workspace_id, person) WHERE person IS NOT NULL AND state = 1;

ALTER TABLE guard_keyword ENABLE ROW LEVEL SECURITY;
ALTER TABLE guard_keyword FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON guard_keyword USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE suppression_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppression_import FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON suppression_import USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE suppression_import_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppression_import_part FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON suppression_import_part USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
