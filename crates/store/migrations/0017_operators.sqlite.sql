-- Visits: when an operator may read in a workspace, and why. The workspace's own.
CREATE TABLE operator_visit (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    operator_id  BLOB NOT NULL,
    reason       TEXT NOT NULL,
    content      INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- Before its time, and by whom.
    ended_at     INTEGER,
    ended_by     TEXT,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
-- The one that is open, for each request inside.
CREATE INDEX operator_visit_open ON operator_visit (workspace_id, operator_id, expires_at) WHERE ended_at IS NULL;

-- What operators set for a workspace as a whole.
ALTER TABLE workspace ADD COLUMN sending_paused_at INTEGER;
ALTER TABLE workspace ADD COLUMN sending_paused_why TEXT;
ALTER TABLE workspace ADD COLUMN review_since INTEGER;
ALTER TABLE workspace ADD COLUMN review_why TEXT;
-- The name of a preset of limits.
ALTER TABLE workspace ADD COLUMN plan TEXT;
