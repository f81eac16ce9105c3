-- What the guard keeps of people's choices beside their suppressions.

-- Words that mean an opt-out or an opt-in in one workspace, beside those that mean it everywhere.
CREATE TABLE guard_keyword (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    -- 1 opt-out, 2 opt-in, 3 neither.
    label        INTEGER NOT NULL,
    words        TEXT NOT NULL,
    -- As it is compared: two with one key are one.
    compared     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX guard_keyword_compared ON guard_keyword (workspace_id, compared);

-- Files of people to suppress, and how far they came.
CREATE TABLE suppression_import (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    -- 1 running, 2 done.
    state        INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    -- Rows with a number.
    total        INTEGER NOT NULL,
    -- Parts of the file that are done.
    position     INTEGER NOT NULL,
    added        INTEGER NOT NULL,
    known        INTEGER NOT NULL,
    -- Rows without one.
    bad          INTEGER NOT NULL,
    -- JSON: the first of them, by line.
    faults       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppression_import_running ON suppression_import (workspace_id) WHERE state = 1;
-- What is still to be done of them.
CREATE TABLE suppression_import_part (
    workspace_id BLOB NOT NULL,
    import_id    BLOB NOT NULL,
    part         INTEGER NOT NULL,
    -- Sealed: numbers and reasons.
    body         BLOB NOT NULL,
    PRIMARY KEY (workspace_id, import_id, part),
    FOREIGN KEY (workspace_id, import_id) REFERENCES suppression_import (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- How often a person's choices were answered within an hour, so that two programs do not answer each other for ever.
ALTER TABLE conversation ADD COLUMN replies_since INTEGER;
ALTER TABLE conversation ADD COLUMN replies INTEGER;

-- The blind index of the person whose words wait for a decision.
ALTER TABLE review ADD COLUMN person BLOB;
CREATE INDEX review_person ON review (workspace_id, person) WHERE person IS NOT NULL AND state = 1;
