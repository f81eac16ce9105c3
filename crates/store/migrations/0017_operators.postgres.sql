-- Visits: when an operator may read in a workspace, and why. The workspace's own.
CREATE TABLE operator_visit (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    operator_id  UUID NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    content      BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    -- Before its time, and by whom.
    ended_at     BIGINT,
    ended_by     TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, id)
);
-- The one that is open, for each request inside.
CREATE INDEX operator_visit_open ON operator_visit (workspace_id, operator_id, expires_at) WHERE ended_at IS NULL;

ALTER TABLE operator_visit ENABLE ROW LEVEL SECURITY;
ALTER TABLE operator_visit FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON operator_visit USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

-- What operators set for a workspace as a whole.
ALTER TABLE workspace ADD COLUMN sending_paused_at BIGINT;
ALTER TABLE workspace ADD COLUMN sending_paused_why TEXT COLLATE "C";
ALTER TABLE workspace ADD COLUMN review_since BIGINT;
ALTER TABLE workspace ADD COLUMN review_why TEXT COLLATE "C";
-- The name of a preset of limits.
ALTER TABLE workspace ADD COLUMN plan TEXT COLLATE "C";
